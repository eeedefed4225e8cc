"""The suites behind `python -m studio evaluate SUITE`: name -> what runs it and returns a plain dict for JSON."""

from collections.abc import Callable
from typing import Any

from pipelines.evaluation.autoencoder import autoencoder
from pipelines.evaluation.options import Options
from pipelines.evaluation.schedule import schedule
from pipelines.evaluation.theatre import prompts, theatre

Suite = Callable[[Options], dict[str, Any]]


def _suite(function: Suite) -> Callable[[object], dict[str, Any]]:
    return lambda given: function(given if isinstance(given, Options) else Options.of(given))


# Each takes `Options` or anything that has some of its attributes, the parsed arguments of a command for instance.
SUITES: dict[str, Callable[[object], dict[str, Any]]] = {
    function.__name__: _suite(function) for function in (theatre, autoencoder, schedule, prompts)
}

"""Keeps the libraries quiet: their bars, advice and notes on their own future are for programmers, not for people."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import diffusers
import transformers
from transformers import dynamic_module_utils


@contextmanager
def hushed() -> Iterator[None]:
    """From now on diffusers and transformers draw no bars, give no advice and ask nothing; inside, nothing warns."""
    dynamic_module_utils.TIME_OUT_REMOTE_CODE = 0  # seconds to answer on stdin whether a model's code may run
    for library in (diffusers.utils.logging, transformers.utils.logging):
        library.disable_progress_bar()
        library.set_verbosity_error()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield

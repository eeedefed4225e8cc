"""Keeps the libraries quiet: their bars, advice and notes on their own future are for programmers, not for people."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import diffusers
import transformers


@contextmanager
def hushed() -> Iterator[None]:
    """From now on diffusers and transformers draw no bars and give no advice; inside, nothing warns."""
    for library in (diffusers.utils.logging, transformers.utils.logging):
        library.disable_progress_bar()
        library.set_verbosity_error()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield

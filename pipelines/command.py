"""What every command line of this project shares: one sentence for what is wrong, and an exit code for every end."""

import argparse
import contextlib
import sys
from collections.abc import Callable
from typing import Any, NoReturn, TextIO

from pipelines.errors import BadRequest, Cancelled, StudioError

DONE, BUG, WRONG, MISSING, STOPPED = 0, 1, 2, 3, 130  # exit codes


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, without the usage. Words and options may come in any order."""

    mixed = True  # False where commands lie within: argparse cannot do both

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **{"formatter_class": argparse.RawDescriptionHelpFormatter, **kwargs})

    def error(self, message: str) -> NoReturn:
        note(message.removeprefix("argument "))
        raise SystemExit(WRONG)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """As argparse does; by itself it would not find the words that stand behind an option."""
        if not self.mixed:
            return super().parse_known_args(args, namespace)
        self.mixed = False  # it calls this twice: for the options, then for the words
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self.mixed = True


def number(kind: type) -> Callable[[str], Any]:
    """Reads a number of this kind, with a sentence for a person instead of Python's."""
    words = {int: "a whole number", float: "a number"}[kind]

    def read(text: str) -> Any:
        try:
            if "_" in text or not text.isascii():  # which Python would take
                raise ValueError(text)
            return kind(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"must be {words}, got {text[:40]!r}") from error

    return read


def note(sentence: str) -> None:
    """One sentence for the person, on stderr, if anybody listens there."""
    write(sys.stderr, f"{sentence}\n")


def write(stream: TextIO | None, text: str) -> None:
    """Text for whoever listens; that nobody does is no reason to stop."""
    with contextlib.suppress(OSError, ValueError, AttributeError):  # a full disk, closed, or none at all
        stream.write(text)
        stream.flush()


def run(main: Callable[[], object]) -> NoReturn:
    """Ends the process with the exit code of `main`: what a person can put right is a sentence on stderr."""
    try:
        main()
    except (KeyboardInterrupt, Cancelled):
        note("stopped")
        raise SystemExit(STOPPED) from None
    except BadRequest as error:
        note(str(error))
        raise SystemExit(WRONG) from None
    except (StudioError, OSError) as error:
        note(f"{error.filename}: {error.strerror}" if isinstance(error, OSError) and error.filename else str(error))
        raise SystemExit(MISSING) from None
    raise SystemExit(DONE)

"""What a command says while it works, always on stderr: stdout carries only the result."""

import io
import os
import sys
import time
from typing import TextIO

from pipelines.errors import Unavailable

DONE, BUG, WRONG, MISSING, STOPPED = 0, 1, 2, 3, 130  # exit codes


class Meter:
    """A Progress for a terminal: one line that updates itself, or a line for each tenth where stderr is a file."""

    def __init__(self, stream: TextIO):
        self.stream = stream
        self.live = stream.isatty()
        self.started = time.monotonic()
        self.tenth = -1
        self.width = 0

    def __call__(self, fraction: float, message: str) -> None:
        if self.live:
            self._rewrite(self._line(fraction, message))
        elif int(fraction * 10) > self.tenth:
            self.tenth = int(fraction * 10)
            self._write(self._line(fraction, message) + "\n")

    def close(self) -> None:
        """Clears the live line, so that whatever is printed next stands alone."""
        if self.live and self.width:
            self._rewrite("")
            self._write("\r")

    def note(self, sentence: str) -> None:
        """Says something else in between."""
        self.close()
        note(sentence)

    def _rewrite(self, line: str) -> None:
        self._write("\r" + line.ljust(self.width))
        self.width = len(line)

    def _write(self, text: str) -> None:
        self.stream.write(text)
        self.stream.flush()

    def _line(self, fraction: float, message: str) -> str:
        return f"{fraction:4.0%}  {message}{remaining(fraction, time.monotonic() - self.started)}"


def remaining(fraction: float, elapsed: float) -> str:
    """ ", about 12 s left", or nothing while it is too early to say. `elapsed` in seconds since fraction 0."""
    if not 0.05 <= fraction < 1 or elapsed < 1:
        return ""
    return f", about {max(1, round(elapsed * (1 - fraction) / fraction))} s left"


def tell(result: str) -> None:
    """The result, on stdout; letters that its encoding lacks as \\u and a number. Raises `Unavailable` if it is full.

    A reader that has gone, as `head` does, has seen enough.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        sys.stdout.write(f"{result}\n")
        sys.stdout.flush()
    except OSError as error:
        with open(os.devnull, "wb") as nowhere:  # or Python would try once more when it ends, and complain
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            raise Unavailable(f"the result cannot be written to stdout ({error.strerror})") from error


def note(sentence: str) -> None:
    """One sentence for the person, on stderr."""
    sys.stderr.write(f"{sentence}\n")
    sys.stderr.flush()

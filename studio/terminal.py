"""What a command says while it works, always on stderr: stdout carries only the result."""

import io
import os
import signal
import sys
import time
from typing import TextIO

from pipelines.command import note, write
from pipelines.errors import Unavailable


class Meter:
    """A Progress for a terminal: one line that updates itself, or a line for each tenth where stderr is a file."""

    def __init__(self, stream: TextIO | None):
        self.stream = stream
        self.live = stream is not None and stream.isatty()
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
        write(self.stream, text)

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
    if sys.stdout is None:
        raise Unavailable("the result cannot be written to stdout: it is closed")
    try:
        sys.stdout.write(f"{result}\n")
        sys.stdout.flush()
    except OSError as error:
        with open(os.devnull, "wb") as nowhere:  # or Python would try once more when it ends, and complain
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            raise Unavailable(f"the result cannot be written to stdout ({error.strerror})") from error


def stoppable() -> None:
    """Lets a system that ends this process (SIGTERM, SIGHUP) stop it as Ctrl+C does, so that nothing half is left.

    What whoever started it has it ignore, as nohup does, stays ignored.
    """
    for name in ("SIGTERM", "SIGHUP"):
        sign = getattr(signal, name, None)
        if sign is not None and signal.getsignal(sign) is signal.SIG_DFL:
            signal.signal(sign, signal.default_int_handler)

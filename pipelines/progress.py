"""How long work reports, and the only way it is stopped.

A pipeline calls `progress(fraction, message)` once per step. Whoever started the work may raise
`Cancelled` from there.
"""

from collections.abc import Callable

Progress = Callable[[float, str], None]


def silent(fraction: float, message: str) -> None:
    """The Progress of somebody who does not watch."""


def part(progress: Progress, start: float, end: float) -> Progress:
    """A stage's share of the bar: its 0..1 becomes start..end of the whole."""
    return lambda fraction, message: progress(start + (end - start) * fraction, message)

"""One model on the device at a time.

The lock is the device: whoever holds a model has it alone, and everybody else waits for their turn.
"""

import gc
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol, Self

from pipelines import device


class Movable(Protocol):
    """What can be held: pipelines and anything else with torch's `to`."""

    def to(self, device: str) -> Self: ...


class Residency:
    """The only door to a model on a device.

    `build(name)` makes a model; `kind` is a device as torch names it; at most `parked` models wait for their
    turn in main memory, and the oldest makes room for the next.
    """

    def __init__(self, build: Callable[[str], Movable], kind: str, *, parked: int = 1):
        self._build = build
        self._kind = kind
        self._room = parked
        self._parked: dict[str, Movable] = {}  # oldest first
        self._resident: tuple[str, Movable] | None = None
        self._lock = threading.Lock()

    @contextmanager
    def hold(self, name: str) -> Iterator[Movable]:
        """Yields the model on the device; nobody else loads, moves or uses one meanwhile.

        Raises what `build` raises; the next call then starts from an empty device.
        """
        with self._lock:
            if self._resident is None or self._resident[0] != name:
                self._resident = (name, self._fetch(name))
            yield self._resident[1]

    def drop(self) -> None:
        """Frees the device and main memory of every model; waits until nobody holds one."""
        with self._lock:
            self._resident = None
            self._parked.clear()
            self._collect()

    def _fetch(self, name: str) -> Movable:
        waiting = self._parked.pop(name, None)  # first, or parking another might drop the one that is wanted
        self._park()
        model = self._build(name) if waiting is None else waiting
        return model.to(self._kind)

    def _park(self) -> None:
        if self._resident is None:
            return
        name, model = self._resident
        self._resident = None
        if self._room:
            self._parked[name] = model.to("cpu")
        while len(self._parked) > self._room:
            del self._parked[next(iter(self._parked))]
        del model
        self._collect()

    def _collect(self) -> None:
        gc.collect()
        device.release(self._kind)

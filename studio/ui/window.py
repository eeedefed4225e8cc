"""How often somebody may do something: so many times in so many seconds, counted for each caller."""

import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass

KNOWN = 10_000  # callers that are remembered


@dataclass(frozen=True, kw_only=True)
class Pace:
    """At most `most` requests in any `seconds`, for paths that end so; those that only read count where `reads`."""

    ends: tuple[str, ...]
    most: int
    seconds: float
    reads: bool = False


class Window:
    """Counts what each caller did lately: a sliding window, the oldest callers forgotten first. Safe for threads."""

    def __init__(self, pace: Pace, clock: Callable[[], float] = time.monotonic):
        self._pace = pace
        self._clock = clock
        self._seen: OrderedDict[str, deque[float]] = OrderedDict()
        self._lock = threading.Lock()

    def wait(self, caller: str) -> float:
        """0 if the caller may go on, which is then counted; else the seconds until it may."""
        now = self._clock()
        with self._lock:
            times = self._seen.setdefault(caller, deque())
            self._seen.move_to_end(caller)
            while len(self._seen) > KNOWN:
                self._seen.popitem(last=False)
            while times and times[0] <= now - self._pace.seconds:
                times.popleft()
            if len(times) >= self._pace.most:
                return times[0] + self._pace.seconds - now
            times.append(now)
        return 0.0

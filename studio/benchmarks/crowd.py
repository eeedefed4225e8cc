"""50 people who poll once a second and submit now and then for a minute, at the store, while the worker works."""

import random
import threading
import time
from pathlib import Path
from typing import Any

from pipelines.errors import Unavailable
from studio.benchmarks import ground
from studio.studio import Studio

PEOPLE, POLL_S, LIMIT_S = 50, 1.0, 0.5


def measure(count: int = 60, folder: Path | None = None) -> dict[str, Any]:
    """`count` seconds of it. Each person polls one job and the list of all theirs."""
    with ground.studio(folder) as here:
        ground.over(here, here.jobs.submit(ground.still(), ground.OWNER))
        people = [_Person(here, f"person {number}", time.monotonic() + count) for number in range(PEOPLE)]
        for person in people:
            person.start()
        for person in people:
            person.join()
        made = here.jobs.counts(None)
    polls = sorted(took for person in people for took in person.polls)
    p95 = polls[int(len(polls) * 0.95)]
    errors = [error for person in people for error in person.errors]
    return {
        "people": PEOPLE,
        "seconds": count,
        "polls": len(polls),
        "poll_p95_s": round(p95, 4),
        "poll_slowest_s": round(polls[-1], 4),
        "jobs": made,
        "errors": errors[:5],
        "holds": p95 < LIMIT_S and not errors,
    }


class _Person(threading.Thread):
    def __init__(self, here: Studio, name: str, end: float):
        super().__init__(name=name, daemon=True)
        self.here, self.end = here, end
        self.polls: list[float] = []
        self.errors: list[str] = []

    def run(self) -> None:
        chance = random.Random(self.name)
        job = self.here.jobs.submit(ground.still(), self.name)
        time.sleep(chance.uniform(0, POLL_S))
        while time.monotonic() < self.end:
            begun = time.monotonic()
            over = self._poll(job)
            self.polls.append(time.monotonic() - begun)
            if over:
                job = self.here.jobs.submit(ground.still(), self.name)
            time.sleep(POLL_S)

    def _poll(self, job: str) -> bool:
        try:
            self.here.jobs.list(self.name)
            return self.here.jobs.get(job, self.name).over
        except Unavailable as error:
            self.errors.append(str(error))
            return False

"""Cancel, 50 times at random moments: how long until the job is over, and whether the next one runs."""

import random
import time
from pathlib import Path
from typing import Any

from pipelines.requests import TextToVideo
from studio.benchmarks import ground
from studio.board import CANCELLED, DONE, RUNNING

LIMIT_S = 2.0


def measure(count: int = 50, folder: Path | None = None, seconds: float = 2) -> dict[str, Any]:
    """Stops `count` clips at moments spread over their whole life; after each, a still is made."""
    chance = random.Random(0)
    asked = TextToVideo(prompt="a red panda jumps", seconds=seconds, steps=8)
    with ground.studio(folder) as here:
        whole = ground.over(here, here.jobs.submit(asked, ground.OWNER)).elapsed_s
        took: list[tuple[float, str]] = []
        ids = []
        for number in range(count):
            id = here.jobs.submit(asked, ground.OWNER)
            ground.until(lambda: here.jobs.get(id, None).state == RUNNING, "a job that runs")  # noqa: B023
            time.sleep(chance.uniform(0, whole))
            phase = here.jobs.get(id, None).phase
            here.jobs.cancel(id, ground.OWNER)
            took.append((ground.until(lambda: here.jobs.get(id, None).over, "the end"), phase))  # noqa: B023
            ids += [id, here.jobs.submit(ground.still(number), ground.OWNER)]
        jobs = [ground.over(here, id) for id in ids]
        found = ground.wrong(here, ids)
    times = sorted(seconds for seconds, _ in took)
    return {
        "cancels": count,
        "a_whole_clip_takes_s": round(whole, 1),
        "median_s": round(times[len(times) // 2], 2),
        "slowest_s": round(times[-1], 2),
        "slowest_in_each_phase_s": {phase: round(max(s for s, p in took if p == phase), 2) for _, phase in took},
        "cancelled": sum(job.state == CANCELLED for job in jobs[::2]),
        "done_before_the_cancel": sum(job.state == DONE for job in jobs[::2]),
        "next_jobs_done": sum(job.state == DONE for job in jobs[1::2]),
        "wrong": found,
        "holds": not found and times[-1] < LIMIT_S and all(job.state == DONE for job in jobs[1::2]),
    }

"""kill -9 of the worker at random moments, 100 times: no job is lost, no half file stays, every clip is intact."""

import contextlib
import os
import random
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

from studio.benchmarks import ground
from studio.board import FAILED, RUNNING
from studio.studio import Studio

LONGEST_LIFE_S = 1.5  # of a worker, from the beginning of its first job; a still takes about half a second
WORK = 4  # jobs that wait: more than a worker can do in its life


def measure(count: int = 100, folder: Path | None = None) -> dict[str, Any]:
    """Kills `count` workers while jobs run, then lets the rest be done."""
    chance, phases = random.Random(), Counter()
    with ground.studio(folder) as here:
        ids: list[str] = []
        killed = 0.0
        for number in range(count):
            while len(here.jobs.list(None, over=False)) < WORK:
                ids.append(here.jobs.submit(ground.still(number), ground.OWNER))
            ground.until(lambda: ground.works(here, killed), "a job that runs")  # noqa: B023
            time.sleep(chance.uniform(0, LONGEST_LIFE_S))
            phases[_kill(here)] += 1
            killed = time.time()
        failed = 0
        for id in ids:
            job = ground.over(here, id)
            failed += job.state == FAILED
            if job.state == FAILED:
                here.jobs.retry(id, ground.OWNER)
                ground.over(here, id)
        found = ground.wrong(here, ids)
        done = sum(here.jobs.get(id, None).state == "done" for id in ids)
    return {
        "kills": count,
        "jobs": len(ids),
        "killed_in": dict(phases),
        "failed_after_two_kills_then_retried": failed,
        "done_in_the_end": done,
        "wrong": found,
        "holds": not found and done == len(ids),
    }


def _kill(here: Studio) -> str:
    """Kills the worker that lives, and returns what it was doing."""
    ground.until(lambda: here.supervisor.worker, "a worker")
    job = next((job for job in here.jobs.list(None, over=False) if job.state == RUNNING), None)
    victim = here.supervisor.worker
    with contextlib.suppress(ProcessLookupError, TypeError):
        os.kill(victim, signal.SIGKILL)
    ground.until(lambda: here.supervisor.worker != victim, "the end of the worker")
    return (job.phase or "begun") if job else "between two jobs"

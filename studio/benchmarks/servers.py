"""kill -9 of the server at random moments and a restart: its jobs go on, and its worker does not outlive it."""

import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from studio.benchmarks import ground
from studio.board import DONE, FAILED
from studio.studio import Studio

LONGEST_LIFE_S = 1.5  # of a server, from the beginning of its first job
WORK = 4  # jobs that wait


def measure(count: int = 20, folder: Path | None = None) -> dict[str, Any]:
    """Kills `count` servers while a job runs. Each leaves its job to the next one."""
    chance = random.Random(0)
    with ground.studio(folder, supervised=False) as here:
        ids: list[str] = []
        restarts = []
        for number in range(count):
            while len(here.jobs.list(None, over=False)) < WORK:
                ids.append(here.jobs.submit(ground.still(number), ground.OWNER))
            restarts.append(_life(here, chance.uniform(0, LONGEST_LIFE_S)))
        here.supervisor.start()
        jobs = [ground.over(here, id) for id in ids]
        found = ground.wrong(here, ids)
    states = [job.state for job in jobs]
    return {
        "kills": count,
        "jobs": len(ids),
        "done": states.count(DONE),
        "failed_because_they_were_killed_twice": states.count(FAILED),
        "seconds_from_start_to_a_job_that_runs": round(sorted(restarts)[len(restarts) // 2], 2),
        "wrong": found,
        "holds": not found and set(states) <= {DONE, FAILED},
    }


def _life(here: Studio, seconds: float) -> float:
    """Starts a server, kills it when its worker has worked for so long, and returns how long its first job waited."""
    begun = time.time()
    server = subprocess.Popen([sys.executable, "-m", "studio.benchmarks.keeper", str(here.settings.data)])
    try:
        waited = ground.until(lambda: ground.works(here, begun), "a job that runs")
        time.sleep(seconds)
    finally:
        server.kill()
        server.wait()
    return waited

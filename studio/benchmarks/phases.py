"""kill -9 of the worker in each phase: the job is interrupted, begun again by the next worker, and done."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from studio.benchmarks import ground
from studio.board import DONE, RUNNING
from studio.pace import PHASES


def measure(count: int = 1, folder: Path | None = None) -> dict[str, Any]:
    """Kills a worker in every phase, `count` times, then lets the supervisor find what is left."""
    with ground.studio(folder, supervised=False) as here:
        ids = {here.jobs.submit(ground.still(), ground.OWNER): phase for phase in PHASES for _ in range(count)}
        victims = [victim(here.settings.data, id, phase) for id, phase in ids.items()]
        statuses = {process.wait() for process in victims}
        left = here.jobs.counts(None)[RUNNING]
        here.supervisor.start()
        jobs = {id: ground.over(here, id) for id in ids}
        found = ground.wrong(here, list(ids))
    done = sum(job.state == DONE and job.attempts == 2 for job in jobs.values())
    return {
        "kills": len(victims),
        "phases": list(PHASES),
        "left_running": left,
        "done_at_the_second_attempt": done,
        "wrong": found,
        "holds": not found and statuses == {-signal.SIGKILL} and done == len(ids),
    }


def victim(data: Path, id: str, phase: str) -> "subprocess.Popen[bytes]":
    """Starts a worker that does this job and kills itself in this phase."""
    return subprocess.Popen([sys.executable, "-m", "studio.benchmarks.victim", str(data), id, phase], env=os.environ)

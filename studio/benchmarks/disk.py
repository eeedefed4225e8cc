"""A disk that is full when a clip is exported: the job fails with a sentence; gallery and queue are intact.

Needs the right to mount a tmpfs.
"""

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipelines.errors import Unavailable
from studio.benchmarks import ground
from studio.board import DONE, FAILED

SIZE, LEFT = "6m", 48 << 10  # bytes left of the tmpfs: less than a still needs


def measure(count: int = 1) -> dict[str, Any]:
    """Lets `count` jobs meet a full disk, between two that do not."""
    with tmpfs(SIZE) as folder, ground.studio(folder) as here:
        first = ground.over(here, here.jobs.submit(ground.still(), ground.OWNER))
        ballast = _fill(folder, LEFT)
        hit = [ground.over(here, here.jobs.submit(ground.still(seed), ground.OWNER)) for seed in range(count)]
        waiting = here.jobs.counts(None)
        ballast.unlink()
        last = ground.over(here, here.jobs.submit(ground.still(), ground.OWNER))
        found = ground.wrong(here, [first.id, last.id, *(job.id for job in hit)])
    good = first.state == last.state == DONE and all(job.state == FAILED and "room" in job.message for job in hit)
    return {
        "jobs_on_a_full_disk": count,
        "said": sorted({job.message.replace(str(folder), "DATA").replace(job.id, "ID") for job in hit}),
        "states_meanwhile": waiting,
        "wrong": found,
        "holds": good and not found,
    }


@contextlib.contextmanager
def tmpfs(size: str) -> Iterator[Path]:
    """A folder in memory that is full after `size`. Raises `Unavailable` where nothing may be mounted."""
    with tempfile.TemporaryDirectory(prefix="rushes-disk-") as folder:
        try:
            subprocess.run(
                ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=True, capture_output=True
            )
        except (OSError, subprocess.CalledProcessError) as error:
            raise Unavailable("a tmpfs cannot be mounted here; run this as root") from error
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", "-l", folder], check=True)


def _fill(folder: Path, left: int) -> Path:
    """Takes all room but `left` bytes."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(1 << 16))
    free = os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize
    os.truncate(ballast, ballast.stat().st_size - max(0, left - free))
    return ballast

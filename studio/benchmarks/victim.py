"""A worker that kills itself when its job comes to a phase: `python -m studio.benchmarks.victim DATA JOB PHASE`."""

import os
import signal
import sys
from pathlib import Path

from studio.attempt import Attempt
from studio.claims import Claims
from studio.db import Database
from studio.gallery import Gallery
from studio.settings import Settings
from studio.worker import Worker


class Doomed(Attempt):
    """Reports as always, and dies at the first word of its phase."""

    def progress(self, fraction: float, message: str) -> None:
        """As any attempt, once too few."""
        super().progress(fraction, message)
        if self._pace.phase == sys.argv[3]:
            os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Does one job as far as it lives."""
    settings = Settings(data=Path(sys.argv[1]))
    database = Database(settings.data / "rushes.db")
    worker = Worker(Claims(database), Gallery(database, settings.clips), settings, attempt=Doomed)
    worker.take(sys.argv[2])


if __name__ == "__main__":
    main()

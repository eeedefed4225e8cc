"""One job while it is worked on: its progress goes to the board, and the wish to stop it comes back.

A thread of its own does the talking, so that steps never wait for the disk and long steps do not look like death.
"""

import logging
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from pipelines.errors import Cancelled, StudioError
from pipelines.media import export
from studio.board import Job
from studio.claims import Claims
from studio.pace import Pace, Speed

TALK_S = 0.2  # between two reports; a wish to stop is heard after no more than that and one step
STOPPED = "stopped"  # what `Cancelled` says where there is nothing more to say
log = logging.getLogger("studio.worker")


class Attempt:
    """Use with `with`. `progress`, `preview` and `note` are what `service.make` takes."""

    def __init__(self, claims: Claims, job: Job, previews: Path):
        self.job = job
        self._claims = claims
        self._previews = previews
        self._pace = Pace(claims.known(job), job.steps)
        self._shown = 0
        self._fraction, self._message = 0.0, "starting"
        self._lock = threading.Lock()
        self._stop, self._over = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._talk, daemon=True, name="attempt")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()
        clear(self._previews, self.job.id)

    def progress(self, fraction: float, message: str) -> None:
        """A Progress. Raises `Cancelled` once the job is to be stopped."""
        if self._stop.is_set():
            raise Cancelled(STOPPED)
        with self._lock:
            self._pace.hear(message)
            self._fraction, self._message = fraction, message

    def preview(self, pixels: np.ndarray) -> None:
        """Shows the picture (H, W, 3) uint8 as far as it is guessed; the one before last is removed, as none looks."""
        number = self._shown + 1
        export.picture(pixels, self._picture(number))
        self._shown = number
        self._claims.preview(self.job.id, number)
        self._picture(number - 2).unlink(missing_ok=True)

    def note(self, sentence: str) -> None:
        """Something the person should know."""
        self._claims.note(self.job.id, sentence)

    def measured(self) -> Speed | None:
        """What this attempt has taught, if it came to its end."""
        return self._pace.measured()

    def _picture(self, number: int) -> Path:
        return self._previews / f"{self.job.id}-{number}.webp"

    def _talk(self) -> None:
        while not self._over.wait(TALK_S):
            try:
                if not self._report():
                    self._stop.set()
            except StudioError as error:  # a full disk is the business of whoever writes the clip
                log.warning("%s", error)

    def _report(self) -> bool:
        with self._lock:
            pace = self._pace
            news = {"step": pace.step, "steps": pace.steps, "fraction": self._fraction, "message": self._message}
            phase, left = pace.phase, pace.left()
        return self._claims.report(self.job.id, phase, **news, eta_s=left)


def clear(previews: Path, id: str) -> None:
    """Removes every preview of a job; those of an attempt that was killed would be in the way of the next."""
    for picture in previews.glob(f"{id}-*.webp"):
        picture.unlink(missing_ok=True)

"""The process in which models work: `python -m studio.worker --data DIR`, started and watched by studio.supervisor.

It claims jobs from the database, clips one after the other and what makes none beside them, and ends when its stdin
closes: then the server is gone.
"""

import argparse
import dataclasses
import errno
import logging
import os
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from pipelines import catalog
from pipelines.errors import Cancelled, StudioError
from pipelines.requests import Aside, Download
from pipelines.residency import Residency
from studio import seal, service
from studio.attempt import STOPPED, Attempt, clear
from studio.board import CANCELLED, DONE, FAILED, Job
from studio.claims import Claims
from studio.db import Database, alone
from studio.gallery import Gallery
from studio.log import keep
from studio.settings import Settings

CRASHED = "something went wrong inside the studio; the log of the server says what"
NO_MEMORY = "there is not enough memory for this; a shorter clip needs less"
ENDED = "the server was ended"
NICE = 10  # the page answers first where model and server share the cores
IDLE_S, TROUBLE_S = 0.1, 1.0  # between two looks at the queue, of which the last found nothing, or met trouble
TROUBLE = (StudioError, OSError)  # of the machine, which passes: a full disk, no memory for one process more
log = logging.getLogger("studio.worker")


class Worker:
    """Does jobs, each in a folder of the clips' folder that has the job's id, which becomes the clip's.

    So a job that is begun again, after its clip was kept and before that was said, finds it and makes no second one.
    """

    def __init__(self, claims: Claims, gallery: Gallery, settings: Settings, *, attempt: type[Attempt] = Attempt):
        self._claims = claims
        self._gallery = gallery
        self._settings = settings
        self._house = service.House(data=settings.data, policy=seal.policy(settings))
        self._clips = settings.clips
        self._previews = settings.previews
        self._name = f"{os.uname().nodename}:{os.getpid()}" if hasattr(os, "uname") else str(os.getpid())
        self._models: Residency | None = None
        self._pen = service.Pen()
        self._attempt = attempt

    def take(self, id: str | None = None) -> bool:
        """Makes the clip that is next, or does `id`. False if there is none."""
        job = self._claims.claim(self._name, id)
        if job is not None:
            self._do(job)
        return job is not None

    def take_aside(self) -> bool:
        """Begins what is next of that which makes no clip, like a download, which may take an hour: in a thread of its
        own, so that neither clips nor others of its kind wait. False if there is none."""
        job = self._claims.claim(self._name, aside=True)
        if job is not None:
            threading.Thread(target=self._do, args=(job,), daemon=True, name=job.request.task).start()
        return job is not None

    def _do(self, job: Job) -> None:
        state, message, clip = self._done(job)
        if clip is None:
            try:
                discard(self._gallery, self._settings, job.id)
            except (StudioError, OSError) as error:  # what is left is removed before the next attempt
                log.warning("%s", error)
        self._finish(job, state, message, clip)
        if message == NO_MEMORY:  # only now: a model is freed when nobody uses it any more, and that may take a while
            self._pen.drop()
            if not isinstance(job.request, Aside):
                self._shelf().drop()

    def warm(self, model: str) -> None:
        """Gets a model ready before the first job needs it."""
        try:
            with self._shelf().hold(model):
                pass
        except StudioError as error:
            log.warning("%s", error)  # a job that needs it will say so to its person

    def _shelf(self) -> Residency:
        self._models = self._models or service.on_best_device()
        return self._models

    def _done(self, job: Job) -> tuple[str, str, str | None]:
        """The job's last state, with the reason or the clip."""
        try:
            if isinstance(job.request, Aside):
                return DONE, self._aside(job), None
            return DONE, "", self._kept(job) or self._make(job)
        except Cancelled as error:  # a provider's may still charge
            return CANCELLED, "" if str(error) == STOPPED else str(error), None
        except StudioError as error:
            return FAILED, str(error), None
        except Exception as error:
            log.exception("job %s", job.id)
            return FAILED, self._sentence(error), None

    def _kept(self, job: Job) -> str | None:
        return job.id if self._gallery.get(job.id, None) else None

    def _aside(self, job: Job) -> str:
        """Writes a longer prompt and returns it, or downloads a model and returns why it cannot run here, if so."""
        with self._attempt(self._claims, job, self._previews) as attempt:
            if not isinstance(job.request, Download):
                return self._pen.write(job.request, attempt.progress)
            service.fetch(job.request.model, attempt.progress)
        return catalog.runs_here(catalog.spec(job.request.model)) or ""

    def _make(self, job: Job) -> str:
        folder = self._clips / job.id
        shutil.rmtree(folder, ignore_errors=True)  # what an earlier attempt has left
        folder.mkdir(parents=True)
        self._previews.mkdir(exist_ok=True)
        with self._attempt(self._claims, job, self._previews) as attempt:
            made = service.make(
                job.request,
                folder / f"clip{service.suffix(job.request)}",
                house=self._house,
                models=self._shelf(),
                progress=attempt.progress,
                note=attempt.note,
                preview=attempt.preview,
                record=seal.record(self._settings, job.id, job.request),
            )
            self._claims.learn(job, attempt.measured())
            return self._gallery.add(made, job.owner, job.id)

    def _sentence(self, error: Exception) -> str:
        if isinstance(error, OSError):
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                return f"There is no room left in {self._clips}"
            return f"a file cannot be used: {error.strerror or error}"
        if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":  # torch's, by its name
            return NO_MEMORY
        return CRASHED

    def _finish(self, job: Job, state: str, message: str, clip: str | None) -> None:
        """Says how it ended, however long that takes: on a full disk until there is room."""
        while True:
            try:
                self._claims.finish(job.id, state, message, clip)
                return
            except StudioError as error:
                log.warning("%s", error)
                time.sleep(1)


def work(take: Callable[[], bool], until: threading.Event) -> None:
    """Takes one job after the other, whatever becomes of the machine meanwhile."""
    while not until.is_set():
        try:
            if not take():
                until.wait(IDLE_S)
        except TROUBLE as error:
            log.warning("%s", error)
            until.wait(TROUBLE_S)


def take_back(claims: Claims, gallery: Gallery, settings: Settings, reason: str, *, blame: bool = True) -> None:
    """Frees the jobs of a worker that is dead (see `Claims.recover`) and removes the halves it has left."""
    claims.recover(reason, blame=blame, clear=lambda id: discard(gallery, settings, id))


def tidy(claims: Claims, gallery: Gallery, settings: Settings, reason: str) -> None:
    """What is done once, before any work: takes back what a dead worker held, and purges what was deleted long ago."""
    take_back(claims, gallery, settings, reason)
    gallery.purge()


def discard(gallery: Gallery, settings: Settings, id: str) -> None:
    """Removes a job's previews, and what there is of a clip that the gallery has not taken in."""
    clear(settings.previews, id)
    if gallery.get(id, None) is None:
        shutil.rmtree(settings.clips / id, ignore_errors=True)


def main() -> None:
    """One worker for each data folder. What a library prints goes to stderr."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default=Settings.model)
    options = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    os.dup2(2, 1)
    if hasattr(os, "nice"):
        os.nice(NICE)
    threading.Thread(target=_end_with_the_server, daemon=True).start()
    settings = dataclasses.replace(Settings.from_env(os.environ), data=options.data, model=options.model)
    database = Database(settings.data / "rushes.db")
    with alone(settings.data / "worker.lock"):
        keep(settings.data)
        _work(settings, database)


def _work(settings: Settings, database: Database) -> None:
    """Does jobs for ever. Whatever is said to run when this begins has lost its worker."""
    _clean(settings.data)
    claims, gallery = Claims(database), Gallery(database, settings.clips)
    tidy(claims, gallery, settings, ENDED)
    worker = Worker(claims, gallery, settings)
    never = threading.Event()
    threading.Thread(target=work, args=(worker.take_aside, never), daemon=True, name="asides").start()
    worker.warm(settings.model)
    work(worker.take, never)


def _end_with_the_server() -> None:
    sys.stdin.buffer.read()
    os._exit(0)  # from this thread sys.exit would end only the thread


def _clean(data: Path) -> None:
    """Gives the process a place for half files, and removes those of the worker before."""
    for name in ("tmp", "previews"):
        shutil.rmtree(data / name, ignore_errors=True)
        (data / name).mkdir()
    tempfile.tempdir = str(data / "tmp")


if __name__ == "__main__":
    main()

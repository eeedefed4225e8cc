"""The ground on which accidents happen: a studio in a folder of its own, the smallest jobs, and what must hold after.

Nothing listens on the network, but for what `served` starts on loopback.
"""

import dataclasses
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pipelines.errors import BadRequest
from pipelines.media import video
from pipelines.requests import TextToVideo
from studio.board import DONE, FAILED, RUNNING, Job
from studio.gallery import Query
from studio.jobs import Jobs, Limits
from studio.settings import Settings
from studio.studio import Studio
from studio.supervisor import Supervisor

OWNER = "benchmark"
PATIENCE_S = 120
CLIP_FILES = {"clip.mp4", "clip.png", "poster.webp", "request.json", "entry.json"}


def still(seed: int = 0) -> TextToVideo:
    """The smallest request that goes through every phase."""
    return TextToVideo(prompt="a red panda", still=True, steps=2, seed=seed)


@contextmanager
def studio(folder: Path | None = None, *, supervised: bool = True) -> Iterator[Studio]:
    """A studio with a worker that is restarted without delay, in `folder` or in one that is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="rushes-benchmark-") as spare:
        opened = Studio.open(Settings(data=folder or Path(spare)))
        keeper = Supervisor(opened.jobs, opened.gallery, opened.settings, back_off=(0.0,))
        many = Jobs(opened.database, limits=Limits(each=1000, all=1000))
        here = dataclasses.replace(opened, jobs=many, supervisor=keeper)
        try:
            if supervised:
                keeper.start()
            yield here
        finally:
            here.close()


@contextmanager
def served(data: Path) -> Iterator[str]:
    """The address of the studio as people start it, once it answers; it ends with the block."""
    command = [sys.executable, "-m", "studio", "serve", "--port", "0", "--data", str(data)]
    log = data / "log"
    with log.open("wb") as said:
        server = subprocess.Popen(command, env={**os.environ, "RUSHES_HOST": "127.0.0.1"}, stderr=said)
    try:
        until(lambda: "Ctrl+C" in log.read_text(), "the page")
        yield re.search(r"http://[\w.:]+", log.read_text())[0]
    finally:
        server.terminate()
        server.wait()


def until(true: Callable[[], object], what: str, patience: float = PATIENCE_S) -> float:
    """Waits for something and returns how many seconds that took. Raises `TimeoutError`."""
    begun = time.monotonic()
    while not true():
        if time.monotonic() - begun > patience:
            raise TimeoutError(f"after {patience} s still waiting for: {what}")
        time.sleep(0.01)
    return time.monotonic() - begun


def works(here: Studio, since: float) -> bool:
    """A job was begun after that time: what a dead worker held is not taken for it."""
    return any(job.state == RUNNING and job.started > since for job in here.jobs.list(None, over=False))


def over(here: Studio, id: str, patience: float = PATIENCE_S) -> Job:
    """The job once it is over."""
    until(lambda: here.jobs.get(id, None).over, f"the end of {id}", patience)
    return here.jobs.get(id, None)


def wrong(here: Studio, ids: list[str]) -> list[str]:
    """What does not hold, in sentences; call it when every job is over.

    Every job is still there and done with one clip, or failed with a reason; every clip can be read and says what it
    is; nothing half lies anywhere; the database is sound.
    """
    return [*_wrong_jobs(here, ids), *_wrong_files(here)]


def _wrong_jobs(here: Studio, ids: list[str]) -> Iterator[str]:
    for id in ids:
        job = here.jobs.get(id, None)
        if job is None:
            yield f"job {id} is lost"
        elif job.state == FAILED and not job.message:
            yield f"job {id} failed without a reason"
        elif job.state == DONE and here.gallery.get(job.clip, OWNER) is None:
            yield f"job {id} is done, and its clip is not in the gallery"
    with here.database.read() as tables:
        if (found := tables.execute("PRAGMA integrity_check").fetchone()[0]) != "ok":
            yield f"the database says {found}"


def _wrong_files(here: Studio) -> Iterator[str]:
    known = {entry.id for entry in here.gallery.page(None, Query(), size=200).entries}
    folders = {path.name: path for path in here.settings.clips.iterdir()} if here.settings.clips.exists() else {}
    yield from (f"clip {name} has no folder" for name in known - folders.keys())
    for name, folder in folders.items():
        if name not in known:
            yield f"folder {name} belongs to no clip"
        if extra := {path.name for path in folder.iterdir()} - CLIP_FILES:
            yield f"clip {name} holds {extra}"
        clip = here.gallery.path(name, None, "clip")
        if clip is None or here.gallery.path(name, None, "poster") is None:
            yield f"clip {name} has no film or no poster"
        elif not _whole(clip):
            yield f"clip {name} cannot be read"


def _whole(path: Path) -> bool:
    try:
        return len(video.read(path).frames) > 0 and video.request_of(path) is not None
    except BadRequest:
        return False

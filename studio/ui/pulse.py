"""How an open page learns that there is something new: it asks for a few bytes, often, and looks only when they differ.

A look costs gradio twenty times what a pulse does: it makes a component anew for everything that a look may change.
"""

import dataclasses
import time
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from studio.board import Job
from studio.gallery import Entry
from studio.people import owner_of
from studio.studio import Studio
from studio.ui.element import Element
from studio.ui.words import Say, language_of, say_in

ADDRESS = "/pulse"
DONE_JOBS, TAKES = 12, 24  # the newest of each that a page is told about
DRIFT_S = 10  # after which a page looks again at what time alone changes: places in the queue, time left


@dataclass(frozen=True, kw_only=True)
class News:
    """What one look finds, for whoever looks: theirs alone, in their language.

    A job whose clip was deleted has none.
    """

    owner: str
    language: str
    jobs: list[Job]
    takes: tuple[Entry, ...]
    paused: bool

    @property
    def say(self) -> Say:
        """Sentences in the visitor's language."""
        return say_in(self.language)

    @property
    def busy(self) -> bool:
        """Whether a job of theirs waits or runs."""
        return any(not job.over for job in self.jobs)

    @property
    def mark(self) -> str:
        """Another one as soon as a look would show something else; good while the server runs.

        Whose jobs only wait is not told at once when the queue moves, or every clip would make all pages look.
        """
        jobs = [dataclasses.replace(job, position=min(job.position, 1), eta_s=None, elapsed_s=0) for job in self.jobs]
        drift = (time.time() + hash(self.owner) % DRIFT_S) // DRIFT_S if self.busy else 0
        return f"{hash(repr((self.owner, jobs, self.takes, self.paused, drift))):x}"


def news(studio: Studio, request: Any) -> News:
    """What there is for whoever sent a gradio or starlette request."""
    owner, jobs = owner_of(request), studio.jobs
    takes = studio.gallery.recent(owner, TAKES)
    there = {entry.id for entry in takes}

    def without_deleted(job: Job) -> Job:
        kept = job.clip is None or job.clip in there or studio.gallery.get(job.clip, owner)
        return job if kept else dataclasses.replace(job, clip=None)

    done = map(without_deleted, jobs.list(owner, over=True, limit=DONE_JOBS))
    return News(
        owner=owner,
        language=language_of(request),
        jobs=[*jobs.list(owner, over=False), *done],
        takes=takes,
        paused=jobs.paused(owner),
    )


class Pulse(Element):
    """value: the mark of what the page shows. Event: `look`, when the server's is another."""

    markup = "pulse.html"
    scripts = ("pulse.js",)
    styles = ("pulse.css",)


def route(studio: Studio) -> Route:
    """GET /pulse: {"mark", "busy"} of whoever asks."""

    def pulse(request: Request) -> Response:
        now = news(studio, request)
        return JSONResponse({"mark": now.mark, "busy": now.busy}, headers={"Cache-Control": "no-store"})

    return Route(ADDRESS, pulse)

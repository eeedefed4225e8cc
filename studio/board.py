"""The board on which every job stands: what people, pages and commands read. Nothing here changes anything.

`owner=None` is the machine itself; it is meant for the server and the command line, never for a browser's word.
"""

import dataclasses
import json
import logging
import sqlite3
import time
from dataclasses import dataclass

from pipelines.errors import BadRequest
from pipelines.requests import ASIDE, Request, Rewrite, request_from_dict
from studio import length, pace
from studio.db import Database
from studio.pace import Work

QUEUED, RUNNING, DONE, FAILED, CANCELLED, INTERRUPTED = STATES = (
    "queued", "running", "done", "failed", "cancelled", "interrupted",
)  # fmt: skip
WAITING = (QUEUED, INTERRUPTED)  # an interrupted job lost its worker and will be begun once more
OVER = (DONE, FAILED, CANCELLED)
MACHINE = ""  # the queue of the whole studio, where `owner` is None
CLIPS = f"json_extract(request, '$.task') NOT IN {tuple(ASIDE)}"
log = logging.getLogger("studio.board")


@dataclass(frozen=True, kw_only=True)
class Job:
    """One job at one moment. Times are seconds since 1970; `position` counts the jobs that come before it.

    `eta_s` is the time until its clip is there, waiting included; None while nobody can know. `clip` is the id of what
    it has made; what goes on aside makes none, and the message of a finished `Rewrite` is the longer prompt. `preview`
    is the number of its latest preview, 0 before the first. `stopping`: its owner wants it stopped and the worker has
    not yet.
    """

    id: str
    owner: str
    request: Request
    state: str
    phase: str = ""
    step: int = 0
    steps: int = 0
    fraction: float = 0.0
    message: str = ""
    notes: tuple[str, ...] = ()
    position: int = 0
    eta_s: float | None = None
    elapsed_s: float = 0.0
    created: float = 0.0
    started: float | None = None
    finished: float | None = None
    clip: str | None = None
    preview: int = 0
    priority: int = 0
    attempts: int = 0
    stopping: bool = False

    @property
    def over(self) -> bool:
        """Nothing will happen to it any more, unless somebody asks for it."""
        return self.state in OVER


class Board:
    """All jobs of one studio, to read."""

    def __init__(self, database: Database):
        self._database = database

    def get(self, id: str, owner: str | None) -> Job | None:
        """The job as it is now; None if there is none of this id or it is somebody else's."""
        with self._database.read() as tables:
            found = _jobs(tables, "id = ? AND owner = coalesce(?, owner)", (id, owner))
        return found[0] if found else None

    def every(self, *, over: bool | None = None, limit: int = 500) -> list[Job]:
        """The jobs of all people, for the owner of the machine: what they wrote is hidden."""
        return [_redacted(job) for job in self.list(None, over=over, limit=limit)]

    def list(self, owner: str | None, *, over: bool | None = None, limit: int = 100) -> list[Job]:
        """An owner's jobs: what runs, what waits in its order, what is over from the latest; or only one sort."""
        sorts = [which for which in (False, True) if over in (None, which)]
        with self._database.read() as tables:
            return [job for which in sorts for job in _sort(tables, owner, which, limit)][:limit]

    def last(self, owner: str, task: str) -> Request | None:
        """What an owner has asked for last of a task, but for the clips of studies."""
        own = "owner = ? AND json_extract(request, '$.task') = ?"
        clicked = "id NOT IN (SELECT job FROM takes WHERE job IS NOT NULL)"
        with self._database.read() as tables:
            found = _jobs(tables, f"{own} AND {clicked} ORDER BY created DESC, rowid DESC LIMIT 1", (owner, task))
        return found[0].request if found else None

    def counts(self, owner: str | None) -> dict[str, int]:
        """How many jobs are in each state; every state is there."""
        with self._database.read() as tables:
            rows = tables.execute(
                "SELECT state, count(*) FROM jobs WHERE owner = coalesce(?, owner) GROUP BY state", (owner,)
            )
            return dict.fromkeys(STATES, 0) | {state: count for state, count in rows}

    def paused(self, owner: str | None) -> bool:
        """Whether this owner's queue, or the whole studio's, is held."""
        with self._database.read() as tables:
            held = "SELECT 1 FROM queues WHERE paused AND owner IN (?, ?)"
            return tables.execute(held, (MACHINE, owner or MACHINE)).fetchone() is not None

    def estimate(self, request: Request) -> float | None:
        """Seconds that this would take here once it is begun, from what was measured; None before the first time."""
        if getattr(request, "video", "") and not self._frames(request):
            return None
        work = self.work(request)
        with self._database.read() as tables:
            speed = pace.speed(tables, work)
        return speed.seconds(work.steps) if speed else None

    def work(self, request: Request) -> Work:
        """What its time depends on; for a change of a clip that is the clip's length."""
        return Work.of(request, frames=self._frames(request))

    def _frames(self, request: Request) -> int | None:
        video = getattr(request, "video", "")
        return length.frames(self._database.path.parent / video) if video else None


def _sort(tables: sqlite3.Connection, owner: str | None, over: bool, limit: int) -> list[Job]:
    if over:
        mine = f"owner = coalesce(?, owner) AND state IN {OVER} ORDER BY finished DESC, rowid DESC LIMIT ?"
        return _jobs(tables, mine, (owner, limit))
    mine = f"owner = coalesce(?, owner) AND state IN {(RUNNING, *WAITING)} ORDER BY priority DESC, rank"
    return sorted(_jobs(tables, mine, (owner,)), key=lambda job: (job.state != RUNNING, job.position))[:limit]


def _jobs(tables: sqlite3.Connection, where: str, values: tuple[object, ...]) -> list[Job]:
    """The jobs of some rows. One whose request no longer means anything to this version is left out."""
    rows = tables.execute(f"SELECT * FROM jobs WHERE {where}", values).fetchall()
    line = _line(tables) if any(row["state"] in WAITING for row in rows) else {}
    found = []
    for row in rows:
        try:
            found.append(_job(row, line))
        except BadRequest as error:
            log.warning("job %s cannot be read: %s", row["id"], error)
    return found


def _job(row: sqlite3.Row, line: dict[str, tuple[int, float | None]]) -> Job:
    same = {spec.name for spec in dataclasses.fields(Job)} & set(row.keys()) - {"request", "notes"}
    position, eta_s = line.get(row["id"], (len(line), None)) if row["state"] in WAITING else (0, _eta(row))
    begun = row["started"] if row["state"] not in WAITING else None
    return Job(
        **{name: row[name] for name in same - {"eta_s"}},
        request=request_from_dict(json.loads(row["request"]), stored=True),
        notes=tuple(json.loads(row["notes"])),
        position=position,
        eta_s=eta_s,
        elapsed_s=max(0.0, (row["finished"] or time.time()) - begun) if begun else 0.0,
        stopping=row["state"] == RUNNING and row["stop"] is not None,
    )


def _eta(row: sqlite3.Row) -> float | None:
    """What the worker last said, less the time since."""
    if row["state"] != RUNNING or row["eta_s"] is None:
        return None
    return max(0.0, row["eta_s"] - (time.time() - row["heartbeat"]))


def _line(tables: sqlite3.Connection) -> dict[str, tuple[int, float | None]]:
    """Of each waiting job: how many come before it, and in how many seconds its clip is there."""
    # Downloads and the like go on beside the clips, so nobody waits for one.
    running = tables.execute(f"SELECT * FROM jobs WHERE state = ? AND {CLIPS}", (RUNNING,)).fetchall()
    left = [_eta(row) for row in running]
    seconds = None if None in left else sum(left)
    found = {}
    known: dict[Work, pace.Speed | None] = {}  # most jobs are of few kinds
    waiting = tables.execute("SELECT jobs.* FROM line JOIN jobs USING (id) ORDER BY line.place")
    for before, row in enumerate(waiting, start=len(running)):
        work = Work(kind=row["kind"], size=row["size"], steps=row["steps"])
        speed = known[work] if work in known else known.setdefault(work, pace.speed(tables, work))
        seconds = None if speed is None or seconds is None else seconds + speed.seconds(work.steps)
        found[row["id"]] = before, seconds
    return found


def _redacted(job: Job) -> Job:
    """Words are what has a longest length; everything else of a request is a number, a choice or a hash."""
    words = [spec.name for spec in dataclasses.fields(job.request) if "longest" in spec.metadata]
    hidden = {name: "(hidden)" for name in words if getattr(job.request, name)}
    message = "" if job.state == FAILED or isinstance(job.request, Rewrite) else job.message
    return dataclasses.replace(job, request=dataclasses.replace(job.request, **hidden), message=message, notes=())

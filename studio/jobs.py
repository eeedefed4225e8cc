"""Jobs: what people ask for, stored until it is done. A click stores a request; a worker process claims it later.

Nothing here waits for a model, and nothing is lost when the browser, the worker or the server goes away.
"""

import secrets
import sqlite3
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipelines import catalog
from pipelines.errors import BadRequest, Unavailable
from pipelines.requests import Aside, Request, Rewrite
from pipelines.safety import Policy
from studio import bundle
from studio.belongings import Belongings
from studio.board import CANCELLED, DONE, MACHINE, OVER, QUEUED, RUNNING, WAITING, Job
from studio.claims import Claims
from studio.db import Database
from studio.quota import Quota

__all__ = ["Job", "Jobs", "Limits"]
PRIORITIES = 9  # from -9 to 9
Note = Callable[[sqlite3.Connection, list[str]], None]


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How many jobs may wait or run at once: of one owner, and altogether."""

    each: int = 50
    all: int = 500


class Jobs(Claims):
    """All jobs of one studio. Safe to use from several threads and processes.

    Every method takes the job's owner and raises `BadRequest` ("job") for a job that is not theirs, as if there were
    none. A request names only files that its owner has brought (`belongings`); `quota` refuses what is too much.
    """

    def __init__(
        self,
        database: Database,
        *,
        limits: Limits | None = None,
        quota: Quota | None = None,
        policy: Policy | None = None,
    ):
        super().__init__(database)
        self._quota = quota
        self._policy = policy
        self._limits = limits or Limits()
        self._inputs = database.path.parent / "inputs"
        self.belongings = Belongings(database)

    def submit(self, request: Request, owner: str, *, priority: int = 0) -> str:
        """Stores a request at the end of its owner's queue and returns the job's id.

        Raises `BadRequest` if the model cannot do it, `Unavailable` if it cannot run here or the queue is full.
        """
        return self._submit([(request, priority)], owner)[0]

    def cancel(self, id: str, owner: str | None) -> None:
        """Takes a job out of the queue or stops it at its next step. Nothing happens to one that is over."""
        with self._database.write() as tables:
            _mine(tables, id, owner)
            stop_all(tables, [id])

    def retry(self, id: str, owner: str | None) -> None:
        """Puts a job that failed or was cancelled at the end of its owner's queue again. Raises as `submit` does."""
        if job := self.get(id, owner):
            self._check(job.request, job.owner)
        with self._database.write() as tables:
            row = _mine(tables, id, owner)
            if row["state"] not in OVER or row["state"] == DONE:
                raise BadRequest("job", f"it is {row['state']}; only a job that failed or was cancelled is tried again")
            self._room(tables, row["owner"], 1)
            tables.execute(
                "UPDATE jobs SET state = ?, rank = ?, attempts = 0, message = '', notes = '[]', phase = '', step = 0, "
                "fraction = 0, started = NULL, finished = NULL WHERE id = ?",
                (QUEUED, _last(tables, row["owner"]), id),
            )

    def duplicate(self, id: str, owner: str | None) -> str:
        """Another job with the same request, at the end of the queue; returns its id."""
        job = self.get(id, owner)
        if job is None:
            raise _unknown(id)
        return self.submit(job.request, job.owner, priority=job.priority)

    def edit(self, id: str, owner: str | None, request: Request) -> None:
        """Changes what a waiting job asks for; it keeps its place. Raises as `submit` does."""
        self._check(request, owner)
        with self._database.write() as tables:
            _waiting(_mine(tables, id, owner))
            work = self.work(request)
            tables.execute(
                "UPDATE jobs SET request = ?, kind = ?, size = ?, steps = ?, attempts = 0 WHERE id = ?",
                (request.to_json(), work.kind, work.size, work.steps, id),
            )

    def move(self, id: str, owner: str | None, ahead_of: str | None) -> None:
        """Puts a waiting job directly before another of the same owner, or at the end for None.

        It takes the priority of its new neighbour, or it would not stay there.
        """
        with self._database.write() as tables:
            moved = _waiting(_mine(tables, id, owner))
            if ahead_of == id:
                return
            rows = tables.execute(
                f"SELECT id, priority FROM jobs WHERE owner = ? AND state IN {WAITING} AND id != ? "
                "ORDER BY priority DESC, rank",
                (moved["owner"], id),
            ).fetchall()
            order = [row["id"] for row in rows]
            if ahead_of is not None and ahead_of not in order:
                raise BadRequest("ahead_of", "it is not a job that waits in the same queue")
            place = len(order) if ahead_of is None else order.index(ahead_of)
            if rows:
                priority = rows[min(place, len(rows) - 1)]["priority"]
                tables.execute("UPDATE jobs SET priority = ? WHERE id = ?", (priority, id))
            order.insert(place, id)
            tables.executemany("UPDATE jobs SET rank = ? WHERE id = ?", list(enumerate(order)))

    def pause(self, owner: str | None) -> None:
        """Nothing more of this owner's queue is begun; what runs goes on. None: the whole studio's queue."""
        self._hold(owner, True)

    def resume(self, owner: str | None) -> None:
        """Undoes `pause`."""
        self._hold(owner, False)

    def export_queue(self, owner: str | None, path: Path) -> int:
        """Writes the clips that wait as a zip, with the media they need; returns how many. Raises as bundle.pack."""
        jobs = [job for job in self.list(owner, over=False, limit=self._limits.all) if job.state in WAITING]
        clips = [(job.request, job.priority) for job in jobs if not isinstance(job.request, Aside)]
        bundle.pack(clips, path, self._inputs)
        return len(clips)

    def import_queue(self, path: Path, owner: str, take: bundle.Take) -> list[str]:
        """Adds the jobs of such a zip to an owner's queue, all or none, and returns their ids. `take` lets media in.

        Raises `BadRequest` if it is no such zip or a job in it cannot be done, `Unavailable` if they are too many.
        """
        asked = bundle.unpack(path, self._inputs, take)
        self.belongings.add(owner, *(name for one, _ in asked for name in one.references().values()))
        return self._submit(asked, owner)

    def _submit(self, asked: list[tuple[Request, int]], owner: str, note: Note | None = None) -> list[str]:
        with self._database.read() as tables:
            self._room(tables, owner, len(asked))  # first: a study may ask for thousands, each checked for a while
        for request, priority in asked:
            self._check(request, owner)
            if type(priority) is not int or abs(priority) > PRIORITIES:
                raise BadRequest("priority", f"must be a whole number from -{PRIORITIES} to {PRIORITIES}")
        assert owner, "a job belongs to somebody"
        ids = [secrets.token_hex(16) for _ in asked]
        with self._database.write() as tables:
            self._room(tables, owner, len(asked))
            for id, (request, priority) in zip(ids, asked, strict=True):
                work = self.work(request)
                tables.execute(
                    "INSERT INTO jobs (id, owner, request, priority, rank, kind, size, steps, created) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (id, owner, request.to_json(), priority, _last(tables, owner))
                    + (work.kind, work.size, work.steps, time.time()),
                )
            if note is not None:
                note(tables, ids)
        return ids

    def _check(self, request: Request, owner: str | None) -> None:
        """Before a job waits for long: what can be known without the model."""
        if isinstance(request, Aside):
            catalog.spec(request.model)
            if self._policy and isinstance(request, Rewrite):
                self._policy.ask(request)
            return
        catalog.check(request)
        if missing := catalog.runs_here(catalog.spec(request.model)):
            raise Unavailable(missing)
        if owner is not None:
            self.belongings.check(owner, request)
        if self._policy:
            self._policy.ask(request)
        if self._quota and owner is not None:
            self._quota.check(request, owner)

    def _room(self, tables: sqlite3.Connection, owner: str, more: int) -> None:
        count = f"SELECT count(*), coalesce(sum(owner = ?), 0) FROM jobs WHERE state IN {(RUNNING, *WAITING)}"
        everybody, own = tables.execute(count, (owner,)).fetchone()
        if own + more > self._limits.each:
            raise Unavailable(
                f"{own} of your clips are waiting, this would add {more}, and {self._limits.each} is the most at once; "
                "ask for fewer, or try again later"
            )
        if everybody + more > self._limits.all:
            raise Unavailable(f"{everybody} clips are waiting already; try again when some are done")

    def _hold(self, owner: str | None, held: bool) -> None:
        with self._database.write() as tables:
            tables.execute(
                "INSERT INTO queues (owner, paused) VALUES (?, ?) ON CONFLICT DO UPDATE SET paused = excluded.paused",
                (owner or MACHINE, held),
            )


def submit_all(jobs: Jobs, requests: Sequence[Request], owner: str, note: Note | None = None) -> list[str]:
    """Stores requests that belong together, all or none, in this order; the ids. Raises as `Jobs.submit` does.

    `note` writes down what they are for, in the same transaction: no job is stored that nobody knows of.
    """
    return jobs._submit([(request, 0) for request in requests], owner, note)


def stop_all(tables: sqlite3.Connection, ids: Sequence[str]) -> None:
    """Takes jobs out of the queue; stops those that run at their next step; those that are over stay as they are."""
    now = time.time()
    tables.executemany(
        f"UPDATE jobs SET state = ?, message = '', finished = ? WHERE id = ? AND state IN {WAITING}",
        [(CANCELLED, now, id) for id in ids],
    )
    tables.executemany(
        "UPDATE jobs SET stop = coalesce(stop, ?), message = 'stopping' WHERE id = ? AND state = ?",
        [(now, id, RUNNING) for id in ids],
    )


def forget(jobs: Jobs, id: str, owner: str | None) -> None:
    """Removes a job that is over and that nobody needs to see again. Nothing happens to any other."""
    with jobs._database.write() as tables:
        if _mine(tables, id, owner)["state"] in OVER:
            tables.execute("DELETE FROM jobs WHERE id = ?", (id,))


def _mine(tables: sqlite3.Connection, id: str, owner: str | None) -> sqlite3.Row:
    row = tables.execute("SELECT * FROM jobs WHERE id = ? AND owner = coalesce(?, owner)", (id, owner)).fetchone()
    if row is None:
        raise _unknown(id)
    return row


def _unknown(id: str) -> BadRequest:
    return BadRequest("job", f"there is no job {str(id)[:40]!r}")


def _waiting(row: sqlite3.Row) -> sqlite3.Row:
    if row["state"] not in WAITING:
        raise BadRequest("job", f"it is {row['state']}; only a job that waits can be changed")
    return row


def _last(tables: sqlite3.Connection, owner: str) -> int:
    """The rank behind everything that the owner has."""
    return tables.execute("SELECT coalesce(max(rank), 0) + 1 FROM jobs WHERE owner = ?", (owner,)).fetchone()[0]

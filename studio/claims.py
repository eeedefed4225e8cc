"""The worker's side of the queue: it claims a job, reports on it, and finishes it; what a dead one held is found again.

A job is begun twice at most, so that one that kills its worker cannot do so for ever.
"""

import json
import sqlite3
import time
from collections.abc import Callable

from pipelines.errors import BadRequest
from pipelines.requests import request_from_dict
from studio import pace
from studio.board import CANCELLED, CLIPS, DONE, FAILED, INTERRUPTED, OVER, RUNNING, Board, Job
from studio.pace import Speed

ATTEMPTS = 2
TWICE = "that was the second time, so it is not tried again"
NEXT = (
    f"SELECT jobs.* FROM line JOIN jobs USING (id) WHERE coalesce(id = :id, ({CLIPS}) != :aside) ORDER BY place LIMIT 1"
)
FRESH = "phase = '', step = 0, fraction = 0, message = 'starting', notes = '[]', preview = 0, eta_s = NULL, stop = NULL"


class Claims(Board):
    """What a worker does with jobs. Every change tests that the job still runs, so a late word of a dead worker is
    not heard."""

    def claim(self, worker: str, id: str | None = None, *, aside: bool = False) -> Job | None:
        """Begins the clip that is next in line and returns its job; None if there is none. Or what is next of that
        which makes no clip (`aside`); or `id`, if it waits."""
        with self._database.write() as tables:
            while row := tables.execute(NEXT, {"id": id, "aside": aside}).fetchone():
                _begin(tables, row, worker)
                try:
                    request_from_dict(json.loads(row["request"]), stored=True)
                    break
                except BadRequest as error:  # written by another version
                    _end(tables, row["id"], FAILED, str(error), None)
        return self.get(row["id"], None) if row else None

    def heartbeat(self, id: str) -> bool:
        """The worker lives. False if the job is to be stopped."""
        return self._alive(id, {})

    def report(
        self, id: str, phase: str, *, step: int, steps: int, fraction: float, message: str, eta_s: float | None = None
    ) -> bool:
        """How far the job is; also a heartbeat, with its answer. `fraction` never goes back."""
        return self._alive(
            id,
            {"phase": phase, "step": step, "steps": steps, "fraction": fraction, "message": message, "eta_s": eta_s},
        )

    def note(self, id: str, sentence: str) -> None:
        """Something that the person should know; all notes of a job are kept."""
        with self._database.write() as tables:
            tables.execute(
                "UPDATE jobs SET notes = json_insert(notes, '$[#]', ?) WHERE id = ? AND state = ?",
                (sentence, id, RUNNING),
            )

    def preview(self, id: str, number: int) -> None:
        """Preview `number` of the job is there to be looked at."""
        with self._database.write() as tables:
            tables.execute("UPDATE jobs SET preview = ? WHERE id = ? AND state = ?", (number, id, RUNNING))

    def finish(self, id: str, state: str, message: str = "", clip: str | None = None) -> None:
        """Ends a running job as done (with its clip's id, if it made one), failed (with the reason) or cancelled."""
        assert state in OVER and (state == DONE or clip is None)
        with self._database.write() as tables:
            _end(tables, id, state, message, clip)

    def recover(self, reason: str, *, blame: bool = True, clear: Callable[[str], None] | None = None) -> None:
        """What to do with jobs whose worker is dead, of which the caller is sure.

        A job that was to be stopped is cancelled; one that had its attempts failed, with the reason; any other is
        interrupted and waits to be begun again. Without `blame` (the studio was closed) the attempt does not count, nor
        does that of what makes no clip where a clip was being made beside it: models are what kills a process.
        `clear` removes what is left of each job, and does so first: should this process die in between, the next one
        finds the same jobs.
        """
        for id in self._running() if clear else ():
            clear(id)
        with self._database.write() as tables:
            clips = tables.execute(f"SELECT count(*) FROM jobs WHERE state = ? AND {CLIPS}", (RUNNING,)).fetchone()[0]
            pardoned = f"? OR (? AND NOT ({CLIPS}))"
            tables.execute(
                f"UPDATE jobs SET attempts = attempts - ({pardoned}) WHERE state = ?", (not blame, clips > 0, RUNNING)
            )
            rows = tables.execute("SELECT id, stop, attempts FROM jobs WHERE state = ?", (RUNNING,)).fetchall()
            for row in rows:
                if row["stop"] is not None:
                    _end(tables, row["id"], CANCELLED, "", None)
                elif row["attempts"] >= ATTEMPTS:
                    _end(tables, row["id"], FAILED, f"{reason}; {TWICE}", None)
                else:
                    tables.execute(
                        "UPDATE jobs SET state = ?, message = ?, preview = 0, eta_s = NULL WHERE id = ?",
                        (INTERRUPTED, reason, row["id"]),
                    )

    def _running(self) -> list[str]:
        with self._database.read() as tables:
            return [id for (id,) in tables.execute("SELECT id FROM jobs WHERE state = ?", (RUNNING,)).fetchall()]

    def overdue(self, *, stop_s: float, silent_s: float) -> bool:
        """Whether a clip was to be stopped so many seconds ago, or a running job has had no heartbeat for so many.

        Who waits for a stalled line ends by itself; killing the process for it would cost somebody their clip.
        """
        now = time.time()
        late = f"SELECT 1 FROM jobs WHERE state = ? AND (({CLIPS} AND stop < ?) OR heartbeat < ?)"
        with self._database.read() as tables:
            return tables.execute(late, (RUNNING, now - stop_s, now - silent_s)).fetchone() is not None

    def known(self, job: Job) -> Speed | None:
        """What was measured here for jobs like this one."""
        with self._database.read() as tables:
            return pace.speed(tables, self.work(job.request))

    def learn(self, job: Job, measured: Speed | None) -> None:
        """Remembers what a finished job has measured."""
        if measured is not None:
            with self._database.write() as tables:
                pace.learn(tables, self.work(job.request), measured)

    def _alive(self, id: str, news: dict[str, object]) -> bool:
        changed = ", ".join(f"{name} = :{name}" for name in ("heartbeat", *news))
        with self._database.write() as tables:
            rows = tables.execute(
                f"UPDATE jobs SET {changed} WHERE id = :id AND state = '{RUNNING}' RETURNING stop",
                {**news, "heartbeat": time.time(), "id": id},
            ).fetchall()
        return [row["stop"] for row in rows] == [None]


def _begin(tables: sqlite3.Connection, row: sqlite3.Row, worker: str) -> None:
    now = time.time()
    tables.execute(
        "UPDATE jobs SET state = ?, worker = ?, attempts = attempts + 1, started = ?, heartbeat = ?, "
        f"{FRESH} WHERE id = ?",
        (RUNNING, worker, now, now, row["id"]),
    )
    tables.execute(
        "INSERT INTO queues (owner, served) VALUES (?, ?) ON CONFLICT DO UPDATE SET served = excluded.served",
        (row["owner"], now),
    )


def _end(tables: sqlite3.Connection, id: str, state: str, message: str, clip: str | None) -> None:
    tables.execute(
        "UPDATE jobs SET state = ?, message = ?, clip = ?, finished = ?, fraction = CASE ? WHEN 'done' THEN 1 "
        "ELSE fraction END, preview = 0, eta_s = NULL, stop = NULL WHERE id = ? AND state = ?",
        (state, message, clip, time.time(), state, id, RUNNING),
    )

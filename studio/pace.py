"""How long things take on this machine: seconds per step of each kind and size, measured at every job.

A model reports sentences (pipelines.progress); the phase, the step and the time left are read from them here.
"""

import re
import sqlite3
import time
from dataclasses import dataclass

from pipelines.requests import Request

LOADING, TEXT, SAMPLING, DECODING, EXPORT = PHASES = ("loading", "text", "sampling", "decoding", "export")
STEP = re.compile(r"step (\d+) of (\d+)")
SAID = {"starting": LOADING, "getting": LOADING, "reading": TEXT, "decoding": DECODING, "saving": EXPORT}
SHAPE = ("still", "aspect", "resolution", "faster")  # what the time of a step depends on otherwise than in proportion
NEWEST = 0.4  # weight of the newest measurement: follows a machine that gets busier, without jumping


@dataclass(frozen=True, kw_only=True)
class Work:
    """What the time for a request depends on: it grows with `size` (frames, or seconds of sound) and with `steps`.
    `kind` is everything that it does not simply grow with."""

    kind: str
    size: int
    steps: int

    @classmethod
    def of(cls, request: Request, *, frames: int | None = None) -> "Work":
        """The work that a request asks for; one without a size or steps counts as one of each. `frames` are those of
        the clip that it changes."""
        shape = [str(getattr(request, name, "")) for name in SHAPE]
        shape += ["clip"] if frames else []
        size = frames or getattr(request, "frames", None) or getattr(request, "seconds", 1)
        return cls(
            kind=" ".join([request.model, request.task, *shape]),
            size=max(1, round(size)),
            steps=getattr(request, "steps", 1),
        )


@dataclass(frozen=True, kw_only=True)
class Speed:
    """Seconds for one step, and for all the rest but loading the model."""

    step_s: float
    rest_s: float

    def seconds(self, steps: int) -> float:
        """How long a job of so many steps takes."""
        return steps * self.step_s + self.rest_s


def speed(connection: sqlite3.Connection, work: Work) -> Speed | None:
    """As measured here for this size or, in proportion, for the nearest; None before the first."""
    row = connection.execute(
        "SELECT * FROM speeds WHERE kind = ? ORDER BY abs(size - ?) LIMIT 1", (work.kind, work.size)
    ).fetchone()
    if row is None:
        return None
    scale = work.size / row["size"]
    return Speed(step_s=row["step_s"] * scale, rest_s=row["rest_s"] * scale)


def learn(connection: sqlite3.Connection, work: Work, measured: Speed) -> None:
    """Moves what is known of this size towards a new measurement."""
    connection.execute(
        "INSERT INTO speeds VALUES (:kind, :size, :step, :rest) ON CONFLICT (kind, size) DO UPDATE SET "
        "step_s = step_s + :newest * (:step - step_s), rest_s = rest_s + :newest * (:rest - rest_s)",
        {"kind": work.kind, "size": work.size, "step": measured.step_s, "rest": measured.rest_s, "newest": NEWEST},
    )


class Pace:
    """Follows one job through its phases. `known` is what earlier jobs have taught."""

    def __init__(self, known: Speed | None, steps: int):
        self.phase, self.step, self.steps = LOADING, 0, steps
        self._known = known
        self._begun: dict[str, float] = {}  # when each phase was first seen, by time.monotonic()

    def hear(self, message: str) -> None:
        """Takes in what the model says; a sentence that is not known belongs to the phase before."""
        if found := STEP.fullmatch(message):
            self.phase, self.step, self.steps = SAMPLING, int(found[1]), int(found[2])
        else:
            self.phase = SAID.get(message.split(" ", maxsplit=1)[0], self.phase)
        self._begun.setdefault(self.phase, time.monotonic())

    def left(self) -> float | None:
        """Seconds until the clip is there; None while nobody can know."""
        if self.phase == SAMPLING and self.step > 1:
            step_s = (time.monotonic() - self._begun[SAMPLING]) / (self.step - 1)
            return (self.steps - self.step + 1) * step_s + (self._known.rest_s if self._known else 0.0)
        if self._known is None:
            return None
        if self.phase in (DECODING, EXPORT):
            return max(0.0, self._known.rest_s - (time.monotonic() - self._begun.get(DECODING, 0.0)))
        return self._known.seconds(self.steps)

    def measured(self) -> Speed | None:
        """What this job has taught, once it is done; None if it had no steps."""
        if not {SAMPLING, DECODING} <= self._begun.keys():
            return None
        sampling = self._begun[DECODING] - self._begun[SAMPLING]
        rest = time.monotonic() - self._begun.get(TEXT, self._begun[SAMPLING]) - sampling
        return Speed(step_s=sampling / max(1, self.steps), rest_s=rest)

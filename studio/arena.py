"""Blind studies: prompts x systems become pairs, pairs become votes. Raters vote through studio.ballots.

What votes mean is worked out by pipelines.evaluation.netwin; here they are only kept.
"""

import hashlib
import itertools
import json
import random
import secrets
import sqlite3
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipelines.errors import BadRequest
from studio.db import Database

# What can be asked about a pair. The words are Movie Gen's (sections 3.5, 4.4, 5.4 and 6.3).
AXES = {
    "overall": "Which one is better, all in all?",
    "text match": "Which one shows better what the text says?",
    "frame consistency": "In which one do things keep their shape from frame to frame?",
    "motion completeness": "In which one does more of the asked movement happen?",
    "motion naturalness": "In which one do things move more naturally?",
    "realness": "Which one could rather be a real recording?",
    "aesthetics": "Which one is more beautiful?",
    "identity": "Which one keeps the person more alike?",
    "instruction followed": "Which one does better what was asked?",
    "rest preserved": "Which one leaves everything else more as it was?",
    "sound quality": "Which one sounds better?",
    "synchronisation": "In which one do sound and picture fit in time?",
    "music mood": "Whose music fits the mood of the picture?",
}
FILM = (
    "overall",
    "text match",
    "frame consistency",
    "motion completeness",
    "motion naturalness",
    "realness",
    "aesthetics",
)
BY_TASK = {
    "text-to-video": FILM,
    "personalize": ("identity", *FILM),
    "edit": ("overall", "instruction followed", "rest preserved"),
    "sound": ("overall", "sound quality", "synchronisation", "music mood"),
}
MOST_PROMPTS, MOST_SYSTEMS, LONGEST_NAME, LONGEST_TEXT = 2_000, 12, 80, 4_000


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """One line of a suite; `concept` may be several tags joined by ;, `motion` is low, medium, high or nothing."""

    name: str
    text: str
    concept: str = ""
    motion: str = ""


@dataclass(frozen=True, kw_only=True)
class System:
    """One side of the question: a name and, where the studio makes the clips, the fields that all requests share."""

    name: str
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def hash(self) -> str:
        """Sixteen hex digits that are the same for the same settings."""
        return hashlib.sha256(json.dumps(self.settings, sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A study as somebody asks for it. Raises `BadRequest` naming the field that cannot be."""

    title: str
    prompts: tuple[Prompt, ...]
    systems: tuple[System, ...]
    task: str = "text-to-video"
    axes: tuple[str, ...] = ()  # empty: those of the task
    raters: int = 3
    repeats: float = 0.08
    controls: float = 0.04

    def __post_init__(self) -> None:
        if self.task not in BY_TASK:
            raise BadRequest("task", f"must be one of {', '.join(BY_TASK)}, got {str(self.task)[:40]!r}")
        if not self.axes:
            object.__setattr__(self, "axes", BY_TASK[self.task])
        if strange := [axis for axis in self.axes if axis not in AXES]:
            raise BadRequest("axes", f"there is no axis {str(strange[0])[:40]!r}; there are {', '.join(AXES)}")
        _texts("title", [self.title])
        _texts("prompts", [prompt.name for prompt in self.prompts], 1, MOST_PROMPTS)
        _texts("systems", [system.name for system in self.systems], 2, MOST_SYSTEMS)
        if any(not prompt.text.strip() or len(prompt.text) > LONGEST_TEXT for prompt in self.prompts):
            raise BadRequest("prompts", f"every prompt has 1 to {LONGEST_TEXT} characters")
        if not 1 <= self.raters <= 100:
            raise BadRequest("raters", f"must be 1 to 100 for each pair, got {self.raters}")
        for name in ("repeats", "controls"):
            if not 0 <= getattr(self, name) <= 0.5:
                raise BadRequest(name, f"must be a share from 0 to 0.5, got {getattr(self, name)}")


@dataclass(frozen=True, kw_only=True)
class Study:
    """A study that is kept. `link` is the secret that lets people vote; times are seconds since 1970."""

    id: str
    owner: str
    title: str
    task: str
    axes: tuple[str, ...]
    seed: int
    raters: int
    repeats: float
    controls: float
    link: str
    created: float
    opened: float | None
    closed: float | None

    @property
    def state(self) -> str:
        """draft (clips are missing), open (people vote) or closed."""
        return "closed" if self.closed else "open" if self.opened else "draft"


@dataclass(frozen=True, kw_only=True)
class Take:
    """What one system makes of one prompt: `file` is the voting copy, `job` the job that makes the clip."""

    id: int
    system: System
    prompt: Prompt
    seed: int | None
    job: str | None
    file: str | None


class Arena:
    """The studies of one data folder. `owner=None` is the machine itself and sees all of them."""

    def __init__(self, database: Database, folder: Path):
        self.database = database
        self.folder = folder

    def create(self, plan: Plan, owner: str) -> str:
        """Keeps a plan as a draft and returns the study's id."""
        study, seed = secrets.token_hex(8), secrets.randbelow(2**31)
        row = (study, owner, plan.title.strip(), plan.task, json.dumps(plan.axes), seed)
        shares = (plan.raters, plan.repeats, plan.controls, secrets.token_urlsafe(12), time.time())
        with self.database.write() as connection:
            connection.execute(
                "INSERT INTO studies (id, owner, title, task, axes, seed, raters, repeats, controls, link, created)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                row + shares,
            )
            connection.executemany(
                "INSERT INTO systems (study, name, settings) VALUES (?, ?, ?)",
                [(study, system.name, json.dumps(system.settings, sort_keys=True)) for system in plan.systems],
            )
            connection.executemany(
                "INSERT INTO prompts (study, name, text, concept, motion) VALUES (?, ?, ?, ?, ?)",
                [(study, prompt.name, prompt.text, prompt.concept, prompt.motion) for prompt in plan.prompts],
            )
            connection.execute(
                "INSERT INTO takes (system, prompt) SELECT systems.id, prompts.id FROM systems, prompts"
                " WHERE systems.study = ? AND prompts.study = systems.study ORDER BY prompts.id, systems.id",
                (study,),
            )
        return study

    def study(self, study: str, owner: str | None) -> Study:
        """One study of this owner. Raises `BadRequest` ("study"), as all that follow, if there is none."""
        with self.database.read() as connection:
            row = connection.execute("SELECT * FROM studies WHERE id = ?", (study,)).fetchone()
        if row is None or owner not in (None, row["owner"]):
            raise BadRequest("study", f"there is no study {str(study)[:40]!r}")
        return study_of(row)

    def studies(self, owner: str | None) -> list[Study]:
        """Newest first."""
        with self.database.read() as connection:
            rows = connection.execute(
                "SELECT * FROM studies WHERE owner = ? OR ? ORDER BY created DESC", (owner, owner is None)
            )
            return [study_of(row) for row in rows]

    def takes(self, study: str, owner: str | None) -> list[Take]:
        """Every prompt's takes, in the order of the plan."""
        self.study(study, owner)
        with self.database.read() as connection:
            rows = connection.execute(
                "SELECT takes.*, systems.name AS s, settings, prompts.name AS p, text, concept, motion FROM takes"
                " JOIN systems ON systems.id = takes.system JOIN prompts ON prompts.id = takes.prompt"
                " WHERE systems.study = ? ORDER BY prompts.id, systems.id",
                (study,),
            )
            return [_take(row) for row in rows]

    def order(self, tables: sqlite3.Connection, ordered: Iterable[tuple[str, int, int]]) -> None:
        """Notes the jobs that make takes, in the transaction that stores them: (job, seed, take) of each."""
        tables.executemany("UPDATE takes SET job = ?, seed = ? WHERE id = ?", ordered)

    def fill(self, take: int, file: str, *, fps: int, still: bool, seed: int | None = None) -> None:
        """Notes the voting copy of a take, a file in the study's folder; a seed is kept if none is known."""
        with self.database.write() as connection:
            connection.execute(
                "UPDATE takes SET file = ?, fps = ?, still = ?, seed = coalesce(seed, ?) WHERE id = ?",
                (file, fps, still, seed, take),
            )

    def open(self, study: str, owner: str | None) -> int:
        """Makes pairs of all takes that have clips and lets people vote; returns how many pairs there are now.

        Every two systems meet once on every prompt. Controls set a take against one of another prompt.
        """
        kept = self.study(study, owner)
        there = [take for take in self.takes(study, owner) if take.file]
        groups = [list(group) for _, group in itertools.groupby(there, key=lambda take: take.prompt.name)]
        pairs = [pair for group in groups for pair in itertools.combinations(group, 2)]
        if kept.closed or not pairs:
            raise BadRequest("study", "is closed" if kept.closed else "has no prompt yet with clips of two systems")
        controls = _controls(kept, groups, len(pairs))
        with self.database.write() as connection:
            had = connection.execute("SELECT count(*) FROM pairs WHERE study = ? AND control", (study,)).fetchone()[0]
            controls = controls[: max(0, len(controls) - had)]  # so many more as there are more pairs
            connection.executemany(
                "INSERT OR IGNORE INTO pairs (study, prompt, a, b, control)"
                " SELECT ?, prompt, id, ?, ? FROM takes WHERE id = ?",
                [(study, b.id, known, a.id) for known, group in ((0, pairs), (1, controls)) for a, b in group],
            )
            connection.execute("UPDATE studies SET opened = coalesce(opened, ?) WHERE id = ?", (time.time(), study))
            return connection.execute(
                "SELECT count(*) FROM pairs WHERE study = ? AND NOT control", (study,)
            ).fetchone()[0]

    def close(self, study: str, owner: str | None) -> None:
        """Ends the voting; what was voted stays."""
        self.study(study, owner)
        with self.database.write() as connection:
            connection.execute("UPDATE studies SET closed = coalesce(closed, ?) WHERE id = ?", (time.time(), study))

    def status(self, study: str, owner: str | None) -> dict[str, Any]:
        """How far it is, as plain data: {"state", "takes", "ready", "pairs", "wanted", "answered", "raters", ...}."""
        kept = self.study(study, owner)
        with self.database.read() as connection:
            counts = dict(connection.execute(COUNTS, {"study": study}).fetchone())
        wanted = counts["pairs"] * kept.raters
        return {
            "id": kept.id,
            "title": kept.title,
            "state": kept.state,
            "link": f"/vote/{kept.link}",
            **counts,
            "wanted": wanted,
            "done": min(1.0, counts["answered"] / wanted) if wanted else 0.0,
        }

    def answers(self, study: str, owner: str | None) -> list[dict[str, Any]]:
        """Every vote as one flat row: what netwin reads, and the seeds and settings that allow a repetition."""
        self.study(study, owner)
        with self.database.read() as connection:
            hashes = {
                row["name"]: System(name=row["name"], settings=json.loads(row["settings"])).hash
                for row in connection.execute("SELECT name, settings FROM systems WHERE study = ?", (study,))
            }
            rows = [dict(row) for row in connection.execute(ANSWERS, (study,))]
        numbers = {name: number for number, name in enumerate(sorted({row["rater"] for row in rows}), 1)}
        for row in rows:
            row["rater"] = f"rater {numbers[row['rater']]}"
            row["outcome"] = (row["margin"] > 0) - (row["margin"] < 0)
            row["settings_a"], row["settings_b"] = hashes[row["a"]], hashes[row["b"]]
        return rows


COUNTS = """
SELECT (SELECT count(*) FROM takes JOIN systems ON systems.id = system WHERE study = :study) AS takes,
       (SELECT count(*) FROM takes JOIN systems ON systems.id = system LEFT JOIN jobs ON jobs.id = takes.job
        LEFT JOIN clips ON clips.id = jobs.clip AND deleted IS NULL
        WHERE study = :study AND (file IS NOT NULL OR clips.id IS NOT NULL)) AS ready,
       (SELECT count(*) FROM pairs WHERE study = :study AND NOT control) AS pairs,
       (SELECT count(DISTINCT rater) FROM ballots JOIN pairs ON pairs.id = pair
        WHERE study = :study AND answered IS NOT NULL) AS raters,
       (SELECT count(answered) FROM ballots JOIN pairs ON pairs.id = pair
        WHERE study = :study AND NOT control AND NOT repeat) AS answered
"""
ANSWERS = """
SELECT prompts.name AS prompt, prompts.text, prompts.concept, prompts.motion, sa.name AS a, sb.name AS b, votes.axis,
       raters.name AS rater, margin, bad, ballots.repeat, pairs.control, ballots.swapped, ballots.answered AS time,
       ta.seed AS seed_a, tb.seed AS seed_b
FROM votes JOIN ballots ON ballots.id = votes.ballot JOIN raters ON raters.id = ballots.rater
JOIN pairs ON pairs.id = ballots.pair JOIN prompts ON prompts.id = pairs.prompt
JOIN takes AS ta ON ta.id = pairs.a JOIN systems AS sa ON sa.id = ta.system
JOIN takes AS tb ON tb.id = pairs.b JOIN systems AS sb ON sb.id = tb.system
WHERE pairs.study = ? ORDER BY ballots.answered, votes.axis
"""


def study_of(row: sqlite3.Row) -> Study:
    """A row of the table `studies`."""
    return Study(**dict(row) | {"axes": tuple(json.loads(row["axes"]))})


def _take(row: sqlite3.Row) -> Take:
    return Take(
        id=row["id"],
        system=System(name=row["s"], settings=json.loads(row["settings"])),
        prompt=Prompt(name=row["p"], text=row["text"], concept=row["concept"], motion=row["motion"]),
        seed=row["seed"],
        job=row["job"],
        file=row["file"],
    )


def _controls(study: Study, groups: list[list[Take]], pairs: int) -> list[tuple[Take, Take]]:
    """Pairs whose first is the better: the second shows another prompt. The same ones for the same clips."""
    if len(groups) < 2 or not study.controls:
        return []
    dice = random.Random(study.seed)
    count = min(len(groups), max(1, round(study.controls * pairs)))
    places = dice.sample(range(len(groups)), count)
    return [(dice.choice(groups[place]), dice.choice(groups[place - 1])) for place in places]


def _texts(name: str, texts: Sequence[str], low: int = 1, high: int = 1) -> None:
    """Raises `BadRequest` unless there are `low` to `high` different names of a fit length."""
    if not low <= len(texts) <= high or len(set(texts)) < len(texts):
        raise BadRequest(name, f"must be {low} to {high} with different names, got {len(texts)}")
    if any(not text.strip() or len(text) > LONGEST_NAME for text in texts):
        raise BadRequest(name, f"needs {'' if high == 1 else 'names of '}1 to {LONGEST_NAME} characters")

"""Voting: what a rater with a link is shown next, and that every vote is kept exactly once.

Nothing given out names a system: clips are called by random names that only the rater they were drawn for can open.
"""

import hashlib
import json
import random
import secrets
import sqlite3
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.errors import BadRequest
from studio.arena import AXES, Arena, Study, study_of

LEASE_S = 600  # how long a pair is held for somebody who does not answer
BEFORE_REPEATS = 5  # ballots that a rater has cast before an earlier pair comes again
BAD = "bad"


@dataclass(frozen=True, kw_only=True)
class Ballot:
    """Two clips (or stills: `kind`) to choose from, of which only random names are told; `done` of `total` are over."""

    id: str
    left: str
    right: str
    prompt: str
    fps: int
    kind: str
    axes: tuple[str, ...]
    done: int
    total: int

    def to_dict(self) -> dict[str, Any]:
        """All that a browser may know."""
        axes = [{"name": axis, "question": AXES[axis]} for axis in self.axes]
        return {**{name: getattr(self, name) for name in self.__dataclass_fields__}, "axes": axes}


class Ballots:
    """Hands out ballots and takes them back, safe with many raters at once: every step is one transaction.

    A rater is a string that tells one browser from another (studio.people.owner_of); only a hash of it is kept.
    """

    def __init__(self, arena: Arena):
        self._arena = arena

    def next(self, link: str, rater: str) -> Ballot | None:
        """The open ballot of this rater, else a new one; None when there is nothing left to answer.

        Raises `BadRequest` ("link") for a wrong link, ("study") if it is not open.
        """
        with self._arena.database.write() as connection:
            study = _study(connection, link)
            if study.state != "open":
                closed = "is closed; thank you, all votes were kept" if study.closed else "has not begun yet"
                raise BadRequest("study", closed)
            person = _person(connection, study, rater)
            row = _open(connection, person) or _draw(connection, study, person)
            if row is None:
                return None
            done = connection.execute("SELECT count(answered) FROM ballots WHERE rater = ?", (person,)).fetchone()[0]
            left = len([row for row in _loads(connection, study, person) if not row["control"]])
            return Ballot(
                id=row["id"],
                left=row["left_name"],
                right=row["right_name"],
                prompt=row["text"],
                fps=row["fps"],
                kind="still" if row["still"] else "clip",
                axes=study.axes,
                done=done,
                total=done + 1 + left,
            )

    def cast(self, link: str, rater: str, ballot: str, answers: Mapping[str, Any]) -> bool:
        """Keeps the answers: for every axis 2 (left is much better) to -2, or "bad" for both. False if it was there.

        Raises `BadRequest` for a ballot of somebody else, a closed study, missing axes, or clips that were not opened.
        """
        with self._arena.database.write() as connection:
            study = _study(connection, link)
            row = connection.execute(
                "SELECT ballots.* FROM ballots JOIN raters ON raters.id = ballots.rater"
                " WHERE ballots.id = ? AND raters.study = ? AND raters.name = ?",
                (str(ballot), study.id, _name(study, rater)),
            ).fetchone()
            if row is None:
                raise BadRequest("ballot", "is not yours or does not exist; reload the page")
            if row["answered"] is not None:
                return False
            if study.closed:
                raise BadRequest("study", "was closed meanwhile; your earlier votes were kept")
            if not (row["left_seen"] and row["right_seen"]):
                raise BadRequest("ballot", "can be answered when both clips were played")
            votes = [(ballot, axis, *_margin(axis, answers, row["swapped"])) for axis in study.axes]
            connection.executemany("INSERT INTO votes (ballot, axis, margin, bad) VALUES (?, ?, ?, ?)", votes)
            connection.execute("UPDATE ballots SET answered = ? WHERE id = ?", (time.time(), ballot))
            return True

    def media(self, token: str, rater: str) -> Path | None:
        """The file behind a random name, if it was drawn for this rater; None else."""
        with self._arena.database.read() as connection:
            row = connection.execute(MEDIA, {"token": str(token)}).fetchone()
        if row is None or row["person"] != hashed(row["study"], rater):
            return None
        side = "left" if row["is_left"] else "right"
        if not row[f"{side}_seen"]:
            with self._arena.database.write() as connection:
                connection.execute(f"UPDATE ballots SET {side}_seen = 1 WHERE id = ?", (row["id"],))
        path = self._arena.folder / row["study"] / row["file"]
        return path if path.is_file() else None


MEDIA = """
SELECT ballots.*, left_name = :token AS is_left, raters.name AS person, raters.study, takes.file
FROM ballots JOIN raters ON raters.id = ballots.rater JOIN pairs ON pairs.id = ballots.pair
JOIN takes ON takes.id = iif((left_name = :token) = ballots.swapped, pairs.b, pairs.a)
WHERE left_name = :token OR right_name = :token
"""
# Pairs that this rater has not seen, with how many others have answered them or hold them just now.
LOADS = """
SELECT pairs.id, control, count(ballots.id) AS load
FROM pairs LEFT JOIN ballots ON ballots.pair = pairs.id AND NOT repeat AND (answered IS NOT NULL OR issued > :since)
WHERE pairs.study = :study AND pairs.id NOT IN (SELECT pair FROM ballots WHERE rater = :rater)
GROUP BY pairs.id HAVING control OR load < :raters ORDER BY pairs.id
"""


def hashed(study: str, rater: str) -> str:
    """A rater's name in one study: nobody can follow it into another."""
    return hashlib.sha256(f"{study} {rater}".encode(errors="replace")).hexdigest()[:24]


def _name(study: Study, rater: str) -> str:
    return hashed(study.id, rater)


def _study(connection: sqlite3.Connection, link: str) -> Study:
    row = connection.execute("SELECT * FROM studies WHERE link = ?", (str(link),)).fetchone()
    if row is None:
        raise BadRequest("link", "leads to no study; ask for a new one")
    return study_of(row)


def _person(connection: sqlite3.Connection, study: Study, rater: str) -> int:
    name = _name(study, rater)
    connection.execute(
        "INSERT OR IGNORE INTO raters (study, name, joined) VALUES (?, ?, ?)", (study.id, name, time.time())
    )
    return connection.execute("SELECT id FROM raters WHERE study = ? AND name = ?", (study.id, name)).fetchone()[0]


def _open(connection: sqlite3.Connection, person: int) -> sqlite3.Row | None:
    return connection.execute(
        "SELECT ballots.*, text, fps, still FROM ballots JOIN pairs ON pairs.id = pair"
        " JOIN prompts ON prompts.id = pairs.prompt JOIN takes ON takes.id = pairs.a"
        " WHERE rater = ? AND answered IS NULL",
        (person,),
    ).fetchone()


def _loads(connection: sqlite3.Connection, study: Study, person: int) -> list[sqlite3.Row]:
    values = {"study": study.id, "rater": person, "raters": study.raters, "since": time.time() - LEASE_S}
    return connection.execute(LOADS, values).fetchall()


def _draw(connection: sqlite3.Connection, study: Study, person: int) -> sqlite3.Row | None:
    """A repeat, a control, or one of the pairs with the fewest votes; sides and order come from the study's seed."""
    own = connection.execute(
        "SELECT ballots.*, control FROM ballots JOIN pairs ON pairs.id = pair WHERE rater = ? ORDER BY issued",
        (person,),
    ).fetchall()
    dice = random.Random(f"{study.seed} {person} {len(own)}")
    share, swapped, repeat = dice.random(), int(dice.random() < 0.5), 0
    loads = _loads(connection, study, person)
    real, known = ([row for row in loads if bool(row["control"]) == kind] for kind in (False, True))
    if not real:
        return None
    earlier = _repeatable(own)
    if share < study.repeats and earlier:
        again = dice.choice(earlier)
        pair, swapped, repeat = again["pair"], 1 - again["swapped"], 1
    elif study.repeats <= share < study.repeats + study.controls and known:
        pair = dice.choice(known)["id"]
    else:
        fewest = min(row["load"] for row in real)
        pair = dice.choice([row["id"] for row in real if row["load"] == fewest])
    left, right = secrets.token_urlsafe(18), secrets.token_urlsafe(18)
    connection.execute(
        "INSERT INTO ballots (id, pair, rater, repeat, swapped, left_name, right_name, issued)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (secrets.token_urlsafe(18), pair, person, repeat, swapped, left, right, time.time()),
    )
    return _open(connection, person)


def _repeatable(own: list[sqlite3.Row]) -> list[sqlite3.Row]:
    """A rater's ballots that may come a second time: no controls, none that came twice, none of the latest."""
    seen_twice = {row["pair"] for row in own if row["repeat"]}
    firsts = [row for row in own if not row["repeat"]][:-BEFORE_REPEATS]
    return [row for row in firsts if not row["control"] and row["pair"] not in seen_twice]


def _margin(axis: str, answers: Mapping[str, Any], swapped: int) -> tuple[int, int]:
    """(margin, bad) as kept, from what was said about left and right."""
    said = answers.get(axis)
    if said == BAD:
        return 0, 1
    if type(said) is not int or not -2 <= said <= 2:
        raise BadRequest(axis, f"needs an answer from -2 to 2 or {json.dumps(BAD)}")
    return (-said if swapped else said), 0

"""What can be read of the clips that were made: pages, searches, single clips, their files.

Whoever asks says for which owner; None is the machine itself and never comes from a browser.
"""

import dataclasses
import json
import re
import sqlite3
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.errors import BadRequest
from studio.db import Database

FILES = {"clip": ("clip.mp4", "clip.png", "clip.wav"), "poster": ("poster.webp",), "deleted": ("poster.webp",)}
NAME = re.compile(r"[0-9A-Za-z_-]{1,64}")  # of a clip's folder: never a path
LARGEST_PAGE = 200
LONGEST_SEARCH = 200  # characters; longer ones only make the index work


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One clip: what was asked, what it is, what its owner did with it.

    `request` is plain data, because one of an older version may not parse any more. `created` is in Unix seconds.
    """

    id: str
    owner: str
    job: str | None
    request: dict[str, Any]
    task: str
    model: str
    prompt: str
    kind: str  # clip, still or sound
    aspect: str
    seconds: float
    frames: int
    fps: int
    width: int
    height: int
    seed: int
    starred: bool
    tags: tuple[str, ...]
    created: float
    bytes: int
    elapsed_s: float


@dataclass(frozen=True, kw_only=True)
class Query:
    """Which clips: beginnings of words of the prompt, and filters; None is any. Times in Unix seconds.

    Raises `BadRequest` for a value of another type, or text that is none.
    """

    text: str = ""
    task: str | None = None
    model: str | None = None
    aspect: str | None = None
    starred: bool | None = None
    tag: str | None = None
    since: float | None = None
    until: float | None = None

    def __post_init__(self) -> None:
        for spec in dataclasses.fields(self):
            value = getattr(self, spec.name)
            kind = {"starred": bool, "since": (int, float), "until": (int, float)}.get(spec.name, str)
            if not (value is None or isinstance(value, kind)) or (spec.name == "text" and value is None):
                raise BadRequest(spec.name, f"cannot be {str(value)[:40]!r}")
            if isinstance(value, str):  # half a surrogate pair, which JSON lets through, is no text for SQLite
                object.__setattr__(self, spec.name, value.encode(errors="replace").decode())


@dataclass(frozen=True, kw_only=True)
class Page:
    """Some of the clips, newest first, and how many there are on all pages together."""

    entries: tuple[Entry, ...] = ()
    total: int = 0


class Shelf:
    """Reads the clips in `folder` as the database knows them. Another owner's clip does not exist."""

    def __init__(self, database: Database, folder: Path):
        self._database = database
        self._folder = folder

    def get(self, name: str, owner: str | None) -> Entry | None:
        """One clip, or None if this owner has none of that id."""
        return self._one(name, *_mine(owner))

    def _one(self, name: str, where: str, values: list[Any]) -> Entry | None:
        if not (isinstance(name, str) and NAME.fullmatch(name)):
            return None
        with self._database.read() as connection:
            row = connection.execute(f"{ENTRIES} WHERE {where} AND id = ?", (*values, name)).fetchone()
        return _entry(row) if row else None

    def page(self, owner: str | None, query: Query, *, page: int = 0, size: int = 24) -> Page:
        """The clips number `page * size` and following of those that fit. Raises `BadRequest` ("page", "size")."""
        if page < 0 or page * size >= 2**62:
            raise BadRequest("page", f"must be 0 or more, got {str(page)[:20]}")
        if not 1 <= size <= LARGEST_PAGE:
            raise BadRequest("size", f"must be between 1 and {LARGEST_PAGE}, got {str(size)[:20]}")
        numbers, values = _numbers(owner, query)
        with self._database.read() as connection:
            total = connection.execute(f"SELECT count(*) FROM ({numbers})", values).fetchone()[0]
            wanted = f"{ENTRIES} WHERE number IN ({numbers} ORDER BY number DESC LIMIT ? OFFSET ?) ORDER BY number DESC"
            rows = connection.execute(wanted, (*values, size, page * size)).fetchall()
        return Page(entries=tuple(map(_entry, rows)), total=total)

    def beginning(self, start: str, owner: str | None) -> list[str]:
        """The ids that begin so, two at the most: enough to know whether it is one."""
        if not NAME.fullmatch(start):
            return []
        where, values = _mine(owner)
        with self._database.read() as connection:
            rows = connection.execute(
                f"SELECT id FROM clips WHERE {where} AND id >= ? AND id < ? LIMIT 2", (*values, start, f"{start}~")
            )
            return [row["id"] for row in rows.fetchall()]

    def recent(self, owner: str | None, count: int = 24) -> tuple[Entry, ...]:
        """The newest clips, newest first."""
        where, values = _mine(owner)
        with self._database.read() as connection:
            rows = connection.execute(f"{ENTRIES} WHERE {where} ORDER BY number DESC LIMIT ?", (*values, count))
            return tuple(map(_entry, rows.fetchall()))

    def deleted(self, owner: str | None, count: int = LARGEST_PAGE) -> tuple[Entry, ...]:
        """What was deleted and can be brought back, the latest first."""
        where, values = _mine(owner, deleted=True)
        with self._database.read() as connection:
            rows = connection.execute(f"{ENTRIES} WHERE {where} ORDER BY deleted DESC LIMIT ?", (*values, count))
            return tuple(map(_entry, rows.fetchall()))

    def tags(self, owner: str | None) -> dict[str, int]:
        """Every tag of this owner and how many clips have it, by name."""
        where, values = _mine(owner)
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT tag, count(*) FROM clip_tags CROSS JOIN clips INDEXED BY clips_page ON number = clip"
                f" WHERE {where} GROUP BY tag ORDER BY tag COLLATE NOCASE",
                values,
            )
            return dict(map(tuple, rows.fetchall()))

    def bytes(self, owner: str) -> int:
        """How much of the disk this owner's clips take, those that can still be brought back included."""
        with self._database.read() as connection:
            return connection.execute("SELECT coalesce(sum(bytes), 0) FROM clips WHERE owner = ?", (owner,)).fetchone()[
                0
            ]

    def path(self, name: str, owner: str | None, what: str) -> Path | None:
        """The file of a clip (`what` is "clip" or "poster"), or None if this owner has none.

        "deleted" is the poster of one that can be brought back.
        """
        if what not in FILES or self._one(name, *_mine(owner, deleted=what == "deleted")) is None:
            return None
        return self._file(name, what)

    def _file(self, name: str, what: str) -> Path | None:
        files = (self._folder / name / file for file in FILES[what])
        return next((file for file in files if file.is_file()), None)


ENTRIES = (
    "SELECT *, (SELECT json_group_array(tag) FROM (SELECT tag FROM clip_tags WHERE clip = number ORDER BY tag))"
    " AS tags FROM clips"
)


def _mine(owner: str | None, *, deleted: bool = False) -> tuple[str, list[Any]]:
    where = "deleted IS NOT NULL" if deleted else "deleted IS NULL"
    return (where, []) if owner is None else (f"{where} AND owner = ?", [owner])


def _numbers(owner: str | None, query: Query) -> tuple[str, list[Any]]:
    """A query for the numbers of the clips that fit, and its values; nothing of what was typed becomes SQL.

    Words are asked first, of the clips that they are in; the plus keeps SQLite from asking for every clip by itself.
    """
    filters, values = _filtered(owner, query)
    words = _words(owner, query.text)
    if words is None:
        return filters, values
    found = "SELECT rowid AS number FROM clip_words WHERE clip_words MATCH ?"
    if query == Query(text=query.text) and not any(map(_picture, _split(query.text))):
        return found, [words]
    return f"{found} AND +rowid IN ({filters})", [words, *values]


def _filtered(owner: str | None, query: Query) -> tuple[str, list[Any]]:
    where, values = _mine(owner)
    wanted = {
        "task = ?": query.task,
        "model = ?": query.model,
        "aspect = ?": query.aspect,
        "starred = ?": query.starred,
        "number IN (SELECT clip FROM clip_tags WHERE tag = ?)": query.tag,
        "created >= ?": query.since,
        "created < ?": query.until,
    }
    given = {part: value for part, value in wanted.items() if value is not None}
    pictures = list(filter(_picture, _split(query.text)))
    conditions = " AND ".join((where, *given, *["instr(prompt, ?)"] * len(pictures)))
    return f"SELECT number FROM clips INDEXED BY clips_page WHERE {conditions}", [*values, *given.values(), *pictures]


def _words(owner: str | None, text: str) -> str | None:
    """What was typed as an FTS5 expression: every word is quoted, so none is an operator, and may go on."""
    words = [word for word in _split(text) if not _picture(word)]
    if not words:
        return None
    prompt = "prompt: (" + " ".join(f'"{word}"*' for word in words) + ")"
    return prompt if owner is None else f'owner: "{owner.encode().hex()}" AND {prompt}'


def _split(text: str) -> list[str]:
    return text[:LONGEST_SEARCH].replace("\0", " ").replace('"', " ").split()


def _picture(word: str) -> bool:
    """Whether it is an emoji or the like: FTS5 indexes letters and digits only, and would leave it out."""
    return not any(map(str.isalnum, word)) and any(unicodedata.category(sign) == "So" for sign in word)


def _entry(row: sqlite3.Row) -> Entry:
    values = {name: row[name] for name in Entry.__dataclass_fields__}
    return Entry(
        **values
        | {
            "request": json.loads(row["request"]),
            "starred": bool(row["starred"]),
            "tags": tuple(json.loads(row["tags"])),
        }
    )

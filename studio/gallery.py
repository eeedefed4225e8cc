"""The clips that were made: kept, found, starred, tagged, deleted and brought back.

The folder of a clip holds all that is known of it, so that `reindex` can make the database again.
"""

import json
import logging
import re
import secrets
import shutil
import sqlite3
import time
import unicodedata
import zipfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pipelines.errors import BadRequest, Unavailable
from pipelines.media import audio, landing, video
from studio.made import Made
from studio.shelf import NAME, Entry, Page, Query, Shelf

__all__ = ["Entry", "Gallery", "Page", "Query"]

KINDS = {".mp4": "clip", ".png": "still", ".wav": "sound"}
LONGEST_TAG, MOST_TAGS = 40, 20
LONGEST_STEM = 60  # characters of a prompt in the name of a file
MOST_AT_ONCE = 1_000
KEEP_DAYS = 30  # what is deleted can be brought back for so long, or until its owner needs the room
REQUEST, ENTRY = "request.json", "entry.json"
log = logging.getLogger("studio.gallery")
KEPT = tuple(name for name in Entry.__dataclass_fields__ if name not in ("id", "request", "tags"))


class Gallery(Shelf):
    """The clips of one studio. Safe to use from several threads and processes."""

    def add(self, made: Made, owner: str, job: str | None = None) -> str:
        """Takes in a file that stands in a folder of its own under the clips' folder; that folder's name is the id."""
        name = made.path.parent.name
        assert made.path.parent.parent == self._folder and NAME.fullmatch(name), made.path
        seen = {key: getattr(made, key) for key in ("frames", "fps", "width", "height", "elapsed_s")}
        note = _note(made.path, made.request.to_dict(), seen) | {"owner": owner, "job": job}
        with self._database.write() as connection:
            connection.execute("DELETE FROM clips WHERE id = ?", (name,))  # `reindex` may have found it already
            _insert(connection, note | {"created": time.time(), "starred": False})
            self._write_down(connection, [name])
        return name

    def star(self, name: str, owner: str | None, on: bool) -> None:
        """Marks a clip as a favourite, or not. Raises `BadRequest` ("clip"), as all that follow, if there is none."""
        with self._database.write() as connection:
            self._mine(connection, [name], owner)
            connection.execute("UPDATE clips SET starred = ? WHERE id = ?", (bool(on), name))
            self._write_down(connection, [name])

    def tag(self, name: str, owner: str | None, tags: Iterable[str]) -> None:
        """Gives a clip exactly these tags. Raises `BadRequest` ("tags") for empty, long or too many ones."""
        wanted = _tags(tags)
        with self._database.write() as connection:
            (number,) = self._mine(connection, [name], owner)
            connection.execute("DELETE FROM clip_tags WHERE clip = ?", (number,))
            connection.executemany("INSERT INTO clip_tags VALUES (?, ?)", [(number, tag) for tag in wanted])
            self._write_down(connection, [name])

    def delete(self, names: Sequence[str], owner: str | None) -> str:
        """Takes clips out of sight and returns the token that brings them back. All or, with a wrong id, none."""
        token = secrets.token_hex(16)
        with self._database.write() as connection:
            numbers = self._mine(connection, names, owner)
            connection.executemany(
                "UPDATE clips SET deleted = ?, undo = ? WHERE number = ?",
                [(time.time(), token, number) for number in numbers],
            )
            self._write_down(connection, names)
        return token

    def undo(self, token: str, owner: str | None) -> list[str]:
        """Brings back what one `delete` took; returns the ids, none if they are gone for good."""
        return self._bring_back("undo", str(token), owner)

    def restore(self, name: str, owner: str | None) -> None:
        """Brings back one clip that was deleted, whatever was deleted with it. Raises `BadRequest` ("clip")."""
        if not self._bring_back("id", str(name), owner):
            raise BadRequest("clip", "is back already, or gone for good")

    def _bring_back(self, column: str, value: str, owner: str | None) -> list[str]:
        """Those of an owner's deleted clips that have this in that column; their ids."""
        mine, values = ("", []) if owner is None else (" AND owner = ?", [owner])
        wanted = f"SELECT id FROM clips WHERE {column} = ? AND deleted IS NOT NULL{mine}"
        back = "UPDATE clips SET deleted = NULL, undo = NULL WHERE id = ?"
        with self._database.write() as connection:
            names = [row["id"] for row in connection.execute(wanted, (value, *values)).fetchall()]
            connection.executemany(back, [(name,) for name in names])
            self._write_down(connection, names)
        return names

    def purge(self, older_than: float = KEEP_DAYS * 24 * 3600, owner: str | None = None) -> int:
        """Removes for good, with their files, the clips that were deleted more than so many seconds ago; how many."""
        before = time.time() - older_than
        with self._database.write() as connection:
            wanted = "SELECT id FROM clips WHERE deleted < ? AND owner = coalesce(?, owner)"
            rows = connection.execute(wanted, (before, owner))
            names = [row["id"] for row in rows.fetchall()]
            connection.executemany("DELETE FROM clips WHERE id = ?", [(name,) for name in names])
        for name in names:
            shutil.rmtree(self._folder / name, ignore_errors=True)
        return len(names)

    def zip(self, names: Sequence[str], owner: str | None, path: Path) -> Path:
        """Writes clips, each with its request beside it, into an archive that appears at `path` when it is whole.

        They are called by prompt and seed: "a-red-panda-in-the-snow-seed-7.mp4".
        """
        with self._database.read() as connection:
            self._mine(connection, names, owner)
        try:
            with landing.replacing(path) as part, zipfile.ZipFile(part, "x") as archive:  # clips are compressed already
                for name in names:
                    self._pack(archive, name, owner)
        except OSError as error:
            raise Unavailable(f"{path} cannot be written: {error.strerror}") from error
        return path

    def _pack(self, archive: zipfile.ZipFile, name: str, owner: str | None) -> None:
        clip, entry = self._file(name, "clip"), self.get(name, owner)
        if clip and entry:
            stem = _stem(entry, {Path(there).stem for there in archive.namelist()})
            archive.write(clip, f"{stem}{clip.suffix}")
            archive.writestr(f"{stem}.json", json.dumps(entry.request, ensure_ascii=False, sort_keys=True))

    def reindex(self, owner: str | None = None) -> int:
        """Adds every clip in the folder that the database does not know, oldest first; returns how many.

        A clip of which nothing is left but its file says itself what it is, but not whose: it becomes `owner`'s.
        """
        with self._database.read() as connection:
            known = _ids(connection)
        folders = [folder for folder in self._folder.iterdir() if folder.name not in known]
        notes = {folder.name: note for folder in folders if (note := self._read_back(folder, owner))}
        with self._database.write() as connection:
            for name in notes.keys() & _ids(connection):  # a worker has brought it meanwhile
                del notes[name]
            for note in sorted(notes.values(), key=lambda note: note["created"]):
                _insert(connection, note)
        return len(notes)

    def _read_back(self, folder: Path, owner: str | None) -> dict[str, Any] | None:
        """What a clip's folder says of it, or the clip itself; None if it is no clip, or nobody's."""
        clip = self._file(folder.name, "clip")
        if clip is None or not NAME.fullmatch(folder.name):
            return None
        try:
            note, request = (json.loads((folder / file).read_text(encoding="utf-8")) for file in (ENTRY, REQUEST))
        except (OSError, ValueError, RecursionError):
            note = request = None
        if _complete(note) and isinstance(request, dict):
            return note | {"id": folder.name, "request": request}
        return _remembered(clip, owner) if owner else None

    def _mine(self, connection: sqlite3.Connection, names: Sequence[str], owner: str | None) -> list[int]:
        """The numbers of clips, all of which must be this owner's."""
        if not 1 <= len(names) <= MOST_AT_ONCE:
            raise BadRequest("clip", f"choose 1 to {MOST_AT_ONCE} clips at once, not {len(names)}")
        mine, values = ("", []) if owner is None else (" AND owner = ?", [owner])
        numbers = []
        for name in names:
            wanted = (name if isinstance(name, str) and NAME.fullmatch(name) else "", *values)
            row = connection.execute(
                f"SELECT number FROM clips WHERE id = ? AND deleted IS NULL{mine}", wanted
            ).fetchone()
            if row is None:
                raise BadRequest("clip", "there is no such clip; it may have been deleted")
            numbers.append(row["number"])
        return numbers

    def _write_down(self, connection: sqlite3.Connection, names: Iterable[str]) -> None:
        """Puts what the database says of these clips into their folders."""
        for name in names:
            row = dict(connection.execute("SELECT * FROM clips WHERE id = ?", (name,)).fetchone())
            tags = connection.execute("SELECT tag FROM clip_tags WHERE clip = ? ORDER BY tag", (row["number"],))
            note = {key: row[key] for key in (*KEPT, "deleted", "undo")} | {"tags": [tag for (tag,) in tags.fetchall()]}
            folder = self._folder / name
            if not folder.is_dir():  # somebody has taken it away
                continue
            _write(folder / ENTRY, json.dumps(note))
            if not (folder / REQUEST).exists():
                _write(folder / REQUEST, row["request"])


def _stem(entry: Entry, taken: set[str]) -> str:
    """What a clip's file is called outside: plain letters that every system takes, and unlike those that are taken."""
    plain = unicodedata.normalize("NFKD", entry.prompt).encode("ascii", "ignore").decode().lower()
    words = re.sub("[^a-z0-9]+", "-", plain)[:LONGEST_STEM].strip("-") or entry.kind
    stem = f"{words}-seed-{entry.seed}"
    return next(name for name in (stem, *(f"{stem}-{n}" for n in range(2, MOST_AT_ONCE + 2))) if name not in taken)


def _note(clip: Path, request: dict[str, Any], seen: dict[str, Any]) -> dict[str, Any]:
    """What is known of a clip, but for whose it is. `seen`: frames, fps, width, height, elapsed_s."""
    kind = KINDS[clip.suffix]
    moving = seen["frames"] / seen["fps"] if kind == "clip" else 0.0
    return {
        **seen,
        "id": clip.parent.name,
        "request": request,
        "task": request.get("task", ""),
        "model": request.get("model", ""),
        "prompt": request.get("prompt", ""),
        "kind": kind,
        "aspect": request.get("aspect", ""),
        "seconds": request.get("seconds", 0.0) if kind == "sound" else moving,
        "seed": request.get("seed", 0),
        "bytes": sum(file.stat().st_size for file in clip.parent.iterdir()),
    }


def _complete(note: Any) -> bool:
    """Whether this is what `_write_down` has written, and not something that fits no row of the table."""
    kinds = {name: Entry.__dataclass_fields__[name].type for name in KEPT}
    stored = {bool: int, float: (int, float)}  # as SQLite gives it back
    return (
        isinstance(note, dict)
        and all(name in note and isinstance(note[name], stored.get(kind, kind)) for name, kind in kinds.items())
        and note["kind"] in KINDS.values()
        and isinstance(note.get("tags"), list)
    )


def _remembered(clip: Path, owner: str) -> dict[str, Any] | None:
    """What a clip says of itself, to be used where its notes are lost; None if it cannot be read."""
    try:
        request, seen = video.request_of(clip) or {}, _seen(clip)
    except BadRequest as error:
        log.warning("%s", error)
        return None
    note = _note(clip, request, seen | {"elapsed_s": 0.0})
    return note | {"owner": owner, "job": None, "created": clip.stat().st_mtime, "starred": False}


def _seen(clip: Path) -> dict[str, Any]:
    """Frames, rate and size. Raises `BadRequest` if the file cannot be read."""
    if KINDS[clip.suffix] == "sound":
        audio.read(clip, first=1)
        return {"frames": 0, "fps": 1, "width": 0, "height": 0}
    shown = video.read(clip)
    return {"frames": len(shown.frames), "fps": shown.fps, "width": shown.width, "height": shown.height}


def _ids(connection: sqlite3.Connection) -> set[str]:
    return {row["id"] for row in connection.execute("SELECT id FROM clips")}


def _insert(connection: sqlite3.Connection, note: dict[str, Any]) -> None:
    values = {key: note[key] for key in (*KEPT, "id")} | {key: note.get(key) for key in ("deleted", "undo")}
    values["request"] = json.dumps(note["request"], ensure_ascii=False, sort_keys=True)
    names, marks = ", ".join(values), ", ".join(f":{name}" for name in values)
    number = connection.execute(f"INSERT INTO clips ({names}) VALUES ({marks})", values).lastrowid
    connection.executemany("INSERT INTO clip_tags VALUES (?, ?)", [(number, tag) for tag in note.get("tags", ())])


def _write(path: Path, text: str) -> None:
    with landing.replacing(path) as part:
        part.write_text(text, encoding="utf-8")


def _tags(tags: Iterable[str]) -> list[str]:
    wanted = sorted({" ".join(str(tag).encode(errors="replace").decode().split()) for tag in tags})
    if len(wanted) > MOST_TAGS or any(not 1 <= len(tag) <= LONGEST_TAG for tag in wanted):
        raise BadRequest("tags", f"a clip has up to {MOST_TAGS} tags of 1 to {LONGEST_TAG} characters")
    return wanted

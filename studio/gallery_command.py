"""`python -m studio gallery` and `reindex`: the clips of the studio on this machine, with or without its server."""

import argparse
import dataclasses
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipelines.command import number
from pipelines.errors import BadRequest, Unavailable
from pipelines.media import foreign
from studio.db import Database, expect
from studio.gallery import KEEP_DAYS, Gallery, Query
from studio.settings import Settings

ID = "the first letters of a clip's id, as `python -m studio gallery` lists them"
FILTERS = ("task", "model", "aspect", "tag", "starred")
Result = dict[str, Any]


def gallery(options: argparse.Namespace, settings: Settings) -> Result:
    """Lists the clips that were made, and changes them: list, search, star, tag, delete, undo, purge, zip, settings."""
    if options.action == "settings":
        return _settings(options)
    expect(options.data or settings.data)
    with _opened(options, settings) as clips:
        return ACTIONS[options.action](clips, options)


def reindex(options: argparse.Namespace, settings: Settings) -> Result:
    """Adds to the gallery every clip in its folder that it does not know, from what the clip itself says."""
    with _opened(options, settings) as clips:
        return {"added": clips.reindex(options.owner)}


def options(command: argparse.ArgumentParser) -> None:
    """What `gallery` takes."""
    names = (*ACTIONS, "settings")
    command.add_argument("action", nargs="?", choices=names, default="list", metavar="ACTION", help=", ".join(names))
    command.add_argument("what", nargs="*", metavar="ID|WORD|FILE", help=f"{ID}; words; tags; a file")
    for name, kind, usual, says in (
        ("page", int, 1, "which page of the list"),
        ("size", int, 24, "how many clips are on a page"),
        ("days", float, KEEP_DAYS, "purge: deleted for so long"),
    ):
        words = {"metavar": "N" if kind is int else "X", "help": f"{says} (default {usual})"}
        command.add_argument(f"--{name}", type=number(kind), default=usual, **words)
    for name in ("task", "model", "aspect", "tag", "owner"):
        command.add_argument(f"--{name}", metavar="TEXT", help=f"only of this {name} (default: any)")
    command.add_argument("--starred", action="store_true", default=None, help="only favourites")
    folder(command)


def reindex_options(command: argparse.ArgumentParser) -> None:
    """What `reindex` takes."""
    command.add_argument("--owner", default="command", metavar="TEXT", help="whose a clip is that does not say so")
    folder(command)


def folder(command: argparse.ArgumentParser) -> None:
    """The option that names the studio's folder."""
    command.add_argument("--data", type=Path, metavar="DIR", help="the studio's folder (default: the user's)")


def show(result: Result) -> str:
    """The result in words."""
    if "total" in result:
        lines = [*map(_line, result["clips"]), f"page {result['page']} of {result['pages']}, {result['total']} clips"]
        return "\n".join(lines)
    words = {key: " ".join(value) if isinstance(value, list) else value for key, value in result.items()}
    return ", ".join(f"{key}: {value}" for key, value in words.items())


@contextmanager
def _opened(options: argparse.Namespace, settings: Settings) -> Iterator[Gallery]:
    data = options.data or settings.data
    clips = data / settings.clips.name
    if not clips.is_dir():
        raise Unavailable(f"there is no gallery in {data}; python -m studio serve makes one")
    database = Database(data / "rushes.db")
    try:
        yield Gallery(database, clips)
    finally:
        database.close()


def _list(clips: Gallery, options: argparse.Namespace) -> Result:
    text = " ".join(options.what)
    if options.page < 1:
        raise BadRequest("page", f"must be 1 or more, got {options.page}")
    query = Query(text=text, **{name: getattr(options, name) for name in FILTERS})
    page = clips.page(options.owner, query, page=options.page - 1, size=options.size)
    entries = [dataclasses.asdict(entry) for entry in page.entries]
    return {
        "clips": entries,
        "total": page.total,
        "page": options.page,
        "pages": max(1, -(-page.total // options.size)),
    }


def _star(clips: Gallery, options: argparse.Namespace) -> Result:
    (name,) = _names(clips, options, options.what[:1])
    on = not clips.get(name, options.owner).starred
    clips.star(name, options.owner, on)
    return {"clip": name, "starred": on}


def _tag(clips: Gallery, options: argparse.Namespace) -> Result:
    (name,) = _names(clips, options, options.what[:1])
    clips.tag(name, options.owner, options.what[1:])
    return {"clip": name, "tags": list(clips.get(name, options.owner).tags)}


def _delete(clips: Gallery, options: argparse.Namespace) -> Result:
    names = _names(clips, options, options.what)
    return {"deleted": names, "undo": clips.delete(names, options.owner)}


def _undo(clips: Gallery, options: argparse.Namespace) -> Result:
    token = _words(options, "the token that `delete` printed")[0]
    names = clips.undo(token, options.owner)
    if not names:
        raise BadRequest("undo", f"nothing was deleted under {token[:40]!r}, or it is back already, or gone for good")
    return {"restored": names}


def _purge(clips: Gallery, options: argparse.Namespace) -> Result:
    if not 0 <= options.days < math.inf:  # also refuses nan
        raise BadRequest("days", f"must be 0 or more, got {options.days:g}")
    for name in (*FILTERS, "owner"):  # what cannot be brought back should not be taken for less than it is
        if getattr(options, name) is not None:
            raise BadRequest(name, "purge has no use for it: it removes what was deleted, whoever's it was")
    return {"removed": clips.purge(options.days * 24 * 3600)}


def _zip(clips: Gallery, options: argparse.Namespace) -> Result:
    file, *starts = _words(options, "the zip, then the clips")
    path = Path(file)
    if path.exists():
        raise BadRequest("FILE", f"{path} already exists and is not overwritten; choose another name")
    names = _names(clips, options, starts)
    return {"file": str(clips.zip(names, options.owner, path)), "clips": names}


def _settings(options: argparse.Namespace) -> Result:
    path = Path(_words(options, "a file made by Rushes, A1111 or ComfyUI")[0])
    found = foreign.settings_of(path)
    if found is None:
        return {"file": str(path), "source": None, "settings": None, "notes": []}
    return {"file": str(path), "source": found.source, "settings": found.fields, "notes": list(found.notes)}


def _words(options: argparse.Namespace, needed: str) -> list[str]:
    if not options.what:
        raise BadRequest("gallery", f"{options.action} needs {needed}")
    return options.what


def _names(clips: Gallery, options: argparse.Namespace, starts: list[str]) -> list[str]:
    """The clips whose ids begin so."""
    if not starts:
        raise BadRequest("ID", f"is missing: {ID}")
    names = []
    for start in starts:
        found = clips.beginning(start, options.owner)
        if len(found) != 1:
            raise BadRequest("ID", f"{'several' if found else 'no'} clips begin with {start[:40]!r}; give {ID}")
        names += found
    return names


def _line(clip: Result) -> str:
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(clip["created"]))
    marks = ("*" if clip["starred"] else " ") + "".join(f" #{tag}" for tag in clip["tags"])
    return f"{clip['id'][:8]}  {when}  {clip['kind']:<5}  {clip['prompt'][:60]}  {marks}".rstrip()


ACTIONS: dict[str, Callable[[Gallery, argparse.Namespace], Result]] = {
    "list": _list,
    "search": _list,
    "star": _star,
    "tag": _tag,
    "delete": _delete,
    "undo": _undo,
    "purge": _purge,
    "zip": _zip,
}

"""`python -m studio arena`: blind studies from the terminal; people vote in the browser while the server runs."""

import argparse
import dataclasses
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from pipelines.command import note, number
from pipelines.errors import BadRequest
from studio import takes
from studio.arena import AXES, BY_TASK, Plan, System
from studio.db import expect
from studio.gallery_command import folder
from studio.settings import Settings
from studio.studio import Studio
from studio.terminal import Meter

OWNER = "command"
Result = dict[str, Any]


def arena(options: argparse.Namespace, settings: Settings) -> Result:
    """Blind studies: suites, create, list, open, link, status, close, discard, export, report."""
    if options.action == "suites":
        return _suites()
    with _opened(options, settings) as studio:
        return ACTIONS[options.action](studio, options)


def options(command: argparse.ArgumentParser) -> None:
    """What `arena` takes."""
    names = ("suites", *ACTIONS)
    command.add_argument("action", choices=names, metavar="ACTION", help=", ".join(names))
    command.add_argument(
        "what", nargs="?", default="", metavar="TITLE|STUDY", help="create: a title; else a study's id"
    )
    command.add_argument(
        "--prompts", metavar="SUITE|FILE", help="one that `arena suites` lists; a file; or hf:OWNER/DATASET/FILE"
    )
    command.add_argument(
        "--system",
        action="append",
        default=[],
        metavar="NAME=DIR|JSON",
        help="a folder of clips that are called like the prompts, or fields of the request; twice or more",
    )
    command.add_argument("--first", type=number(int), metavar="N", help="create: only so many of the prompts")
    command.add_argument("--task", choices=tuple(BY_TASK), default="text-to-video", help="decides what is asked")
    command.add_argument(
        "--axis", action="append", default=[], metavar="AXIS", help=f"ask only this: {', '.join(AXES)}"
    )
    command.add_argument("--raters", type=number(int), default=3, metavar="N", help="wanted for each pair (default 3)")
    command.add_argument("--at", metavar="ADDRESS", help="where the server is reached, for the link")
    command.add_argument("--out", type=Path, metavar="FILE", help="export: .csv, .json or .parquet; report: .html")
    folder(command)


def show(result: Result) -> str:
    """The result in words."""
    if "studies" in result:
        return "\n".join(map(_line, result["studies"])) or "there are no studies yet"
    if "headline" in result:
        return "\n".join(result["headline"])
    return "\n".join(f"{key}: {value}" for key, value in result.items() if value not in ("", [], None))


@contextmanager
def _opened(options: argparse.Namespace, settings: Settings) -> Iterator[Studio]:
    data = options.data or settings.data
    if options.action != "create":
        expect(data)
    studio = Studio.open(dataclasses.replace(settings, data=data))
    try:
        yield studio
    finally:
        studio.close()


def _suites() -> Result:
    from studio import prompts  # brings pandas, which other commands can do without

    return {name: f"{len(prompts.find(name))} prompts" for name in prompts.suites()}


def _create(studio: Studio, options: argparse.Namespace) -> Result:
    from studio import prompts

    if not options.prompts:
        raise BadRequest("prompts", f"are missing: one of {', '.join(prompts.suites())}, a file, or hf:...")
    if options.first is not None and options.first < 1:
        raise BadRequest("first", f"must be 1 or more, got {options.first}")
    given = dict(_system(text) for text in options.system)
    plan = Plan(
        title=options.what,
        prompts=prompts.find(options.prompts)[: options.first],
        systems=tuple(
            System(name=name, settings=said if isinstance(said, dict) else {}) for name, said in given.items()
        ),
        task=options.task,
        axes=tuple(options.axis),
        raters=options.raters,
    )
    folders = {name: said for name, said in given.items() if isinstance(said, Path)}
    with takes.begun(studio.arena, plan, OWNER) as study:
        with closing(Meter(sys.stderr)) as meter:
            missing = takes.from_folders(studio.arena, study, OWNER, folders=folders, progress=meter)
        ordered = takes.order(studio.arena, studio.jobs, study, OWNER)
    for sentence in missing[:10]:
        note(f"there is no clip for {sentence}")
    if not ordered and not missing:
        studio.arena.open(study, OWNER)
    return {"study": study, "missing": missing, "jobs": ordered, **studio.arena.status(study, None)}


def _system(text: str) -> tuple[str, Path | dict[str, Any]]:
    """NAME and a folder or settings. Raises `BadRequest` for neither."""
    name, sign, said = text.partition("=")
    if not sign or not name.strip():
        raise BadRequest("system", f"is written NAME=FOLDER or NAME=JSON, got {text[:40]!r}")
    if not said.lstrip().startswith("{"):
        return name.strip(), Path(said)
    try:
        return name.strip(), json.loads(said)
    except ValueError as error:
        raise BadRequest("system", f"{name} has settings that are no JSON: {error}") from error


def _list(studio: Studio, options: argparse.Namespace) -> Result:
    return {"studies": [studio.arena.status(study.id, None) for study in studio.arena.studies(None)]}


def _open(studio: Studio, options: argparse.Namespace) -> Result:
    failed = takes.collect(studio.arena, studio.jobs, studio.gallery, options.what)
    pairs = studio.arena.open(options.what, None)
    return {"study": options.what, "pairs": pairs, "failed": failed, **studio.arena.status(options.what, None)}


def _link(studio: Studio, options: argparse.Namespace) -> Result:
    address = options.at or f"http://{studio.settings.host}:{studio.settings.port}"
    return {"link": address.rstrip("/") + studio.arena.status(options.what, None)["link"]}


def _status(studio: Studio, options: argparse.Namespace) -> Result:
    return studio.arena.status(options.what, None)


def _close(studio: Studio, options: argparse.Namespace) -> Result:
    studio.arena.close(options.what, None)
    return studio.arena.status(options.what, None)


def _discard(studio: Studio, options: argparse.Namespace) -> Result:
    takes.discard(studio.arena, options.what, None)
    return {"discarded": options.what}


def _export(studio: Studio, options: argparse.Namespace) -> Result:
    from studio import verdict  # brings scipy and choix

    path = options.out or Path(f"study-{options.what}.csv")
    return {"file": str(verdict.export(studio.arena, options.what, None, path))}


def _report(studio: Studio, options: argparse.Namespace) -> Result:
    from studio import report, verdict

    told = verdict.summary(studio.arena, options.what, None)
    if options.out:
        told["file"] = str(report.write(studio.arena, options.what, None, options.out))
    return told


def _line(status: Result) -> str:
    voted = f"{status['answered']} of {status['wanted']} ballots"
    return f"{status['id']}  {status['state']:<6}  {voted:<22}  {status['title']}"


ACTIONS: dict[str, Callable[[Studio, argparse.Namespace], Result]] = {
    "create": _create,
    "list": _list,
    "open": _open,
    "link": _link,
    "status": _status,
    "close": _close,
    "discard": _discard,
    "export": _export,
    "report": _report,
}

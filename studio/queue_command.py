"""`python -m studio jobs`: the queue of the studio on this machine, with or without a server that runs."""

import argparse
import dataclasses
import functools
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipelines.errors import BadRequest
from studio import inputs
from studio.board import Job
from studio.db import existing
from studio.jobs import Jobs
from studio.settings import Settings

ID = "the first letters of a job's id, as `python -m studio jobs` lists them"
OWNER = "command"  # whose the jobs are that are imported here, where nobody else is named
Result = dict[str, Any]


def jobs(options: argparse.Namespace, settings: Settings) -> Result:
    """Lists the queue, and changes it: list, show, cancel, retry, pause, resume, export, import."""
    settings = dataclasses.replace(settings, data=options.data or settings.data)
    database = existing(settings.data)
    options.take = functools.partial(inputs.take, settings=settings)
    try:
        return ACTIONS[options.action](Jobs(database), options)
    finally:
        database.close()


def options(command: argparse.ArgumentParser) -> None:
    """What the command takes."""
    command.add_argument(
        "action", nargs="?", choices=ACTIONS, default="list", metavar="ACTION", help=", ".join(ACTIONS)
    )
    command.add_argument("what", nargs="?", metavar="ID|FILE", help=f"{ID}; or the zip to export to or import from")
    command.add_argument("--owner", metavar="TEXT", help="only this owner's jobs (default: everybody's)")
    command.add_argument("--data", type=Path, metavar="DIR", help="the studio's folder (default: that of the user)")


def show(result: Result) -> str:
    """The result in words."""
    if "jobs" in result:
        return "\n".join(map(_line, result["jobs"])) or "no jobs"
    return _line(result) if "state" in result else ", ".join(f"{key}: {value}" for key, value in result.items())


def _list(jobs: Jobs, options: argparse.Namespace) -> Result:
    return {"jobs": [_plain(job) for job in jobs.list(options.owner)], "paused": jobs.paused(options.owner)}


def _one(act: Callable[[Jobs, str, str | None], None] | None) -> Callable[[Jobs, argparse.Namespace], Result]:
    """An action on one job, whose result is the job after it."""

    def run(jobs: Jobs, options: argparse.Namespace) -> Result:
        id = _found(jobs, options)
        if act is not None:
            act(jobs, id, options.owner)
        return _plain(jobs.get(id, options.owner))

    return run


def _hold(jobs: Jobs, options: argparse.Namespace) -> Result:
    (jobs.pause if options.action == "pause" else jobs.resume)(options.owner)
    return {"paused": jobs.paused(options.owner)}


def _export(jobs: Jobs, options: argparse.Namespace) -> Result:
    path = _file(options)
    if path.suffix.lower() != ".zip":
        raise BadRequest("FILE", f"is a zip; {path} ends differently")
    return {"exported": jobs.export_queue(options.owner, path), "file": str(path)}


def _import(jobs: Jobs, options: argparse.Namespace) -> Result:
    return {"imported": jobs.import_queue(_file(options), options.owner or OWNER, options.take)}


def _found(jobs: Jobs, options: argparse.Namespace) -> str:
    """The one job whose id begins so."""
    start = options.what or ""
    found = [job.id for job in jobs.list(options.owner, limit=1_000_000) if start and job.id.startswith(start)]
    if len(found) != 1:
        raise BadRequest("ID", f"{len(found) or 'no'} jobs begin with {start[:40]!r}; give {ID}")
    return found[0]


def _file(options: argparse.Namespace) -> Path:
    if not options.what:
        raise BadRequest("FILE", f"is missing: python -m studio jobs {options.action} queue.zip")
    return Path(options.what)


def _plain(job: Job) -> Result:
    return {**dataclasses.asdict(job), "request": job.request.to_dict()}


def _line(job: Result) -> str:
    said = job["request"].get("prompt") or job["request"]["task"]
    far = {"queued": f"{job['position']} before it", "running": f"{job['fraction']:.0%} {job['message']}"}
    when = time.strftime("%Y-%m-%d %H:%M", time.localtime(job["created"]))
    return f"{job['id'][:8]}  {when}  {job['state']:<11}  {said[:60]}  {far.get(job['state'], job['message'])}".rstrip()


ACTIONS: dict[str, Callable[[Jobs, argparse.Namespace], Result]] = {
    "list": _list,
    "show": _one(None),
    "cancel": _one(Jobs.cancel),
    "retry": _one(Jobs.retry),
    "pause": _hold,
    "resume": _hold,
    "export": _export,
    "import": _import,
}

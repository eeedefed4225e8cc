"""What each command does. Every one returns the object that --json prints; the parser is in studio.cli.

Heavy parts are imported inside the command that needs them, so that a wrong request is answered at once.
"""

import argparse
import dataclasses
import importlib
import itertools
import os
import re
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipelines import catalog
from pipelines import spec as table
from pipelines.command import MISSING, STOPPED, WRONG, note
from pipelines.errors import BadRequest, Unavailable
from pipelines.requests import TASKS, Request, TextToSound, VideoToSound, any_file
from studio import inputs, seal, service
from studio.settings import Settings
from studio.terminal import Meter

ROOT = Path(__file__).resolve().parents[1]
Result = dict[str, Any]
# What each suite of `evaluate` looks at, besides how many clips, the seed and where the figures go.
KNOBS = ("seconds", "steps", "guidance", "model", "parts")
USES = {
    "theatre": KNOBS,
    "autoencoder": (),
    "schedule": ("seconds", "guidance", "model"),
    "prompts": ("seconds", "steps", "guidance", "model"),
}


def make(options: argparse.Namespace, settings: Settings) -> Result:
    """Any request to its file, in this process."""
    asked = request_of(options, settings)
    path = options.out or free_name(asked, Path.cwd())
    service.check(asked, path)
    with _brought(asked, options, settings) as request:
        note(f"seed {request.seed}")
        meter = Meter(sys.stderr)
        try:
            record = seal.record(settings, secrets.token_hex(16), request)
            made = service.make(
                request,
                path,
                house=service.House(data=settings.data, policy=seal.policy(settings)),
                models=service.on_best_device(),
                progress=meter,
                note=meter.note,
                record=record,
            )
        finally:
            meter.close()
    return made.to_dict()


def sound(options: argparse.Namespace, settings: Settings) -> Result:
    """A sound from words, or for a clip."""
    options.request = VideoToSound if options.video else TextToSound
    return make(options, settings)


def request_of(options: argparse.Namespace, settings: Settings) -> Request:
    """What was given, the model's defaults for the rest, and a seed drawn if there is none. Raises `BadRequest`.

    Files that are brought are only looked for: something stands for them until all else is known to be right.
    """
    kind: type[Request] = options.request
    fields = kind.__dataclass_fields__
    known = {spec.name for other in TASKS.values() for spec in dataclasses.fields(other)}
    given = {name: value for name, value in vars(options).items() if name in known and value is not None}
    for name in sorted(given.keys() - fields.keys()):
        raise BadRequest(name, f"{kind.task} has no use for it; leave it out")
    row = catalog.spec(given.get("model") or catalog.usual(kind.task, settings.model))
    files = [name for name in kind.media_fields() if name in given]
    for name in files:
        if not given[name].is_file():
            raise BadRequest(name, f"there is no file {given[name]}")
    held = {name: any_file(fields[name].metadata["media"]) for name in files}
    return kind(**{**table.defaults(row, kind), "seed": secrets.randbelow(2**31), **given, **held})


@contextmanager
def _brought(asked: Request, options: argparse.Namespace, settings: Settings) -> Iterator[Request]:
    """The request with its files, brought in by the one door. If nothing comes of it, nobody's picture is kept."""
    files = asked.references()  # what stands for them
    here = set((settings.data / inputs.FOLDER).glob("*")) if files else set()
    taken: dict[str, str] = {}
    try:
        for name in files:
            media = asked.__dataclass_fields__[name].metadata["media"]
            taken[name] = inputs.take(getattr(options, name), media, settings, asked=name)
        yield dataclasses.replace(asked, **taken)
    except BaseException:
        for file in {settings.data / reference for reference in taken.values()} - here:
            file.unlink(missing_ok=True)
        raise


def free_name(request: Request, folder: Path) -> Path:
    """A name from the prompt's first words and the seed that no file in `folder` has yet."""
    words = "-".join(re.findall(r"\w+", getattr(request, "prompt", "").lower())[:6])[:48].strip("-") or "clip"
    for count in itertools.count(1):
        path = folder / f"{words}-{request.seed}{f'-{count}' if count > 1 else ''}{service.suffix(request)}"
        if not os.path.lexists(path):
            return path
    raise AssertionError("itertools.count does not end")


def verify(options: argparse.Namespace, settings: Settings) -> Result:
    """What each file says about itself."""
    if len(options.files) == 1:
        return seal.look(options.files[0], settings)
    rows = []
    for path in options.files:
        try:
            rows.append(seal.look(path, settings))
        except BadRequest as error:  # the others are looked at all the same
            note(str(error))
            options.ends = WRONG
    return {"files": rows}


def evaluate(options: argparse.Namespace, settings: Settings) -> Result:
    """Runs one suite of pipelines.evaluation and prints its figures."""
    suites = importlib.import_module("pipelines.evaluation.suites").SUITES  # by name: it brings torch
    if options.suite not in suites:
        raise BadRequest("suite", f"must be one of {', '.join(suites)}, got {options.suite[:40]!r}")
    if options.file and options.suite != "prompts":
        raise BadRequest("FILE", f"{options.suite} has no use for it, only prompts has")
    _used(options)
    options.progress = Meter(sys.stderr)
    options.model = options.model or settings.model
    try:
        return suites[options.suite](options)
    finally:
        options.progress.close()


def _used(options: argparse.Namespace) -> None:
    """Raises `BadRequest` for an option that the suite would not look at."""
    for name in KNOBS:
        if getattr(options, name) is not None and name not in USES[options.suite]:
            raise BadRequest(name, f"{options.suite} has no use for it; leave it out")


def train(options: argparse.Namespace, settings: Settings) -> Result:
    """Runs one recipe of pipelines.training; options that are not known here go to it as they are."""
    recipes = stages()
    if options.stage not in recipes:
        raise BadRequest("stage", f"must be one of {', '.join(recipes)}, got {options.stage[:40]!r}")
    command = ["-m", f"pipelines.training.{options.stage}", "--preset", options.preset, *options.rest]
    status = subprocess.call([sys.executable, *command], cwd=ROOT, stdout=sys.stderr)
    if status in (STOPPED, -signal.SIGINT):
        raise KeyboardInterrupt
    if status in (WRONG, MISSING):
        raise SystemExit(status)  # its own sentence has been said
    if status:
        raise Unavailable(f"python {' '.join(command)} stopped with exit status {status}; its own message is above")
    return {"stage": options.stage, "preset": options.preset}


def stages() -> list[str]:
    """The training recipes: every module of pipelines.training that can be run and takes a preset."""
    texts = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "pipelines" / "training").glob("*.py")}
    return sorted(name for name, text in texts.items() if "--preset" in text and '__name__ == "__main__"' in text)


def serve(options: argparse.Namespace, settings: Settings) -> Result:
    """Opens the studio and stays until it is stopped."""
    from studio.ui.app import launch

    given = {name: getattr(options, name) for name in ("host", "port", "data") if getattr(options, name) is not None}
    return {"url": launch(dataclasses.replace(settings, **given))}

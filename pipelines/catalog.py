"""The table of models: what each can do, under which licence, how large it is, how it is built.

A model is added by adding a row. Builders are named by strings, so that reading this table loads no model code.
"""

import difflib
import importlib
from typing import Any

from pipelines import device
from pipelines import spec as table
from pipelines.card import ROOT, remedy
from pipelines.errors import BadRequest, Unavailable
from pipelines.hub import caches, loras, presence, registry, rows
from pipelines.requests import Filmed, Request, TextToSound, TextToVideo
from pipelines.spec import ModelSpec
from pipelines.vocabulary import ASPECT_SIZES

MODELS: tuple[ModelSpec, ...] = (
    ModelSpec(
        name="mini",
        family="moviegen",
        tasks=(TextToVideo.task,),
        licence="Apache-2.0",
        download_bytes=0,
        build="pipelines.moviegen.text_to_video:build",
        fps=(16,),
        longest_frames=256,
        sizes=tuple((aspect, width, height) for aspect, (width, height) in ASPECT_SIZES.items()),
        seldom=("dances", "jumps", "circles"),  # 0 of 14, 1 of 13, 3 of 11: assets/weights/README.md
        free=("still",),
        weights="assets/weights/mini",
        files=("tae.json", "tae.safetensors", "transformer.json", "transformer.safetensors"),
    ),
)


def specs() -> tuple[ModelSpec, ...]:
    """Every row, in the order in which people see them: mini, the person's own, the Hub's, the remote ones."""
    return (*MODELS, *registry.own(), *rows.HUB, *rows.REMOTE)


def spec(name: str) -> ModelSpec:
    """The row of one model. Raises `BadRequest` ("model") with the nearest name that exists, or why there is none."""
    found = {row.name: row for row in specs()}
    if name in rows.NOT_AVAILABLE:
        raise BadRequest("model", f"{name} is not available: {rows.NOT_AVAILABLE[name]}")
    if name not in found:
        by_repo = [row.name for row in found.values() if row.repo and row.repo.lower() == name.lower()]
        near = by_repo or difflib.get_close_matches(name.lower(), found, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there is: {', '.join(found)}"
        raise BadRequest("model", f"there is no model {name[:40]!r}; {hint}")
    return found[name]


def usual(task: str, wanted: str) -> str:
    """The model for a task when none was named: the wanted one if it does it, else the first that can run here.

    Never one on somebody else's machine, but for the wanted one. Raises `BadRequest` ("model") if there is no such.
    """
    spec(wanted)
    able = [row for row in specs() if task in row.tasks and (not row.remote or row.name == wanted)]
    order = sorted(able, key=lambda row: (row.name != wanted, runs_here(row) is not None))
    return order[0].name if order else wanted


def check(request: Request) -> None:
    """Raises `BadRequest` for what the chosen model cannot do; the sentence says what it can."""
    row = spec(request.model)
    if request.task not in row.tasks:
        able = [other.name for other in specs() if request.task in other.tasks]
        others = f"; {', '.join(able[:4])} can" if able else ""
        raise BadRequest("model", f"{row.name} does not do {request.task}, it does {', '.join(row.tasks)}{others}")
    for name in table.OPTIONAL:
        if name not in row.free and getattr(request, name, None) != _default(request, name):
            why = caches.refusal(row) if name == "faster" else None
            raise BadRequest(name, f"{row.name} has no use for it{f': {why}' if why else ''}; leave it as it is")
    if isinstance(request, Filmed):
        _check_film(row, request)
    if isinstance(request, TextToSound) and request.seconds > row.longest_s:
        raise BadRequest("seconds", f"{row.name} makes sounds of up to {row.longest_s:g} s, not {request.seconds:g} s")
    if getattr(request, "lora", ""):
        loras.chosen(row.family, request.lora)


def runs_here(row: ModelSpec) -> str | None:
    """None if the model can run on this machine, or else one sentence that says what is missing. Loads nothing."""
    if row.remote:
        return registry.permission(row)
    if row.repo:
        return presence.reason(row)
    folder = ROOT / (row.weights or "")
    if lacks := [name for name in row.files if not (folder / name).is_file()]:
        missing = f"The weights of {row.name} are missing: there is no {lacks[0]} in {folder}"
        return f"{missing}; get them back with: {remedy(folder)}"
    return None


def load(name: str) -> Any:
    """Builds a pipeline, of the type that its builder returns.

    Raises `BadRequest` if there is no such model, `Unavailable` if it cannot run here.
    """
    row = spec(name)
    missing = runs_here(row)
    if missing is not None:
        raise Unavailable(missing)
    kind = device.find().kind
    if kind not in row.devices:
        able = " or ".join(row.devices)
        raise Unavailable(
            f"{row.name} runs on {able}, and torch finds {kind} here; a card's driver may be too old for it"
        )
    module, function = row.build.split(":")
    return getattr(importlib.import_module(module), function)(name)


def _default(request: Request, name: str) -> Any:
    field = type(request).__dataclass_fields__.get(name)
    return field.default if field else None


def _check_film(row: ModelSpec, request: Filmed) -> None:
    if request.fps not in row.fps:
        choices = " or ".join(map(str, row.fps))
        raise BadRequest("fps", f"{row.name} makes {choices} frames per second, not {request.fps}")
    if row.longest_frames == 1 and request.frames > 1:
        raise BadRequest("still", f"{row.name} makes stills only; ask for a still")
    if request.frames > row.longest_frames:
        longest = row.longest_frames / request.fps
        raise BadRequest("seconds", f"{row.name} makes clips of up to {longest:g} s, not {request.seconds:g} s")
    if request.aspect not in row.aspects:
        raise BadRequest("aspect", f"{row.name} makes {', '.join(row.aspects)}, not {request.aspect}")
    table.size_of(row, aspect=request.aspect, resolution=request.resolution)

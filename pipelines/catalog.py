"""The table of models: what each can do, under which licence, how large it is, how it is built.

A model is added by adding a row. Builders are named by strings, so that reading this table loads no model code.
"""

import difflib
import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.errors import BadRequest, Unavailable
from pipelines.requests import ASPECTS, Request, TextToVideo

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """One row. `build` is "module:function"; the function takes the model's name and returns the pipeline."""

    name: str
    family: str
    tasks: tuple[str, ...]
    licence: str
    download_bytes: int  # 0: comes with the project
    build: str
    fps: tuple[int, ...]
    longest_frames: int
    aspects: tuple[str, ...]
    weights: str | None = None  # folder of .safetensors files, relative to the project; None: not kept in the project


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
        aspects=ASPECTS,
        weights="assets/weights/mini",
    ),
)


def specs() -> tuple[ModelSpec, ...]:
    """Every row, in the order in which people see them."""
    return MODELS


def spec(name: str) -> ModelSpec:
    """The row of one model. Raises `BadRequest` ("model") with the nearest name that exists."""
    rows = {row.name: row for row in MODELS}
    if name not in rows:
        near = difflib.get_close_matches(name, rows, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there is: {', '.join(rows)}"
        raise BadRequest("model", f"there is no model {name[:40]!r}; {hint}")
    return rows[name]


def check(request: Request) -> None:
    """Raises `BadRequest` for what the chosen model cannot do; the sentence says what it can."""
    row = spec(request.model)
    if request.task not in row.tasks:
        raise BadRequest("model", f"{row.name} does not do {request.task}; it does {', '.join(row.tasks)}")
    if isinstance(request, TextToVideo):
        _check_film(row, request)


def runs_here(row: ModelSpec) -> str | None:
    """None if the model can run on this machine, or else one sentence that says what is missing. Loads nothing."""
    if row.weights is not None and not any((ROOT / row.weights).glob("*.safetensors")):
        return (
            f"The weights of {row.name} are missing: there is no .safetensors file in {ROOT / row.weights}; "
            f"get them back with: git checkout -- {row.weights}"
        )
    return None


def load(name: str) -> Any:
    """Builds a pipeline, of the type that its builder returns.

    Raises `BadRequest` if there is no such model, `Unavailable` if it cannot run here.
    """
    row = spec(name)
    missing = runs_here(row)
    if missing is not None:
        raise Unavailable(missing)
    module, function = row.build.split(":")
    return getattr(importlib.import_module(module), function)(name)


def _check_film(row: ModelSpec, request: TextToVideo) -> None:
    if request.fps not in row.fps:
        choices = " or ".join(map(str, row.fps))
        raise BadRequest("fps", f"{row.name} makes {choices} frames per second, not {request.fps}")
    if request.frames > row.longest_frames:
        longest = row.longest_frames / request.fps
        raise BadRequest("seconds", f"{row.name} makes clips of up to {longest:g} s, not {request.seconds:g} s")
    if request.aspect not in row.aspects:
        raise BadRequest("aspect", f"{row.name} makes {', '.join(row.aspects)}, not {request.aspect}")

"""Any model of the Hub behind the call that mini has: a request in, a Clip out, with progress and cancel.

A family (wan.py, ltx.py, ...) says only how its requests become arguments; everything else is here.
"""

import gc
import importlib
import inspect
from contextlib import suppress
from types import ModuleType
from typing import Any, Self

import diffusers
import torch
from safetensors import SafetensorError

from pipelines import catalog, device
from pipelines.clip import Clip
from pipelines.errors import Unavailable, first_line
from pipelines.hub import offload, presence, registry, speed, weights
from pipelines.hub.families import CLASSES, FAMILIES
from pipelines.hub.hush import hushed
from pipelines.hub.order import Order, Result, levels, order, sound
from pipelines.hub.watch import watched
from pipelines.progress import Progress, silent
from pipelines.requests import Request, TextToSound, VideoToSound
from pipelines.spec import ModelSpec

SILENT_FPS = 1  # of a clip without pictures
MOST_LETTERS = 200  # of what a library says of a model that it cannot read


def build(name: str) -> Any:
    """What the catalog names: a row's weights, read into main memory. Raises `Unavailable` if they are not whole."""
    row = catalog.spec(name)
    pipeline = HubPipeline(row, read(row))
    if row.cards == 1:
        return pipeline
    from pipelines.hub.crew import Crew

    return Crew(pipeline)


def read(row: ModelSpec) -> Any:
    """The pipeline of diffusers from the row's folder: only classes that are listed, only safetensors, no network.

    Raises `Unavailable` for one that is not here or damaged, `BadRequest` for one that is not known or has own code.
    """
    folder = presence.folder(row)
    if folder is None or not presence.downloaded(row):
        raise Unavailable(f"{row.name} is not downloaded; get it with: python -m studio models download {row.name}")
    index = registry.check_index(folder / presence.INDEX)
    registry.check_code(folder)
    kind = getattr(diffusers, index["_class_name"])
    assert kind.__name__ in CLASSES
    formats = dtypes(row)
    how = {"dtype": formats, "local_files_only": True, "use_safetensors": True}
    with hushed():
        given = weights.arguments(row, index, folder, formats["default"])
        try:
            pipe = kind.from_pretrained(folder, **how, **given)
        except torch.OutOfMemoryError:  # weights that are made small are so on the card
            raise
        except (OSError, ValueError, KeyError, TypeError, RuntimeError, SafetensorError) as error:
            why = first_line(error, MOST_LETTERS)
            raise Unavailable(f"{row.name} cannot be read from {folder}; remove it and get it again ({why})") from error
    pipe.set_progress_bar_config(disable=True)
    return pipe


def dtypes(row: ModelSpec) -> dict[str, torch.dtype]:
    """The number format of each part: the device's fast one, but float32 where the family needs it."""
    fast = device.dtype("cuda" if torch.cuda.is_available() else "cpu")
    return {**dict.fromkeys(_family(row.family).FLOAT32, torch.float32), "default": fast}


class HubPipeline:
    """One model with all pipelines of its family around the same parts. Only one thread may use it at a time."""

    def __init__(self, row: ModelSpec, pipe: Any):
        self.row = row
        self.notes: list[str] = []  # what the person should know about the last clip
        self._untold: list[str] = []  # of them, what the next clip says
        self._family = _family(row.family)
        self._pipes = {type(pipe).__name__: pipe}
        self._first = pipe
        self._kind = "cpu"
        self._level = "whole"
        self._compiled = False
        if hasattr(self._family, "prepare"):
            self._family.prepare(pipe)

    @property
    def level(self) -> str:
        """How much of the model is on the card at a time: one of `pipelines.spec.LEVELS`."""
        return self._level

    @property
    def first(self) -> Any:
        """The pipeline of diffusers as it was read, whose parts all tasks share."""
        return self._first

    def to(self, kind: str) -> Self:
        """On to a device, in as large parts as there is room for, or back to main memory ("cpu").

        If the card's memory runs out, the next level is tried, once, and the next clip's `notes` say so.
        """
        free = device.find().free_bytes if kind == "cuda" else 0
        self._kind = kind
        with suppress(torch.OutOfMemoryError):
            self._place(offload.choose(self.row, free) if kind == "cuda" else "whole")
            return self
        self._place_lower()
        return self

    def __call__(self, request: Request, progress: Progress = silent, preview: Any = None) -> Clip:
        """The clip that was asked for. `progress` may raise `Cancelled` at each step and block of the decoder.

        If the card's memory runs out, the next level of offloading is tried, once, and `notes` says so.
        """
        self.notes, self._untold = self._untold, []
        with suppress(torch.OutOfMemoryError):
            return self.make(request, progress)
        self._place_lower()
        self.notes += self._untold
        self._untold = []
        progress(0.0, self.notes[-1])
        try:
            return self.make(request, progress)
        except torch.OutOfMemoryError as error:
            raise Unavailable(offload.TOO_LARGE.format(name=self.row.name)) from error

    def make(self, request: Request, progress: Progress) -> Clip:
        """The clip, without a second try. Raises torch's `OutOfMemoryError` as it is."""
        pipe = self._pipe(FAMILIES[self.row.family][request.task])
        job = order(request, self.row, pipe)
        arguments = self._family.arguments(job)
        with (
            watched(pipe, progress, decodes=_decodes(pipe, job)),
            speed.hastened(pipe, request, self.row, self._kind),
            torch.no_grad(),
            hushed(),
        ):
            output = pipe(**arguments)
        return clip_of(job, self._family.result(output, job))

    def _pipe(self, name: str) -> Any:
        """The pipeline of that class around the same parts: nothing is copied."""
        if name not in self._pipes:
            kind = getattr(diffusers, name)
            wanted = set(inspect.signature(kind.__init__).parameters) - {"self"}
            parts = {part: value for part, value in self._first.components.items() if part in wanted}
            settings = {key: value for key, value in self._first.config.items() if key in wanted - parts.keys()}
            pipe = kind(**parts, **{key: value for key, value in settings.items() if key[0] != "_"})
            pipe.set_progress_bar_config(disable=True)
            self._pipes[name] = pipe
        return self._pipes[name]

    def _place(self, level: str) -> None:
        self._pipes = {type(self._first).__name__: self._first}  # the others hold hooks of the level before
        self._level = level
        offload.place(self._first, level, kind=self._kind, row=self.row)
        if self.row.compiled and self._kind == "cuda" and not self._compiled:
            speed.compile_blocks(self._first)
            self._compiled = True

    def _place_lower(self) -> None:
        """The next level, since memory ran out. Raises `Unavailable` if there is none, or if it runs out again."""
        lower = offload.below(self._level)
        gc.collect()
        device.release(self._kind)
        if lower is None or self._kind != "cuda":
            raise Unavailable(offload.TOO_LARGE.format(name=self.row.name))
        try:
            self._place(lower)
        except torch.OutOfMemoryError as error:
            raise Unavailable(offload.TOO_LARGE.format(name=self.row.name)) from error
        self._untold.append(offload.TRIED.format(level=offload.WORDS[lower]))


def clip_of(job: Order, result: Result) -> Clip:
    """Cuts what a network made to what was asked for."""
    request = job.request
    if isinstance(request, TextToSound):
        audio = sound(result.audio, rate=result.rate, seconds=request.seconds)
        nothing = levels(torch.zeros(0, 2, 2, 3).numpy())
        return Clip(frames=nothing, fps=SILENT_FPS, audio=audio, rate=result.rate, origin=request)
    if isinstance(request, VideoToSound):
        frames = job.source.frames
    else:
        frames = job.kept(levels(result.frames))
        made = (frames.shape[2], frames.shape[1])
        assert made == (job.width, job.height), f"{job.row.name} made {made} instead of {(job.width, job.height)}"
    audio = None
    if result.audio is not None and len(frames) > 1:
        audio = sound(result.audio, rate=result.rate, seconds=len(frames) / job.fps)
    elif job.source is not None:
        audio, result = job.source.audio, Result(rate=job.source.rate)
    return Clip(frames=frames, fps=job.fps, audio=audio, rate=result.rate, origin=request)


def _decodes(pipe: Any, job: Order) -> int:
    """How often the decoder is called: the causal one of the Wan family once for each latent frame."""
    vae = getattr(pipe, "vae", None)
    return 1 + (job.frames - 1) // 4 if hasattr(vae, "clear_cache") else 1


def _family(name: str) -> ModuleType:
    assert name in FAMILIES, name
    return importlib.import_module(f"pipelines.hub.{name}")

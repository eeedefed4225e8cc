"""One request to one file, the same for the command line and for the worker process.

The model comes from the catalog; nothing here imports torch until `make` is called.
"""

import dataclasses
import importlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipelines import catalog, device, vocabulary
from pipelines.errors import Unavailable
from pipelines.media import export
from pipelines.media.provenance import Record
from pipelines.progress import Progress, part
from pipelines.requests import Request, Rewrite, TextToSound, TextToVideo
from pipelines.residency import Residency
from pipelines.safety import Policy
from pipelines.spec import seldom
from studio.made import Made

Preview = Callable[[np.ndarray], None]
POSTER = "poster.webp"
LOADING = 0.04  # the share of the bar for getting the model ready
SAVING = 0.98


@dataclass(frozen=True, kw_only=True)
class House:
    """What holds for every clip of one studio: the folder in which the files of requests are, and the rules, if any."""

    data: Path
    policy: Policy | None = None


def on_best_device() -> Residency:
    """The models of the catalog on this machine's best device; one for each process that makes clips."""
    return Residency(catalog.load, device.find().kind)


def suffix(request: Request) -> str:
    """The ending of the file that a request becomes."""
    if isinstance(request, TextToSound):
        return ".wav"
    return ".png" if getattr(request, "still", False) else ".mp4"


def check(request: Request, path: Path) -> None:
    """Raises `BadRequest` or `Unavailable` for what can be known without the model: do this before any work."""
    catalog.check(request)
    export.check_destination(path, still=suffix(request) == ".png", sound=suffix(request) == ".wav")
    missing = catalog.runs_here(catalog.spec(request.model))
    if missing is not None:
        raise Unavailable(missing)


def fetch(model: str, progress: Progress) -> None:
    """Downloads a model of the Hub, or what is missing of it. Raises `Unavailable`, or `Cancelled` from `progress`."""
    importlib.import_module("pipelines.hub.download").download(catalog.spec(model), progress=progress)


class Pen:
    """The language model that lengthens prompts, read when it is first needed; one prompt at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._writer: Any = None

    def write(self, request: Rewrite, progress: Progress) -> str:
        """The longer prompt. Raises `Unavailable` if there is no such model or it wrote nothing fit, or `Cancelled`."""
        progress(0.0, "getting the language model ready")
        folder = importlib.import_module("pipelines.hub.language").find()
        if folder is None:
            raise Unavailable("there is no language model on this machine")
        with self._lock:
            progress(0.0, "getting the language model ready")  # may have been stopped while it waited
            if self._writer is None or self._writer.folder != folder:
                self._writer = None  # two would not always find room
                self._writer = importlib.import_module("pipelines.hub.writer").Writer(folder)
            return self._writer(request.prompt, catalog.spec(request.model).prompt_style, progress)

    def drop(self) -> None:
        """Frees its memory."""
        with self._lock:
            self._writer = None


def make(
    request: Request,
    path: Path,
    *,
    house: House,
    models: Residency,
    progress: Progress,
    note: Callable[[str], None],
    record: Record,
    preview: Preview | None = None,
) -> Made:
    """Loads the model, makes the clip and saves it at `path`, marked and signed by `record` (`studio.seal`).

    `note` hears what the person should know; the policy of the `house` may refuse the request, or the clip before
    anybody sees it.

    `preview` gets a picture (H, W, 3) uint8 of the clip as it is guessed so far, every few steps; whoever wants one
    also gets a poster beside the clip. Raises `BadRequest`, `Unavailable`, or `Cancelled` from `progress`; then
    nothing is at `path`.
    """
    started = time.monotonic()
    check(request, path)
    if house.policy:
        house.policy.ask(request)
    progress(0.0, f"getting {request.model} ready")
    with models.hold(request.model) as pipeline:
        for sentence in (*strangers(request, pipeline), *doubts(request)):
            note(sentence)
        clip = pipeline(request.located(house.data), part(progress, LOADING, SAVING), preview)
        for sentence in getattr(pipeline, "notes", ()):
            note(sentence)
    if house.policy and len(clip.frames):  # a sound has none
        house.policy.see(clip.frames)
    progress(SAVING, "saving")
    if preview and len(clip.frames):
        export.poster(clip, path.with_name(POSTER))
    progress(SAVING, "saving")
    export.save(dataclasses.replace(clip, origin=request), path, record=record)
    return Made(
        path=path,
        request=request,
        frames=len(clip.frames),
        fps=clip.fps,
        width=clip.width,
        height=clip.height,
        elapsed_s=time.monotonic() - started,
    )


def strangers(request: Request, pipeline: Any) -> list[str]:
    """Sentences on the words of the prompt that the model does not know, and what it reads some as; none if it knows
    all."""
    if not hasattr(pipeline, "unknown") or not vocabulary.unknown_words(request.prompt):
        return []
    unknown = pipeline.unknown(request.prompt)
    left = ", ".join(word for word, near in unknown if not near)
    read = [f"{request.model} reads {words} as {near}" for words, near in unknown if near]
    return [*read, f"{request.model} does not know: {left}"] if left else read


def doubts(request: Request) -> list[str]:
    """A sentence on what the prompt asks and the model seldom shows; none for a still, in which nothing moves."""
    clip = isinstance(request, TextToVideo) and not request.still
    hard = seldom(catalog.spec(request.model), request.prompt) if clip else []
    return [f"{request.model} seldom manages: {', '.join(hard)}"] if hard else []

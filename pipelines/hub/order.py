"""A request on its way to a family: the size and length that the network works at, its pictures read and cut to fit.

What comes out is cut back: exactly the frames and seconds that were asked for, with the last frame that was given.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError

from pipelines.clip import Clip
from pipelines.errors import BadRequest
from pipelines.media import video
from pipelines.requests import EditVideo, Filmed, Request, Upscale, VideoToSound
from pipelines.spec import ModelSpec, network_frames, size_of

CROPPED_AT_MOST = 0.06  # of a side: 1920 x 1080 fits 1280 x 704 and 832 x 480, a square does not
Pictures = list[Image.Image]


@dataclass(frozen=True, kw_only=True)
class Order:
    """`width`, `height` and `frames` are what the network makes; `wanted` frames of them leave. 0 frames: a sound."""

    request: Request
    row: ModelSpec
    pipe: Any  # a pipeline of diffusers
    width: int = 0
    height: int = 0
    frames: int = 0
    wanted: int = 0
    fps: int = 1
    source: Clip | None = None  # the clip to work on, whole

    def sampling(self) -> dict[str, Any]:
        """The arguments that nearly every pipeline names alike. Noise is drawn on the processor: the same anywhere."""
        return {
            "prompt": self.request.prompt,
            "negative_prompt": self.request.negative or None,
            "num_inference_steps": self.request.steps,
            "guidance_scale": self.request.guidance,
            "generator": self.generator(),
        }

    def film(self) -> dict[str, Any]:
        """`sampling` with the size, the length and the kind of output of a film."""
        size = {"height": self.height, "width": self.width, "num_frames": self.frames}
        return self.sampling() | size | {"output_type": "np"}

    def generator(self) -> torch.Generator:
        return torch.Generator().manual_seed(self.request.seed)

    def picture(self, field: str) -> Image.Image:
        """The picture that a field refers to, cropped in its middle to the order's size."""
        return ImageOps.fit(self.portrait(field), (self.width, self.height))

    def portrait(self, field: str) -> Image.Image:
        """The picture that a field refers to, whole."""
        return _opened(field, getattr(self.request, field))

    def clip(self) -> Pictures:
        """The frames of the source, cropped to the order's size; the last one is repeated up to `frames`."""
        assert self.source is not None
        return self._filled([Image.fromarray(frame) for frame in self.source.frames])

    def mask(self) -> Pictures:
        """What is white is made anew: the mask as a picture for all frames or a film; all white without one."""
        path = self.request.mask
        if not path:
            return [Image.new("L", (self.width, self.height), 255)] * self.frames
        if Path(path).suffix.lower() == ".mp4":
            film = [Image.fromarray(frame) for frame in video.read(Path(path)).frames]
            return [picture.convert("L") for picture in self._filled(film)]
        return [self.picture("mask").convert("L")] * self.frames

    def kept(self, frames: np.ndarray) -> np.ndarray:
        """`wanted` of the network's frames: the first ones, or to the last one if a picture was given for it.

        What is over is then left out one by one along the way, so that nothing jumps.
        """
        if not getattr(self.request, "last", ""):
            return frames[: self.wanted]
        return frames[np.linspace(0, len(frames) - 1, self.wanted).round().astype(int)]

    def _filled(self, pictures: Pictures) -> Pictures:
        fitted = [ImageOps.fit(picture, (self.width, self.height)) for picture in pictures[: self.wanted]]
        return fitted + [fitted[-1]] * (self.frames - len(fitted))


@dataclass(frozen=True, kw_only=True)
class Result:
    """frames (T, H, W, 3) float in [0, 1] or None; audio (A, channels) float or None at `rate` Hz."""

    frames: np.ndarray | None = None
    audio: np.ndarray | None = None
    rate: int = 48_000


def order(request: Request, row: ModelSpec, pipe: Any) -> Order:
    """Reads what the request refers to and chooses the size and length. Raises `BadRequest` for what does not fit."""
    shared: dict[str, Any] = {"request": request, "row": row, "pipe": pipe}
    if isinstance(request, Filmed):
        width, height = size_of(row, aspect=request.aspect, resolution=request.resolution)
        frames = network_frames(row, request.frames)
        return Order(**shared, width=width, height=height, frames=frames, wanted=request.frames, fps=request.fps)
    if "video" not in request.media_fields():
        return Order(**shared)
    source = video.read(Path(request.video))
    count = len(source.frames)
    if count > row.longest_frames:
        longest = f"{row.longest_frames} frames, {row.longest_frames / source.fps:.1f} s of this clip"
        raise BadRequest("video", f"has {count} frames; {row.name} takes up to {longest}")
    width, height = _size_for(row, source, request)
    shared |= {"source": source, "fps": source.fps, "wanted": count, "frames": network_frames(row, count)}
    return Order(**shared, width=width, height=height)


def levels(frames: np.ndarray) -> np.ndarray:
    """float in [0, 1] -> uint8, rounded; the frames are used up, because a film in float is large."""
    np.multiply(frames, 255.0, out=frames)
    np.rint(frames, out=frames)
    return frames.clip(0, 255, out=frames).astype(np.uint8)


def sound(samples: torch.Tensor | np.ndarray, *, rate: int, seconds: float) -> np.ndarray:
    """(channels, A) -> (A, channels) float32 in [-1, 1] of exactly that length; silence where the model ended early."""
    found = torch.as_tensor(samples).float().cpu().clamp(-1, 1).T.numpy()  # (A, channels)
    length = round(seconds * rate)
    found = np.pad(found[:length], ((0, length - min(length, len(found))), (0, 0)))
    return np.ascontiguousarray(found, np.float32)


def _size_for(row: ModelSpec, source: Clip, request: Request) -> tuple[int, int]:
    """The row's size that is nearest in shape. A clip that is only listened to may be cropped, another hardly."""
    if isinstance(request, Upscale):  # of any size
        return source.width * request.factor, source.height * request.factor
    asked = request.resolution if isinstance(request, EditVideo) else 0
    sizes: Sequence[tuple[int, int]] = [(w, h) for _, w, h in row.sizes if asked in (0, min(w, h))]
    if not sizes:
        sides = sorted({min(width, height) for _, width, height in row.sizes})
        raise BadRequest("resolution", f"{row.name} makes a short side of {' or '.join(map(str, sides))}, not {asked}")
    off = [abs(math.log(source.width / source.height * height / width)) for width, height in sizes]
    best = min(range(len(sizes)), key=off.__getitem__)
    if off[best] > CROPPED_AT_MOST and not isinstance(request, VideoToSound):
        shapes = ", ".join(dict.fromkeys(row.aspects))
        raise BadRequest("video", f"is {source.width} x {source.height}; {row.name} takes {shapes}: crop it first")
    return sizes[best]


def _opened(field: str, path: str) -> Image.Image:
    try:
        picture = Image.open(path, formats=("PNG", "JPEG", "WEBP"))
        return ImageOps.exif_transpose(picture).convert("RGB")
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise BadRequest(field, "is not a picture that can be read") from error

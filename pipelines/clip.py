"""What comes out of every pipeline: pictures in time, maybe with sound, and the request they answer."""

from dataclasses import dataclass

import numpy as np

from pipelines.requests import Request


@dataclass(frozen=True, kw_only=True, eq=False)
class Clip:
    """frames (T, H, W, 3) uint8 at `fps`; audio (A, channels) float32 in [-1, 1] at `rate` Hz, or None.

    One frame is a still. `origin` is the request that the clip answers, if one did.
    """

    frames: np.ndarray
    fps: int
    audio: np.ndarray | None = None
    rate: int = 48_000
    origin: Request | None = None

    def __post_init__(self) -> None:
        assert self.frames.ndim == 4 and self.frames.shape[-1] == 3 and self.frames.dtype == np.uint8
        assert self.audio is None or (self.audio.ndim == 2 and self.audio.dtype == np.float32)

    @property
    def width(self) -> int:
        return self.frames.shape[2]

    @property
    def height(self) -> int:
        return self.frames.shape[1]

    @property
    def seconds(self) -> float:
        return len(self.frames) / self.fps

    @property
    def still(self) -> bool:
        return len(self.frames) == 1

"""What making a clip gives: a whole file, and what it is."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.requests import Request


@dataclass(frozen=True, kw_only=True)
class Made:
    """A finished clip on disk. `elapsed_s` counts from the request to the file, loading the model included."""

    path: Path
    request: Request
    frames: int
    fps: int
    width: int
    height: int
    elapsed_s: float

    def to_dict(self) -> dict[str, Any]:
        """The JSON of `generate`."""
        return {
            "clip": str(self.path),
            "frames": self.frames,
            "fps": self.fps,
            "width": self.width,
            "height": self.height,
            "seconds": 0.0 if self.frames == 1 else self.frames / self.fps or self.request.seconds,
            "seed": self.request.seed,
            "model": self.request.model,
            "elapsed_s": round(self.elapsed_s, 2),
            "request": self.request.to_dict(),
        }

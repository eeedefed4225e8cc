"""Reading a clip back: its frames, its sound, and the request that made it.

Every file is read as a stranger's: see `door`.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.clip import Clip
from pipelines.errors import BadRequest
from pipelines.media import audio, door, tags
from pipelines.requests import Request, request_from_dict

LIMITS = door.Limits(bytes=2 << 30, seconds=3_600)  # what memory holds is the limit; a file of ours may be long
ASKED = "video"


def read(path: Path, *, limits: door.Limits = LIMITS) -> Clip:
    """A film (mp4, mov, mkv, webm) or a .png still as a Clip; a fractional frame rate becomes the nearest whole one.

    Sound comes at 48 kHz. Raises `BadRequest` ("video") if the file is missing, cannot be read or is too large.
    """
    origin = _origin(path)
    if (found := door.kind(path)) and door.PICTURE in found.serves:
        return Clip(frames=door.develop(path, asked=ASKED, limits=limits)[None], fps=1, origin=origin)
    frames, fps = film(path, limits=limits)
    return Clip(frames=frames, fps=fps, audio=audio.read(path, limits=limits), rate=audio.RATE, origin=origin)


def film(
    path: Path, *, limits: door.Limits = LIMITS, first: int | None = None, shorter: int | None = None
) -> tuple[np.ndarray, int]:
    """Frames (T, H, W, 3) uint8 and how many a second, at most the `first` so many, shrunk to a `shorter` side.

    Raises as `read` does.
    """
    shape = door.shape(path, ASKED, limits)
    size = _shrunk(shape, shorter)
    most = limits.held // (size[0] * size[1] * 3)
    wanted = ["-vf", f"fps={shape.fps},{shape.at(*size)}", "-frames:v", f"{min(first or most, most) + 1}"]
    frames = _unpacked(path, wanted, size, ASKED, limits)
    if first is None and len(frames) > most:
        raise BadRequest(ASKED, f"{path.name} has more than {most} frames, which is what fits; cut it first")
    return frames[:first], shape.fps


def pick(path: Path, places: Iterable[float], *, asked: str = ASKED, shorter: int | None = None) -> np.ndarray:
    """The frames (N, H, W, 3) uint8 of a film at `places`, 0 its first and 1 its last, each once and in their order.

    However long the film is, memory holds no others. Raises `BadRequest` (asked).
    """
    shape = door.shape(path, asked, LIMITS)
    size = _shrunk(shape, shorter)
    last = _count(path, asked) - 1
    numbers = {round(place * last) for place in places}
    chosen = "+".join(f"eq(n,{number})" for number in sorted(numbers))
    wanted = ["-vf", f"select='{chosen}',{shape.at(*size)}", "-fps_mode", "passthrough"]
    return _unpacked(path, [*wanted, "-frames:v", str(len(numbers))], size, asked, LIMITS)


def _shrunk(shape: door.Shape, shorter: int | None) -> tuple[int, int]:
    least = min(shape.width, shape.height)
    scale = min(1, (shorter or least) / least)
    return max(1, round(shape.width * scale)), max(1, round(shape.height * scale))


def _count(path: Path, asked: str) -> int:
    """How many frames a film has; it is not decoded for that."""
    done = door.decode(path, ["-map", "0:V:0", "-c", "copy", "-stats", "-f", "null", "-"], asked, LIMITS)
    count = door.counted(done.said)
    if done.status or not count:
        raise door.unreadable(path, asked, door.FILM)
    return count


def _unpacked(path: Path, wanted: list[str], size: tuple[int, int], asked: str, limits: door.Limits) -> np.ndarray:
    """The `wanted` frames (T, H, W, 3) uint8, of which there must be one at least. `size`: width and height."""
    output = ["-map", "0:V:0", *wanted, "-pix_fmt", "rgb24", "-f", "rawvideo", "-"]
    done = door.decode(path, output, asked, limits)
    width, height = size
    frames = np.frombuffer(done.out, np.uint8)
    if done.status or not len(frames) or len(frames) % (width * height * 3):
        raise door.unreadable(path, asked, door.FILM)
    return frames.reshape(-1, height, width, 3)  # (T, H, W, 3)


def request_of(path: Path) -> dict[str, Any] | None:
    """The request that is embedded in a film, still or sound, as plain data; None if there is none.

    Raises `BadRequest` ("video") if the file is missing or is none of these.
    """
    if not path.is_file():
        raise BadRequest(ASKED, f"there is no file {path}")
    if door.kind(path) is None:
        raise BadRequest(ASKED, f"{path.name} is not a film, a picture or a sound that can be read")
    try:
        found = json.loads(tags.read(path) or "")
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and "task" in found else None


def _origin(path: Path) -> Request | None:
    found = request_of(path)
    try:
        return request_from_dict(found) if found else None
    except BadRequest:  # written by another version
        return None

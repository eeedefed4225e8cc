"""Reading a clip back: its frames, its sound, and the request that made it.

Every file is read as a stranger's: see `door`.
"""

import json
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
    width, height, fps = door.shape(path, ASKED, limits)
    most = limits.held // (width * height * 3)
    output = ["-map", "0:V:0", "-vf", f"fps={fps}", "-frames:v", f"{most + 1}", "-pix_fmt", "rgb24", "-f", "rawvideo"]
    done = door.decode(path, [*output, "-"], ASKED, limits)
    frames = np.frombuffer(done.out, np.uint8)
    if done.status or not len(frames) or len(frames) % (width * height * 3):
        raise door.unreadable(path, ASKED, door.FILM)
    frames = frames.reshape(-1, height, width, 3)  # (T, H, W, 3)
    if len(frames) > most:
        raise BadRequest(ASKED, f"{path.name} has more than {most} frames, which is what fits; cut it first")
    return Clip(frames=frames, fps=fps, audio=audio.read(path, limits=limits), rate=audio.RATE, origin=origin)


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

"""Reading a clip back: its frames, its sound, and the request that made it.

ffmpeg may open nothing but the one file it is given, and only as one of the formats named here.
"""

import json
import re
import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, UnidentifiedImageError

from pipelines.clip import Clip
from pipelines.errors import BadRequest
from pipelines.media.export import ffmpeg
from pipelines.requests import Request, request_from_dict

FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm"
LONGEST_READ_S = 300  # an undamaged clip of the longest length takes a few seconds
RATE = 48_000


def read(path: Path) -> Clip:
    """A film (mp4, mov, mkv, webm) or a .png still as a Clip; a fractional frame rate becomes the nearest whole one.

    Sound comes at 48 kHz. Raises `BadRequest` ("video") if the file is missing or cannot be read.
    """
    _there(path)
    origin = _origin(path)
    if path.suffix.lower() == ".png":
        return Clip(frames=_still(path)[None], fps=1, origin=origin)
    header, said = _ffmpeg(path, ["-map", "0:v:0", "-frames:v", "1", "-pix_fmt", "yuv420p", "-f", "yuv4mpegpipe", "-"])
    width, height, rate = _size_and_rate(path, header)
    fps = max(1, round(rate))
    steady = [] if rate == fps else ["-vf", f"fps={fps}"]
    pixels, _ = _ffmpeg(path, ["-map", "0:v:0", *steady, "-pix_fmt", "rgb24", "-f", "rawvideo", "-"])
    frames = np.frombuffer(pixels, np.uint8).reshape(-1, height, width, 3)  # (T, H, W, 3)
    return Clip(frames=frames, fps=fps, audio=_sound(path, said), rate=RATE, origin=origin)


def request_of(path: Path) -> dict[str, Any] | None:
    """The request that is embedded in a clip or still, as plain data; None if there is none.

    Raises `BadRequest` ("video") if the file is missing or cannot be read.
    """
    _there(path)
    if path.suffix.lower() == ".png":
        text = _picture(path).info.get("rushes", "")
    else:
        text = _comment(_ffmpeg(path, ["-f", "ffmetadata", "-"])[0].decode(errors="replace"))
    try:
        found = json.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) and "task" in found else None


def _origin(path: Path) -> Request | None:
    found = request_of(path)
    try:
        return request_from_dict(found) if found else None
    except BadRequest:  # written by another version
        return None


def _comment(metadata: str) -> str:
    """The comment of the whole file. ffmetadata escapes = ; # backslash and line ends by a backslash."""
    of_the_file = re.split(r"(?m)^\[", metadata, maxsplit=1)[0]
    found = re.search(r"^comment=((?:\\.|[^\\\n])*)", of_the_file, re.MULTILINE | re.DOTALL)
    return re.sub(r"\\(.)", r"\1", found[1], flags=re.DOTALL) if found else ""


def _size_and_rate(path: Path, header: bytes) -> tuple[int, int, Fraction]:
    """Width, height and frames per second from the first line of a yuv4mpeg stream."""
    found = re.match(rb"YUV4MPEG2 W(\d+) H(\d+) F(\d+):(\d+)", header)
    if not found or not int(found[3]) or not int(found[4]):
        raise _unreadable(path)
    return int(found[1]), int(found[2]), Fraction(int(found[3]), int(found[4]))


def _sound(path: Path, said: str) -> np.ndarray | None:
    """(A, channels) float32, or None for a silent film."""
    if not re.search(r"^ +Stream #0:\d.*: Audio: ", said, re.MULTILINE):
        return None
    samples, said = _ffmpeg(path, ["-map", "0:a:0", "-ar", str(RATE), "-f", "f32le", "-"])
    channels = 1 if re.search(r"^ +Stream #0:0.*: Audio: .*, mono,", said.split("Output #0")[-1], re.MULTILINE) else 2
    return np.frombuffer(samples, "<f4").reshape(-1, channels)


def _ffmpeg(path: Path, output: list[str]) -> tuple[bytes, str]:
    """What ffmpeg writes to stdout for one input, and what it says. Raises `BadRequest` if it cannot."""
    source = ["-protocol_whitelist", "file,pipe", "-format_whitelist", FORMATS, "-i", f"file:{path}"]
    command = [ffmpeg(), "-hide_banner", "-nostdin", "-v", "info", *source, *output]
    try:
        done = subprocess.run(command, capture_output=True, timeout=LONGEST_READ_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise _unreadable(path) from error
    if done.returncode != 0:
        raise _unreadable(path)
    return done.stdout, done.stderr.decode(errors="replace")


def _there(path: Path) -> None:
    if not path.is_file():
        raise BadRequest("video", f"there is no file {path}")


def _picture(path: Path) -> Image.Image:
    try:
        picture = Image.open(path, formats=("PNG",))
        picture.load()
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        raise BadRequest("video", f"{path} is not a picture that can be read") from error
    return picture


def _still(path: Path) -> np.ndarray:
    return np.asarray(_picture(path).convert("RGB"))


def _unreadable(path: Path) -> BadRequest:
    return BadRequest("video", f"{path} is not a film that can be read; mp4, mov, mkv and webm are")

"""What people bring for a clip: through the door, past the rules for pictures, into `inputs/` of the data folder.

A request then names the file by its content: "inputs/<sha256>.png".
"""

import dataclasses
import secrets
import shutil
import tempfile
from pathlib import Path

import numpy as np

from pipelines import safety
from pipelines.media import door, export, video
from studio.settings import Settings

FOLDER = "inputs"
THUMBNAIL = 240  # pixels of its shorter side, or a little more
SEEN = 512  # the shorter side of what the rules look at; the classifier makes squares of 256 of it
# What a field of a request calls it: what the door calls it, and the way through.
DOORS = {
    "image": (door.PICTURE, door.picture),
    "video": (door.FILM, door.film),
    "sound": (door.SOUND, door.sound),
}


def take(upload: Path, media: str, settings: Settings, *, asked: str) -> str:
    """The reference of an upload ("image", "video" or "sound") for the field `asked` of a request.

    Where a field takes several ("image|video"), the content decides. Whoever calls removes the upload.
    Raises `BadRequest` (asked); then nothing is kept.
    """
    limits = dataclasses.replace(door.Limits(), bytes=settings.max_upload_mb << 20)
    media = _kind(upload, media.split("|"))
    folder = settings.data / FOLDER
    entrance = folder / f".{secrets.token_hex(8)}"  # not beside the others yet: one of them may be the same file
    try:
        made = DOORS[media][1](upload, entrance, asked=asked, limits=limits)
        if settings.checked and media != "sound":
            safety.default().see(_seen(made, asked), asked=asked)
        return f"{FOLDER}/{made.replace(folder / made.name).name}"
    finally:
        shutil.rmtree(entrance, ignore_errors=True)


def frame(film: Path, settings: Settings, *, asked: str, at: float) -> str:
    """The reference of one picture of a film: `at` is 0 for its first frame and 1 for its last. Raises as `take`."""
    pixels = video.pick(film, (at,), asked=asked)[0]
    with tempfile.TemporaryDirectory(prefix="rushes-") as folder:
        picture = export.picture(pixels, Path(folder) / "frame.png")
        return take(picture, "image", settings, asked=asked)


def thumbnail(reference: str, settings: Settings) -> bytes:
    """What was taken in, as a small .webp. Raises `BadRequest` if it is not there any more."""
    made = settings.data / reference
    if made.suffix == ".mp4":
        pixels = video.film(made, first=1, shorter=THUMBNAIL)[0][0]
    else:
        pixels = _smaller(door.develop(made))
    with tempfile.TemporaryDirectory(prefix="rushes-") as folder:
        return export.picture(pixels, Path(folder) / "small.webp").read_bytes()


def _smaller(pixels: np.ndarray) -> np.ndarray:
    """(H, W, 3) uint8 with a whole number of pixels averaged into one."""
    times = max(1, min(pixels.shape[:2]) // THUMBNAIL)
    height, width = (side // times for side in pixels.shape[:2])
    blocks = pixels[: height * times, : width * times].reshape(height, times, width, times, 3)
    return blocks.mean(axis=(1, 3)).astype(np.uint8)  # (H / times, W / times, 3)


def _kind(upload: Path, allowed: list[str]) -> str:
    """The one of the allowed kinds that the content serves; the first if none, whose door then says what is wrong."""
    found = door.kind(upload) if len(allowed) > 1 else None
    return next((media for media in allowed if found and DOORS[media][0] in found.serves), allowed[0])


def _seen(made: Path, asked: str) -> np.ndarray:
    """What the rules for pictures look at, (N, H, W, 3) uint8: a picture, or a few small frames of a film."""
    if made.suffix == ".png":
        return door.develop(made, asked=asked)[None]
    return video.pick(made, np.linspace(0, 1, safety.LOOKED_AT), asked=asked, shorter=SEEN)

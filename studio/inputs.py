"""What people bring for a clip: through the door, past the rules for pictures, into `inputs/` of the data folder.

A request then names the file by its content: "inputs/<sha256>.png".
"""

import dataclasses
from pathlib import Path

from pipelines import safety
from pipelines.media import door, video
from studio.settings import Settings

FOLDER = "inputs"
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
    made = DOORS[media][1](upload, settings.data / FOLDER, asked=asked, limits=limits)
    if settings.checked and media != "sound":
        _check(made, asked)
    return f"{FOLDER}/{made.name}"


def _kind(upload: Path, allowed: list[str]) -> str:
    """The one of the allowed kinds that the content serves; the first if none, whose door then says what is wrong."""
    found = door.kind(upload) if len(allowed) > 1 else None
    return next((media for media in allowed if found and DOORS[media][0] in found.serves), allowed[0])


def _check(made: Path, asked: str) -> None:
    try:
        safety.default().see(video.read(made).frames, asked=asked)
    except BaseException:
        made.unlink(missing_ok=True)
        raise

"""What people bring for a clip: through the door, past the rules for pictures, into `inputs/` of the data folder.

A request then names the file by its content: "inputs/<sha256>.png".
"""

import dataclasses
from pathlib import Path

from pipelines import safety
from pipelines.media import door, video
from studio.settings import Settings

FOLDER = "inputs"
DOORS = {"image": door.picture, "video": door.film, "sound": door.sound}


def take(upload: Path, media: str, settings: Settings, *, asked: str) -> str:
    """The reference of an upload ("image", "video" or "sound") for the field `asked` of a request.

    Whoever calls removes the upload. Raises `BadRequest` (asked); then nothing is kept.
    """
    limits = dataclasses.replace(door.Limits(), bytes=settings.max_upload_mb << 20)
    made = DOORS[media](upload, settings.data / FOLDER, asked=asked, limits=limits)
    if settings.checked and media != "sound":
        _check(made, asked)
    return f"{FOLDER}/{made.name}"


def _check(made: Path, asked: str) -> None:
    try:
        safety.default().see(video.read(made).frames, asked=asked)
    except BaseException:
        made.unlink(missing_ok=True)
        raise

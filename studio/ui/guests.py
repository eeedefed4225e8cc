"""Files that somebody brings to compare: taken in through the one door, and kept for a day (`studio.ui.app.SWEEP`)."""

import dataclasses
import tempfile
from dataclasses import dataclass
from pathlib import Path

from gradio.utils import get_upload_folder

from pipelines.errors import BadRequest
from pipelines.media import door
from studio import inputs
from studio.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Guest:
    """A file of the house, made from one that was brought. `name` is what it was called; `kind` clip or still."""

    path: Path
    name: str
    kind: str
    width: int = 0
    height: int = 0
    fps: int = 24


def admit(path: Path, settings: Settings) -> Guest:
    """Takes a film or a picture in. Raises `BadRequest` ("file") for what is neither, or what the rules refuse."""
    found = door.kind(path)
    serves = found.serves if found else ()
    if door.PICTURE not in serves and door.FILM not in serves:
        raise BadRequest("file", "is neither a film nor a picture that can be compared")
    here = dataclasses.replace(settings, data=Path(tempfile.mkdtemp(prefix="guest-", dir=_room())))
    media = "image" if door.PICTURE in serves else "video"
    made = here.data / inputs.take(path, media, here, asked="file")
    if media == "image":
        return Guest(path=made, name=path.name, kind="still")
    seen = door.shape(made, "file", door.Limits())
    return Guest(path=made, name=path.name, kind="clip", width=seen.width, height=seen.height, fps=seen.fps)


def _room() -> Path:
    """Inside gradio's own folder for uploads: it gives out what is there, and clears what the page has shown."""
    folder = Path(get_upload_folder())
    folder.mkdir(parents=True, exist_ok=True)
    return folder

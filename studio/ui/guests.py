"""Files that somebody brings to compare: taken in through the one door, shown for as long as the page is open."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from gradio.utils import get_upload_folder

from pipelines.errors import BadRequest
from pipelines.media import door


@dataclass(frozen=True, kw_only=True)
class Guest:
    """A file of the house, made from one that was brought. `name` is what it was called; `kind` clip or still."""

    path: Path
    name: str
    kind: str
    width: int = 0
    height: int = 0
    fps: int = 24


def admit(path: Path) -> Guest:
    """Takes a film or a picture in. Raises `BadRequest` ("file") for what is neither, or too large."""
    found = door.kind(path)
    folder = Path(tempfile.mkdtemp(prefix="guest-", dir=_room()))
    if found is not None and door.PICTURE in found.serves:
        return Guest(path=door.picture(path, folder, asked="file"), name=path.name, kind="still")
    if found is None or door.FILM not in found.serves:
        raise BadRequest("file", "is neither a film nor a picture that can be compared")
    made = door.film(path, folder, asked="file")
    width, height, fps = door.shape(made, "file", door.Limits())
    return Guest(path=made, name=path.name, kind="clip", width=width, height=height, fps=fps)


def _room() -> Path:
    """Inside gradio's own folder for uploads, which it gives out and clears."""
    folder = Path(get_upload_folder())
    folder.mkdir(parents=True, exist_ok=True)
    return folder

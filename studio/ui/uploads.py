"""Files that came through gradio's upload: they lie in its folder until somebody takes them in or throws them away."""

from pathlib import Path
from typing import Any

from gradio.utils import get_upload_folder

from pipelines.errors import BadRequest


def uploaded(field: str, path: Any) -> Path:
    """The file that a caller says it has uploaded; whatever else the server has does not exist.

    Raises `BadRequest` with the field.
    """
    file = Path(path) if isinstance(path, str) else Path()
    folder = Path(get_upload_folder()).resolve()
    try:
        there = file.is_absolute() and folder in file.resolve().parents and file.is_file()
    except (OSError, ValueError):  # a name that no file can have
        there = False
    if not there:
        raise BadRequest(field, "must be a file that was uploaded, as gradio_client's handle_file does")
    return file

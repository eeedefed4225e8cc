"""What any file says about itself, in facts and in plain words: signature, watermark, settings.

It never accuses: "changed" is said only of a proven difference, and what is not found is not called missing.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipelines.errors import BadRequest
from pipelines.media import door, provenance, video
from pipelines.media.keys import Identity

SIGNATURE = {
    "valid": "Signed by this studio, and not changed since.",
    "changed": "It was changed after it was signed: its content no longer fits its signature.",
    "foreign": "Signed, but not by this studio; who signed it cannot be checked here.",
    "absent": "Not signed. Most sites remove signatures, so this says nothing about where it comes from.",
}
EXCERPT = door.Limits(held=1 << 30)


def look(
    path: Path, identity: Identity, *, clip_of: Callable[[int], str | None] = lambda number: None
) -> dict[str, Any]:
    """The JSON of `verify`: {"file", "signature", "watermark": {"found", "confidence", "clip"}, "settings"}, and more.

    `clip_of` gives the id of a clip of this gallery from the number in its watermark. Raises `BadRequest` ("file")
    for what is no film, picture or sound, `Unavailable` without c2pa.
    """
    check(path)
    signature = provenance.read(path, identity)
    watermark = {"found": False, "confidence": 0.0, "clip": None}
    settings = video.request_of(path)
    return {
        "file": str(path),
        "signature": signature.state,
        "signer": signature.signer,
        "watermark": watermark,
        "settings": settings,
        "says": [SIGNATURE[signature.state]],
    }


def check(path: Path) -> None:
    """Raises `BadRequest` ("file") unless this is a film, a picture or a sound."""
    if not path.is_file():
        raise BadRequest("file", f"{path} is not a file that exists")
    if door.kind(path) is None:
        raise BadRequest("file", f"{path.name} is not a film, a picture or a sound that can be read")

"""What any file says about itself, in facts and in plain words: signature, watermark, settings.

It never accuses: "changed" is said only of a proven difference, and what is not found may have been removed.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.errors import BadRequest
from pipelines.media import door, provenance, video, watermark
from pipelines.media.keys import Identity
from pipelines.media.provenance import Signature

SIGNATURE = {
    "valid": "Signed by this studio, and not changed since.",
    "changed": "Changed after it was signed: its content no longer fits its signature.",
    "foreign": "Signed, but not by this studio; whether the name in it is true cannot be checked here.",
    "absent": "Not signed. Most sites remove signatures, so this says nothing about where it comes from.",
}
MARKED = "This studio's watermark is in it"
GONE = "the clip that it names is not in this gallery, or not yours."
# A mark must fit a checksum of 20 bits and the 12 bits of the studio's key, at no more than 42 places that are tried.
NOT_MARKED = "No watermark of this studio was found. That does not prove that it was not made here."
CHANCE = "A file that was not made here shows one by chance less than once in a hundred million."
UNSEEN = "Its pictures could not be read, so no watermark was looked for."
NO_SETTINGS = "No settings are in the file."
FRAMES, SHORTER = 160, 640  # of a film: what a watermark is looked for in

ClipOf = Callable[[int], str | None]


def look(path: Path, identity: Identity, *, clip_of: ClipOf = lambda number: None) -> dict[str, Any]:
    """The JSON of `verify`: {"file", "signature", "watermark": {"found", "confidence", "clip"}, "settings"}, and more.

    `clip_of` gives the id of a clip of this gallery from the number in its watermark. Raises `BadRequest` ("file")
    for what is no film, picture or sound, `Unavailable` without c2pa.
    """
    check(path)
    signature = provenance.read(path, identity)
    mark, says = _watermark(path, identity, clip_of)
    settings = video.request_of(path)
    return {
        "file": str(path),
        "signature": signature.state,
        "signer": signature.signer,
        "model": signature.model if signature.state == "valid" else None,
        "watermark": mark,
        "settings": settings,
        "says": [_signed(signature), *says, *([] if settings else [NO_SETTINGS])],
    }


def check(path: Path) -> None:
    """Raises `BadRequest` ("file") unless this is a film, a picture or a sound."""
    if not path.is_file():
        raise BadRequest("file", f"{path} is not a file that exists")
    if door.kind(path) is None:
        raise BadRequest("file", f"{path.name} is not a film, a picture or a sound that can be read")


def _signed(signature: Signature) -> str:
    sentence = SIGNATURE[signature.state]
    if signature.state == "foreign" and signature.signer:
        return f'{sentence} The name is "{signature.signer[:80]}".'
    return sentence


def _watermark(path: Path, identity: Identity, clip_of: ClipOf) -> tuple[dict[str, Any], list[str]]:
    try:
        frames = _pictures(path)
    except BadRequest:
        return {"found": False, "confidence": 0.0, "clip": None}, [UNSEEN]
    found = watermark.find(frames, identity.secret)
    payload = found.payload if found.payload and found.payload.key == identity.number else None
    if payload is None:
        return {"found": False, "confidence": 0.0, "clip": None}, [NOT_MARKED]
    clip = clip_of(payload.clip)
    which = f"{MARKED}: it is clip {clip[:8]} of this gallery, or comes from it." if clip else f"{MARKED}; {GONE}"
    return {"found": True, "confidence": round(found.confidence, 3), "clip": clip}, [which, CHANCE]


def _pictures(path: Path) -> np.ndarray:
    """(T, H, W, 3) uint8. Raises `BadRequest` if there are none that can be read."""
    if door.PICTURE in door.kind(path).serves:
        return door.develop(path, asked="file")[None]
    return video.film(path, first=FRAMES, shorter=SHORTER)[0]

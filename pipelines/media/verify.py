"""What any file says about itself, in facts and in plain words: signature, watermark, settings.

It never accuses: "changed" is said only of a proven difference, and what is not found may have been removed.
"""

import contextlib
import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.errors import BadRequest
from pipelines.media import audio, door, provenance, soundmark, video, watermark
from pipelines.media.keys import Identity
from pipelines.media.payload import KEY_BITS, Found
from pipelines.media.provenance import Signature

SIGNATURE = {
    "valid": "Signed by this studio, and not changed since.",
    "changed": "Changed after it was signed: its content no longer fits its signature.",
    "foreign": "Signed, but not by this studio; whether the name in it is true cannot be checked here.",
    "absent": "Not signed. Most sites remove signatures, so this says nothing about where it comes from.",
}
MARKED = "This studio's watermark is in its {place}"
GONE = "the clip that it names is not in this gallery, or not yours."
NOT_MARKED = "No watermark of this studio was found. That does not prove that it was not made here."
CHANCE = "A file that was not made here shows one by chance less than once in {times:,} files."
UNSEEN = "Neither pictures nor sound could be read, so no watermark was looked for."
NOTHING = {"found": False, "confidence": 0.0, "clip": None}
NO_SETTINGS = "No settings are in the file."
FRAMES, SHORTER = 160, 640  # of a film: what a watermark is looked for in
HEARD_S = 60

ClipOf = Callable[[int], str | None]


def look(path: Path, identity: Identity, *, clip_of: ClipOf = lambda number: None) -> dict[str, Any]:
    """The JSON of `verify`: {"file", "signature", "watermark": {"found", "confidence", "clip"}, "settings"}, and more.

    `clip_of` gives the id of a clip of this gallery from the number in its watermark. Raises `BadRequest` ("file")
    for what is no film, picture or sound or has a signature that cannot be read, `Unavailable` without c2pa.
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
    """Looks in the pictures first, which say more, then in the sound."""
    heard = 0
    for place, found in _found(path, identity.secret):
        heard += 1
        if found.payload is not None and found.payload.key == identity.number:
            return _named(place, found, clip_of)
    return NOTHING, [NOT_MARKED if heard else UNSEEN]


def _found(path: Path, secret: bytes) -> Iterator[tuple[str, Found]]:
    """What is found in each part of the file that can be read."""
    with contextlib.suppress(BadRequest):
        yield "pictures", watermark.find(_pictures(path), secret)
    with contextlib.suppress(BadRequest):
        sound = audio.read(path, first=HEARD_S) if door.SOUND in door.kind(path).serves else None
        if sound is not None:
            yield "sound", soundmark.find(sound, audio.RATE, secret)


def _named(place: str, found: Found, clip_of: ClipOf) -> tuple[dict[str, Any], list[str]]:
    clip = clip_of(found.payload.clip)
    which = f": it is clip {clip[:8]} of this gallery, or comes from it." if clip else f"; {GONE}"
    # The studio's number in it must be right as well, and that is one of so many.
    times = (1 << KEY_BITS) / max(1 - found.confidence, 1e-9)
    times = int(10 ** math.floor(math.log10(times)))
    says = [MARKED.format(place=place) + which, CHANCE.format(times=times)]
    return {"found": True, "confidence": found.confidence, "clip": clip}, says


def _pictures(path: Path) -> np.ndarray:
    """(T, H, W, 3) uint8. Raises `BadRequest` if there are none that can be read."""
    if door.PICTURE in door.kind(path).serves:
        return door.develop(path, asked="file")[None]
    return video.film(path, first=FRAMES, shorter=SHORTER)[0]

"""The one exit: every clip, still, sound, poster and contact sheet that becomes a file is written here.

A clip goes through four stations, in this order: watermark, encode, tag (the request), sign. What is signed is the
whole file, so whatever touches it afterwards shows.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from pipelines.clip import Clip
from pipelines.media import encode, landing, provenance, tags
from pipelines.media.payload import Payload
from pipelines.media.provenance import Record

STILL, FILM, SOUND, POSTER = (".png",), (".mp4",), (".wav",), (".webp",)
SMALLEST_MARKED = 96  # pixels of the shorter side: less has no room for one tile of the watermark
MOVING_PICTURE = (".webp", ".gif")


def save(clip: Clip, path: Path, *, record: Record | None = None) -> Path:
    """Writes a clip as .mp4 (H.264 yuv420p, AAC), a still as .png or a sound as .wav, and returns `path`.

    The request is inside; with a `record` the file is also watermarked and signed, which is how everything leaves the
    studio. Width and height of a clip are even. Raises `BadRequest` as `check_destination` does, `Unavailable` if the
    disk is full or ffmpeg is missing.
    """
    check_destination(path, still=clip.still, sound=not len(clip.frames))
    return landing.whole_or_nothing(path, lambda file: _write(clip, file, record))


def _write(clip: Clip, file: Path, record: Record | None) -> None:
    if record is not None:
        clip = _watermarked(clip, record)
    said = clip.origin.to_json() if clip.origin is not None else None
    if not len(clip.frames):
        encode.sound(clip, file)
    elif clip.still:
        encode.still(clip.frames[0], file)
    else:
        encode.film(clip, file, comment=said)
    if said is not None:
        tags.write(file, said)
    if record is not None:
        provenance.sign(file, record, clip.origin)


def _watermarked(clip: Clip, record: Record) -> Clip:
    """The clip with the invisible marks in its pictures and its sound."""
    from pipelines.media import soundmark, watermark  # bring scipy and OpenCV; a server that only asks starts without

    payload, secret = Payload(record.identity.number, record.number), record.identity.secret
    frames, audio = clip.frames, clip.audio
    if len(frames) and min(clip.width, clip.height) >= SMALLEST_MARKED:
        frames = watermark.mark(frames, payload, secret)
    if audio is not None:
        audio = soundmark.mark(audio, clip.rate, payload, secret).astype(np.float32)
    return replace(clip, frames=frames, audio=audio)


def poster(clip: Clip, path: Path) -> Path:
    """Writes the middle frame as .webp. Raises as `save` does."""
    landing.check(path, POSTER, "a poster")
    return picture(clip.frames[len(clip.frames) // 2], path)


def picture(pixels: np.ndarray, path: Path) -> Path:
    """Writes pixels (H, W, 3) or, with alpha, (H, W, 4) uint8 as .png or .webp. Raises as `save` does."""
    landing.check(path, STILL + POSTER, "a picture")
    return landing.whole_or_nothing(path, lambda file: Image.fromarray(pixels).save(file, quality=90, optimize=True))


def preview(frames: np.ndarray, path: Path, *, fps: int) -> Path:
    """Writes frames (T, H, W, 3) uint8 as a picture that moves in a web page, .webp or .gif. Raises as `save` does."""
    landing.check(path, MOVING_PICTURE, "a moving picture")
    first, *rest = [Image.fromarray(frame) for frame in frames]
    return landing.whole_or_nothing(
        path,
        lambda file: first.save(
            file, save_all=True, append_images=rest, duration=round(1000 / fps), loop=0, quality=70, method=6
        ),
    )


def sheet(pictures: Sequence[np.ndarray], path: Path, *, columns: int) -> Path:
    """Writes pictures (H, W, 3) uint8, of any sizes, in rows of `columns` on white, as .png. Raises as `save` does."""
    landing.check(path, STILL, "a contact sheet")
    assert pictures and columns > 0
    gap = 4
    height, width = (max(picture.shape[side] for picture in pictures) + gap for side in (0, 1))
    rows = -(-len(pictures) // columns)
    paper = np.full((rows * height + gap, min(columns, len(pictures)) * width + gap, 3), 255, np.uint8)
    for index, picture in enumerate(pictures):
        top, left = gap + index // columns * height, gap + index % columns * width
        paper[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    return landing.whole_or_nothing(path, lambda file: Image.fromarray(paper).save(file, optimize=True))


def film(clips: Sequence[np.ndarray], path: Path, *, columns: int) -> Path:
    """Writes clips (T, H, W, 3) of one shape, side by side at half their size and rate, as `preview` does."""
    small = [clip[::2, ::2, ::2] for clip in clips]
    rows = [np.concatenate(small[first : first + columns], axis=2) for first in range(0, len(small), columns)]
    return preview(np.concatenate(rows, axis=1), path, fps=8)


def check_destination(path: Path, *, still: bool = False, sound: bool = False) -> None:
    """Raises `BadRequest` ("out") if a clip could not be saved there; call it before the work begins.

    The suffix must fit (.png for a still, .wav for a sound, .mp4 for a clip), the folder exist and be writable, the
    file not exist.
    """
    suffixes, kind = (SOUND, "a sound") if sound else (STILL, "a still") if still else (FILM, "a clip")
    landing.check(path, suffixes, kind)

"""Copies for blind votes: encoded alike, without a word about where they come from, no two files the same."""

import dataclasses
import secrets
import struct
from pathlib import Path

from pipelines.clip import Clip
from pipelines.media import door, export, video


def suffix(clip: Clip) -> str:
    """The ending of a clip's voting copy."""
    return ".png" if clip.still else ".mp4"


def read(path: Path) -> Clip:
    """A stranger's film or picture as it will be shown: with even sides, as H.264 wants them.

    It comes in by the door, within the limits of an upload. Raises as `video.read` does.
    """
    clip = video.read(path, limits=door.Limits())
    if clip.still:
        return clip
    height, width = clip.height // 2 * 2, clip.width // 2 * 2
    return dataclasses.replace(clip, frames=clip.frames[:, :height, :width])


def write(clip: Clip, path: Path) -> Path:
    """Writes the voting copy of a clip: pixels and sound only, the encoder's settings the same for all.

    Random bytes at the end (a `free` box of the MP4 standard, ISO 14496-12) give each copy a hash of its own, so that
    nobody finds the original by it. Raises as `export.save` does.
    """
    export.save(dataclasses.replace(clip, origin=None), path)
    noise = secrets.token_bytes(32)
    with path.open("ab") as file:
        file.write(struct.pack(">I4s", 8 + len(noise), b"free") + noise if path.suffix == ".mp4" else noise)
    return path

"""The request inside the file: in every form, read back, and still there after what sites do to files."""

import struct
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipelines.clip import Clip
from pipelines.media import cage, export, tags, video

TONE = (0.2 * np.sin(np.arange(4_800)[:, None] / 20)).astype(np.float32)


@pytest.fixture
def files(clip: Clip, still: Clip, tmp_path: Path) -> dict[str, tuple[Path, Clip]]:
    sound = replace(clip, frames=clip.frames[:0], audio=TONE)
    clips = {"clip.mp4": clip, "still.png": still, "sound.wav": sound}
    return {name: (export.save(made, tmp_path / name), made) for name, made in clips.items()}


@pytest.mark.parametrize("name", ["clip.mp4", "still.png", "sound.wav"])
def test_the_request_comes_back_letter_by_letter(files, name: str):
    path, made = files[name]
    assert tags.read(path) == made.origin.to_json()
    assert video.request_of(path) == made.origin.to_dict()


def without(content: bytes, kind: bytes) -> bytes:
    """The file as a site leaves it that blanks one kind of box wherever it is, without moving anything."""
    place = content.find(kind)
    (length,) = struct.unpack(">I", content[place - 4 : place])
    return content[:place] + b"free" + b"\0" * (length - 8) + content[place - 4 + length :]


@pytest.mark.parametrize("kind", [b"udta", b"uuid"])
def test_the_request_survives_the_loss_of_either_form(files, tmp_path: Path, kind: bytes):
    """Discord blanks udta and leaves a top-level uuid box; others remove the XMP and keep the comment."""
    path, made = files["clip.mp4"]
    stripped = tmp_path / "stripped.mp4"
    stripped.write_bytes(without(path.read_bytes(), kind))
    assert stripped.stat().st_size == path.stat().st_size
    assert video.request_of(stripped) == made.origin.to_dict()
    assert len(video.read(stripped).frames) == len(made.frames)


def test_other_programs_find_it(files):
    film, still, sound = (files[name] for name in files)
    for path, made in (film, sound):
        said = subprocess.run(
            [cage.ffmpeg(), "-v", "error", "-i", path, "-f", "ffmetadata", "-"], capture_output=True, check=True
        ).stdout.decode()
        for line in ("comment=", "seed") if path.suffix == ".mp4" else ("rushes=", "seed"):
            assert line in said
        assert str(made.origin.seed) in said
    with Image.open(still[0]) as picture:
        assert picture.info["rushes"] == still[1].origin.to_json()
        assert tags.SOURCE_TYPE in picture.info["XML:com.adobe.xmp"]


def test_players_still_play_it(files):
    path, made = files["clip.mp4"]
    assert len(video.read(path).frames) == len(made.frames)
    assert b"moov" in path.read_bytes()[:200]


@pytest.mark.parametrize("name", ["clip.mp4", "still.png", "sound.wav"])
def test_odd_content_is_read_without_an_error(files, tmp_path: Path, name: str):
    content = files[name][0].read_bytes()
    random = np.random.default_rng(0)
    odd = tmp_path / "odd"
    for _ in range(200):
        damaged = bytearray(content[: random.integers(1, len(content))])
        for place in random.integers(0, len(damaged), 20):
            damaged[place] = random.integers(256)
        odd.write_bytes(damaged)
        assert tags.read(odd) is None or isinstance(tags.read(odd), str)


@pytest.mark.parametrize("length", [0, 1, 7, 2**31, 2**32 - 1])
def test_a_box_that_lies_about_its_length_ends_the_search(tmp_path: Path, length: int):
    path = tmp_path / "odd.mp4"
    path.write_bytes(
        struct.pack(">I4s", 16, b"ftyp") + b"isom" * 2 + struct.pack(">I4s", length, b"uuid") + tags.XMP_BOX
    )
    assert tags.read(path) is None

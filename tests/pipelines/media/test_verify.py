"""What a file says about itself: true for what is ours, honest about what is not, and no accusation."""

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipelines.clip import Clip
from pipelines.errors import BadRequest
from pipelines.media import cage, export, keys, verify
from pipelines.media.provenance import Record
from pipelines.requests import TextToVideo
from pipelines.training import world

ID = "0123abcd" + "0" * 24
REQUEST = TextToVideo(prompt="a fox", seconds=1)


@pytest.fixture(scope="module")
def us() -> keys.Identity:
    return keys.new()


@pytest.fixture(scope="module")
def made(us: keys.Identity, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clip that left the studio: one second of the theatre."""
    clip = Clip(frames=world.render(world.sample_scene(1002), frames=16), fps=16, origin=REQUEST)
    return export.save(clip, tmp_path_factory.mktemp("made") / "clip.mp4", record=Record(identity=us, clip=ID))


def gallery(number: int) -> str | None:
    return ID if number == int(ID[:8], 16) else None


def test_our_clip_is_recognised_in_every_way(made: Path, us: keys.Identity):
    found = verify.look(made, us, clip_of=gallery)
    assert found["signature"] == "valid" and found["settings"] == REQUEST.to_dict()
    assert found["watermark"]["found"] and found["watermark"]["clip"] == ID
    assert found["watermark"]["confidence"] > 0.9
    assert found["says"][0] == "Signed by this studio, and not changed since."
    assert "clip 0123abcd of this gallery" in found["says"][1] and "less than once in 1" in found["says"][2]


def test_what_a_site_has_encoded_again_is_recognised_by_its_watermark(made: Path, us: keys.Identity, tmp_path: Path):
    again = tmp_path / "again.webm"
    command = [cage.ffmpeg(), "-v", "error", "-i", made, "-map_metadata", "-1", "-c:v", "libvpx", "-b:v", "1M", again]
    subprocess.run(command, check=True)
    found = verify.look(again, us, clip_of=gallery)
    assert found["signature"] == "absent" and found["settings"] is None
    assert found["watermark"]["clip"] == ID
    assert "Most sites remove signatures" in found["says"][0]


def test_a_clip_that_left_the_gallery_is_still_known_to_be_ours(made: Path, us: keys.Identity):
    found = verify.look(made, us)
    assert found["watermark"]["found"] and found["watermark"]["clip"] is None
    assert "not in this gallery" in found["says"][1]


def test_a_clip_of_another_studio_is_foreign_and_carries_no_mark_of_ours(made: Path):
    found = verify.look(made, keys.new(), clip_of=gallery)
    assert found["signature"] == "foreign" and not found["watermark"]["found"]
    assert "cannot be checked here" in found["says"][0] and "does not prove" in found["says"][1]


def test_a_changed_clip_is_changed_even_where_its_pictures_are_gone(made: Path, us: keys.Identity, tmp_path: Path):
    content = made.read_bytes()
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(content[: content.find(b"mdat") + 40])
    found = verify.look(cut, us)
    assert found["signature"] == "changed"
    assert found["says"][1] == verify.UNSEEN


def test_pictures_of_strangers_are_not_called_anything(tmp_path: Path, us: keys.Identity):
    pixels = np.random.default_rng(1).integers(0, 256, (128, 160, 3), np.uint8)
    found = verify.look(export.picture(pixels, tmp_path / "photo.png"), us)
    assert found["signature"] == "absent" and not found["watermark"]["found"] and found["settings"] is None
    assert not any(word in " ".join(found["says"]).lower() for word in ("fake", "forged", "suspicious", "missing"))


def test_a_still_carries_everything_too(us: keys.Identity, made: Path, tmp_path: Path):
    still = Clip(frames=world.render(world.sample_scene(1003), frames=1), fps=1, origin=replace(REQUEST, still=True))
    path = export.save(still, tmp_path / "still.png", record=Record(identity=us, clip=ID))
    found = verify.look(path, us, clip_of=gallery)
    assert (found["signature"], found["watermark"]["clip"]) == ("valid", ID)


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"#EXTM3U\n/etc/passwd\n"]
)
def test_what_is_no_picture_or_sound_is_refused_in_one_sentence(tmp_path: Path, us: keys.Identity, content: bytes):
    (tmp_path / "file.mp4").write_bytes(content)
    with pytest.raises(BadRequest, match="file.mp4 is not a film, a picture or a sound"):
        verify.look(tmp_path / "file.mp4", us)


def test_a_wrong_suffix_changes_nothing(made: Path, us: keys.Identity, tmp_path: Path):
    found = verify.look(Path(shutil.copy(made, tmp_path / "holiday.jpg")), us, clip_of=gallery)
    assert found["signature"] == "valid" and found["watermark"]["clip"] == ID


def test_a_sound_is_recognised_by_its_own_mark(us: keys.Identity, tmp_path: Path):
    """The sound of a film, taken out and compressed: no signature, no pictures, no settings."""
    noise = np.random.default_rng(3).normal(0, 0.1, (48_000 * 8, 2)).astype(np.float32)
    clip = Clip(frames=np.zeros((0, 32, 32, 3), np.uint8), fps=16, audio=noise, origin=REQUEST)
    path = export.save(clip, tmp_path / "sound.wav", record=Record(identity=us, clip=ID))
    assert verify.look(path, us)["signature"] == "valid"
    command = [cage.ffmpeg(), "-v", "error", "-i", path, "-map_metadata", "-1", "-b:a", "96k", tmp_path / "sound.mp3"]
    subprocess.run(command, check=True)
    found = verify.look(tmp_path / "sound.mp3", us, clip_of=gallery)
    assert found["signature"] == "absent" and found["watermark"]["clip"] == ID
    assert "in its sound" in found["says"][1]

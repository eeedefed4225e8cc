"""Signatures: what they say, that any change shows, and that nobody is accused who did nothing."""

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipelines.clip import Clip
from pipelines.errors import BadRequest, Unavailable
from pipelines.media import cage, export, keys, provenance, video
from pipelines.media.provenance import Record, Signature, Source

TONE = (0.2 * np.sin(np.arange(9_600)[:, None] / 20)).astype(np.float32)
NAMES = ("clip.mp4", "still.png", "sound.wav")


@pytest.fixture(scope="module")
def us() -> keys.Identity:
    return keys.new()


@pytest.fixture
def signed(clip: Clip, still: Clip, us: keys.Identity, tmp_path: Path) -> dict[str, Path]:
    clips = {"clip.mp4": clip, "still.png": still, "sound.wav": replace(clip, frames=clip.frames[:0], audio=TONE)}
    record = Record(identity=us, clip="0123abcd", weights={"tae": "00" * 32})
    return {name: export.save(made, tmp_path / name, record=record) for name, made in clips.items()}


def seen(path: Path, identity: keys.Identity) -> Signature:
    with path.open("rb") as file:
        return provenance.examine(file, identity.studio)


def test_signatures_are_read_in_a_process_of_their_own(signed, us: keys.Identity):
    assert provenance.read(signed["clip.mp4"], us) == seen(signed["clip.mp4"], us)


def test_a_reader_that_fails_says_nothing_about_the_signature(signed, us: keys.Identity, tmp_path: Path, monkeypatch):
    (tmp_path / "c2pa.py").write_text("raise MemoryError")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    with pytest.raises(BadRequest, match="file: the signature of clip.mp4 could not be read"):
        provenance.read(signed["clip.mp4"], us)


@pytest.mark.parametrize("name", NAMES)
def test_what_leaves_is_signed_and_says_what_made_it(signed, us: keys.Identity, clip: Clip, name: str):
    found = seen(signed[name], us)
    assert found.state == "valid" and found.request == video.request_of(signed[name])
    assert found.model == {"name": "mini", "sha256": {"tae": "00" * 32}}


def test_the_statement_says_that_a_model_made_it(signed):
    import c2pa

    with c2pa.Reader(str(signed["clip.mp4"])) as reader:
        manifest = reader.get_active_manifest()
    (action,) = next(fact["data"]["actions"] for fact in manifest["assertions"] if "actions" in fact["label"])
    assert action["action"] == "c2pa.created"
    assert action["digitalSourceType"].endswith("/trainedAlgorithmicMedia")


@pytest.mark.parametrize("name", NAMES)
def test_a_changed_byte_shows(signed, us: keys.Identity, name: str):
    content = bytearray(signed[name].read_bytes())
    content[content.find({"clip.mp4": b"mdat", "still.png": b"IDAT", "sound.wav": b"data"}[name]) + 50] ^= 1
    signed[name].write_bytes(content)
    assert seen(signed[name], us).state == "changed"


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_was_cut_does_not_pass(signed, us: keys.Identity, name: str, share: float):
    content = signed[name].read_bytes()
    signed[name].write_bytes(content[: int(len(content) * share)])
    assert seen(signed[name], us).state in ("changed", "absent")


def test_a_remux_takes_the_signature_away_and_leaves_the_request(signed, us: keys.Identity, tmp_path: Path):
    again = tmp_path / "again.mp4"
    command = [cage.ffmpeg(), "-v", "error", "-i", signed["clip.mp4"], "-c", "copy", again]
    subprocess.run(command, check=True)
    assert seen(again, us).state == "absent"
    assert video.request_of(again) == video.request_of(signed["clip.mp4"])


def test_another_studio_is_foreign_and_not_accused(signed, us: keys.Identity):
    found = seen(signed["clip.mp4"], keys.new())
    assert found.state == "foreign" and found.signer == "Rushes studio (self-made)"


def test_who_copies_our_name_and_number_is_foreign(signed, us: keys.Identity, clip: Clip, tmp_path: Path):
    """Anybody can make a certificate that looks like ours; nobody else can make ours vouch for it."""
    stranger = keys.new()
    forged = export.save(clip, tmp_path / "forged.mp4", record=Record(identity=stranger, clip="0123abcd"))
    assert seen(forged, us).state == "foreign"
    with forged.open("rb") as file:
        namesake = replace(us.studio, serial=stranger.studio.serial)
        assert provenance.examine(file, namesake).state == "foreign"
    assert seen(forged, stranger).state == "valid"


def test_an_unsigned_file_is_unsigned_whatever_it_is_called(clip: Clip, us: keys.Identity, tmp_path: Path):
    plain = export.save(clip, tmp_path / "clip.mp4")
    assert seen(plain, us).state == "absent"
    assert seen(shutil.copy(plain, tmp_path / "clip.png"), us).state == "absent"


def test_a_wrong_suffix_hides_no_signature(signed, us: keys.Identity, tmp_path: Path):
    assert seen(shutil.copy(signed["clip.mp4"], tmp_path / "holiday.jpg"), us).state == "valid"


def test_a_source_keeps_its_history_and_a_face_leaves_a_hash_alone(signed, clip: Clip, us, tmp_path: Path):
    import c2pa

    face = tmp_path / "face.png"
    shutil.copy(signed["still.png"], face)
    sources = (
        Source(role="video", sha256="11" * 32, path=signed["clip.mp4"]),
        Source(role="face", sha256="22" * 32, path=face),
    )
    made = export.save(clip, tmp_path / "edited.mp4", record=Record(identity=us, clip="0123abcd", sources=sources))
    with c2pa.Reader(str(made)) as reader:
        manifest = reader.get_active_manifest()
    (ingredient,) = manifest["ingredients"]
    assert ingredient["relationship"] == "inputTo" and ingredient["active_manifest"]
    said = next(fact["data"] for fact in manifest["assertions"] if fact["label"] == provenance.SOURCES)
    assert [source["role"] for source in said["sources"]] == ["video", "face"]
    assert "22" * 32 in str(said)
    assert seen(made, us).state == "valid"


def test_keys_that_do_not_fit_are_refused_in_a_sentence(clip: Clip, us: keys.Identity, tmp_path: Path):
    wrong = replace(us, key=keys.new().key[:80])
    with pytest.raises(Unavailable, match="could not be signed"):
        export.save(clip, tmp_path / "clip.mp4", record=Record(identity=wrong, clip="0123abcd"))
    assert not (tmp_path / "clip.mp4").exists()

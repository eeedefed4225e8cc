"""Reading back what was saved, and refusing what is no clip."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from pipelines.clip import Clip
from pipelines.errors import BadRequest
from pipelines.media import export, video


def test_a_saved_clip_comes_back(clip: Clip, tmp_path: Path):
    again = video.read(export.save(clip, tmp_path / "clip.mp4"))
    assert again.frames.shape == clip.frames.shape
    assert (again.fps, again.audio, again.origin) == (16, None, clip.origin)
    error = np.square(again.frames.astype(float) - clip.frames).mean()
    assert 10 * np.log10(255**2 / error) > 32


def test_a_saved_still_comes_back_exactly(still: Clip, tmp_path: Path):
    again = video.read(export.save(still, tmp_path / "still.png"))
    assert np.array_equal(again.frames, still.frames)
    assert again.origin == still.origin


@pytest.mark.parametrize("channels", [1, 2])
def test_sound_comes_back_in_step(clip: Clip, tmp_path: Path, channels: int):
    audio = np.zeros((48_000, channels), np.float32)
    audio[24_000:24_480] = 0.5  # a knock at half a second
    again = video.read(export.save(replace(clip, audio=audio), tmp_path / "clip.mp4")).audio
    assert again.shape[1] == channels
    assert abs(len(again) - 48_000) <= 1_024  # one AAC frame
    assert abs(int(np.abs(again[:, 0]).argmax()) - 24_240) < 300


def test_sound_at_another_rate_is_brought_to_48_khz(clip: Clip, tmp_path: Path):
    audio = np.zeros((16_000, 1), np.float32)
    again = video.read(export.save(replace(clip, audio=audio, rate=16_000), tmp_path / "clip.mp4"))
    assert again.rate == 48_000
    assert abs(len(again.audio) - 48_000) <= 2_048


def test_a_clip_that_nobody_asked_for_has_no_request(clip: Clip, still: Clip, tmp_path: Path):
    assert video.request_of(export.save(replace(clip, origin=None), tmp_path / "clip.mp4")) is None
    assert video.request_of(export.save(replace(still, origin=None), tmp_path / "still.png")) is None


@pytest.mark.parametrize("name", ["clip.mp4", "still.png"])
def test_a_file_that_is_none_of_these_is_refused(tmp_path: Path, name: str):
    (tmp_path / name).write_bytes(b"not a picture" * 50)
    for door in (video.read, video.request_of):
        with pytest.raises(BadRequest, match=name) as caught:
            door(tmp_path / name)
        assert caught.value.field == "video"


@pytest.mark.parametrize("name", ["clip.mp4", "still.png"])
def test_a_file_that_is_not_there_is_refused(tmp_path: Path, name: str):
    with pytest.raises(BadRequest, match="there is no file"):
        video.read(tmp_path / name)


def test_a_clip_that_was_cut_short_is_refused(clip: Clip, tmp_path: Path):
    whole = export.save(clip, tmp_path / "clip.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) // 3])
    with pytest.raises(BadRequest, match="cut.mp4"):
        video.read(tmp_path / "cut.mp4")


def test_a_playlist_in_disguise_reads_no_other_file(clip: Clip, tmp_path: Path):
    export.save(clip, tmp_path / "private.mp4")
    playlists = {
        "list.mp4": f"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5.0,\nfile://{tmp_path}/private.mp4\n#EXT-X-ENDLIST\n",
        "concat.mp4": "ffconcat version 1.0\nfile private.mp4\n",
    }
    for name, text in playlists.items():
        (tmp_path / name).write_text(text)
        with pytest.raises(BadRequest, match=name):
            video.read(tmp_path / name)


def test_some_frames_of_a_film_are_had_without_the_others(clip: Clip, tmp_path: Path):
    levels = np.linspace(20, 220, 40).astype(np.uint8)
    frames = np.broadcast_to(levels[:, None, None, None], (40, 64, 96, 3)).copy()
    path = export.save(replace(clip, frames=frames), tmp_path / "clip.mp4")
    some = video.pick(path, (0, 0.5, 0.5, 1), shorter=32)
    assert some.shape == (3, 32, 48, 3)
    assert np.abs(some.mean(axis=(1, 2, 3)) - levels[[0, 20, 39]]).max() < 3
    assert video.pick(path, (1,)).shape == (1, 64, 96, 3)


def test_a_film_that_cannot_be_looked_at_is_refused_in_the_field_that_named_it(clip: Clip, tmp_path: Path):
    whole = export.save(clip, tmp_path / "clip.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) // 3])
    with pytest.raises(BadRequest, match="cut.mp4") as caught:
        video.pick(tmp_path / "cut.mp4", (0,), asked="mask")
    assert caught.value.field == "mask"

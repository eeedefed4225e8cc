"""The one exit: files play everywhere, carry their request, appear whole or not at all, and overwrite nothing."""

import os
import re
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipelines.clip import Clip
from pipelines.errors import BadRequest, Unavailable
from pipelines.media import cage, encode, export, keys, landing, video
from pipelines.media.provenance import Record


def facts(path: Path) -> str:
    """What ffmpeg says about a file."""
    command = [cage.ffmpeg(), "-hide_banner", "-i", str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stderr


def sound(*, seconds: float, channels: int) -> np.ndarray:
    moment = np.arange(int(48_000 * seconds)) / 48_000
    return np.repeat(0.3 * np.sin(2 * np.pi * 440 * moment)[:, None], channels, axis=1).astype(np.float32)


def test_a_clip_is_h264_that_every_browser_plays(clip: Clip, tmp_path: Path):
    saved = export.save(clip, tmp_path / "clip.mp4")
    assert re.search(r"Video: h264 .*yuv420p\(tv, bt709, progressive\), 64x48.* 16 fps", facts(saved))
    assert "Audio" not in facts(saved)


def test_a_clip_starts_to_play_before_it_is_loaded(clip: Clip, tmp_path: Path):
    content = export.save(clip, tmp_path / "clip.mp4").read_bytes()
    assert 0 < content.find(b"moov") < content.find(b"mdat")


def test_the_same_clip_gives_the_same_file(clip: Clip, tmp_path: Path):
    first, second = (export.save(clip, tmp_path / name) for name in ("a.mp4", "b.mp4"))
    assert first.read_bytes() == second.read_bytes()


def test_colours_survive(tmp_path: Path):
    colours = np.array([[220, 40, 40], [40, 200, 60], [50, 60, 210], [128, 128, 128], [250, 250, 250]], np.uint8)
    frames = np.repeat(np.repeat(colours, 16, axis=0)[None, None], 32, axis=1).repeat(8, axis=0)  # (8, 32, 80, 3)
    saved = export.save(Clip(frames=frames, fps=16), tmp_path / "colours.mp4")
    middle = video.read(saved).frames[4, 16, 8::16].astype(int)
    assert np.abs(middle - colours).max() <= 6


@pytest.mark.parametrize("channels", [1, 2])
def test_sound_goes_along_as_aac_at_48_khz(clip: Clip, tmp_path: Path, channels: int):
    saved = export.save(replace(clip, audio=sound(seconds=1, channels=channels)), tmp_path / "clip.mp4")
    assert re.search(r"Audio: aac .*48000 Hz, " + ("mono" if channels == 1 else "stereo"), facts(saved))


def test_a_still_is_a_png_and_loses_nothing(still: Clip, tmp_path: Path):
    saved = export.save(still, tmp_path / "still.png")
    assert np.array_equal(np.asarray(Image.open(saved)), still.frames[0])


def test_the_request_is_inside_the_file(clip: Clip, still: Clip, tmp_path: Path):
    assert video.request_of(export.save(clip, tmp_path / "clip.mp4")) == clip.origin.to_dict()
    assert video.request_of(export.save(still, tmp_path / "still.png")) == still.origin.to_dict()


def test_only_the_clip_is_left_in_the_folder(clip: Clip, tmp_path: Path):
    export.save(clip, tmp_path / "clip.mp4")
    export.poster(clip, tmp_path / "poster.webp")
    assert sorted(os.listdir(tmp_path)) == ["clip.mp4", "poster.webp"]


def test_a_file_gets_the_permissions_that_the_person_has_chosen(clip: Clip, tmp_path: Path):
    plain = tmp_path / "plain"
    plain.touch()
    assert export.save(clip, tmp_path / "clip.mp4").stat().st_mode == plain.stat().st_mode


@pytest.mark.parametrize(("name", "fits"), [("clip.avi", ".mp4"), ("clip", ".mp4"), ("clip.png", ".mp4")])
def test_another_suffix_is_refused(clip: Clip, tmp_path: Path, name: str, fits: str):
    with pytest.raises(BadRequest, match=rf"a clip is saved as {fits}; \S+ ends differently") as caught:
        export.save(clip, tmp_path / name)
    assert caught.value.field == "out"
    assert not os.listdir(tmp_path)


def test_a_still_is_not_saved_as_a_film(still: Clip, tmp_path: Path):
    with pytest.raises(BadRequest, match="a still is saved as .png"):
        export.save(still, tmp_path / "still.mp4")


def test_a_file_that_exists_is_left_alone(clip: Clip, tmp_path: Path):
    (tmp_path / "clip.mp4").write_text("precious")
    with pytest.raises(BadRequest, match="clip.mp4 already exists"):
        export.save(clip, tmp_path / "clip.mp4")
    assert (tmp_path / "clip.mp4").read_text() == "precious"


def test_a_link_that_leads_nowhere_is_not_written_through(clip: Clip, tmp_path: Path):
    (tmp_path / "clip.mp4").symlink_to(tmp_path / "elsewhere.mp4")
    with pytest.raises(BadRequest, match="already exists"):
        export.save(clip, tmp_path / "clip.mp4")
    assert not (tmp_path / "elsewhere.mp4").exists()


@pytest.mark.parametrize("folder", ["missing", "file"])
def test_a_folder_that_is_none_is_refused(tmp_path: Path, folder: str):
    (tmp_path / "file").touch()
    with pytest.raises(BadRequest, match=f"{folder} is not a folder that exists"):
        export.check_destination(tmp_path / folder / "clip.mp4", still=False)


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs Linux's /proc, where nobody can make a file")
def test_a_folder_that_cannot_be_written_is_refused_before_the_work():
    with pytest.raises(BadRequest, match="nothing can be written into /proc"):
        export.check_destination(Path("/proc/clip.mp4"), still=False)


def test_a_name_that_is_too_long_is_refused_in_a_sentence(clip: Clip, tmp_path: Path):
    with pytest.raises(BadRequest, match="name too long"):
        export.check_destination(tmp_path / ("x" * 300 + ".mp4"), still=False)


@pytest.mark.parametrize("name", [landing._name, landing._name_by_reservation])
def test_of_two_that_want_one_name_the_first_gets_it(tmp_path: Path, name):
    taken, parts = tmp_path / "clip.mp4", [tmp_path / f"{index}.part" for index in range(8)]
    for part in parts:
        part.write_text(part.name)
    refused: list[Path] = []

    def finish(part: Path) -> None:
        try:
            name(part, taken)
        except FileExistsError:
            refused.append(part)

    threads = [threading.Thread(target=finish, args=(part,)) for part in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 7
    assert tmp_path / taken.read_text() not in refused


def test_somebody_who_takes_the_name_during_the_work_keeps_it(clip: Clip, tmp_path: Path):
    target = tmp_path / "clip.mp4"

    def work(made: Path) -> None:
        made.write_text("ours")
        target.write_text("theirs")

    with pytest.raises(BadRequest, match="already exists"):
        landing.whole_or_nothing(target, work)
    assert os.listdir(tmp_path) == ["clip.mp4"]
    assert target.read_text() == "theirs"


FULL = """
    import resource, sys, numpy as np
    from pathlib import Path
    from pipelines.clip import Clip
    from pipelines.media import export
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
    noise = np.random.default_rng(0).integers(0, 256, (int(sys.argv[2]), 96, 128, 3), np.uint8)
    try:
        export.save(Clip(frames=noise, fps=16), Path(sys.argv[1]))
    except Exception as error:
        print(type(error).__name__, error)
"""


@pytest.mark.parametrize(("name", "frames"), [("clip.mp4", 32), ("still.png", 1)])
def test_a_full_disk_leaves_no_half_file(tmp_path: Path, name: str, frames: int):
    """A limit on the size of files stands for the full disk: the same calls fail at the same places."""
    command = [sys.executable, "-c", textwrap.dedent(FULL), str(tmp_path / name), str(frames)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Unavailable There is no room for")
    assert done.stdout.count("\n") == 1
    assert not os.listdir(tmp_path)


KILLED = """
    import sys, numpy as np
    from pathlib import Path
    from pipelines.clip import Clip
    from pipelines.media import export
    print("starts", flush=True)
    export.save(Clip(frames=np.zeros((4_000, 256, 256, 3), np.uint8), fps=16), Path(sys.argv[1]))
"""


def test_a_kill_leaves_no_half_file(tmp_path: Path):
    command = [sys.executable, "-c", textwrap.dedent(KILLED), str(tmp_path / "clip.mp4")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env={**os.environ, "TMPDIR": str(tmp_path)}) as process:
        assert process.stdout.readline()
        while not list(tmp_path.glob("rushes-*/made.mp4")):
            assert process.poll() is None
            time.sleep(0.01)
        process.kill()
    assert not (tmp_path / "clip.mp4").exists()


class Stopped(np.ndarray):
    """Frames during whose encoding somebody presses Ctrl-C."""

    def __iter__(self):
        yield self[0]
        raise KeyboardInterrupt


def test_work_that_is_stopped_leaves_nothing(clip: Clip, tmp_path: Path):
    with pytest.raises(KeyboardInterrupt):
        export.save(replace(clip, frames=clip.frames.view(Stopped)), tmp_path / "clip.mp4")
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="needs a shell")
def test_work_that_is_stopped_leaves_no_encoder_and_no_film(clip: Clip, tmp_path: Path):
    """An encoder whose input only ends would make a film of what it has."""

    def stopped() -> Iterator[np.ndarray]:
        yield clip.frames[0]
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text().endswith("\n"):
            time.sleep(0.01)
        raise KeyboardInterrupt

    encoder = f"{cage.ffmpeg()} -v error -f rawvideo -pix_fmt rgb24 -s 64x48 -i pipe:0 {tmp_path}/a.mp4"
    with pytest.raises(KeyboardInterrupt):
        encode._feed(["sh", "-c", f"echo $$ > {tmp_path}/pid; exec {encoder}"], stopped(), log=tmp_path / "log")
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)
    with pytest.raises(BadRequest):
        video.film(tmp_path / "a.mp4")


def test_what_ffmpeg_refuses_becomes_one_sentence(clip: Clip, tmp_path: Path):
    with pytest.raises(Unavailable, match="ffmpeg could not encode the clip: ") as caught:
        encode._feed([cage.ffmpeg(), "-f", "no-such-format", "-i", "-"], clip.frames, log=tmp_path / "log")
    assert "\n" not in str(caught.value)


def test_an_odd_size_is_a_mistake_of_the_program(tmp_path: Path):
    with pytest.raises(AssertionError):
        export.save(Clip(frames=np.zeros((2, 31, 32, 3), np.uint8), fps=16), tmp_path / "odd.mp4")


def test_a_poster_is_the_middle_frame(clip: Clip, tmp_path: Path):
    picture = np.asarray(Image.open(export.poster(clip, tmp_path / "poster.webp")).convert("RGB")).astype(int)
    errors = [np.abs(picture - frame).mean() for frame in clip.frames]
    assert int(np.argmin(errors)) == len(clip.frames) // 2


@pytest.mark.parametrize("name", ["moving.webp", "moving.gif"])
def test_a_preview_moves_at_its_rate(clip: Clip, tmp_path: Path, name: str):
    with Image.open(export.preview(clip.frames, tmp_path / name, fps=10)) as picture:
        assert picture.n_frames == len(clip.frames)
        picture.seek(3)
        picture.load()
        assert picture.info["duration"] == 100


def test_a_sheet_holds_every_picture_in_order(tmp_path: Path):
    pictures = [np.full((20, 30, 3), 40 * index, np.uint8) for index in range(5)]
    paper = np.asarray(Image.open(export.sheet(pictures, tmp_path / "sheet.png", columns=2)))
    assert paper.shape == (3 * 24 + 4, 2 * 34 + 4, 3)
    assert [int(paper[14 + 24 * row, 14 + 34 * column, 0]) for row in range(3) for column in range(2)] == [
        0,
        40,
        80,
        120,
        160,
        255,
    ]


def test_a_picture_keeps_its_transparency(tmp_path: Path):
    pixels = np.zeros((16, 16, 4), np.uint8)
    pixels[4:12, 4:12] = (200, 30, 30, 255)
    for name in ("sprite.png", "sprite.webp"):
        again = np.asarray(Image.open(export.picture(pixels, tmp_path / name)))
        assert np.array_equal(again[..., 3], pixels[..., 3])


def test_frames_that_lie_oddly_in_memory_are_marked_and_encoded(tmp_path: Path):
    """Models hand over views of tensors whose colours come first or last."""
    frames = np.zeros((3, 4, 96, 96), np.uint8).transpose(1, 2, 3, 0)  # (T, H, W, 3)
    record = Record(identity=keys.new(), clip="0123abcd")
    assert export.save(Clip(frames=frames, fps=4), tmp_path / "clip.mp4", record=record).is_file()

"""The mark in the picture is read back from what encoders and people leave of it, and never where there is none."""

import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest

from pipelines.evaluation import metrics
from pipelines.media import cage, payload, scales, watermark
from pipelines.media.watermark import Found, Payload
from pipelines.training import world

SAYS = Payload(key=5, clip=0xDEADBEEF)
SECRET, OTHER = b"a studio's secret", b"another studio's secret"


@pytest.fixture(scope="module")
def unmarked() -> np.ndarray:
    return world.render(world.sample_scene(1002), frames=24)


@pytest.fixture(scope="module")
def marked(unmarked: np.ndarray) -> np.ndarray:
    return watermark.mark(unmarked, SAYS, SECRET)


def through_h264(frames: np.ndarray, path: Path, *, crf: int) -> np.ndarray:
    height, width = frames.shape[1:3]
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24"]
    coded = [*raw, "-s", f"{width}x{height}", "-i", "-", "-c:v", "libx264", "-crf", str(crf), "-pix_fmt", "yuv420p"]
    subprocess.run([cage.ffmpeg(), "-v", "error", *coded, str(path)], input=frames.tobytes(), check=True)
    read = [cage.ffmpeg(), "-v", "error", "-i", str(path), *raw, "-"]
    pixels = subprocess.run(read, capture_output=True, check=True).stdout
    return np.frombuffer(pixels, np.uint8).reshape(-1, height, width, 3)


def resized(frames: np.ndarray, width: int, height: int) -> np.ndarray:
    return np.stack([cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA) for frame in frames])


def test_the_mark_is_read_and_not_seen(unmarked: np.ndarray, marked: np.ndarray):
    found = watermark.find(marked, SECRET)
    assert found.payload == SAYS and found.confidence > 0.9999
    assert 10 * np.log10(255**2 / np.mean((marked - unmarked.astype(np.float64)) ** 2)) > 42


def test_the_mark_survives_strong_compression(marked: np.ndarray, tmp_path: Path):
    assert watermark.find(through_h264(marked, tmp_path / "clip.mp4", crf=28), SECRET).payload == SAYS


def textured(frames: int, *, speed: float) -> np.ndarray:
    """A texture without colours that wanders across the picture."""
    noise = np.random.default_rng(1).normal(size=(420, 420))
    texture = sum(cv2.GaussianBlur(noise, (0, 0), size) * size for size in (0.8, 2.0, 6.0))
    grey = (128 + 25 * texture / texture.std()).clip(0, 255).astype(np.uint8)
    steps = (int(speed * i) for i in range(frames))
    return np.stack([cv2.cvtColor(grey[at : at + 256, at : at + 256], cv2.COLOR_GRAY2RGB) for at in steps])


def test_where_texture_moves_the_mark_is_heard_in_what_is_new(tmp_path: Path):
    copy = through_h264(watermark.mark(textured(24, speed=3), SAYS, SECRET), tmp_path / "clip.mp4", crf=28)
    assert watermark.find(copy, SECRET).payload == SAYS
    assert watermark.find(copy, OTHER) == Found(None, 0.0)


def test_a_mark_is_fainter_where_a_colour_is_black():
    frames = textured(8, speed=3)
    frames[..., 2] = 0
    marked = watermark.mark(frames, SAYS, SECRET)
    assert metrics.ssim(frames, marked) > 0.97  # 0.958 at full strength
    assert watermark.find(marked, SECRET).payload == SAYS


def test_one_spectrum_tells_the_scale_as_well_as_pictures_of_every_scale(marked: np.ndarray):
    copy = resized(marked[:4, 13:-13, 13:-13], 320, 320)
    bands = watermark._bands(SECRET)
    greys, (unit, *_) = watermark._seen(copy)
    heard = watermark._heard(greys, unit)
    units = unit * watermark.STEPS[10:60:3]
    fits = scales.fits(bands, heard, units)
    looked = np.array([watermark._look(bands, heard, unit).score for unit in units])
    assert abs(fits - looked).max() < 0.6 and fits.argmax() == looked.argmax() and fits.max() > 7


@pytest.mark.parametrize(
    "changed", ["excerpt", "still", "slower", "half size", "cropped", "cropped and enlarged", "paler"]
)
def test_the_mark_survives_what_people_do_to_clips(marked: np.ndarray, changed: str):
    copies = {
        "excerpt": lambda: marked[9:17],
        "still": lambda: marked[11:12],
        "slower": lambda: marked[::2],
        "half size": lambda: resized(marked, 128, 128),
        "cropped": lambda: marked[:, 17:, 9:],
        "cropped and enlarged": lambda: resized(marked[:, 13:-13, 13:-13], 320, 320),
        "paler": lambda: cv2.addWeighted(marked, 0.85, marked, 0, 20),
    }
    assert watermark.find(copies[changed](), SECRET).payload == SAYS


def test_nothing_is_found_where_nothing_was_said(unmarked: np.ndarray, marked: np.ndarray):
    nothing = Found(None, 0.0)
    assert watermark.find(unmarked, SECRET) == nothing
    assert watermark.find(marked, OTHER) == nothing
    assert watermark.find(np.zeros((2, 256, 256, 3), np.uint8), SECRET) == nothing


def test_the_same_mark_every_time_and_another_for_another_clip(unmarked: np.ndarray, marked: np.ndarray):
    assert np.array_equal(watermark.mark(unmarked, SAYS, SECRET), marked)
    assert not np.array_equal(watermark.mark(unmarked, Payload(5, 1), SECRET), marked)


@pytest.mark.parametrize("size", [(96, 96), (97, 203), (360, 202)])
def test_small_and_odd_sizes_are_marked(size: tuple[int, int]):
    frames = np.stack([resized(world.render_still(world.sample_scene(3))[None], *size[::-1])[0]] * 4)
    assert watermark.find(watermark.mark(frames, SAYS, SECRET), SECRET).payload == SAYS


@pytest.mark.parametrize("size", [(1, 1), (8, 3000), (47, 64), (60, 4000)])
def test_a_picture_too_small_for_a_mark_is_no_error(size: tuple[int, int]):
    frames = np.full((1, *size, 3), 128, np.uint8)
    assert watermark.mark(frames, SAYS, SECRET).shape == frames.shape
    assert watermark.find(frames, SECRET).payload is None


def test_the_code_corrects_errors_and_the_checksum_knows_noise():
    rng = np.random.default_rng(0)
    signs = payload.encode(SAYS)
    flipped = np.where(np.arange(len(signs)) % 10 == 3, -signs, signs)
    assert payload.decode(flipped) == SAYS
    assert payload.decode(signs + rng.normal(0, 0.8, len(signs))) == SAYS
    assert all(payload.decode(rng.normal(size=len(signs))) is None for _ in range(50))


def test_a_payload_has_64_bits_with_its_checksum():
    assert payload.KEY_BITS + payload.CLIP_BITS + payload.CHECK_BITS == 64
    for wrong in ((-1, 0), (1 << 12, 0), (0, 1 << 32)):
        with pytest.raises(AssertionError):
            Payload(*wrong)

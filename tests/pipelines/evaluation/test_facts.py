"""Measured facts of a clip, on pictures and sounds whose truth is known."""

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from pipelines.clip import Clip
from pipelines.errors import BadRequest
from pipelines.evaluation import facts
from pipelines.media import export

ROOT = Path(__file__).resolve().parents[3]
RATE = 48_000


def texture(height: int = 96, width: int = 160) -> np.ndarray:
    rng = np.random.default_rng(0)
    rough = rng.integers(0, 255, (height // 4, width // 4, 3), dtype=np.uint8)
    return cv2.resize(rough, (width, height), interpolation=cv2.INTER_CUBIC)


def sliding(speed: int, frames: int = 10) -> Clip:
    """A texture that slides by `speed` pixels a frame, at 16 frames per second."""
    return Clip(frames=np.stack([np.roll(texture(), speed * t, axis=1)[:, 40:120] for t in range(frames)]), fps=16)


def told(clip: Clip) -> dict[str, float]:
    return {fact.name: fact.value for fact in facts.measure(clip)}


def test_a_picture_that_stands_still_is_perfectly_steady():
    still = told(sliding(0))
    assert still["frame consistency"] == still["motion smoothness"] == still["flicker"] == pytest.approx(1, abs=1e-3)
    assert still["dynamic degree"] == pytest.approx(0, abs=0.5)


def test_the_dynamic_degree_is_the_speed_that_is_there():
    expected = 2 / 80 * 100 * 16  # pixels of the shorter side, in percent, per second
    assert told(sliding(2))["dynamic degree"] == pytest.approx(expected, rel=0.15)


def test_movement_lowers_flicker_but_hardly_what_is_measured_with_movement_undone():
    moving = told(sliding(2))
    assert moving["frame consistency"] > 0.9 and moving["motion smoothness"] > 0.95
    assert moving["flicker"] < moving["motion smoothness"]


def test_noise_and_jerks_are_seen():
    rng = np.random.default_rng(0)
    noisy = Clip(frames=rng.integers(0, 255, (8, 64, 64, 3), dtype=np.uint8), fps=16)
    assert told(noisy)["frame consistency"] < 0.5 and told(noisy)["motion smoothness"] < 0.8
    steps = np.repeat(sliding(4, 6).frames, 2, axis=0)  # every frame twice
    assert told(Clip(frames=steps, fps=16))["motion smoothness"] < told(sliding(2, 12))["motion smoothness"]


def test_blur_lowers_sharpness():
    sharp = sliding(0)
    soft = Clip(frames=np.stack([cv2.GaussianBlur(frame, (9, 9), 3) for frame in sharp.frames]), fps=16)
    assert told(soft)["sharpness"] < 0.3 * told(sharp)["sharpness"]


def test_loudness_is_that_of_the_standard():
    """EBU Tech 3341: a stereo sine of 1 kHz at -23 dBFS has -23 LUFS."""
    time = np.arange(3 * RATE) / RATE
    sine = (10 ** (-23 / 20) * np.sin(2 * np.pi * 1000 * time)).astype(np.float32)
    clip = Clip(frames=sliding(0).frames, fps=16, audio=np.stack([sine, sine], axis=1), rate=RATE)
    assert told(clip)["loudness"] == pytest.approx(-23, abs=0.1)
    assert told(Clip(frames=clip.frames, fps=16, audio=np.zeros((RATE, 1), np.float32)))["loudness"] == -70


def knocking(delay: float) -> Clip:
    """A picture that jumps every half second, and clicks that come `delay` seconds later."""
    frames, audio = [], np.zeros((3 * RATE, 1), np.float32)
    for t in range(48):
        frames.append(np.roll(texture(), 5 * (t // 8), axis=1)[:, 20:140])
    for jump in range(8, 48, 8):
        start = int((jump / 16 + delay) * RATE)
        audio[start : start + 800, 0] = np.random.default_rng(jump).normal(0, 0.3, 800)
    return Clip(frames=np.stack(frames), fps=16, audio=audio, rate=RATE)


def test_sound_that_comes_with_the_movement_agrees_and_late_sound_does_not():
    assert told(knocking(0.0))["onset agreement"] > 0.9
    assert told(knocking(0.25))["onset agreement"] < 0.1


def test_a_still_has_no_motion_and_silence_no_onsets():
    assert set(told(Clip(frames=texture()[None], fps=1))) == {"sharpness"}
    silent = Clip(frames=sliding(2).frames, fps=16, audio=np.zeros((RATE, 1), np.float32))
    assert "onset agreement" not in told(silent)


def test_every_fact_says_what_it_is_and_where_it_is_from():
    for fact in facts.measure(knocking(0.0)):
        assert fact.says and fact.source and np.isfinite(fact.value)


def test_a_reference_gives_psnr_ssim_and_vmaf(tmp_path):
    clip = sliding(2, 16)
    worse = Clip(frames=np.stack([cv2.GaussianBlur(frame, (9, 9), 4) for frame in clip.frames]), fps=16)
    good, bad = export.save(clip, tmp_path / "good.mp4"), export.save(worse, tmp_path / "bad.mp4")
    same, other = ({f.name: f.value for f in facts.of(file, good)} for file in (good, bad))
    assert same["PSNR"] == 100 and same["SSIM"] == pytest.approx(1) and same["VMAF"] > 90
    assert other["PSNR"] < 40 and other["SSIM"] < 0.95 and other["VMAF"] < same["VMAF"] - 20
    with pytest.raises(BadRequest, match="16 frames of 80 x 96"):
        facts.against(sliding(2), clip)


def test_facts_are_measured_without_torch():
    code = "import sys, pipelines.evaluation.facts; sys.exit('torch' in sys.modules or 'gradio' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0

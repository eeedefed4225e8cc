"""The judge's training pools: world renders as the judge sees them, made once by worker processes and kept on disk.

A clip of 2 to 4 s has a scene of its own seed; a still shares its place and moment with three others, of other things
and styles. They are drawn at one of five shapes, and half of them are mildly degraded (blur, noise, coarse frequencies,
lost resolution, ghosts), so that the judge also reads decoded clips.
"""

import json
import logging
import multiprocessing
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from hashlib import sha256
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from pipelines.evaluation.judge import GRID, MOMENTS, SIZE, VOTERS, labels, moments, resized, view_of_moments
from pipelines.training.scene import is_held_out
from pipelines.training.theatre import Theatre
from pipelines.training.world import Scene, render, sample_scene, stage_still
from pipelines.vocabulary import ASPECT_SIZES, AXES, COLOURED, COLOURS, GREY_STYLES

CHUNK = 20  # clips or stills that a worker draws before it takes the next
CAST = 4  # stills that share a place: painting it is most of the work
FAULTY_SIZE = 144  # faults are drawn at this size: most of a 256 pixel picture's detail at a third of the work
UNKNOWN = -100  # torch's ignore_index: a grey picture has no colour to name
# More stills than clips have the styles in which things were named worst (pencil one in four, black and white half).
STYLES = {"toy": 0.4, "watercolour": 0.12, "pencil": 0.2, "pixel art": 0.12, "black and white": 0.16}
COLOURED_WEIGHT = 2  # such a thing has many looks

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Portion:
    """`count` scenes from `first_seed` on. Held-out triples only where `held_out`: to check, never to train."""

    count: int
    first_seed: int
    kind: str = "clips"  # or "stills", or "checks": clips as both nets see them
    held_out: bool = False
    degraded: float = 0.5
    size: int = SIZE  # of Look's pictures

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """What is kept of each of them, but for its names."""
        clip = {"frames": (MOMENTS, SIZE, SIZE, 3), "flow": (MOMENTS, GRID, GRID, 2)}
        return {
            "clips": clip,
            "stills": {"looks": (1, self.size, self.size, 3), "masks": (self.size // 4, self.size // 4)},
            "checks": clip | {"looks": (len(VOTERS), self.size, self.size, 3)},
        }[self.kind]


@dataclass(frozen=True, eq=False, kw_only=True)
class Pool:
    """names (N, attributes) int64, UNKNOWN if unseen. Clips have frames (N, M, S, S, 3) and flow (N, M, G, G, 2) int8.

    Stills have looks (N, 1, L, L, 3) and masks (N, L/4, L/4): how much of a place, of 255, the thing covers. Clips to
    check have all but masks. uint8 where nothing else is said.
    """

    names: Tensor
    frames: Tensor | None = None
    flow: Tensor | None = None
    looks: Tensor | None = None
    masks: Tensor | None = None

    def arrays(self) -> dict[str, Tensor]:
        """What it has, by name."""
        return {name: x for name, x in vars(self).items() if x is not None}

    def to(self, kind: str) -> "Pool":
        """The same on a device."""
        return Pool(**{name: x.to(kind) for name, x in self.arrays().items()})

    def rows(self, rows: np.ndarray) -> "Pool":
        """Some of it."""
        chosen = torch.from_numpy(rows).to(self.names.device, non_blocking=True)  # else a card would wait for it
        return Pool(**{name: x[chosen] for name, x in self.arrays().items()})


def pool(folder: Path, portion: Portion, workers: int = 1, seconds: float = float("inf")) -> Pool:
    """The portion's pool in `folder`, made where it is not there. A changed world or vocabulary makes another.

    After `seconds` it is as large as it has become.
    """
    home = folder / f"pool-{_fingerprint(portion)}"
    home.mkdir(parents=True, exist_ok=True)
    shapes = {name: (portion.count, *shape) for name, shape in portion.shapes().items()}
    arrays = {name: _array(home / f"{name}.npy", shape) for name, shape in shapes.items()}
    names = _array(home / "names.npy", (portion.count, len(labels())))
    done = _array(home / "done.npy", (portion.count,))
    todo = [start for start in range(0, portion.count, CHUNK) if not done[start : start + CHUNK].all()]
    draw_one = partial(_draw_chunk, home, portion)
    if workers == 1:
        _follow(map(draw_one, todo), len(todo), seconds)
    elif todo:
        executor = ProcessPoolExecutor(workers, _processes())
        _follow(executor.map(draw_one, todo), len(todo), seconds)
        executor.shutdown(cancel_futures=True)
    count = portion.count if done.all() else int(np.argmin(done))
    log.info("pool: %d of %d %s", count, portion.count, portion.kind)
    whole = {name: torch.from_numpy(array[:count]) for name, array in arrays.items()}
    return Pool(**whole, names=torch.from_numpy(np.array(names[:count], np.int64)))


def _processes() -> multiprocessing.context.BaseContext:
    """Processes that share one import of torch where the system can, as sixteen at once take longer than a pool."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["pipelines.training.judge_pool", "pipelines.training.loop"])
    return context


def _follow(chunks: Iterable[None], total: int, seconds: float) -> None:
    begun = said = time.monotonic()
    for count, _ in enumerate(chunks, 1):
        now = time.monotonic()
        if now - said > 60:
            said = now
            log.info("pool: %d of %d, %.0f s", count * CHUNK, total * CHUNK, said - begun)
        if now - begun > seconds:
            return


def _fingerprint(portion: Portion) -> str:
    probes = [sample_scene(seed) for seed in (1, 2, 3)]
    pixels = b"".join(render(scene, frames=2, fps=16, width=64, height=64).tobytes() for scene in probes)
    facts = [asdict(portion), portion.shapes(), STYLES, labels(), [asdict(s) for s in probes]]
    return sha256(pixels + json.dumps(facts).encode()).hexdigest()[:10]


def _array(path: Path, shape: tuple[int, ...]) -> np.memmap:
    kind = {"flow": np.int8, "names": np.int16}.get(path.stem, np.uint8)
    if path.exists():
        return np.lib.format.open_memmap(path, mode="r+")
    return np.lib.format.open_memmap(path, mode="w+", dtype=kind, shape=shape)


def _draw_chunk(home: Path, portion: Portion, start: int) -> None:
    cv2.setNumThreads(1)
    arrays = {name: _array(home / f"{name}.npy", ()) for name in (*portion.shapes(), "names", "done")}
    for index, (scene, drawn) in draw(portion, range(start, min(start + CHUNK, portion.count))):
        for name in portion.shapes():
            arrays[name][index] = drawn[name]
        arrays["names"][index] = targets(scene)
        arrays["done"][index] = 1


Drawn = tuple[Scene, dict[str, np.ndarray]]


def draw(portion: Portion, indices: range) -> Iterator[tuple[int, Drawn]]:
    """The clips or stills with these numbers; for stills, the first must be a multiple of CAST."""
    if portion.kind == "stills":
        for first in indices[::CAST]:
            yield from zip(range(first, min(first + CAST, indices.stop)), _draw_stills(portion, first), strict=False)
    else:
        yield from ((index, _draw_clip(portion, index)) for index in indices)


def _draw_clip(portion: Portion, index: int) -> Drawn:
    """Clip number `index` of the portion, as in `Pool`."""
    scene, rng, (width, height) = _begin(portion, index)
    frames = int(rng.choice((32, 48, 64)))
    times = moments(frames) / 16
    theatre = Theatre(scene, times=times.ravel().tolist(), duration=(frames - 1) / 16, size=(width, height))
    drawn = {t: theatre.frame(t) for t in set(times.ravel().tolist())}  # partners of some moments are moments too
    pairs = np.stack([[drawn[t] for t in pair] for pair in times.tolist()])
    if rng.random() < portion.degraded:
        faulty = degrade(resized(pairs.reshape(-1, height, width, 3), FAULTY_SIZE), rng)
        pairs = faulty.reshape(MOMENTS, 2, FAULTY_SIZE, FAULTY_SIZE, 3)
    return scene, vars(view_of_moments(pairs, portion.size))


def _draw_stills(portion: Portion, first: int) -> Iterator[Drawn]:
    """CAST stills at one place, from number `first` on: looks and masks as in `Pool`."""
    scene, rng, (width, height) = _begin(portion, first)
    scene = replace(scene, style=_style(rng))
    theatre, (moment,) = stage_still(scene, width=width, height=height)
    for member in range(CAST):
        if member:
            scene = _another(scene, rng, held_out=portion.held_out)
            theatre = theatre.recast(scene)
        looks = resized(theatre.frame(moment)[None], portion.size)
        if rng.random() < portion.degraded:
            looks = degrade(looks, rng)
        mask = np.uint8(255) * theatre.covers(moment)[0]
        yield scene, {"looks": looks, "masks": resized(mask[None], portion.size // 4)[0]}


def _style(rng: np.random.Generator) -> str:
    return str(rng.choice(list(STYLES), p=list(STYLES.values())))


def _another(scene: Scene, rng: np.random.Generator, *, held_out: bool) -> Scene:
    """The scene with another thing, in any colour and style."""
    weights = np.array([COLOURED_WEIGHT if thing in COLOURED else 1.0 for thing in AXES["thing"]])
    while True:
        thing = str(rng.choice(AXES["thing"], p=weights / weights.sum()))
        if is_held_out(thing, scene.place, scene.action) == held_out:
            colour = str(rng.choice(COLOURS)) if thing in COLOURED else None
            return replace(scene, thing=thing, colour=colour, style=_style(rng))


def _begin(portion: Portion, index: int) -> tuple[Scene, np.random.Generator, tuple[int, int]]:
    """A scene of the portion, what else is chance about it, and its width and height."""
    seed = portion.first_seed + index
    rng = np.random.default_rng((seed, 0x1D6E))
    scene = sample_scene(seed, held_out=portion.held_out)
    return scene, rng, ASPECT_SIZES[str(rng.choice(list(ASPECT_SIZES), p=(0.4, 0.15, 0.15, 0.15, 0.15)))]


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

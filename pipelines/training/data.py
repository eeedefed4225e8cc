"""What recipes are fed with: crops of the theatre and of photographs, made by a child process that never stops.

Photographs are moved by pans, zooms and shakes, so that they teach motion as well. Whoever trains puts licence-clean
ones into a folder; NOTICE lists those that our weights have seen.
"""

import multiprocessing
import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np
import torch
from einops import rearrange
from torch import Tensor

from pipelines.training import world
from pipelines.vocabulary import ASPECT_SIZES

PICTURES = Path("runs/pictures")
SIDE, FRAMES = 128, 16


def photographs(folder: Path = PICTURES, longest: int = 1600) -> list[np.ndarray]:
    """All pictures of a folder, RGB uint8, shrunk to `longest` pixels."""
    pictures = []
    for path in sorted(folder.glob("*.jpg")):
        picture = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
        scale = min(1.0, longest / max(picture.shape[:2]))
        pictures.append(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
    return pictures


def moved_photograph(picture: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(FRAMES, SIDE, SIDE, 3): a window that travels over a picture, with a zoom and a shake."""
    shrink = np.exp(rng.uniform(np.log(SIDE * 1.3 / min(picture.shape[:2])), 0))
    picture = cv2.resize(picture, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    if rng.random() < 0.5:
        picture = picture[:, ::-1]
    height, width = picture.shape[:2]
    speed, zoom = rng.normal(0, 2.0, 2) * (rng.random() < 0.8), rng.normal(0, 0.006)
    margin = SIDE / 2
    centre = rng.uniform((margin, margin), (max(margin + 1, width - margin), max(margin + 1, height - margin)))
    shake = rng.normal(0, rng.choice([0, 0.3, 1.5]), (FRAMES, 2)).cumsum(0) * 0.5
    crops = []
    for i in range(FRAMES):
        scale = (1 + zoom) ** (i - FRAMES / 2)
        x, y = centre + speed * (i - FRAMES / 2) + shake[i]
        warp = np.array([[scale, 0, SIDE / 2 - scale * x], [0, scale, SIDE / 2 - scale * y]])
        crops.append(cv2.warpAffine(picture, warp, (SIDE, SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT))
    return np.stack(crops)


def theatre_crops(seed: int, rng: np.random.Generator, count: int = 12) -> Iterator[np.ndarray]:
    """`count` windows of one clip, each (FRAMES, SIDE, SIDE, 3): of twice as many, those that move most."""
    width, height = ASPECT_SIZES[rng.choice(list(ASPECT_SIZES), p=(0.6, 0.1, 0.1, 0.1, 0.1))]
    frames = world.render(world.sample_scene(seed), frames=2 * FRAMES, width=width, height=height)
    windows = []
    for _ in range(2 * count):
        t, y, x = (int(rng.integers(0, n + 1)) for n in (FRAMES, height - SIDE, width - SIDE))
        windows.append(frames[t : t + FRAMES, y : y + SIDE, x : x + SIDE])
    yield from sorted(windows, key=_motion)[-count:]


def _motion(crop: np.ndarray) -> float:
    """Mean change of a coarse copy of a crop from its first to its middle and its last frame."""
    first, middle, last = crop[[0, FRAMES // 2, -1], ::4, ::4].astype(np.int16)
    return float(np.abs(middle - first).mean() + np.abs(last - middle).mean())


class CropPool:
    """Crops in shared memory, (capacity, FRAMES, SIDE, SIDE, 3) uint8, for ever overwritten by child processes."""

    def __init__(self, capacity: int = 2400, real: float = 0.3, seed: int = 0, workers: int = 1):
        shape = (capacity, FRAMES, SIDE, SIDE, 3)
        self._memory = SharedMemory(create=True, size=int(np.prod(shape)))
        self.crops = np.ndarray(shape, np.uint8, self._memory.buf)
        context = multiprocessing.get_context("spawn")
        self._filled = context.Value("q", 0)
        # one child shares its cores with the training and rests when the pool is full; several have cores of their own
        rest = 1.0 if workers == 1 else 0.0
        self._children = [
            context.Process(
                target=_fill, args=(self._memory.name, shape, self._filled, real, seed + i, rest), daemon=True
            )
            for i in range(workers)
        ]
        for child in self._children:
            child.start()

    def batch(self, count: int, frames: int, rng: np.random.Generator) -> np.ndarray:
        """`count` random crops, (B, frames, SIDE, SIDE, 3) uint8."""
        # each child may be writing the last place it took
        while (ready := min(self._filled.value - len(self._children), len(self.crops))) < 64:
            self._children[0].join(0.5)
            assert self._children[0].is_alive(), "the process that makes crops has died"
        starts = rng.integers(0, FRAMES - frames + 1, count)
        return self.crops[rng.integers(0, ready, count)[:, None], starts[:, None] + np.arange(frames)]


def pixels(frames: np.ndarray | Tensor) -> Tensor:
    """(B, T, H, W, 3) uint8 -> (B, 3, T, H, W) float in [-1, 1]."""
    return rearrange(torch.as_tensor(frames), "b t h w c -> b c t h w").float() / 127.5 - 1


class Movable(Protocol):
    """A tensor, or several that go together."""

    def pin_memory(self) -> "Movable": ...

    def to(self, device: torch.device, *, non_blocking: bool) -> "Movable": ...


def ahead(make: Callable[[int], Movable], steps: Iterator[int], device: torch.device) -> Iterator[Any]:
    """make(step) for each of `steps`, on the device; threads make the next ones meanwhile, more of them for a card."""
    card = device.type == "cuda"

    def ready(step: int) -> Movable:
        made = make(step)
        return made.pin_memory() if card else made

    with ThreadPoolExecutor(4 if card else 1) as threads:
        coming = deque(threads.submit(ready, next(steps)) for _ in range(4 if card else 1))
        while True:
            coming.append(threads.submit(ready, next(steps)))
            yield coming.popleft().result().to(device, non_blocking=True)


def _fill(name: str, shape: tuple[int, ...], filled: object, real: float, seed: int, rest: float) -> None:
    """A child: draws for ever into the pool that its parent made."""
    cv2.setNumThreads(1)
    memory = SharedMemory(name=name)
    crops = np.ndarray(shape, np.uint8, memory.buf)
    rng, pictures = np.random.default_rng(seed), photographs()
    parent = os.getppid()
    while os.getppid() == parent:  # a killed parent cannot end its child
        if pictures and rng.random() < real:
            made = [moved_photograph(pictures[rng.integers(len(pictures))], rng) for _ in range(4)]
        else:
            made = list(theatre_crops(int(rng.integers(2**31)), rng))
        for crop in made:
            with filled.get_lock():
                place, filled.value = filled.value, filled.value + 1
            crops[place if place < shape[0] else rng.integers(shape[0])] = crop
        if filled.value > shape[0]:
            time.sleep(rest)  # full: now it only has to stay fresh

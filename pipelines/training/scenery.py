"""The twelve places of the toy theatre as parallax layers of large, soft shapes.

Every random number is drawn before painting, so that a place is the same whatever part of it a camera sees.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pipelines.training.canvas import Canvas, Colour, mix

HORIZON = -0.17
HOVERING = ("outer space", "above the clouds", "ocean floor")
WIDE = 2.4  # half the width that a place is painted for


@dataclass(frozen=True)
class Layer:
    """`depth` 0 is infinitely far, 1 the figure's ground; `lit` layers give light and are not graded."""

    depth: float
    paint: Callable[[Canvas], None]
    lit: bool = False


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What a place must know: light, half the frame's width and its upper edge in world units, random numbers."""

    light: str
    half_width: float
    top: float
    rng: np.random.Generator


SKIES: dict[str, list[Colour]] = {
    "day": [(58, 142, 236), (128, 196, 248), (206, 236, 252)],
    "sunset": [(98, 62, 150), (244, 112, 88), (255, 206, 104)],
    "night": [(8, 12, 44), (20, 30, 84), (48, 66, 132)],
}


def vary(rng: np.random.Generator, colour: Colour, amount: float = 14) -> Colour:
    """A colour nearby, each channel moved by up to `amount`."""
    shift = rng.uniform(-amount, amount, 3)
    return tuple(float(np.clip(c + s, 0, 255)) for c, s in zip(colour, shift, strict=True))


def hills(rng: np.random.Generator, base: float, height: float, *, waves: float = 2.0) -> np.ndarray:
    """A closed soft outline (N, 2) with its crest about `height` over `base`, open downwards."""
    x = np.linspace(-WIDE, WIDE, 97)
    a, b = rng.uniform(0, math.tau, 2)
    f = waves * rng.uniform(0.85, 1.2)
    y = base - height * (0.5 + 0.32 * np.sin(f * math.pi * x + a) + 0.18 * np.sin(1.7 * f * math.pi * x + b))
    return np.concatenate([np.stack([x, y], 1), [(WIDE, 1.5), (-WIDE, 1.5)]])


def spots(rng: np.random.Generator, step: float, jitter: float = 0.3) -> np.ndarray:
    """Positions x about `step` apart over the whole width."""
    x = np.arange(-WIDE, WIDE, step)
    return x + rng.uniform(-jitter, jitter, len(x)) * step + rng.uniform(0, step)


def sky(setting: Setting, *, low: float = HORIZON, clouds: bool = True) -> Layer:
    """The sky of the light, with sun or moon and, where asked, clouds."""
    rng, light = setting.rng, setting.light
    side = rng.choice([-1.0, 1.0])
    x = side * setting.half_width * rng.uniform(0.42, 0.70)
    shift = vary(rng, (12, 12, 12), 12)
    spots, sizes = rng.uniform(-1, 1, (9, 2)), rng.uniform(0.006, 0.011, 9)
    puffs = rng.uniform(0, 1, (4, 3))
    top = setting.top

    def paint(canvas: Canvas) -> None:
        tones = [tuple(min(255, c + s) for c, s in zip(tone, shift, strict=True)) for tone in SKIES[light]]
        canvas.fill([(top, tones[0]), (0.55 * top + 0.45 * low, tones[1]), (low, tones[2])])
        lights(canvas, light, x=x, top=top, low=low)
        if light == "night":
            for (sx, sy), size in zip(spots, sizes, strict=True):
                canvas.disc(sx * 0.75, top * (0.62 + 0.38 * sy), size, (214, 222, 255))
        if clouds and light != "night":
            for cx, cy, size in puffs:
                tone = (255, 255, 255) if light == "day" else (255, 176, 150)
                cloud(canvas, (cx * 2 - 1) * 1.1, top * (0.40 + 0.5 * cy), 0.05 + 0.035 * size, tone)

    return Layer(0.06, paint, lit=True)


def lights(canvas: Canvas, light: str, *, x: float, top: float, low: float) -> None:
    """Sun, low sun or moon."""
    if light == "day":
        canvas.glow(x, 0.78 * top, 0.30, (70, 60, 30))
        canvas.disc(x, 0.78 * top, 0.062, (255, 244, 190))
    elif light == "sunset":
        y = low + 0.30 * (top - low)
        canvas.glow(x, y, 0.55, (90, 60, 10))
        canvas.disc(x, y, 0.105, (255, 236, 150))
    else:
        canvas.glow(x, 0.76 * top, 0.34, (60, 70, 90))
        canvas.disc(x, 0.76 * top, 0.075, (244, 244, 226))
        canvas.disc(x - 0.02, 0.76 * top - 0.015, 0.018, (218, 220, 214))
        canvas.disc(x + 0.025, 0.76 * top + 0.02, 0.013, (218, 220, 214))


def cloud(canvas: Canvas, x: float, y: float, size: float, tone: Colour) -> None:
    """A soft cloud around (x, y)."""
    for dx, dy, r in ((-1.3, 0.15, 0.75), (1.3, 0.2, 0.7), (0, -0.2, 1.1), (0.7, 0.1, 0.8), (-0.6, 0.15, 0.8)):
        canvas.ellipse(x + dx * size, y + dy * size, (r * size * 1.15, r * size * 0.8), tone)


def land(setting: Setting, tone: Colour, *, depth: float, base: float, height: float, waves: float = 2.0) -> Layer:
    """A band of soft hills from `base` down."""
    outline = hills(setting.rng, base, height, waves=waves)
    tone = vary(setting.rng, tone)

    def paint(canvas: Canvas) -> None:
        canvas.polygon(outline, tone)
        canvas.shade([(base - height, (1, 1, 1)), (base + 0.32, (0.70, 0.72, 0.76))])

    return Layer(depth, paint)


def round_tree(canvas: Canvas, x: float, y: float, size: float, tone: Colour) -> None:
    """A tree with a round crown, its foot at (x, y)."""
    canvas.rectangle(x - 0.09 * size, y - 0.5 * size, (0.18 * size, 0.55 * size), (112, 74, 48))
    for dx, dy, r in ((-0.32, -0.62, 0.36), (0.34, -0.64, 0.34), (0, -0.9, 0.42)):
        canvas.disc(x + dx * size, y + dy * size, r * size, mix(tone, (0, 40, 30), 0.18))
    canvas.disc(x - 0.08 * size, y - 0.86 * size, 0.30 * size, tone)
    canvas.disc(x - 0.14 * size, y - 0.94 * size, 0.14 * size, mix(tone, (255, 255, 180), 0.25))


def fir(canvas: Canvas, x: float, y: float, size: float, tones: tuple[Colour, Colour | None]) -> None:
    """A fir with its foot at (x, y); the second tone is snow on it."""
    green, cap = tones
    canvas.rectangle(x - 0.06 * size, y - 0.2 * size, (0.12 * size, 0.25 * size), (98, 66, 50))
    for low, wide in ((0.12, 0.40), (0.40, 0.32), (0.66, 0.23)):
        tip = y - (low + 0.48) * size
        canvas.polygon([(x - wide * size, y - low * size), (x, tip), (x + wide * size, y - low * size)], green)
        if cap is not None:
            half = 0.45 * wide * size
            canvas.polygon([(x - half, tip + 0.22 * size), (x, tip), (x + half, tip + 0.22 * size)], cap)

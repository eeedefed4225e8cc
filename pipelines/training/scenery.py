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
_WIDE = 2.4  # half the width that a place is painted for


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


def _vary(rng: np.random.Generator, colour: Colour, amount: float = 14) -> Colour:
    shift = rng.uniform(-amount, amount, 3)
    return tuple(float(np.clip(c + s, 0, 255)) for c, s in zip(colour, shift, strict=True))


def _hills(rng: np.random.Generator, base: float, height: float, *, waves: float = 2.0) -> np.ndarray:
    """A closed soft outline (N, 2) with its crest about `height` over `base`, open downwards."""
    x = np.linspace(-_WIDE, _WIDE, 97)
    a, b = rng.uniform(0, math.tau, 2)
    f = waves * rng.uniform(0.85, 1.2)
    y = base - height * (0.5 + 0.32 * np.sin(f * math.pi * x + a) + 0.18 * np.sin(1.7 * f * math.pi * x + b))
    return np.concatenate([np.stack([x, y], 1), [(_WIDE, 1.5), (-_WIDE, 1.5)]])


def _spots(rng: np.random.Generator, step: float, jitter: float = 0.3) -> np.ndarray:
    """Positions x about `step` apart over the whole width."""
    x = np.arange(-_WIDE, _WIDE, step)
    return x + rng.uniform(-jitter, jitter, len(x)) * step + rng.uniform(0, step)


def _sky(setting: Setting, *, low: float = HORIZON, clouds: bool = True) -> Layer:
    rng, light = setting.rng, setting.light
    side = rng.choice([-1.0, 1.0])
    x = side * setting.half_width * rng.uniform(0.42, 0.70)
    shift = _vary(rng, (12, 12, 12), 12)
    spots, sizes = rng.uniform(-1, 1, (9, 2)), rng.uniform(0.006, 0.011, 9)
    puffs = rng.uniform(0, 1, (4, 3))
    top = setting.top

    def paint(canvas: Canvas) -> None:
        tones = [tuple(min(255, c + s) for c, s in zip(tone, shift, strict=True)) for tone in SKIES[light]]
        canvas.fill([(top, tones[0]), (0.55 * top + 0.45 * low, tones[1]), (low, tones[2])])
        _lights(canvas, light, x=x, top=top, low=low)
        if light == "night":
            for (sx, sy), size in zip(spots, sizes, strict=True):
                canvas.disc(sx * 0.75, top * (0.62 + 0.38 * sy), size, (214, 222, 255))
        if clouds and light != "night":
            for cx, cy, size in puffs:
                tone = (255, 255, 255) if light == "day" else (255, 176, 150)
                _cloud(canvas, (cx * 2 - 1) * 1.1, top * (0.40 + 0.5 * cy), 0.05 + 0.035 * size, tone)

    return Layer(0.06, paint, lit=True)


def _lights(canvas: Canvas, light: str, *, x: float, top: float, low: float) -> None:
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


def _cloud(canvas: Canvas, x: float, y: float, size: float, tone: Colour) -> None:
    for dx, dy, r in ((-1.3, 0.15, 0.75), (1.3, 0.2, 0.7), (0, -0.2, 1.1), (0.7, 0.1, 0.8), (-0.6, 0.15, 0.8)):
        canvas.ellipse(x + dx * size, y + dy * size, (r * size * 1.15, r * size * 0.8), tone)


def _land(setting: Setting, tone: Colour, *, depth: float, base: float, height: float, waves: float = 2.0) -> Layer:
    """A band of soft hills from `base` down."""
    outline = _hills(setting.rng, base, height, waves=waves)
    tone = _vary(setting.rng, tone)

    def paint(canvas: Canvas) -> None:
        canvas.polygon(outline, tone)
        canvas.shade([(base - height, (1, 1, 1)), (base + 0.32, (0.70, 0.72, 0.76))])

    return Layer(depth, paint)


def _round_tree(canvas: Canvas, x: float, y: float, size: float, tone: Colour) -> None:
    canvas.rectangle(x - 0.09 * size, y - 0.5 * size, (0.18 * size, 0.55 * size), (112, 74, 48))
    for dx, dy, r in ((-0.32, -0.62, 0.36), (0.34, -0.64, 0.34), (0, -0.9, 0.42)):
        canvas.disc(x + dx * size, y + dy * size, r * size, mix(tone, (0, 40, 30), 0.18))
    canvas.disc(x - 0.08 * size, y - 0.86 * size, 0.30 * size, tone)
    canvas.disc(x - 0.14 * size, y - 0.94 * size, 0.14 * size, mix(tone, (255, 255, 180), 0.25))


def _fir(canvas: Canvas, x: float, y: float, size: float, tones: tuple[Colour, Colour | None]) -> None:
    green, cap = tones
    canvas.rectangle(x - 0.06 * size, y - 0.2 * size, (0.12 * size, 0.25 * size), (98, 66, 50))
    for low, wide in ((0.12, 0.40), (0.40, 0.32), (0.66, 0.23)):
        tip = y - (low + 0.48) * size
        canvas.polygon([(x - wide * size, y - low * size), (x, tip), (x + wide * size, y - low * size)], green)
        if cap is not None:
            half = 0.45 * wide * size
            canvas.polygon([(x - half, tip + 0.22 * size), (x, tip), (x + half, tip + 0.22 * size)], cap)


def _beach(s: Setting) -> list[Layer]:
    sea, palms = _vary(s.rng, (24, 158, 196)), _spots(s.rng, 0.95)
    lean = s.rng.uniform(-0.08, 0.08, len(palms))

    def water(canvas: Canvas) -> None:
        canvas.rectangle(-_WIDE, HORIZON, (2 * _WIDE, 2), sea)
        canvas.shade([(HORIZON, (0.78, 0.84, 0.95)), (-0.02, (1, 1, 1))])
        canvas.rectangle(-_WIDE, -0.115, (2 * _WIDE, 0.012), (150, 222, 232))
        canvas.rectangle(-_WIDE, -0.072, (2 * _WIDE, 0.016), (190, 238, 240))

    def trees(canvas: Canvas) -> None:
        for x, bend in zip(palms, lean, strict=True):
            _palm(canvas, x, bend)

    sand = _land(s, (250, 216, 150), depth=1.0, base=-0.015, height=0.045, waves=0.9)
    return [_sky(s), Layer(0.2, water), Layer(0.7, trees), sand]


def _palm(canvas: Canvas, x: float, bend: float) -> None:
    up = np.linspace(0, 1, 9)
    middle = x + bend * up**2 * 2
    left = np.stack([middle - 0.022 + 0.009 * up, -0.50 * up], 1)
    right = np.stack([middle + 0.022 - 0.009 * up, -0.50 * up], 1)
    canvas.polygon(np.concatenate([left, right[::-1]]), (150, 104, 66))
    for angle in (-2.9, -2.3, -0.85, -0.25, -1.57):
        t = np.linspace(0, 1, 9)
        droop = 0.14 * t**2
        px = middle[-1] + 0.21 * np.cos(angle) * t
        py = -0.50 + 0.17 * np.sin(angle) * t + droop
        thick = 0.032 * np.sin(np.pi * np.clip(t + 0.08, 0, 1))
        leaf = np.concatenate([np.stack([px, py - thick], 1), np.stack([px, py + thick], 1)[::-1]])
        canvas.polygon(leaf, (38, 150, 84) if angle != -1.57 else (60, 176, 96))


def _snowy_mountain(s: Setting) -> list[Layer]:
    peaks, heights = _spots(s.rng, 0.62), s.rng.uniform(0.36, 0.52, 20)
    rock = _vary(s.rng, (110, 132, 178))
    firs, sizes = _spots(s.rng, 0.30), s.rng.uniform(0.17, 0.25, 40)

    def mountains(canvas: Canvas) -> None:
        for x, h in sorted(zip(peaks, heights, strict=False), key=lambda p: -p[1]):
            top, wide = -0.10 - h, 0.72 * h
            canvas.polygon([(x - wide, -0.05), (x, top), (x + wide, -0.05)], rock)
            canvas.polygon([(x, top), (x + wide, -0.05), (x + 0.15 * wide, -0.05)], mix(rock, (40, 50, 110), 0.3))
            cap = [(0, 0), (0.42, 0.42), (0.22, 0.36), (0.08, 0.50), (-0.12, 0.36), (-0.24, 0.46), (-0.42, 0.42)]
            canvas.polygon([(x + cx * wide, top + cy * (h + 0.05)) for cx, cy in cap], (250, 252, 255))

    def trees(canvas: Canvas) -> None:
        canvas.polygon(outline, (222, 234, 250))
        for x, size in zip(firs, sizes, strict=False):
            _fir(canvas, x, -0.07, size, ((44, 110, 104), (240, 247, 255)))

    outline = _hills(s.rng, -0.06, 0.06)
    ground = _land(s, (246, 250, 255), depth=1.0, base=-0.01, height=0.05, waves=0.9)
    return [_sky(s, clouds=False), Layer(0.25, mountains), Layer(0.6, trees), ground]


def _meadow(s: Setting) -> list[Layer]:
    trees, sizes = _spots(s.rng, 0.62), s.rng.uniform(0.20, 0.30, 20)
    flowers = np.stack([_spots(s.rng, 0.17), s.rng.uniform(0.03, 0.22, len(np.arange(-_WIDE, _WIDE, 0.17)))], 1)
    petals = [(255, 120, 150), (255, 232, 90), (255, 255, 255), (190, 130, 250)]
    green = _vary(s.rng, (70, 176, 92))

    def wood(canvas: Canvas) -> None:
        for x, size in zip(trees, sizes, strict=False):
            _round_tree(canvas, x, -0.05, size, green)

    grass = _land(s, (124, 204, 78), depth=1.0, base=-0.01, height=0.06, waves=0.9)

    def ground(canvas: Canvas) -> None:
        grass.paint(canvas)
        for i, (x, y) in enumerate(flowers):
            for turn in range(5):
                canvas.disc(
                    x + 0.017 * math.cos(turn * 1.257), y + 0.014 * math.sin(turn * 1.257), 0.012, petals[i % 4]
                )
            canvas.disc(x, y, 0.009, (250, 180, 40))

    far = _land(s, (146, 206, 140), depth=0.25, base=-0.10, height=0.16, waves=1.6)
    return [_sky(s), far, Layer(0.6, wood), Layer(1.0, ground)]

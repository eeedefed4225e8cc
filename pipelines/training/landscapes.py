"""The six places of open country: beach, snowy mountain, meadow, forest, desert, lake."""

import math

import numpy as np

from pipelines.training.canvas import Canvas, mix
from pipelines.training.scenery import (
    HORIZON,
    WIDE,
    Layer,
    Setting,
    fir,
    hills,
    land,
    round_tree,
    sky,
    spots,
    vary,
)


def beach(s: Setting) -> list[Layer]:
    """Sand, sea and palms."""
    sea, palms = vary(s.rng, (24, 158, 196)), spots(s.rng, 0.95)
    lean = s.rng.uniform(-0.08, 0.08, len(palms))

    def water(canvas: Canvas) -> None:
        canvas.rectangle(-WIDE, HORIZON, (2 * WIDE, 2), sea)
        canvas.shade([(HORIZON, (0.78, 0.84, 0.95)), (-0.02, (1, 1, 1))])
        canvas.rectangle(-WIDE, -0.115, (2 * WIDE, 0.012), (150, 222, 232))
        canvas.rectangle(-WIDE, -0.072, (2 * WIDE, 0.016), (190, 238, 240))

    def trees(canvas: Canvas) -> None:
        for x, bend in zip(palms, lean, strict=True):
            _palm(canvas, x, bend)

    sand = land(s, (250, 216, 150), depth=1.0, base=-0.015, height=0.045, waves=0.9)
    return [sky(s), Layer(0.2, water), Layer(0.7, trees), sand]


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


def snowy_mountain(s: Setting) -> list[Layer]:
    """White peaks behind firs."""
    peaks, heights = spots(s.rng, 0.62), s.rng.uniform(0.36, 0.52, 20)
    rock = vary(s.rng, (110, 132, 178))
    firs, sizes = spots(s.rng, 0.30), s.rng.uniform(0.17, 0.25, 40)

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
            fir(canvas, x, -0.07, size, ((44, 110, 104), (240, 247, 255)))

    outline = hills(s.rng, -0.06, 0.06)
    ground = land(s, (246, 250, 255), depth=1.0, base=-0.01, height=0.05, waves=0.9)
    return [sky(s, clouds=False), Layer(0.25, mountains), Layer(0.6, trees), ground]


def meadow(s: Setting) -> list[Layer]:
    """Green hills with round trees and flowers."""
    trees, sizes = spots(s.rng, 0.62), s.rng.uniform(0.20, 0.30, 20)
    flowers = np.stack([spots(s.rng, 0.17), s.rng.uniform(0.03, 0.22, len(np.arange(-WIDE, WIDE, 0.17)))], 1)
    petals = [(255, 120, 150), (255, 232, 90), (255, 255, 255), (190, 130, 250)]
    green = vary(s.rng, (70, 176, 92))

    def wood(canvas: Canvas) -> None:
        for x, size in zip(trees, sizes, strict=False):
            round_tree(canvas, x, -0.05, size, green)

    grass = land(s, (124, 204, 78), depth=1.0, base=-0.01, height=0.06, waves=0.9)

    def ground(canvas: Canvas) -> None:
        grass.paint(canvas)
        for i, (x, y) in enumerate(flowers):
            for turn in range(5):
                canvas.disc(
                    x + 0.017 * math.cos(turn * 1.257), y + 0.014 * math.sin(turn * 1.257), 0.012, petals[i % 4]
                )
            canvas.disc(x, y, 0.009, (250, 180, 40))

    far = land(s, (146, 206, 140), depth=0.25, base=-0.10, height=0.16, waves=1.6)
    return [sky(s), far, Layer(0.6, wood), Layer(1.0, ground)]


def forest(s: Setting) -> list[Layer]:
    """Firs, trunks and a roof of leaves."""
    green = vary(s.rng, (36, 116, 74))
    far, near, bushes = spots(s.rng, 0.36), spots(s.rng, 0.72), hills(s.rng, -0.06, 0.09, waves=2.5)
    sizes = s.rng.uniform(0.50, 0.66, 40)

    def back(canvas: Canvas) -> None:
        pale = mix(green, (120, 190, 150), 0.35)
        for i, (x, size) in enumerate(zip(far, sizes, strict=False)):
            fir(canvas, x, -0.06, -size * s.top, (mix(pale, (20, 80, 70), 0.25 * (i % 2)), None))
        canvas.polygon(bushes, mix(green, (90, 170, 120), 0.2))

    def middle(canvas: Canvas) -> None:
        for x in near:
            canvas.rectangle(x - 0.05, -1.6, (0.10, 1.62), (104, 70, 48))
            canvas.rectangle(x - 0.05, -1.6, (0.035, 1.62), (132, 92, 62))
        for x, size in zip(near, sizes[::-1], strict=False):
            for dx, dy in ((-0.26, 0.03), (0.26, 0.0), (0.0, 0.06)):
                canvas.disc(x + dx, s.top + dy, 0.20 + 0.1 * size, green)
            canvas.disc(x - 0.05, s.top - 0.03, 0.18, mix(green, (150, 220, 90), 0.3))

    ground = land(s, (74, 134, 70), depth=1.0, base=-0.01, height=0.05, waves=1.0)
    return [sky(s, clouds=False), Layer(0.3, back), Layer(0.7, middle), ground]


def desert(s: Setting) -> list[Layer]:
    """Dunes, mesas and cacti."""
    mesas, widths = spots(s.rng, 0.8), s.rng.uniform(0.14, 0.22, 20)
    cacti, sizes = spots(s.rng, 0.75), s.rng.uniform(0.26, 0.36, 20)
    rock = vary(s.rng, (200, 104, 66))

    def far(canvas: Canvas) -> None:
        for x, w in zip(mesas, widths, strict=False):
            top = -0.13 - 0.9 * w
            canvas.polygon([(x - 1.3 * w, -0.05), (x - w, top), (x + w, top), (x + 1.3 * w, -0.05)], rock)
            canvas.polygon(
                [(x + 0.3 * w, top), (x + w, top), (x + 1.3 * w, -0.05), (x + 0.5 * w, -0.05)],
                mix(rock, (90, 30, 50), 0.25),
            )

    def plants(canvas: Canvas) -> None:
        for x, z in zip(cacti, sizes, strict=False):
            green = (66, 150, 92)
            canvas.rounded(x - 0.11 * z, -0.03 - z, (0.22 * z, z + 0.02), green)
            for side, low in ((-1, 0.38), (1, 0.52)):
                y = -0.03 - low * z
                canvas.rectangle(x + (0 if side > 0 else -0.33 * z), y - 0.12 * z, (0.33 * z, 0.13 * z), green)
                canvas.rounded(x + side * 0.29 * z - 0.075 * z, y - 0.38 * z, (0.15 * z, 0.38 * z), green)
            canvas.rounded(x - 0.08 * z, -0.01 - z, (0.06 * z, 0.9 * z), mix(green, (190, 240, 150), 0.35))

    dunes = land(s, (240, 168, 88), depth=0.5, base=-0.04, height=0.13, waves=1.4)
    ground = land(s, (248, 186, 100), depth=1.0, base=0.0, height=0.05, waves=0.9)
    return [sky(s, clouds=False), Layer(0.25, far), dunes, Layer(0.8, plants), ground]


def lake(s: Setting) -> list[Layer]:
    """Water between hills and reeds."""
    crest = hills(s.rng, -0.14, 0.20, waves=1.5)
    firs, sizes = spots(s.rng, 0.26), s.rng.uniform(0.17, 0.26, 40)
    water = {"day": (86, 160, 220), "sunset": (224, 130, 130), "night": (34, 54, 122)}[s.light]
    reeds = spots(s.rng, 0.30)

    def far(canvas: Canvas) -> None:
        canvas.polygon(crest, (110, 150, 160))
        for x, size in zip(firs, sizes, strict=False):
            fir(canvas, x, -0.165, size, ((52, 112, 92), None))

    def surface(canvas: Canvas) -> None:
        canvas.rectangle(-WIDE, -0.175, (2 * WIDE, 2), water)
        bright = mix(water, (255, 255, 255), 0.35)
        for x in np.arange(-WIDE, WIDE, 0.5):
            canvas.ellipse(x, -0.13, (0.13, 0.008), bright)
            canvas.ellipse(x + 0.24, -0.09, (0.16, 0.010), bright)

    def bank(canvas: Canvas) -> None:
        grass.paint(canvas)
        for x in reeds:
            for dx, h in ((-0.02, 0.14), (0.0, 0.2), (0.022, 0.16)):
                canvas.polygon([(x + dx - 0.006, 0), (x + 1.6 * dx, -h), (x + dx + 0.006, 0)], (84, 140, 60))
            canvas.rounded(x - 0.012, -0.21, (0.024, 0.07), (120, 74, 44))

    grass = land(s, (120, 176, 84), depth=1.0, base=0.02, height=0.05, waves=0.9)
    return [sky(s), Layer(0.25, far), Layer(0.5, surface, lit=True), Layer(1.0, bank)]

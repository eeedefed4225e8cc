"""The table of the twelve places, and those that are not open countryside."""

import math
from collections.abc import Callable

import numpy as np

from pipelines.training.canvas import Canvas, mix
from pipelines.training.scenery import (
    _WIDE,
    HORIZON,
    Layer,
    Setting,
    _beach,
    _cloud,
    _hills,
    _land,
    _lights,
    _meadow,
    _round_tree,
    _fir,
    _sky,
    _snowy_mountain,
    _spots,
    _vary,
)


def _forest(s: Setting) -> list[Layer]:
    green = _vary(s.rng, (36, 116, 74))
    far, near, bushes = _spots(s.rng, 0.36), _spots(s.rng, 0.72), _hills(s.rng, -0.06, 0.09, waves=2.5)
    sizes = s.rng.uniform(0.50, 0.66, 40)

    def back(canvas: Canvas) -> None:
        pale = mix(green, (120, 190, 150), 0.35)
        for i, (x, size) in enumerate(zip(far, sizes, strict=False)):
            _fir(canvas, x, -0.06, -size * s.top, (mix(pale, (20, 80, 70), 0.25 * (i % 2)), None))
        canvas.polygon(bushes, mix(green, (90, 170, 120), 0.2))

    def middle(canvas: Canvas) -> None:
        for x, size in zip(near, sizes[::-1], strict=False):
            canvas.rectangle(x - 0.05, -1.6, (0.10, 1.62), (104, 70, 48))
            canvas.rectangle(x - 0.05, -1.6, (0.035, 1.62), (132, 92, 62))
        for x, size in zip(near, sizes[::-1], strict=False):
            for dx, dy in ((-0.26, 0.03), (0.26, 0.0), (0.0, 0.06)):
                canvas.disc(x + dx, s.top + dy, 0.20 + 0.1 * size, green)
            canvas.disc(x - 0.05, s.top - 0.03, 0.18, mix(green, (150, 220, 90), 0.3))

    ground = _land(s, (74, 134, 70), depth=1.0, base=-0.01, height=0.05, waves=1.0)
    return [_sky(s, clouds=False), Layer(0.3, back), Layer(0.7, middle), ground]


def _desert(s: Setting) -> list[Layer]:
    mesas, widths = _spots(s.rng, 0.8), s.rng.uniform(0.14, 0.22, 20)
    cacti, sizes = _spots(s.rng, 0.75), s.rng.uniform(0.26, 0.36, 20)
    rock = _vary(s.rng, (200, 104, 66))

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

    dunes = _land(s, (240, 168, 88), depth=0.5, base=-0.04, height=0.13, waves=1.4)
    ground = _land(s, (248, 186, 100), depth=1.0, base=0.0, height=0.05, waves=0.9)
    return [_sky(s, clouds=False), Layer(0.25, far), dunes, Layer(0.8, plants), ground]


def _city(s: Setting) -> list[Layer]:
    tall, heights = _spots(s.rng, 0.24), s.rng.uniform(0.34, 0.60, 40)
    near = np.arange(-_WIDE, _WIDE, 0.40) + s.rng.uniform(0, 0.4)
    low = s.rng.uniform(0.26, 0.42, len(near))
    walls = [(214, 108, 88), (236, 178, 96), (104, 156, 190), (176, 124, 168)]
    start = int(s.rng.integers(4))
    window = (255, 226, 130) if s.light == "night" else (186, 224, 244)
    window = window if s.light != "sunset" else (255, 206, 150)
    night = s.light == "night"

    def skyline(canvas: Canvas) -> None:
        for i, (x, h) in enumerate(zip(tall, heights, strict=False)):
            canvas.rectangle(x, -0.05 - h, (0.20, h + 0.1), [(132, 154, 188), (116, 138, 176), (148, 168, 198)][i % 3])

    def houses(canvas: Canvas) -> None:
        for i, (x, h) in enumerate(zip(near, low, strict=True)):
            wall = walls[(i + start) % 4]
            canvas.rectangle(x, -0.06 - h, (0.37, h + 0.1), wall)
            canvas.rectangle(x - 0.01, -0.06 - h, (0.39, 0.035), mix(wall, (40, 30, 60), 0.35))
            canvas.rectangle(x + 0.135, -0.17, (0.10, 0.16), mix(wall, (50, 30, 40), 0.6))

    def windows(canvas: Canvas) -> None:
        for x, h in zip(near, low, strict=True):
            for dx in (0.05, 0.22):
                canvas.rounded(x + dx, -h, (0.10, 0.10), window)

    def road(canvas: Canvas) -> None:
        canvas.rectangle(-_WIDE, -0.065, (2 * _WIDE, 2), (198, 196, 204))
        canvas.rectangle(-_WIDE, -0.02, (2 * _WIDE, 2), (98, 102, 118))
        for x in np.arange(-_WIDE, _WIDE, 0.34):
            canvas.rectangle(x, 0.10, (0.18, 0.026), (240, 238, 226))

    return [
        _sky(s, clouds=False),
        Layer(0.25, skyline),
        Layer(0.6, houses),
        Layer(0.6, windows, lit=night),
        Layer(1.0, road),
    ]


def _outer_space(s: Setting) -> list[Layer]:
    tones = {
        "day": [(56, 44, 132), (96, 72, 186), (70, 50, 150)],
        "sunset": [(70, 22, 66), (176, 62, 70), (110, 34, 66)],
        "night": [(6, 6, 26), (18, 16, 56), (8, 8, 34)],
    }[s.light]
    stars = s.rng.uniform(-1, 1, (34, 2))
    sizes = s.rng.uniform(0.005, 0.012, 34)
    side = s.rng.choice([-1.0, 1.0])
    body = [(236, 150, 90), (96, 186, 190), (214, 120, 160)][int(s.rng.integers(3))]

    def space(canvas: Canvas) -> None:
        canvas.fill([(s.top, tones[0]), (0.4 * s.top, tones[1]), (0.25, tones[2])])
        for (x, y), size in zip(stars, sizes, strict=True):
            canvas.disc(x * 1.3, y * 0.9 - 0.25, size, (236, 240, 255))
        _lights(canvas, s.light, x=side * 0.62 * s.half_width, top=s.top, low=0.3 * s.top)

    def planet(canvas: Canvas) -> None:
        x, y = -side * 0.66 * s.half_width, 0.74 * s.top
        canvas.disc(x, y, 0.12, body)
        canvas.ellipse(x - 0.02, y - 0.05, (0.08, 0.03), mix(body, (255, 255, 255), 0.3))
        turn = np.linspace(0, math.pi, 24)
        arc = np.stack([0.21 * np.cos(turn), 0.05 * np.sin(turn)], 1)
        ring = np.concatenate([arc, (arc * 0.74)[::-1]])
        tilted = np.stack([ring[:, 0] + 0.25 * ring[:, 1], ring[:, 1] - 0.25 * ring[:, 0]], 1)
        canvas.polygon(tilted + (x, y), mix(body, (255, 244, 220), 0.6))

    def moon(canvas: Canvas) -> None:
        canvas.ellipse(0, 0.62, (1.6, 0.62), (176, 178, 200))
        for x, y, r in ((-0.36, 0.10, 0.07), (0.3, 0.13, 0.09), (-0.05, 0.16, 0.05), (0.75, 0.14, 0.06)):
            canvas.ellipse(x, y, (r, 0.3 * r), (142, 144, 172))

    return [Layer(0.05, space, lit=True), Layer(0.3, planet), Layer(1.0, moon)]


def _ocean_floor(s: Setting) -> list[Layer]:
    tones = {
        "day": [(84, 206, 232), (26, 142, 204), (12, 92, 164)],
        "sunset": [(255, 176, 122), (150, 104, 140), (52, 74, 128)],
        "night": [(40, 70, 140), (12, 28, 84), (6, 14, 52)],
    }[s.light]
    rays = _spots(s.rng, 0.42)
    rocks, sizes = _spots(s.rng, 0.55), s.rng.uniform(0.14, 0.24, 20)
    weeds, tall = _spots(s.rng, 0.34), s.rng.uniform(0.22, 0.42, 30)
    bubbles = s.rng.uniform(-1, 1, (12, 2))
    coral = [(244, 104, 120), (250, 150, 84), (206, 110, 196)]
    side = s.rng.choice([-1.0, 1.0])

    def water(canvas: Canvas) -> None:
        canvas.fill([(s.top, tones[0]), (0.5 * s.top, tones[1]), (0.0, tones[2])])
        beam = canvas.rgba.copy()
        for x in rays:
            canvas.polygon(
                [(x, s.top - 0.7), (x + 0.12, s.top - 0.7), (x + 0.34, 0.1), (x + 0.12, 0.1)],
                mix(tones[0], (255, 255, 255), 0.3),
            )
        part = {"day": 0.30, "sunset": 0.26, "night": 0.12}[s.light]
        canvas.rgba[:] = (beam * (1 - part) + canvas.rgba * part).astype(np.uint8)
        if s.light == "night":
            canvas.glow(side * 0.3, s.top, 0.42, (110, 130, 150))
            canvas.disc(side * 0.3, 0.8 * s.top, 0.07, (214, 224, 236))
        elif s.light == "sunset":
            canvas.glow(side * 0.3, s.top, 0.6, (70, 50, 0))
            canvas.disc(side * 0.3, 0.86 * s.top, 0.10, (255, 226, 150))

    def reef(canvas: Canvas) -> None:
        for i, (x, r) in enumerate(zip(rocks, sizes, strict=False)):
            canvas.ellipse(x, 0.0, (r, 0.8 * r), (70, 98, 136))
            for dx, h in ((-0.5, 0.8), (0.0, 1.1), (0.5, 0.7)):
                canvas.rounded(x + (dx - 0.14) * r, -h * r - 0.05, (0.28 * r, h * r), coral[i % 3])

    def weed(canvas: Canvas) -> None:
        for x, h in zip(weeds, tall, strict=False):
            up = np.linspace(0, 1, 14)
            middle = x + 0.025 * np.sin(up * 9 + x * 7)
            half = 0.022 * np.sin(np.pi * np.clip(up * 0.9 + 0.1, 0, 1)) + 0.004
            left, right = np.stack([middle - half, -h * up], 1), np.stack([middle + half, -h * up], 1)
            canvas.polygon(np.concatenate([left, right[::-1]]), (40, 160, 110))
        for x, y in bubbles:
            canvas.disc(1.2 * x, -0.35 + 0.35 * y, 0.018, (190, 236, 246))

    sand = _land(s, (232, 206, 150), depth=1.0, base=0.01, height=0.06, waves=1.0)
    return [Layer(0.08, water, lit=True), Layer(0.45, reef), Layer(0.8, weed), sand]


def _lake(s: Setting) -> list[Layer]:
    hills = _hills(s.rng, -0.14, 0.20, waves=1.5)
    firs, sizes = _spots(s.rng, 0.26), s.rng.uniform(0.17, 0.26, 40)
    water = {"day": (86, 160, 220), "sunset": (224, 130, 130), "night": (34, 54, 122)}[s.light]
    reeds = _spots(s.rng, 0.30)

    def far(canvas: Canvas) -> None:
        canvas.polygon(hills, (110, 150, 160))
        for x, size in zip(firs, sizes, strict=False):
            _fir(canvas, x, -0.165, size, ((52, 112, 92), None))

    def surface(canvas: Canvas) -> None:
        canvas.rectangle(-_WIDE, -0.175, (2 * _WIDE, 2), water)
        bright = mix(water, (255, 255, 255), 0.35)
        for x in np.arange(-_WIDE, _WIDE, 0.5):
            canvas.ellipse(x, -0.13, (0.13, 0.008), bright)
            canvas.ellipse(x + 0.24, -0.09, (0.16, 0.010), bright)

    def bank(canvas: Canvas) -> None:
        grass.paint(canvas)
        for x in reeds:
            for dx, h in ((-0.02, 0.14), (0.0, 0.2), (0.022, 0.16)):
                canvas.polygon([(x + dx - 0.006, 0), (x + 1.6 * dx, -h), (x + dx + 0.006, 0)], (84, 140, 60))
            canvas.rounded(x - 0.012, -0.21, (0.024, 0.07), (120, 74, 44))

    grass = _land(s, (120, 176, 84), depth=1.0, base=0.02, height=0.05, waves=0.9)
    return [_sky(s), Layer(0.25, far), Layer(0.5, surface, lit=True), Layer(1.0, bank)]


def _kitchen(s: Setting) -> list[Layer]:
    wall = _vary(s.rng, [(250, 226, 178), (206, 232, 214), (246, 208, 200)][int(s.rng.integers(3))], 8)
    wood = _vary(s.rng, (196, 134, 84), 10)
    side = s.rng.choice([-1.0, 1.0])
    wx = side * 0.24
    outside = SKY_OUTSIDE[s.light]
    top = max(s.top, -0.8)

    def room(canvas: Canvas) -> None:
        canvas.rectangle(-_WIDE, -3, (2 * _WIDE, 5), wall)
        for x in np.arange(-2.2, 2.3, 1.3):
            cx = x + 0.9 * side + wx
            canvas.rounded(cx - 0.22, top + 0.10, (0.44, 0.28), wood)
            canvas.rectangle(cx - 0.19, top + 0.13, (0.18, 0.22), mix(wood, (255, 230, 190), 0.3))
            canvas.rectangle(cx + 0.01, top + 0.13, (0.18, 0.22), mix(wood, (255, 230, 190), 0.3))

    def window(canvas: Canvas) -> None:
        for x in (wx - 1.3, wx, wx + 1.3):
            canvas.rounded(x - 0.20, top + 0.07, (0.40, 0.36), (250, 248, 240))
            canvas.rounded(x - 0.17, top + 0.10, (0.34, 0.30), outside)
            sun = {"day": (255, 246, 170), "sunset": (255, 240, 150), "night": (246, 246, 230)}[s.light]
            canvas.disc(x + 0.06, top + 0.19, 0.055, sun)
            canvas.rectangle(x - 0.012, top + 0.08, (0.024, 0.33), (250, 248, 240))

    def counter(canvas: Canvas) -> None:
        canvas.rectangle(-_WIDE, -0.20, (2 * _WIDE, 0.3), mix(wall, (120, 160, 170), 0.5))
        for x in np.arange(-_WIDE, _WIDE, 0.7):
            canvas.ellipse(x, -0.235, (0.085, 0.065), (216, 72, 72))
            canvas.rectangle(x - 0.085, -0.26, (0.17, 0.02), (160, 44, 52))
            canvas.disc(x, -0.30, 0.018, (60, 50, 60))
        canvas.rectangle(-_WIDE, -0.19, (2 * _WIDE, 0.05), (244, 240, 232))

    def table(canvas: Canvas) -> None:
        canvas.rectangle(-_WIDE, -0.05, (2 * _WIDE, 2), mix(wood, (255, 220, 170), 0.25))
        canvas.rectangle(-_WIDE, -0.05, (2 * _WIDE, 0.022), mix(wood, (255, 240, 210), 0.6))
        canvas.shade([(-0.05, (1, 1, 1)), (0.25, (0.76, 0.72, 0.70))])

    return [Layer(0.7, room), Layer(0.7, window, lit=True), Layer(0.85, counter), Layer(1.0, table)]


SKY_OUTSIDE = {"day": (150, 212, 250), "sunset": (252, 140, 84), "night": (18, 26, 78)}


def _theatre_stage(s: Setting) -> list[Layer]:
    red = _vary(s.rng, (190, 28, 48), 12)
    cloth = {"day": (150, 206, 240), "sunset": (250, 150, 96), "night": (24, 34, 92)}[s.light]
    side = s.rng.choice([-1.0, 1.0])

    def back(canvas: Canvas) -> None:
        canvas.fill([(s.top, cloth), (0.0, mix(cloth, (255, 255, 255), 0.25))])
        _lights(canvas, s.light, x=side * 0.2, top=0.86 * s.top, low=-0.2)
        for x in np.arange(-_WIDE, _WIDE, 0.7):
            _cloud(canvas, x, -0.42, 0.06, mix(cloth, (255, 255, 255), 0.6))

    def curtains(canvas: Canvas) -> None:
        edge = 0.72 * s.half_width
        for sign in (-1, 1):
            for i in range(12):
                x = sign * (edge + 0.085 * i)
                tone = red if i % 2 else mix(red, (60, 0, 20), 0.4)
                canvas.rectangle(x if sign > 0 else x - 0.09, -3, (0.09, 3.0), tone)
        for i in range(-14, 14):
            tone = red if i % 2 else mix(red, (60, 0, 20), 0.3)
            canvas.ellipse(0.16 * i, s.top, (0.09, 0.13), tone)
        canvas.rectangle(-_WIDE, -3, (2 * _WIDE, 3 + s.top + 0.05), mix(red, (60, 0, 20), 0.2))

    def floor(canvas: Canvas) -> None:
        canvas.rectangle(-_WIDE, -0.10, (2 * _WIDE, 2), (188, 122, 72))
        for i, x in enumerate(np.arange(-_WIDE, _WIDE, 0.2)):
            if i % 2:
                canvas.polygon([(x, -0.10), (x + 0.2, -0.10), (1.6 * x + 0.32, 0.3), (1.6 * x, 0.3)], (172, 108, 62))
        canvas.rectangle(-_WIDE, -0.10, (2 * _WIDE, 0.018), (222, 160, 104))

    return [Layer(0.5, back, lit=True), Layer(0.9, curtains), Layer(1.0, floor)]


def _above_clouds(s: Setting) -> list[Layer]:
    rows = [(_spots(s.rng, 0.34), s.rng.uniform(0.10, 0.15, 20)) for _ in range(3)]
    tones = {"day": (255, 255, 255), "sunset": (255, 196, 176), "night": (120, 136, 196)}[s.light]

    def bank(i: int, y: float, size: float) -> Callable[[Canvas], None]:
        def paint(canvas: Canvas) -> None:
            tone = mix(tones, SKY_OUTSIDE[s.light], (0.42, 0.2, 0.0)[i])
            canvas.rectangle(-_WIDE, y, (2 * _WIDE, 2), tone)
            for x, r in zip(rows[i][0], rows[i][1], strict=False):
                _cloud(canvas, x, y, r * size, tone)
            canvas.shade([(y - 0.16, (1, 1, 1)), (y - 0.02, (0.97, 0.98, 1)), (y + 0.2, (0.76, 0.84, 0.96))])

        return paint

    sky = _sky(s, low=-0.1, clouds=False)
    return [sky] + [
        Layer(d, bank(i, y, z), lit=True) for i, (d, y, z) in enumerate([(0.25, -0.13, 0.8), (0.55, 0.0, 1.0), (1.0, 0.13, 1.2)])
    ]


PAINTERS: dict[str, Callable[[Setting], list[Layer]]] = {
    "beach": _beach,
    "snowy mountain": _snowy_mountain,
    "meadow": _meadow,
    "forest": _forest,
    "desert": _desert,
    "city street": _city,
    "outer space": _outer_space,
    "ocean floor": _ocean_floor,
    "lake": _lake,
    "kitchen": _kitchen,
    "theatre stage": _theatre_stage,
    "above the clouds": _above_clouds,
}

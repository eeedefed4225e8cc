"""How the figure and the camera of the toy theatre move: closed formulas in seconds, so that any frame rate agrees.

World units: one is the mean of the frame's sides; x to the right from the middle, y down from the ground line.
"""

import math
from dataclasses import dataclass

import numpy as np

PAN = 0.35  # of the frame's width, over the whole clip
ZOOM = (0.80, 1.24)  # from far to near; everywhere else 1.0
TRAVELS = ("moves left", "moves right")
SMALLER = 0.86  # the size of a figure that needs room to go somewhere
FOLLOWED = ("moves left", "moves right", "floats up", "falls", "circles")


@dataclass(frozen=True, kw_only=True)
class Pose:
    """One moment of the figure: its foot point, scale, squash and turn. All in world units and radians."""

    x: float = 0.0
    y: float = 0.0  # 0 on the ground, negative above it
    scale: float = 1.0
    stretch: float = 1.0  # height factor; the width has its inverse
    turn: float = 0.0  # about the figure's centre, clockwise
    depth: float = 0.0  # metres towards the spectator, for the truth


@dataclass(frozen=True, kw_only=True)
class Stage:
    """What motion must know: half the frame (world units), the figure's rest size, its floating height, its phase."""

    half_width: float
    top: float  # y of the frame's upper edge, negative
    width: float
    height: float
    hover: float  # height at which it rests above the ground line, 0 on the ground
    phase: float  # 0..1
    followed: bool
    nearest: float  # the greatest zoom of the clip


def _ease(u: float) -> float:
    """Slow in, slow out, but mostly steady, 0..1 -> 0..1."""
    u = min(max(u, 0.0), 1.0)
    return 0.65 * u + 0.35 * u * u * (3 - 2 * u)


def _hop(t: float, period: float, phase: float, *, rest: float) -> tuple[float, float]:
    """(height 0..1, stretch) of a ballistic hop each `period`, the part `rest` of it spent on the ground."""
    u = (t / period + phase) % 1.0
    if u < rest:
        press = math.sin(math.pi * u / rest)
        return 0.0, 1 - 0.22 * press
    air = (u - rest) / (1 - rest)
    return 4 * air * (1 - air), 1 + 0.13 * abs(1 - 2 * air) ** 1.5 * math.sin(math.pi * air) ** 0.3


def _travel(stage: Stage, u: float, side: float) -> float:
    """x of a figure that crosses the frame and stays fully in view, or goes far if the camera follows it."""
    if stage.followed:
        return side * 0.62 * (2 * _ease(u) - 1)
    reach = stage.half_width / stage.nearest - 0.53 * SMALLER * stage.width - 0.01
    return side * min(0.56 * stage.half_width, reach) * (2 * _ease(u) - 1)


def _rise(stage: Stage, *, height: float, low: float) -> float:
    """How high a figure of this height can rise above `low` (both world units) and stay in view."""
    room = -stage.top * (0.4375 + 0.5625 / stage.nearest) - height - low - 0.02  # zooms go to 0.45 of the height
    return 0.55 if stage.followed else max(0.05, min(0.42, room))


def pose(action: str, t: float, *, duration: float, stage: Stage) -> Pose:
    """The figure at `t` seconds of a clip of `duration` seconds; periodic actions take 0.75 to 1.5 s a turn."""
    u = t / max(duration, 1e-6)
    ground, low = -stage.hover, -0.4 * stage.hover
    if action in TRAVELS:
        side = 1.0 if action == "moves right" else -1.0
        step = abs(math.sin(math.tau * (t / 0.7 + stage.phase)))
        return Pose(x=_travel(stage, u, side), y=ground - 0.02 * step, turn=side * 0.05, scale=SMALLER)
    if action in ("bounces", "jumps"):
        high, period, rest = (0.19, 0.75, 0.24) if action == "bounces" else (0.34, 1.4, 0.46)
        up, stretch = _hop(t, period, stage.phase, rest=rest)
        room = _rise(stage, height=1.08 * SMALLER * stage.height, low=-ground)
        return Pose(y=ground - min(high, room) * up, stretch=stretch, scale=SMALLER)
    if action == "spins":
        return Pose(y=ground - 0.04, turn=math.tau * (t / 1.3 + stage.phase))
    rise = _rise(stage, height=SMALLER * stage.height, low=-low)
    if action == "floats up":
        return Pose(y=low - rise * _ease(u), turn=0.06 * math.sin(math.tau * t / 1.5), scale=SMALLER)
    if action == "falls":
        drop = min(1.0, u / 0.92) ** 1.6
        turn = 0.10 * math.sin(math.tau * t / 1.2) * (1 - drop)
        return Pose(y=low - rise * (1 - drop), turn=turn, scale=SMALLER)
    return _in_place(action, t, u, stage=stage)


def _in_place(action: str, t: float, u: float, *, stage: Stage) -> Pose:
    ground = -stage.hover
    angle = math.tau * (t / 1.5 + stage.phase)
    if action == "dances":
        beat = math.tau * (t / 1.1 + stage.phase)
        sway = math.sin(beat)
        lift = 0.05 * abs(math.cos(beat))
        return Pose(x=0.05 * sway, y=ground - lift, turn=0.30 * sway, stretch=1 + 0.09 * math.cos(2 * beat))
    if action == "grows":
        return Pose(y=ground, scale=0.40 + 0.65 * _ease(u))
    if action == "shrinks":
        return Pose(y=ground, scale=1.05 - 0.65 * _ease(u))
    if action == "circles":
        rx = 0.22 if stage.followed else min(0.22, stage.half_width / stage.nearest - 0.5 * stage.width)
        near = math.sin(angle)
        return Pose(x=rx * math.cos(angle), y=ground - 0.08 + 0.08 * near, scale=0.82 + 0.13 * near, depth=near)
    return Pose(y=ground, stretch=1 + 0.008 * math.sin(math.tau * t / 2.0))


@dataclass(frozen=True, kw_only=True)
class View:
    """The camera at one moment: where it looks (world units from the middle of the rest view) and its zoom."""

    x: float = 0.0
    y: float = 0.0
    zoom: float = 1.0


def view(camera: str, t: float, *, duration: float, figure: Pose, stage: Stage) -> View:
    """The camera at `t` seconds. Pans cover 0.35 of the width, zooms a factor of 1.55, over the whole clip."""
    u = _ease(t / max(duration, 1e-6))
    if camera in ("pan left", "pan right"):
        side = 1.0 if camera == "pan right" else -1.0
        return View(x=side * PAN * 2 * stage.half_width * (u - 0.5))
    if camera in ("zoom in", "zoom out"):
        u = u if camera == "zoom in" else 1 - u
        return View(zoom=ZOOM[0] * (ZOOM[1] / ZOOM[0]) ** u)
    if camera == "follows":
        return View(x=figure.x, y=min(0.0, figure.y + stage.hover))
    return View()


def greatest_zoom(camera: str) -> float:
    """The greatest zoom that a camera reaches."""
    return ZOOM[1] if camera.startswith("zoom") else 1.0


def moments(frames: int, fps: int) -> np.ndarray:
    """Times (frames,) of a clip in seconds."""
    return np.arange(frames) / fps

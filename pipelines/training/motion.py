"""How the figure and the camera of the toy theatre move: closed formulas in seconds, so that any frame rate agrees.

World units: one is the mean of the frame's sides; x to the right from the middle, y down from the ground line.
"""

import math
from dataclasses import dataclass

import numpy as np

PAN = 0.35  # of the frame's width, over the whole clip
ZOOM = (0.80, 1.24)  # from far to near; everywhere else 1.0
TRAVELS = ("moves left", "moves right")
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
    reach = 0.62 if stage.followed else min(0.56 * stage.half_width, stage.half_width - 0.53 * stage.width - 0.02)
    far = 1.0 if stage.followed else stage.nearest
    reach = min(reach, stage.half_width / far - 0.53 * stage.width) if not stage.followed else reach
    return side * reach * (2 * _ease(u) - 1)


def _rise(stage: Stage) -> float:
    """How high above its rest the figure can be and stay in view."""
    room = -stage.top / stage.nearest - stage.height - stage.hover - 0.03
    return max(0.05, min(0.42, room)) if not stage.followed else 0.55


def pose(action: str, t: float, *, duration: float, stage: Stage) -> Pose:
    """The figure at `t` seconds of a clip of `duration` seconds; periodic actions take 0.75 to 1.5 s a turn."""
    u = t / max(duration, 1e-6)
    ground = -stage.hover
    walk = abs(math.sin(math.tau * (t / 0.7 + stage.phase)))
    if action in TRAVELS:
        side = 1.0 if action == "moves right" else -1.0
        return Pose(x=_travel(stage, u, side), y=ground - 0.02 * walk, turn=side * 0.05)
    if action == "bounces":
        up, stretch = _hop(t, 0.75, stage.phase, rest=0.24)
        return Pose(y=ground - min(0.17, _rise(stage)) * up, stretch=stretch)
    if action == "jumps":
        up, stretch = _hop(t, 1.4, stage.phase, rest=0.46)
        return Pose(y=ground - min(0.34, _rise(stage)) * up, stretch=stretch)
    if action == "spins":
        return Pose(y=ground - 0.04, turn=math.tau * (t / 1.3 + stage.phase))
    if action == "floats up":
        return Pose(y=ground - _rise(stage) * _ease(u), turn=0.06 * math.sin(math.tau * t / 1.5))
    if action == "falls":
        drop = min(1.0, u / 0.92) ** 1.6
        return Pose(y=ground - _rise(stage) * (1 - drop), turn=0.10 * math.sin(math.tau * t / 1.2) * (1 - drop))
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
        return Pose(y=ground, scale=0.42 + 0.63 * _ease(u))
    if action == "shrinks":
        return Pose(y=ground, scale=1.05 - 0.63 * _ease(u))
    if action == "circles":
        rx = 0.19 if stage.followed else min(0.19, stage.half_width / stage.nearest - 0.6 * stage.width)
        near = math.sin(angle)
        return Pose(x=rx * math.cos(angle), y=ground - 0.08 + 0.075 * near, scale=0.9 + 0.12 * near, depth=near)
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

"""Exact truth beside a clip of the toy theatre: what sound, faces and edits are trained from."""

import math
from dataclasses import dataclass

import cv2
import numpy as np

from pipelines.training.motion import Stage
from pipelines.training.scene import Scene
from pipelines.training.scenery import HOVERING
from pipelines.training.sprites import figure
from pipelines.training.theatre import Theatre
from pipelines.vocabulary import PEOPLE

GROUNDS: dict[str, str] = {
    "beach": "sand",
    "snowy mountain": "snow",
    "meadow": "grass",
    "forest": "earth",
    "desert": "sand",
    "city street": "asphalt",
    "lake": "grass",
    "kitchen": "wood",
    "theatre stage": "wood",
}
AMBIENCES: dict[str, str] = {
    "beach": "waves",
    "snowy mountain": "mountain wind",
    "meadow": "birds and insects",
    "forest": "leaves and birds",
    "desert": "dry wind",
    "city street": "traffic",
    "outer space": "low hum",
    "ocean floor": "bubbles",
    "lake": "lapping water",
    "kitchen": "room with a clock",
    "theatre stage": "hall with an audience",
    "above the clouds": "high wind",
}
WEATHER_SOUNDS: dict[str, str] = {"rain": "rain", "snow": "hushed wind", "fog": "stillness"}
VOICES: dict[str, str] = {
    "lion": "roar",
    "elephant": "trumpet",
    "owl": "hoot",
    "dinosaur": "roar",
    "bee": "buzz",
    "dog": "bark",
    "cat": "meow",
    "pig": "oink",
    "duck": "quack",
    "frog": "croak",
    "unicorn": "neigh",
    "whale": "whale song",
    "penguin": "squawk",
    "fox": "yelp",
    "car": "engine",
    "bus": "engine",
    "scooter": "small engine",
    "rocket": "rocket engine",
    "helicopter": "rotor",
    "train": "steam engine",
    "robot": "beeps",
    "teapot": "whistle",
}
# Middle and half the side of a person's face, in parts of the figure's width and height.
FACES: dict[str, tuple[float, float, float]] = {
    "astronaut": (0.50, 0.33, 0.25),
    "cook": (0.50, 0.36, 0.27),
    "firefighter": (0.50, 0.33, 0.28),
    "wizard": (0.51, 0.47, 0.25),
    "mermaid": (0.55, 0.20, 0.17),
    "surfer": (0.43, 0.12, 0.13),
    "superhero": (0.50, 0.33, 0.28),
}
FACE_SIZE = 96  # pixels of an identity crop


@dataclass(frozen=True)
class Impact:
    """A touch of the ground: when (seconds), how hard (0..1), on what."""

    time: float
    strength: float
    material: str


@dataclass(frozen=True, kw_only=True, eq=False)
class Truth:
    """Everything known about a clip of T frames. Pixels are those of the frame, x to the right and y down."""

    masks: np.ndarray  # (T, H, W) bool: where the figure is, also behind rain
    shadows: np.ndarray  # (T, H, W) bool: where its shadow darkens the ground
    boxes: np.ndarray  # (T, 4) x0, y0, x1, y1 of the mask; zeros where the figure is out of view
    depths: np.ndarray  # (T,) nearness of the figure to the spectator, 0 is the ground line
    order: tuple[str, ...]  # what hides what, nearest first
    trajectory: np.ndarray  # (T, 2) the figure's middle in pixels
    world: np.ndarray  # (T, 2) its foot in world units, without the camera
    scales: np.ndarray  # (T,) its size against its size at rest
    speeds: np.ndarray  # (T,) its own speed in frame heights a second
    camera: np.ndarray  # (T, 3) x, y in world units and zoom
    impacts: tuple[Impact, ...]
    ambience: tuple[str, ...]
    voice: str | None
    face: np.ndarray | None  # (96, 96, 3) uint8, a person's face in another pose and light


@dataclass(frozen=True, kw_only=True, eq=False)
class Take:
    """A clip (T, H, W, 3) uint8 at `fps`, the scene that it shows and the truth about it."""

    scene: Scene
    frames: np.ndarray
    fps: int
    truth: Truth


def _beats(period: float, offset: float, duration: float) -> list[float]:
    """Times in [0, duration) that are `offset` after a multiple of `period`."""
    first = math.ceil(-offset / period)
    times = (offset + k * period for k in range(first, first + int(duration / period) + 2))
    return [time for time in times if 0 <= time < duration]


def impacts(scene: Scene, stage: Stage, duration: float) -> tuple[Impact, ...]:
    """The touches of the ground that a clip of `duration` seconds shows; none where there is no ground."""
    if scene.place in HOVERING:
        return ()
    phase = stage.phase
    times, strength = {
        "bounces": (_beats(0.75, -phase * 0.75, duration), 0.6),
        "jumps": (_beats(1.4, -phase * 1.4, duration), 1.0),
        "falls": ([0.92 * duration], 1.0),
        "dances": (_beats(0.55, (0.25 - phase) * 1.1, duration), 0.3),
        "moves left": (_beats(0.35, -phase * 0.7, duration), 0.15),
        "moves right": (_beats(0.35, -phase * 0.7, duration), 0.15),
    }.get(scene.action, ([], 0.0))
    return tuple(Impact(time, strength, GROUNDS[scene.place]) for time in times)


def _face(theatre: Theatre) -> np.ndarray | None:
    """The person's face, mirrored, a little turned and in another light than the clip's."""
    scene = theatre.scene
    if scene.thing not in PEOPLE:
        return None
    rng = np.random.default_rng([scene.seed, 5])
    picture = figure(scene.thing, None, theatre.variant)
    h, w = picture.shape[:2]
    x, y, half = FACES[scene.thing]
    zoom = FACE_SIZE / (2 * half * h)
    matrix = cv2.getRotationMatrix2D((x * w, y * h), float(rng.uniform(-14, 14)), zoom)
    matrix[:, 2] += FACE_SIZE / 2 - np.array([x * w, y * h])
    face = cv2.warpAffine(picture, matrix, (FACE_SIZE, FACE_SIZE), flags=cv2.INTER_AREA)[:, ::-1].astype(np.float32)
    background = rng.uniform(120, 235, 3)
    warmth = np.array([1.0, 0.92, 0.84]) if scene.light != "sunset" else np.array([0.86, 0.92, 1.0])
    rgb = face[..., :3] + background * (1 - face[..., 3:] / 255)
    return (rgb * warmth).astype(np.uint8)


def _box(mask: np.ndarray) -> tuple[int, int, int, int]:
    x, y, width, height = cv2.boundingRect(mask.astype(np.uint8))
    return x, y, x + width, y + height


def observe(scene: Scene, *, frames: int = 32, fps: int = 16, width: int = 256, height: int = 256) -> Take:
    """The clip that `render` draws, with its truth."""
    times = [i / fps for i in range(frames)]
    theatre = Theatre.of_clip(scene, times=times, size=(width, height))
    poses = [theatre.pose(t) for t in times]
    covers = [theatre.covers(t) for t in times]
    masks = np.stack([figure_mask for figure_mask, _ in covers])
    world = np.array([(at.x, at.y) for at in poses])
    steps = np.linalg.norm(np.diff(world, axis=0, prepend=world[:1]), axis=1)
    sounds = (AMBIENCES[scene.place], WEATHER_SOUNDS.get(scene.weather))
    truth = Truth(
        masks=masks,
        shadows=np.stack([shadow for _, shadow in covers]),
        boxes=np.array([_box(mask) for mask in masks]),
        depths=np.array([at.depth for at in poses]),
        order=(("weather",) if scene.weather != "clear" else ()) + (scene.thing, scene.place),
        trajectory=np.array([theatre.middle(t) for t in times]),
        world=world,
        scales=np.array([at.scale for at in poses]),
        speeds=steps * fps * theatre.unit / height,
        camera=np.array([(v.x, v.y, v.zoom) for v in (theatre.views[t] for t in times)]),
        impacts=impacts(scene, theatre.stage, theatre.duration),
        ambience=tuple(sound for sound in sounds if sound),
        voice=VOICES.get(scene.thing),
        face=_face(theatre),
    )
    return Take(scene=scene, frames=np.stack([theatre.frame(t) for t in times]), fps=fps, truth=truth)

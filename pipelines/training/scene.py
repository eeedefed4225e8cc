"""A scene of the toy theatre as plain values: sampling, what is held out for evaluation, and edited twins."""

import hashlib
from dataclasses import dataclass, replace

import numpy as np

from pipelines.vocabulary import AXES, COLOURED, COLOURS

INDOORS = ("outer space", "ocean floor", "kitchen", "theatre stage")
TRAVELS = ("moves left", "moves right")
FOLLOWED = ("moves left", "moves right", "floats up", "falls", "circles")


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One scene; every value is a canonical name of `pipelines.vocabulary`. `colour` only for coloured things."""

    thing: str
    colour: str | None = None
    place: str
    action: str
    camera: str = "static"
    light: str = "day"
    weather: str = "clear"
    style: str = "toy"
    seed: int = 0


def is_held_out(thing: str, place: str, action: str) -> bool:
    """Whether this triple is kept for evaluation: one in ten, by a hash that never changes."""
    digest = hashlib.sha256(f"{thing}|{place}|{action}".encode()).digest()
    return int.from_bytes(digest[:4], "big") % 10 == 0


def allowed(scene: Scene) -> bool:
    """Whether the scene is unambiguous: weather only outdoors, a camera that follows or pans only what can be told."""
    if scene.weather != "clear" and scene.place in INDOORS:
        return False
    if scene.camera == "follows":
        rises = scene.action in ("floats up", "falls") and scene.place in ("kitchen", "theatre stage")
        return scene.action in FOLLOWED and not rises
    if scene.camera.startswith("pan"):
        return scene.action not in (*TRAVELS, "circles")
    if scene.camera.startswith("zoom"):
        return scene.action not in ("grows", "shrinks")
    return True


def _draw(rng: np.random.Generator, style: str | None) -> Scene:
    def pick(names: tuple[str, ...], weights: tuple[float, ...] | None = None) -> str:
        return str(rng.choice(names, p=weights))

    thing = pick(AXES["thing"])
    return Scene(
        thing=thing,
        colour=pick(COLOURS) if thing in COLOURED else None,
        place=pick(AXES["place"]),
        action=pick(AXES["action"]),
        camera=pick(AXES["camera"], (0.25, 0.15, 0.15, 0.15, 0.15, 0.15)),
        light=pick(AXES["light"], (0.4, 0.3, 0.3)),
        weather=pick(AXES["weather"], (0.4, 0.2, 0.2, 0.2)),
        style=style or pick(AXES["style"], (0.8, 0.05, 0.05, 0.05, 0.05)),
    )


def sample_scene(seed: int, *, held_out: bool = False, style: str | None = None) -> Scene:
    """The scene of a seed. Triples that are held out come only, and always, when `held_out`."""
    rng = np.random.default_rng([seed, 0])
    while True:
        scene = _draw(rng, style)
        if scene.weather != "clear" and scene.place in INDOORS:
            scene = replace(scene, weather="clear")
        if is_held_out(scene.thing, scene.place, scene.action) == held_out and allowed(scene):
            return replace(scene, seed=seed)


def edited_twin(scene: Scene, axis: str, value: str) -> Scene:
    """The same scene and seed with one attribute changed; `axis` as in AXES, or "colour".

    Raises ValueError for a value that the axis does not have. Whether the twin is `allowed` is the caller's choice.
    """
    choices = COLOURS if axis == "colour" else AXES[axis]
    if value not in choices:
        raise ValueError(f"{axis} has no {value!r}; it has {', '.join(choices)}")
    twin = replace(scene, **{axis: value})
    if axis == "thing":
        first = COLOURS[scene.seed % len(COLOURS)]
        twin = replace(twin, colour=(scene.colour or first) if value in COLOURED else None)
    return twin

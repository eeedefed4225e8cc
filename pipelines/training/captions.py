"""Captions of the toy theatre: many sentences for one scene, in the words of `pipelines.vocabulary` only."""

import numpy as np

from pipelines.training.scene import Scene
from pipelines.vocabulary import ACTIONS, GREY_STYLES, LIGHTS, PLACE_PREPOSITIONS, PLACES, STYLES, THINGS, WEATHERS
from pipelines.vocabulary import article as _article

MENTIONED = {"day": 0.12, "sunset": 0.82, "night": 0.82, "clear": 0.06, "rain": 0.82, "snow": 0.82, "fog": 0.82}
LABELS: dict[str, str] = {"static": "Static camera", "follows": "Tracking shot"}
CAMERA_SENTENCES: dict[str, tuple[str, ...]] = {
    "static": ("static camera", "the camera stays still", "stationary camera"),
    "pan left": ("camera pans left", "the camera pans to the left", "panning left", "the camera sweeps left"),
    "pan right": ("camera pans right", "the camera pans to the right", "panning right", "the camera sweeps right"),
    "zoom in": ("camera zooms in", "the camera zooms in", "zooming in", "the camera pushes in"),
    "zoom out": ("camera zooms out", "the camera zooms out", "zooming out", "the camera backs off"),
    "follows": ("the camera follows it", "camera follows the {thing}", "tracking shot", "follow shot"),
}


def _pick(rng: np.random.Generator, words: tuple[str, ...], first: float = 0.4) -> str:
    """One of the words; the canonical one with at least the probability `first`."""
    return words[0] if rng.uniform() < first else str(rng.choice(words))


def _thing(scene: Scene, rng: np.random.Generator) -> str:
    thing = _pick(rng, THINGS[scene.thing], 0.6)
    if scene.colour is not None and scene.style not in GREY_STYLES and rng.uniform() < 0.85:
        thing = f"{scene.colour} {thing}"
    return thing


def _place(scene: Scene, rng: np.random.Generator) -> str:
    before = str(rng.choice(PLACE_PREPOSITIONS[scene.place]))
    return f"{before} {_pick(rng, PLACES[scene.place])}".strip()


def _tail(scene: Scene, rng: np.random.Generator) -> str:
    parts = []
    shown = scene.style not in GREY_STYLES or scene.light == "night"  # without colours, day and sunset look alike
    if shown and rng.uniform() < MENTIONED[scene.light]:
        parts.append(str(rng.choice(LIGHTS[scene.light][1:])))
    if rng.uniform() < MENTIONED[scene.weather]:
        parts.append(str(rng.choice(WEATHERS[scene.weather][1:])))
    if rng.uniform() < 0.3:
        parts.reverse()
    return " ".join(parts)


def _sentence(scene: Scene, rng: np.random.Generator, *, acts: bool) -> str:
    thing, tail = _thing(scene, rng), _tail(scene, rng)
    place = _place(scene, rng) if rng.uniform() < 0.97 else ""
    one = _article(thing) if rng.uniform() < 0.9 else f"the {thing}"
    forms = ACTIONS[scene.action]
    present = _pick(rng, tuple(f for f in forms if not f.split()[0].endswith("ing")), 0.5)
    progressive = _pick(rng, tuple(f for f in forms if f.split()[0].endswith("ing")), 0.5)
    if not acts:
        shapes = [(one, place, tail), (place, one, tail), (tail, one, place)]
    else:
        shapes = [
            (f"{one} {present}", place, tail),
            (f"{one} is {progressive}", place, tail),
            (f"{one} {progressive}", place, tail),
            (one, place, tail, progressive),
            (place, f"{one} {present}", tail),
            (tail, f"{one} {present}", place),
            (place, tail, f"{one} is {progressive}"),
            (f"{one} {present}", tail, place),
        ]
        if len(progressive.split()) == 1:
            shapes.append((_article(f"{progressive} {thing}"), place, tail))
            shapes.append((place, _article(f"{progressive} {thing}"), tail))
    parts = [part for part in shapes[int(rng.integers(len(shapes)))] if part]
    first_is_thing = parts[0] == one or parts[0].startswith(one)
    text = " ".join(parts) if first_is_thing or rng.uniform() < 0.3 else f"{parts[0]}, {' '.join(parts[1:])}"
    return text


def caption(scene: Scene, rng: np.random.Generator, *, fps: int = 16, still: bool = False) -> str:
    """A caption of the scene: "FPS-16. Static camera. a red panda ...", or "Still. ..." without camera words.

    What a caption leaves out is not constrained. Day and clear weather are seldom named, the others mostly.
    """
    text = _sentence(scene, rng, acts=rng.uniform() < (0.5 if still else 0.92))
    if scene.style != "toy":
        style = _pick(rng, STYLES[scene.style], 0.5)
        joint = " of " if style.endswith(("drawing", "painting")) else ", "
        text = f"{text}, {style}" if rng.uniform() < 0.6 else f"{style}{joint}{text}"
    elif rng.uniform() < 0.04:
        text = f"{text}, toy style"
    if still:
        return f"Still. {text}"
    if rng.uniform() < 0.6:
        label = LABELS.get(scene.camera, scene.camera.capitalize())
        return f"FPS-{fps}. {label}. {text}"
    if rng.uniform() < (0.25 if scene.camera == "static" else 0.85):
        words = str(rng.choice(CAMERA_SENTENCES[scene.camera])).format(thing=scene.thing)
        text = f"{words}, {text}" if rng.uniform() < 0.2 else f"{text}, {words}"
    return f"FPS-{fps}. {text}"

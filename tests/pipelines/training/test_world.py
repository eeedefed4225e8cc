"""The toy theatre is the same for the same seed, shows what a scene says, and its truth agrees with its pixels."""

import inspect
from dataclasses import replace

import numpy as np
import pytest

from pipelines.training.theatre import Theatre
from pipelines.training.world import (
    Scene,
    allowed,
    caption,
    edited_twin,
    is_held_out,
    observe,
    render,
    render_still,
    sample_scene,
)
from pipelines.vocabulary import ACTIONS, ASPECT_SIZES, CAMERAS, COLOURED, COLOURS, PEOPLE, PLACES, STYLES, THINGS

SMALL = {"width": 96, "height": 96}
PLAIN = Scene(thing="dog", place="meadow", action="stands still", seed=3)


@pytest.mark.parametrize("seed", range(4))
def test_the_same_seed_draws_the_same_pixels(seed: int) -> None:
    scene = sample_scene(seed)
    assert scene == sample_scene(seed)
    assert np.array_equal(render(scene, frames=3, **SMALL), render(scene, frames=3, **SMALL))
    assert np.array_equal(render_still(scene, **SMALL), render_still(scene, **SMALL))
    assert caption(scene, np.random.default_rng(seed)) == caption(scene, np.random.default_rng(seed))


def test_every_thing_looks_different_and_every_coloured_thing_in_every_colour() -> None:
    pictures = [render(replace(PLAIN, thing=thing), frames=1, **SMALL).tobytes() for thing in THINGS]
    for thing in COLOURED:
        for colour in COLOURS:
            pictures.append(render(replace(PLAIN, thing=thing, colour=colour), frames=1, **SMALL).tobytes())
    assert len(set(pictures)) == len(THINGS) + len(COLOURED) * len(COLOURS)


@pytest.mark.parametrize(
    "axis, names", [("place", PLACES), ("action", ACTIONS), ("camera", CAMERAS), ("style", STYLES)]
)
def test_every_value_of_an_axis_draws_its_own_clip(axis: str, names: dict[str, tuple[str, ...]]) -> None:
    base = replace(PLAIN, action="moves left") if axis == "camera" else PLAIN
    clips = {render(edited_twin(base, axis, name), frames=4, fps=2, **SMALL).tobytes() for name in names}
    assert len(clips) == len(names)


@pytest.mark.parametrize("light", ["day", "sunset", "night"])
def test_night_is_dark_and_blue_and_sunset_is_warm_everywhere(light: str) -> None:
    for place in PLACES:
        red, _, blue = render(replace(PLAIN, place=place, light=light), frames=1, **SMALL)[0].mean((0, 1))
        day = render(replace(PLAIN, place=place), frames=1, **SMALL)[0].mean((0, 1))
        if light == "night":
            assert blue > red * 0.95 and red + blue < 0.75 * (day[0] + day[2]), place
        if light == "sunset":
            assert red / blue > 1.2 * day[0] / day[2], place


@pytest.mark.parametrize("size", list(ASPECT_SIZES.values()))
def test_every_aspect_and_length_has_its_shape(size: tuple[int, int]) -> None:
    width, height = size
    clip = render(sample_scene(5), frames=2, fps=24, width=width, height=height)
    assert clip.shape == (2, height, width, 3)
    assert clip.dtype == np.uint8
    assert render_still(sample_scene(5), width=width, height=height).shape == (height, width, 3)


def test_speed_is_in_seconds_not_in_frames() -> None:
    scene = replace(PLAIN, action="bounces")
    slow, fast = (observe(scene, frames=n, fps=fps, **SMALL).truth for n, fps in ((17, 16), (25, 24)))
    assert np.allclose(slow.world[::2], fast.world[::3], atol=1e-9)


def test_held_out_triples_are_sampled_only_when_asked() -> None:
    for seed in range(400):
        ordinary, kept = sample_scene(seed), sample_scene(seed, held_out=True)
        assert not is_held_out(ordinary.thing, ordinary.place, ordinary.action)
        assert is_held_out(kept.thing, kept.place, kept.action)
        assert allowed(ordinary) and allowed(kept)
    triples = [is_held_out(t, p, a) for t in THINGS for p in PLACES for a in ACTIONS]
    assert 0.09 < np.mean(triples) < 0.11


def test_a_still_caption_has_no_camera_words_and_a_clip_caption_has_its_rate() -> None:
    for seed in range(100):
        scene, rng = sample_scene(seed), np.random.default_rng(seed)
        still = caption(scene, rng, still=True)
        assert still.startswith("Still. ")
        assert not any(word in still for word in ("camera", "zoom", "pan ", "pans", "panning", "tracking"))
        assert caption(scene, rng, fps=24).startswith("FPS-24. ")


def test_changing_the_action_leaves_everything_outside_the_figure_as_it_was() -> None:
    for place, weather in (("city street", "rain"), ("beach", "clear")):
        scene = replace(PLAIN, place=place, weather=weather)
        first, second = (observe(twin, frames=4, fps=2) for twin in (scene, edited_twin(scene, "action", "jumps")))
        spared = [take.truth.masks | take.truth.shadows for take in (first, second)]
        outside = ~np.stack([_grown(a | b) for a, b in zip(*spared, strict=True)])
        assert outside.mean() > 0.4
        assert np.array_equal(first.frames[outside], second.frames[outside])


def test_changing_the_thing_keeps_the_place_and_gives_a_colour_only_where_it_belongs() -> None:
    twin = edited_twin(PLAIN, "thing", "balloon")
    assert twin.colour in COLOURS
    assert edited_twin(twin, "thing", "fox").colour is None
    assert replace(twin, thing="dog", colour=None) == PLAIN
    with pytest.raises(ValueError, match="no 'sideways'"):
        edited_twin(PLAIN, "action", "sideways")


def _grown(mask: np.ndarray) -> np.ndarray:
    """The mask with its soft edge: two pixels more on every side."""
    grown = np.pad(mask, 2)
    steps = range(5)
    return np.any([grown[i : i + mask.shape[0], j : j + mask.shape[1]] for i in steps for j in steps], axis=0)


@pytest.mark.parametrize("camera", ["static", "pan left", "zoom in"])
def test_masks_are_the_difference_with_and_without_the_figure(camera: str) -> None:
    scene = replace(PLAIN, camera=camera, action="dances")
    take = observe(scene, frames=5, fps=4)
    theatre = Theatre.of_clip(scene, times=[i / 4 for i in range(5)], size=(256, 256))
    for i, mask in enumerate(take.truth.masks):
        changed = (take.frames[i].astype(int) - theatre.backdrop(i / 4)).any(-1)
        assert not (changed & ~_grown(mask | take.truth.shadows[i])).any()
        assert changed[mask].mean() > 0.97


def test_moves_left_goes_left_and_looks_left_and_right_is_its_mirror() -> None:
    for place in ("desert", "outer space"):
        for action, sign in (("moves left", -1), ("moves right", 1)):
            x = observe(replace(PLAIN, place=place, action=action)).truth.trajectory[:, 0]
            assert (np.sign(np.diff(x)) == sign).all()
            assert 0.4 * 256 < abs(x[-1] - x[0]) < 0.62 * 256


@pytest.mark.parametrize(
    "action, axis, sign", [("floats up", 1, -1), ("falls", 1, 1), ("grows", None, 1), ("shrinks", None, -1)]
)
def test_one_shot_actions_take_the_whole_clip(action: str, axis: int | None, sign: int) -> None:
    truth = observe(replace(PLAIN, action=action), **SMALL).truth
    values = truth.scales if axis is None else truth.trajectory[:, axis] / 96
    assert sign * (values[-1] - values[0]) > 0.2
    assert sign * (values[24] - values[8]) > 0.08


def test_a_camera_that_follows_keeps_the_figure_in_the_middle_while_the_place_passes() -> None:
    truth = observe(replace(PLAIN, action="moves right", camera="follows"), **SMALL).truth
    assert np.ptp(truth.trajectory[:, 0]) < 3
    assert np.ptp(truth.camera[:, 0]) > 0.5


def test_zooms_go_in_and_out_and_pans_slide_the_figure_the_other_way() -> None:
    boxes = {name: observe(replace(PLAIN, camera=name), **SMALL).truth.boxes for name in CAMERAS if name != "follows"}
    heights = {name: box[:, 3] - box[:, 1] for name, box in boxes.items()}
    assert heights["zoom in"][-1] > 1.4 * heights["zoom in"][0]
    assert heights["zoom out"][0] > 1.4 * heights["zoom out"][-1]
    assert boxes["pan left"][-1, 0] - boxes["pan left"][0, 0] > 0.3 * 96
    assert boxes["pan right"][-1, 0] - boxes["pan right"][0, 0] < -0.3 * 96


@pytest.mark.parametrize("seconds", [2, 16])
def test_the_figure_stays_in_view_in_every_action(seconds: int) -> None:
    for action in ACTIONS:
        for camera in ("static", "zoom in"):
            scene = replace(PLAIN, thing="elephant", action=action, camera=camera)
            x0, y0, x1, y1 = observe(scene, frames=12 * seconds // 2, fps=12 // 2, **SMALL).truth.boxes.T
            assert x0.min() >= 0 and y0.min() >= 0 and x1.max() <= 96 and y1.max() <= 96
            assert ((x1 - x0) * (y1 - y0)).min() > 100


def test_impacts_are_where_the_figure_touches_the_ground() -> None:
    for action in ("bounces", "jumps"):
        take = observe(replace(PLAIN, action=action), frames=64, fps=32, **SMALL)
        assert take.truth.impacts
        for impact in take.truth.impacts:
            assert impact.material == "grass"
            assert abs(take.truth.world[min(63, round(impact.time * 32)), 1]) < 0.06
    assert observe(replace(PLAIN, place="outer space", action="jumps"), frames=2, **SMALL).truth.impacts == ()


def test_the_truth_names_sounds_and_shows_the_faces_of_people_only() -> None:
    truth = observe(replace(PLAIN, weather="rain"), frames=1, **SMALL).truth
    assert truth.ambience == ("birds and insects", "rain")
    assert truth.voice == "bark"
    assert truth.face is None
    for person in PEOPLE:
        face = observe(replace(PLAIN, thing=person), frames=1, **SMALL).truth.face
        assert face is not None and face.shape == (96, 96, 3) and face.std() > 20


def test_scenes_are_plain_values() -> None:
    fields = inspect.signature(Scene).parameters
    assert list(fields) == ["thing", "colour", "place", "action", "camera", "light", "weather", "style", "seed"]
    assert Scene(**vars(sample_scene(9))) == sample_scene(9)

"""The judge at a tiny size: shapes, mirrored labels, learning, saving, going on."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pipelines.errors import Unavailable
from pipelines.evaluation.judge import (
    GRID,
    MOMENTS,
    MOVING,
    SIZE,
    Judge,
    flows,
    labels,
    load_judge,
    moments,
    save_judge,
    view,
)
from pipelines.training.judge import (
    PRESETS,
    Part,
    Setup,
    learn,
    look_loss,
    mirrored_flow,
    mirrored_names,
    motion_loss,
    rows_of,
    train,
)
from pipelines.training.judge_pool import CAST, UNKNOWN, Pool, Portion, degrade, draw, pool, targets
from pipelines.training.world import is_held_out, render, sample_scene

TINY = PRESETS["tiny"]


def drawn(kind: str) -> Pool:
    """Four scenes as `pool` keeps them."""
    portion = Portion(count=4, first_seed=10_000_000, kind=kind, degraded=0.0)
    scenes, parts = zip(*(drawn for _, drawn in draw(portion, range(portion.count))), strict=True)
    arrays = {name: np.stack([part[name] for part in parts]) for name in portion.shapes()}
    arrays["names"] = np.stack([targets(scene) for scene in scenes])
    return Pool(**{name: torch.from_numpy(array) for name, array in arrays.items()})


@pytest.fixture(scope="module")
def clips() -> Pool:
    return drawn("clips")


@pytest.fixture(scope="module")
def stills() -> Pool:
    return drawn("stills")


def test_a_clip_of_any_shape_and_length_gets_a_name_for_every_attribute() -> None:
    judge = Judge(TINY.config).eval()
    scene = sample_scene(1)
    for frames, width, height in ((32, 96, 96), (64, 176, 96), (256, 96, 176)):
        names = judge.names(np.zeros((frames, height, width, 3), np.uint8))
        assert set(names) == set(labels()) and all(names[name] in values for name, values in labels().items())
    still = judge.names(render(scene, frames=1, width=64, height=64))
    assert set(still) == set(labels()) - set(MOVING)


def test_moments_span_the_whole_clip() -> None:
    for count in (2, 16, 33, 256):
        chosen = moments(count)
        assert chosen.shape == (MOMENTS, 2) and chosen.min() == 0 and chosen.max() == count - 1
    assert not moments(1).any()


def test_flow_has_the_sign_of_the_movement() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (12, 24, 3), np.uint8)
    wide = np.kron(noise, np.ones((8, 8, 1), np.uint8))
    rightwards = np.stack([wide[:, 32 - t : 128 - t] for t in range(16)])
    flow = view(rightwards).flow
    assert flow.shape == (MOMENTS, GRID, GRID, 2) and np.median(flow[..., 0]) > 8 and abs(np.median(flow[..., 1])) < 3


def test_mirroring_swaps_left_and_right_and_nothing_else(clips: Pool) -> None:
    columns = {name: i for i, name in enumerate(labels())}
    names = torch.zeros(4, len(columns), dtype=torch.long)
    action, camera = labels()["action"], labels()["camera"]
    names[:, columns["action"]] = torch.tensor(
        [action.index(n) for n in ("moves left", "moves right", "spins", "falls")]
    )
    names[:, columns["camera"]] = torch.tensor(
        [camera.index(n) for n in ("pan right", "static", "pan left", "zoom in")]
    )
    other = mirrored_names(names)
    assert [action[i] for i in other[:, columns["action"]]] == ["moves right", "moves left", "spins", "falls"]
    assert [camera[i] for i in other[:, columns["camera"]]] == ["pan left", "static", "pan right", "zoom in"]
    rest = [i for name, i in columns.items() if name not in ("action", "camera")]
    assert torch.equal(other[:, rest], names[:, rest]) and torch.equal(mirrored_names(other), names)
    flow = flows(clips.flow)
    assert torch.equal(mirrored_flow(mirrored_flow(flow)), flow)
    assert torch.equal(mirrored_flow(flow)[..., 0, :, 0], -flow[..., 0, :, -1])


def test_what_is_drawn_is_what_a_pool_keeps(clips: Pool, stills: Pool) -> None:
    for kind, data in (("clips", clips), ("stills", stills)):
        for name, shape in Portion(count=4, first_seed=0, kind=kind).shapes().items():
            assert getattr(data, name).shape == (4, *shape)
    covered = stills.masks.float().mean((1, 2)) / 255
    assert (covered > 0.005).all() and (covered < 0.6).all()


@pytest.mark.parametrize(("part", "error"), [("look", look_loss), ("motion", motion_loss)])
def test_a_batch_is_learnt_by_heart(part: str, error, request: pytest.FixtureRequest) -> None:
    torch.manual_seed(0)
    data = request.getfixturevalue(getattr(TINY, part).portion.kind)
    net = getattr(Judge(TINY.config), part)
    optimizer = torch.optim.AdamW(net.parameters(), 1e-2)
    losses = []
    for _ in range(30):
        losses.append(error(net, data, np.random.default_rng(0)))
        optimizer.zero_grad()
        losses[-1].backward()
        optimizer.step()
    assert losses[-1] < 0.5 * losses[0]


def test_the_thing_is_named_where_it_is_seen() -> None:
    """One square that surely shows a thing outweighs squares and frames that show nothing."""
    look = Judge(TINY.config).eval().look
    squares = torch.zeros(1, 3, TINY.config.look[2], 6, 6)
    with torch.no_grad():
        look.where.weight.zero_()
        look.where.bias.zero_()
        look.where.bias[-1] = 5  # nothing, everywhere
        look.where.weight[7, 0] = 9
        squares[0, 1, 0, 2, 3] = 1  # but for the square that shows thing 7
        named = look.named(squares)["thing"]
    assert named.shape == (1, len(labels()["thing"])) and named.argmax() == 7


def test_grey_pictures_have_no_colour_to_name() -> None:
    scenes = (sample_scene(seed, style=style) for seed in range(200) for style in ("black and white", "toy"))
    column = list(labels()).index("colour")
    for scene in scenes:
        grey = scene.style != "toy" and scene.colour is not None
        assert (targets(scene)[column] == UNKNOWN) == grey


def test_faults_are_mild() -> None:
    frames = render(sample_scene(5), frames=4, width=96, height=96)
    for seed in range(12):
        faulty = degrade(frames, np.random.default_rng(seed))
        assert faulty.shape == frames.shape and faulty.dtype == np.uint8
        assert 0 < np.abs(faulty.astype(int) - frames).mean() < 20


def test_saved_weights_judge_the_same_and_damage_is_noticed(tmp_path: Path) -> None:
    judge = Judge(TINY.config).eval()
    path = save_judge(judge, tmp_path)
    frames = render(sample_scene(2), frames=16, width=SIZE, height=SIZE)
    again = load_judge(tmp_path).logits(frames)
    for name, logits in judge.logits(frames).items():
        assert np.allclose(logits, again[name], atol=0.02)
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    with pytest.raises(Unavailable, match="damaged"):
        load_judge(tmp_path)
    path.unlink()
    with pytest.raises(Unavailable, match="missing"):
        load_judge(tmp_path)


def test_every_row_of_a_pool_comes_once_before_one_comes_again() -> None:
    seen = np.concatenate([rows_of(step, 12, 4) for step in range(3)])
    assert sorted(seen) == list(range(12)) and not np.array_equal(rows_of(0, 12, 4), rows_of(3, 12, 4))
    assert np.array_equal(rows_of(1, 12, 4), rows_of(1, 12, 4)) and len(rows_of(5, 3, 4)) == 3


def test_a_net_learns_until_its_time_is_over_and_has_nothing_left_to_do_then(tmp_path: Path, clips: Pool) -> None:
    torch.manual_seed(0)
    part = replace(TINY.motion, batch=2, minutes=0.03)
    net, steps = learn("motion", Judge(TINY.config).motion, part, clips, tmp_path)
    again, same = learn("motion", Judge(TINY.config).motion, part, clips, tmp_path)
    assert steps == same > 2 and not again.training
    assert all(torch.equal(a, b) for a, b in zip(net.parameters(), again.parameters(), strict=True))


def test_stills_of_one_place_show_other_things_and_keep_held_out_triples_apart() -> None:
    for held_out in (False, True):
        portion = Portion(count=4 * CAST, first_seed=10_000_000, kind="stills", held_out=held_out)
        scenes = [scene for _, (scene, _) in draw(portion, range(portion.count))]
        assert len({scene.place for scene in scenes[:CAST]}) == 1 and len({scene.thing for scene in scenes}) > CAST
        assert all(is_held_out(scene.thing, scene.place, scene.action) == held_out for scene in scenes)


def test_a_pool_that_has_no_more_time_is_a_smaller_one_and_goes_on_later(tmp_path: Path) -> None:
    portion = Portion(count=44, first_seed=10_000_000, kind="stills", size=48)
    assert len(pool(tmp_path, portion, seconds=0).names) == 20
    assert len(pool(tmp_path, portion).looks) == 44


@pytest.mark.slow
def test_the_recipe_ends_with_weights_and_their_accuracy_and_can_renew_one_part(tmp_path: Path) -> None:
    def few(part: Part, count: int) -> Part:
        return replace(part, portion=replace(part.portion, count=count), batch=2, minutes=0.02)

    recipe = replace(TINY, look=few(TINY.look, 12), motion=few(TINY.motion, 12), check=replace(TINY.check, count=3))
    accuracy = train(recipe, Setup(folder=tmp_path / "runs"), tmp_path / "weights")
    assert set(accuracy) == set(labels())
    first = load_judge(tmp_path / "weights").state_dict()
    longer = replace(recipe, look=few(TINY.look, 14))
    train(longer, Setup(folder=tmp_path / "again"), tmp_path / "weights", parts=("look",))
    second = load_judge(tmp_path / "weights").state_dict()
    same = {name: torch.equal(value, second[name]) for name, value in first.items()}
    assert all(same[name] for name in same if name.startswith("motion.")) and not same["look.where.weight"]
    still = replace(recipe, look=replace(longer.look, rate=1e-9))
    train(still, Setup(folder=tmp_path / "on", published=True), tmp_path / "weights", parts=("look",))
    third = load_judge(tmp_path / "weights").state_dict()
    assert torch.allclose(third["look.where.weight"], second["look.where.weight"], atol=1e-3)

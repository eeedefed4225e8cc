"""The judge at a tiny size: shapes, mirrored labels, learning, saving, going on."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pipelines.errors import Unavailable
from pipelines.evaluation.judge import GRID, MOMENTS, MOVING, SIZE, Judge, labels, load_judge, moments, save_judge, view
from pipelines.training.judge import PRESETS, Batch, Trainer, loss, mirrored_names, train
from pipelines.training.judge_pool import UNKNOWN, Pool, Portion, degrade, draw, targets
from pipelines.training.world import render, sample_scene

TINY = PRESETS["tiny"]


@pytest.fixture(scope="module")
def data() -> Pool:
    """Four clips as `pool` keeps them."""
    portion = Portion(clips=4, first_seed=10_000_000, degraded=0.0)
    drawn = [draw(portion, index) for index in range(portion.clips)]
    frames = [view(pairs[:, 0]) for _, pairs in drawn]
    names = np.stack([targets(scene) for scene, _ in drawn])
    return Pool(np.stack([v.frames for v in frames]), np.stack([v.flow for v in frames]), names)


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


def test_mirroring_swaps_left_and_right_and_nothing_else(data: Pool) -> None:
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
    batch = Batch.of(data, np.arange(4), np.array([0, 5]))
    again = batch.mirrored().mirrored()
    assert torch.equal(again.flow, batch.flow) and torch.equal(again.frames, batch.frames)
    assert torch.equal(batch.mirrored().flow[..., 0, :, 0], -batch.flow[..., 0, :, -1])


def test_a_batch_is_learnt_by_heart(data: Pool) -> None:
    torch.manual_seed(0)
    judge = Judge(TINY.config)
    optimizer = torch.optim.AdamW(judge.parameters(), 1e-2)
    batch = Batch.of(data, np.arange(4), np.array([12]))
    first = loss(judge(batch.frames, batch.thumbs, batch.flow), batch.names).item()
    for _ in range(24):
        error = loss(judge(batch.frames, batch.thumbs, batch.flow), batch.names)
        optimizer.zero_grad()
        error.backward()
        optimizer.step()
    assert error.item() < 0.5 * first


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


def test_training_goes_on_where_it_was_stopped(tmp_path: Path, data: Pool) -> None:
    def steps(trainer: Trainer, count: int) -> list[float]:
        return [trainer.learn(Batch.of(data, np.arange(4), np.array([1, 9]))) for _ in range(count)]

    whole = Trainer(TINY, tmp_path / "whole")
    errors = steps(whole, 3)
    (tmp_path / "parts").mkdir()
    begun = Trainer(TINY, tmp_path / "parts")
    steps(begun, 2)
    begun.save()
    rest = Trainer(TINY, tmp_path / "parts")
    assert rest.step == 2 and steps(rest, 1) == pytest.approx(errors[2:], rel=0.15)  # dropout draws anew


@pytest.mark.slow
def test_the_recipe_ends_with_weights_and_their_accuracy(tmp_path: Path) -> None:
    few = replace(TINY, training=replace(TINY.training, clips=6), check=replace(TINY.check, clips=3), batch=2, epochs=1)
    accuracy = train(few, tmp_path / "runs", tmp_path / "weights")
    assert set(accuracy) == set(labels())
    assert load_judge(tmp_path / "weights").labels == labels()

"""The transformer's recipe for a graphics card: endless scenes, pools of latents, batches. Here on the processor."""

from contextlib import contextmanager
from dataclasses import replace
from itertools import count

import numpy as np
import pytest
import torch

from pipelines.moviegen import checkpoint, presets
from pipelines.moviegen.nn.tae import TAE
from pipelines.training import generator, live, world
from pipelines.training.latents import CLIPS, FIRST_SEED, STILLS, shown

TOKEN = {"frames": 8, "side": 32}


@pytest.fixture(scope="module")
def text():
    return checkpoint.load_text()


CLIP = replace(CLIPS[0], frames=8)
MIX = live.Mix(stills={STILLS[0]: 1.0}, clips={CLIP: 1.0}, frames=16, stills_at_once=4, wordings=3)


@contextmanager
def feed(text, **changes):
    """A feed of square stills and short clips, drawn by one process, with the tiny autoencoder."""
    torch.manual_seed(0)
    tae = TAE(presets.TAE["tiny"]).eval()
    shows = live.Feed(tae, text, replace(MIX, **changes), latent_frames=8, workers=1)
    shows.fill()
    yield shows
    shows.close()


def test_a_parcel_is_the_next_scenes_with_their_words_and_values(text):
    parcel = live.Stream(MIX, text, TOKEN).parcel(STILLS[0], count(FIRST_SEED))
    scene = world.sample_scene(FIRST_SEED + 1)
    frames, cover = shown(scene, STILLS[0], **TOKEN)
    assert np.array_equal(parcel.frames[1], frames) and np.array_equal(parcel.cover[1], cover.ravel())
    assert generator.NAMES[parcel.numbers[1, 0]] == scene.thing
    ids = text.tokenize(world.caption(scene, np.random.default_rng((scene.seed, 2, 0)), still=True))
    assert parcel.words[1, 2, : len(ids)].tolist() == ids and parcel.lengths[1, 2] == len(ids)


def test_a_pool_keeps_the_newest():
    pool = live.Pool(room=5)
    for first in (0, 3):
        pool.put(z=torch.arange(first, first + 3))
    assert len(pool) == 5 and sorted(pool.rows["z"].tolist()) == [1, 2, 3, 4, 5]
    assert pool.draw(50)["z"].unique().tolist() == [1, 2, 3, 4, 5]


def test_batches_are_of_stills_or_of_clips_as_asked(text):
    with feed(text) as shows:
        assert shows.batch(1.0).z.shape == (8, 8, 1, 16, 16)
        batch = shows.batch(0.0)
    assert batch.z.shape == (8, 8, 1, 16, 16) and batch.cover.shape == (8, 64)
    assert {len(numbers) for numbers in batch.told.values()} == {8}


def test_the_words_of_a_batch_are_read_as_the_pipeline_reads_them(text):
    with feed(text, dropped=0.0, wordings=1) as shows:
        pool, stream = live.Pool(1), live.Stream(shows.mix, text, TOKEN)
        shows.parcels.close()
        shows.pools, shows.parcels = {STILLS[0].name: pool}, (stream.parcel(STILLS[0], count(FIRST_SEED)) for _ in "1")
        shows.take()
        row = shows.worded(pool.draw(1))
    scene = world.sample_scene(FIRST_SEED + MIX.stills_at_once - 1)  # the last of the parcel replaced the others
    fresh = text([world.caption(scene, np.random.default_rng((scene.seed, 0, 0)), still=True)])
    assert torch.allclose(row.states[row.mask], fresh.states[fresh.mask], atol=4e-3)


def test_where_no_text_is_left_the_model_reads_an_empty_prompt(text):
    with feed(text, dropped=1.0) as shows:
        read = shows.batch(1.0).text
    assert read.mask.sum(dim=1).tolist() == [2] * 8
    assert torch.allclose(read.states[0, :2], text([""]).states[0], atol=1e-5)


def test_one_step_has_a_gradient_everywhere_and_the_workers_end(text):
    model = generator.Pupil(presets.TRANSFORMER["tiny"])
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.05)
    with feed(text) as shows:
        generator.objective(model, shows.batch(0.0)).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())
    for process in shows.workers.processes:
        process.join(10)
        assert not process.is_alive()

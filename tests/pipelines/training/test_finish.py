"""The recipe that trains the decoder for the end of sampling: scenes that the pipeline's steps remade."""

from contextlib import contextmanager
from dataclasses import replace

import pytest
import torch

from pipelines.moviegen import checkpoint, presets
from pipelines.moviegen.nn.tae import TAE
from pipelines.moviegen.nn.transformer import VideoTransformer
from pipelines.training import finish, live
from pipelines.training.latents import STILLS

MIX = live.Mix(stills={STILLS[0]: 1.0}, clips={replace(STILLS[0], frames=8): 1.0}, frames=16, stills_at_once=4)


@pytest.fixture(scope="module")
def text():
    return checkpoint.load_text()


@contextmanager
def remakes(text, **changes):
    """Of square stills and short clips, by tiny networks."""
    torch.manual_seed(0)
    tae, transformer = TAE(presets.TAE["tiny"]).eval(), VideoTransformer(presets.TRANSFORMER["tiny"]).eval()
    made = finish.Remakes(tae, text, transformer, replace(MIX, **changes))
    yield made
    made.close()


def test_a_remake_has_a_scene_s_shape_and_is_near_it(text):
    with remakes(text) as made:
        parcel = made.workers.next()
        z, x = made.remade(parcel)
        first = made.tae.encode(x)
        again, _ = made.remade(parcel)
    assert z.shape == first.shape and x.shape[0] == len(parcel.frames) and x.abs().max() <= 1
    assert not torch.equal(z, again)  # other noise, another way
    assert (z - first).square().mean() < (torch.randn_like(z) - first).square().mean()


def test_the_way_back_is_guided_by_each_scene_s_words(text):
    with remakes(text) as made:
        parcel = made.workers.next()
        words = made.text.read(parcel.words[:, 0], parcel.mask[:, 0])
        torch.nn.init.normal_(made.transformer.out.weight, std=0.1)
        for block in made.transformer.blocks:
            torch.nn.init.normal_(block.text.out.weight, std=0.5)
        x, t = torch.randn(len(words.mask), *made.tae.config.latent_shape(1, 256, 256)), torch.zeros(len(words.mask))
        with torch.no_grad():
            velocity = made.velocity(words)(x, t)
            read = made.transformer(x, t, (words,))
    assert velocity.shape == x.shape and not torch.allclose(velocity, read, atol=1e-3)


def test_the_decoder_learns_what_remakes_were(text):
    with remakes(text) as made:
        z, x = made.remade(made.workers.next())
        made.tae.encoder.requires_grad_(False)
        trained = [p for p in made.tae.parameters() if p.requires_grad]
        adam = torch.optim.Adam(trained, lr=3e-3)
        losses = []
        for _ in range(12):
            losses.append(finish.loss(made.tae, z, x))
            adam.zero_grad()
            losses[-1].backward()
            adam.step()
    assert losses[-1] < 0.8 * losses[0]

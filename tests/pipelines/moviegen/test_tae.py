"""The temporal autoencoder: shapes, inflation, what one frame may know of another."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from pipelines.moviegen import checkpoint, presets, tiling
from pipelines.moviegen.nn.tae import TAE, Time, image_autoencoder, inflate
from pipelines.training import world
from pipelines.training.data import pixels
from pipelines.training.losses import outlier_penalty

TINY = presets.TAE["tiny"]


@pytest.fixture(scope="module")
def tae():
    torch.manual_seed(0)
    return TAE(TINY).eval().requires_grad_(False)


@pytest.mark.parametrize("frames", [1, 2, 7, 8, 9, 17])
def test_any_number_of_frames_goes_in_and_the_surplus_comes_last(tae, frames):
    z = tae.encode(torch.rand(2, 3, frames, 32, 48))
    assert z.shape == (2, *TINY.latent_shape(frames, 32, 48))
    assert tae.decode(z).shape == (2, 3, 8 * z.shape[2], 32, 48)


def test_an_inflated_image_autoencoder_is_still_the_image_autoencoder():
    image = image_autoencoder(TINY).eval()
    clips = inflate(image.state_dict(), TINY).eval()
    x = torch.rand(1, 3, 1, 32, 32)
    z = image.encode(x)
    assert torch.allclose(clips.encode(x), z, atol=1e-5)
    assert torch.allclose(clips.decode(z)[:, :, :1], image.decode(z), atol=1e-5)


def test_a_still_picture_of_eight_frames_is_the_picture(tae):
    x = torch.rand(1, 3, 1, 32, 32)
    assert torch.allclose(tae.encode(x), tae.encode(x.expand(-1, -1, 8, -1, -1)), atol=1e-4)


def test_the_paper_way_over_time_is_the_identity_too_when_inflated():
    config = replace(TINY, fold=False)
    image = image_autoencoder(config).eval()
    clips = inflate(image.state_dict(), config).eval()
    x = torch.rand(1, 3, 1, 32, 32)
    assert torch.allclose(clips.decode(clips.encode(x))[:, :, :1], image.decode(image.encode(x)), atol=1e-5)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("frames", [1, 2, 5, 6])
def test_convolution_over_time_pads_by_repeating_the_first_and_last_frame(frames, stride):
    layer = Time(4, stride)
    torch.nn.init.normal_(layer.weight)
    x = torch.randn(2, 4, frames, 3, 3)
    padded = F.conv3d(F.pad(x, (0, 0, 0, 0, 1, 1), mode="replicate"), layer.weight, layer.bias, (stride, 1, 1))
    assert torch.allclose(layer(x), padded, atol=1e-5)


def test_time_is_symmetric_and_not_causal(tae):
    x = torch.rand(1, 3, 16, 32, 32, requires_grad=True)
    model = TAE(TINY)
    for parameter in model.parameters():  # zeros at the start would hide what depends on what
        torch.nn.init.normal_(parameter, std=0.1)
    model.posterior(x)[0][:, :, 0].sum().backward()
    assert x.grad[:, :, 8:].abs().sum() > 0  # the first latent frame sees frames after its own eight


def test_tiles_with_overlap_join_without_a_seam():
    """A decoder that knows only its own latent frame: joined tiles must equal the whole exactly."""
    z = torch.randn(1, 2, 13, 3, 3)
    whole = z.repeat_interleave(8, dim=2)
    tiled = torch.cat(list(tiling.blended(lambda part: part.repeat_interleave(8, dim=2), z, factor=8)), dim=2)
    assert torch.allclose(whole, tiled, atol=1e-6)


@pytest.mark.parametrize("length", [1, 2, 3, 4, 5, 6, 9])
def test_tiled_decoding_gives_every_frame_once(tae, length):
    z = torch.randn(1, 8, length, 2, 2)
    assert sum(part.shape[2] for part in tiling.decode(tae, z)) == 8 * length


def test_the_blend_is_a_linear_ramp_from_the_earlier_tile_to_the_later():
    tiles = iter([0.0, 1.0, 1.0])
    parts = list(tiling.blended(lambda part: torch.full((1, 1, 8 * part.shape[2], 1, 1), next(tiles)),
                                torch.zeros(1, 1, 6, 1, 1), factor=8))  # fmt: skip
    frames = torch.cat(parts, dim=2).flatten()
    assert frames[15] == 0 and frames[32] == 1
    assert torch.allclose(frames[16:32], (torch.arange(16) + 0.5) / 16)


def test_outlier_penalty_is_zero_for_gaussian_latents_and_not_for_a_dot():
    z = torch.randn(2, 16, 1, 16, 16, generator=torch.Generator().manual_seed(0))
    assert outlier_penalty(z) == 0
    z[0, :, 0, 3, 3] = 50
    assert outlier_penalty(z) > 0


def test_the_paper_compresses_by_8_in_time_and_space_to_16_channels():
    paper = presets.TAE["paper"]
    assert (paper.time, paper.space, paper.latents) == (8, 8, 16)
    assert paper.latent_shape(256, 768, 768) == (16, 32, 96, 96)


def test_mini_has_as_many_pixels_a_token_as_the_paper_after_its_patch():
    mini, paper = presets.TAE["mini"], presets.TAE["paper"]
    assert mini.space == 2 * paper.space and mini.time == paper.time


def test_one_batch_is_learned():
    torch.manual_seed(0)
    model = TAE(TINY)
    x = F.interpolate(torch.rand(1, 3, 1, 2, 2), (8, 32, 32)) * 2 - 1
    optimiser = torch.optim.AdamW(model.parameters(), lr=1e-2)
    losses = []
    for _ in range(40):
        loss = F.mse_loss(model.decode(model.encode(x)), x)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.5 * losses[0]


def test_fast_numbers_change_a_picture_by_less_than_half_a_level_on_average():
    tae = checkpoint.load_tae("mini")
    x = pixels(world.render_still(world.sample_scene(3), width=128, height=128)[None, None])
    with torch.no_grad():
        exact, fast = tae.decode(tae.encode(x)), tiling.decode_whole(tae, tiling.encode(tae, x))
    assert fast.dtype == torch.float32 and (fast - exact).abs().mean() < 0.5 / 127.5


def test_mini_decodes_tiles_as_well_as_the_whole_to_half_a_decibel():
    tae = checkpoint.load_tae("mini")
    frames = world.render(world.sample_scene(3), frames=72)[:, 64:192, 64:192]
    x = pixels(frames[None])
    with torch.no_grad():
        whole = tae.decode(tae.encode(x))
        tiled = torch.cat(list(tiling.decode(tae, tiling.encode(tae, x))), dim=2)
    decibels = [-10 * torch.log10((y.clamp(-1, 1) - x).square().mean() / 4) for y in (whole, tiled)]
    assert abs(decibels[0] - decibels[1]) < 0.5

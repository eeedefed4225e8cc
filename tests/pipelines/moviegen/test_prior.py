"""The linear estimate of a velocity: exact where data are Gaussian, and out of the way of what is learned."""

import pytest
import torch

from pipelines.moviegen import flow, presets
from pipelines.moviegen.nn.prior import Prior
from pipelines.moviegen.nn.text import Text
from pipelines.moviegen.nn.transformer import VideoTransformer, patches

VARIANCES = torch.tensor([4.0, 1.2, 0.25, 0.01])


@pytest.fixture
def gaussian():
    """Tokens (60000, 4) with a known covariance in a rotated basis, and the prior that was measured on them."""
    generator = torch.Generator().manual_seed(0)
    rotation = torch.linalg.qr(torch.randn(4, 4, generator=generator))[0]
    tokens = torch.randn(60_000, 4, generator=generator) * VARIANCES.sqrt() @ rotation.T
    prior = Prior(4)
    prior.measure(tokens)
    return tokens, prior


def test_the_measured_variances_are_those_of_the_data(gaussian):
    _, prior = gaussian
    assert torch.allclose(prior.variance.flip(0), VARIANCES, rtol=0.05)


@pytest.mark.parametrize("t", [0.0, 0.3, 0.7, 0.95])
def test_the_linear_estimate_of_gaussian_data_misses_as_much_as_it_says(gaussian, t):
    tokens, prior = gaussian
    x0 = torch.randn(tokens.shape, generator=torch.Generator().manual_seed(1))
    xt, v = flow.interpolate(x0[None], tokens[None], torch.tensor([t]))
    seen, linear, missed = prior.split(xt, torch.tensor([t]))
    error = (v @ prior.basis - linear)[0]
    assert torch.allclose(error.std(dim=0), missed[0, 0], rtol=0.05)
    assert torch.allclose(seen[0].std(dim=0), torch.ones(4), rtol=0.05)
    correlation = torch.corrcoef(torch.cat([error, seen[0]], dim=1).T)[:4, 4:]
    assert correlation.abs().max() < 0.03  # nothing linear is left in what was missed


def test_joining_undoes_the_basis(gaussian):
    tokens, prior = gaussian
    assert torch.allclose(prior.join(tokens[None] @ prior.basis), tokens[None], atol=1e-4)


def test_a_transformer_that_has_learned_nothing_answers_with_the_linear_estimate():
    model, x = VideoTransformer(presets.TRANSFORMER["tiny"]), torch.randn(2, 8, 1, 4, 4)
    text = Text(states=torch.randn(2, 3, 384), mask=torch.ones(2, 3, dtype=torch.bool))
    v = model(x, torch.tensor([0.0, 1.0]), (text,))
    assert torch.allclose(v, torch.stack([-x[0], x[1]]), atol=1e-6)  # all noise: away from it; all data: from zero
    assert patches(x).shape == (2, 4, 32)


def test_a_model_in_bfloat16_answers_in_bfloat16():
    model = VideoTransformer(presets.TRANSFORMER["tiny"]).to(torch.bfloat16)
    x = torch.randn(2, 8, 1, 4, 4, dtype=torch.bfloat16)
    text = Text(states=torch.randn(2, 3, 384, dtype=torch.bfloat16), mask=torch.ones(2, 3, dtype=torch.bool))
    assert model(x, torch.tensor([0.2, 0.8], dtype=torch.bfloat16), (text,)).dtype == torch.bfloat16

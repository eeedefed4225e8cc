"""The figures against values that are known from elsewhere."""

import numpy as np
import pytest

from pipelines.evaluation.metrics import bootstrap, psnr, share, ssim, wilson


@pytest.mark.parametrize(
    ("right", "count", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),  # R. G. Newcombe, Statistics in Medicine 17 (1998), table I, method 3
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_gives_the_intervals_of_newcombe_1998(right: int, count: int, low: float, high: float) -> None:
    assert wilson(right, count) == pytest.approx((low, high), abs=5e-5)


def test_nothing_counted_says_nothing() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    assert share(0, 0) == {"accuracy": 0.0, "low": 0.0, "high": 1.0, "n": 0}


def test_psnr_of_an_error_of_one_is_48_db() -> None:
    grey = np.full((2, 8, 8, 3), 100, np.uint8)
    assert psnr(grey, grey + 1) == pytest.approx(48.13, abs=0.01)
    assert psnr(grey, grey) == 100


def test_ssim_is_one_for_equal_pictures_and_falls_with_noise() -> None:
    rng = np.random.default_rng(0)
    picture = np.linspace(0, 255, 48, dtype=np.uint8)[None, :, None].repeat(48, 0).repeat(3, 2)
    noisy = np.clip(picture + rng.normal(0, 25, picture.shape), 0, 255).astype(np.uint8)
    assert ssim(picture, picture) == pytest.approx(1.0)
    assert ssim(picture, noisy) < 0.6


def test_ssim_agrees_with_scikit_image() -> None:
    metrics = pytest.importorskip("skimage.metrics")
    rng = np.random.default_rng(1)
    a = rng.integers(0, 256, (40, 56, 3), np.uint8)
    b = np.clip(a.astype(int) + rng.integers(-40, 41, a.shape), 0, 255).astype(np.uint8)
    theirs = metrics.structural_similarity(
        a, b, channel_axis=2, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255
    )
    assert ssim(a, b) == pytest.approx(theirs, abs=2e-3)


def test_bootstrap_holds_the_mean_and_narrows_with_more_values() -> None:
    values = np.random.default_rng(2).normal(10, 2, 400).tolist()
    few, many = bootstrap(values[:25]), bootstrap(values)
    assert many["low"] < many["mean"] < many["high"]
    assert many["high"] - many["low"] < few["high"] - few["low"]
    assert bootstrap([]) == {"mean": 0.0, "low": 0.0, "high": 0.0, "n": 0}

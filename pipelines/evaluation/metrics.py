"""Figures and their intervals: PSNR, SSIM, Wilson's interval for a share, the bootstrap for a mean.

Pictures are uint8 arrays (..., H, W, 3) throughout.
"""

import math

import cv2
import numpy as np

Figures = dict[str, float | int]

NORMAL_95 = 1.959964  # two-sided 95 % point of the normal distribution


def psnr(truth: np.ndarray, other: np.ndarray) -> float:
    """Peak signal-to-noise ratio in dB over all pixels of two equal-shaped uint8 arrays; 100 when they are equal."""
    assert truth.shape == other.shape and truth.dtype == other.dtype == np.uint8
    error = np.mean((truth.astype(np.float32) - other.astype(np.float32)) ** 2, dtype=np.float64)
    return 100.0 if error == 0 else min(100.0, 10 * math.log10(255**2 / error))


def ssim(truth: np.ndarray, other: np.ndarray) -> float:
    """Structural similarity (Wang et al. 2004: Gaussian window of 11, sigma 1.5), mean over everything."""
    assert truth.shape == other.shape and truth.dtype == other.dtype == np.uint8
    height, width = truth.shape[-3:-1]
    pairs = zip(truth.reshape(-1, height, width, 3), other.reshape(-1, height, width, 3), strict=True)
    return float(np.mean([_ssim_of_pictures(a.astype(np.float64), b.astype(np.float64)) for a, b in pairs]))


def _ssim_of_pictures(a: np.ndarray, b: np.ndarray) -> float:
    def local(x: np.ndarray) -> np.ndarray:
        return cv2.GaussianBlur(x, (11, 11), 1.5)[5:-5, 5:-5]  # without the border, as the original does

    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    mean_a, mean_b = local(a), local(b)
    spread = local(a * a) - mean_a**2 + local(b * b) - mean_b**2
    shared = local(a * b) - mean_a * mean_b
    likeness = (2 * mean_a * mean_b + c1) * (2 * shared + c2) / ((mean_a**2 + mean_b**2 + c1) * (spread + c2))
    return float(likeness.mean())


def wilson(right: int, count: int) -> tuple[float, float]:
    """Wilson's 95 % interval for `right` of `count` (E. B. Wilson 1927). (0, 1) when nothing was counted."""
    assert 0 <= right <= count
    if count == 0:
        return 0.0, 1.0
    share, z2 = right / count, NORMAL_95**2
    middle = (share + z2 / (2 * count)) / (1 + z2 / count)
    half = NORMAL_95 * math.sqrt(share * (1 - share) / count + z2 / (4 * count**2)) / (1 + z2 / count)
    return max(0.0, middle - half), min(1.0, middle + half)


def share(right: int, count: int) -> Figures:
    """{"accuracy", "low", "high", "n"} of `right` of `count`, in 0..1."""
    low, high = wilson(right, count)
    accuracy = right / count if count else 0.0
    return {"accuracy": round(accuracy, 4), "low": round(low, 4), "high": round(high, 4), "n": count}


def bootstrap(values: list[float], seed: int = 0, draws: int = 2000) -> Figures:
    """{"mean", "low", "high", "n"}: the mean and its 95 % interval from `draws` resamples."""
    if not values:
        return {"mean": 0.0, "low": 0.0, "high": 0.0, "n": 0}
    data = np.asarray(values, np.float64)
    picks = np.random.default_rng(seed).integers(0, len(data), (draws, len(data)))
    low, high = np.percentile(data[picks].mean(axis=1), (2.5, 97.5))
    return {
        "mean": round(float(data.mean()), 4),
        "low": round(float(low), 4),
        "high": round(float(high), 4),
        "n": len(data),
    }

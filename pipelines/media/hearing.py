"""What of a picture may be a mark: it without what it shows, evened out, in two bands of wave lengths.

The strength at which a place hides a mark and the weight at which a reader listens to it are one and the same.
"""

from collections.abc import Sequence

import cv2
import numpy as np

TEXTURE = 20.0  # variance at which a place carries as much of the short as of the long waves
SSIM_C1 = (0.01 * 255) ** 2
SSIM_C2 = (
    0.03 * 255
) ** 2  # Wang et al. 2004: a place of variance v loses about m / (2 v + C2) by a mark of variance m
SSIM_LOSS = 0.0225
GREATEST = 6.0  # standard deviation of the mark, in grey levels
MOST_NOISE = 255**2 / 10**4.24  # mean square of the mark: 42.4 dB
BLURS = (1.5, 5.0), (0.7, 2.5)  # units: between these two lies the band of long, of short waves
LEAST_NOISE, LEAST_NEWS = 2.0, 0.5  # variance in every place: of a picture, of what is new in it


def grey(frame: np.ndarray, shrink: float) -> np.ndarray:
    """(H, W) float32: the luminance of a frame (H, W, 3) uint8, `shrink` times smaller."""
    plane = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    if shrink > 1:
        height, width = (round(side / shrink) for side in plane.shape)
        plane = cv2.resize(plane, (width, height), interpolation=cv2.INTER_AREA)
    return plane.astype(np.float32)


def strengths(plane: np.ndarray, unit: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """(H, W) each: the standard deviations of long and of short waves that a picture (H, W) hides."""
    blur = (0, 0), 1.5 * unit
    mean = cv2.GaussianBlur(plane, *blur)
    variance = np.maximum(cv2.GaussianBlur(plane * plane, *blur) - mean * mean, 0)
    side = int(7 * unit) | 1
    variance = cv2.GaussianBlur(cv2.erode(variance, np.ones((side, side))), *blur)  # next to an edge is a flat place
    whole = np.minimum(np.sqrt(SSIM_LOSS * (2 * variance + SSIM_C2)), GREATEST)
    whole *= min(1.0, np.sqrt(MOST_NOISE / np.mean(whole * whole)))
    short = variance / (variance + TEXTURE)
    return whole * np.sqrt(1 - short), whole * np.sqrt(short)


def listen(plane: np.ndarray, hides: Sequence[np.ndarray], unit: float, least: float = LEAST_NOISE) -> list[np.ndarray]:
    """What of a plane (H, W) may be each band's mark, weighted by how much of it would be mark."""
    heard = []
    for strength, (narrow, wide) in zip(hides, BLURS, strict=True):
        rest = cv2.GaussianBlur(plane, (0, 0), narrow * unit) - cv2.GaussianBlur(plane, (0, 0), wide * unit)
        noise = np.sqrt(cv2.GaussianBlur(rest * rest, (0, 0), wide * unit) + least)
        heard.append(np.clip(rest / noise, -1.5, 1.5) * strength / noise)
    return heard


def likeness(frame: np.ndarray, other: np.ndarray) -> float:
    """SSIM of two frames (H, W, 3) uint8 (Wang et al. 2004), all colours."""
    plane, other = frame.astype(np.float32), other.astype(np.float32)
    mean, mean_other = (cv2.GaussianBlur(p, (11, 11), 1.5) for p in (plane, other))
    shared = cv2.GaussianBlur(plane * other, (11, 11), 1.5) - mean * mean_other
    spread = cv2.GaussianBlur(plane * plane + other * other, (11, 11), 1.5) - mean**2 - mean_other**2
    lights = (2 * mean * mean_other + SSIM_C1) / (mean**2 + mean_other**2 + SSIM_C1)
    return float(np.mean(lights * (2 * shared + SSIM_C2) / (spread + SSIM_C2)))


def in_units(heard: np.ndarray, unit: float) -> np.ndarray:
    """(H', W'): a plane (H, W) of `unit` pixels a unit, at one pixel a unit."""
    height, width = sides_in_units(heard.shape, unit)
    if (height, width) == heard.shape:
        return heard
    finer = height > heard.shape[0]
    return cv2.resize(heard, (width, height), interpolation=cv2.INTER_LINEAR if finer else cv2.INTER_AREA)


def sides_in_units(sides: tuple[int, int], unit: float) -> list[int]:
    """Whole units, 1 at least."""
    return [max(1, round(side / unit)) for side in sides]

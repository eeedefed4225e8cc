"""An invisible mark in the picture: 64 bits in the luminance of every frame, read from copies, excerpts and crops.

A tile of weak noise that only the secret tells repeats over every frame; a reader adds all frames and tiles up, so that
the pictures cancel and the mark does not. After Kalker, Depovere, Haitsma, Maes, "A video watermarking system for
broadcast monitoring", 1999 (tile, folding, phase-only matching) and Cox et al. 1997 (spread spectrum, visual mask).
"""

from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np

from pipelines.media.payload import Found, Payload, first
from pipelines.media.waves import TILE, Waves, frequencies

__all__ = ["Found", "Payload", "find", "mark"]
# Lengths are in units: the shorter side of a picture has 256 of them, so that a scaled copy keeps its units; a smaller
# picture has one unit a pixel.
SIDE = 256
# Measured (python -m pipelines.evaluation.marks): long waves survive in flat places, where encoders drop fine ones;
# short ones stand out against textures, which are strong in long waves.
LONGEST, MIDDLE, SHORTEST = 24, 10, 4  # wave lengths
TEXTURE = 20.0  # variance at which a place carries as much of the short as of the long waves
SSIM_C2 = (
    0.03 * 255
) ** 2  # Wang et al. 2004: a place of variance v loses about m / (2 v + C2) by a mark of variance m
SSIM_LOSS = 0.0225
GREATEST = 6.0  # standard deviation of the mark, in grey levels
MOST_NOISE = 255**2 / 10**4.24  # mean square of the mark: 42.4 dB
FRAMES_TRIED = 16  # before a clip is marked, to learn what it says of its own
FRAMES_HEARD = 96  # more of a clip tell nothing new
LEAST_SIDE = 48
HEARD_SIDE = 320  # pixels; larger copies are shrunk first
STEPS = 1.006 ** np.arange(-16, 167)  # scales tried, against that of a whole copy: 0.91 to 2.7
BELIEVED = 5.5  # standard deviations by which the pilot stands out of 10**6 places before a checksum is asked
ASKED = 6  # places


def mark(frames: np.ndarray, payload: Payload, secret: bytes) -> np.ndarray:
    """Copies of frames (T, H, W, 3) uint8 that say `payload` to who has the secret.

    Below 96 pixels a side there is hardly room for it. The change is at least 42 dB below the picture and the same in
    all three colours; same arguments, same copies.
    """
    assert frames.dtype == np.uint8 and frames.ndim == 4
    bands = _bands(secret)
    alike = [band.tile(payload) for band in bands]
    tried = frames[np.linspace(0, len(frames) - 1, min(len(frames), FRAMES_TRIED)).round().astype(int)]
    heard, unit = next(_hearings(_with_tiles(tried, alike)))
    waves = [band.listen(_in_units(layer, unit)) for band, layer in zip(bands, heard, strict=True)]
    tiles = [band.tile(payload, band.gains(wave, payload)) for band, wave in zip(bands, waves, strict=True)]
    return _with_tiles(frames, tiles)


def find(frames: np.ndarray, secret: bytes) -> Found:
    """What frames (T, H, W, 3) uint8 of any size say to this secret: a copy, an excerpt, scaled or cropped.

    Not found: turned, mirrored or unevenly stretched copies, or less than about a third of the picture.
    """
    assert frames.dtype == np.uint8 and frames.ndim == 4
    if min(frames.shape[1:3]) < LEAST_SIDE:
        return Found(None, 0.0)
    height, width = (min(side, 4 * min(frames.shape[1:3])) for side in frames.shape[1:3])
    frames = frames[:, :height, :width]  # a long strip would cost much and tell little
    return first(_guesses(frames, _bands(secret)))


class _Place(NamedTuple):
    """Where the tiles of both bands most likely lie in a copy of some scale, and what is heard there."""

    score: float  # of the pilot, in standard deviations
    waves: list[np.ndarray]
    row: int
    column: int


def _guesses(frames: np.ndarray, bands: tuple[Waves, Waves]) -> Iterator[np.ndarray]:
    """(LENGTH,) each: what the marks may say, the whole copy's scale first."""
    for heard, unit in _hearings(frames):
        yield from _guesses_at(bands, _look(bands, heard, unit))
        places = [_look(bands, heard, unit * step) for step in STEPS]
        for place in sorted(places, key=lambda place: place.score)[: -ASKED - 1 : -1]:
            yield from _guesses_at(bands, place)


def _guesses_at(bands: tuple[Waves, Waves], place: _Place) -> list[np.ndarray]:
    """(LENGTH,) each: the bands together, and each alone. None where the pilot is not believed."""
    if place.score < BELIEVED:
        return []
    (long, at_long), (short, at_short) = (
        band.bits(waves, place.row, place.column) for band, waves in zip(bands, place.waves, strict=True)
    )
    return [max(at_long, 0.0) * long + max(at_short, 0.0) * short, long, short]


def _with_tiles(frames: np.ndarray, tiles: list[np.ndarray]) -> np.ndarray:
    """Copies of frames (T, H, W, 3) with both bands' tiles all over, as strong as each place hides."""
    height, width = frames.shape[1:3]
    unit = max(1.0, min(height, width) / SIDE)
    planes = [_repeat(tile, unit, (height, width)) for tile in tiles]
    marked = np.empty_like(frames, order="C")  # frames that were rearranged may be laid out otherwise
    for frame, copy in zip(frames, marked, strict=True):
        strengths = _strengths(_grey(frame, unit))
        if unit > 1:
            strengths = [cv2.resize(strength, (width, height)) for strength in strengths]
        change = sum(strength * plane for strength, plane in zip(strengths, planes, strict=True))
        change = np.rint(change).astype(np.int16)
        cv2.add(np.ascontiguousarray(frame), cv2.merge([change] * 3), dst=copy, dtype=cv2.CV_8U)
    return marked


def _bands(secret: bytes) -> tuple[Waves, Waves]:
    return _band(secret, LONGEST, MIDDLE), _band(secret, MIDDLE, SHORTEST)


def _band(secret: bytes, longest: int, shortest: int) -> Waves:
    frequency = np.hypot(*frequencies())
    return Waves.of(secret, f"picture {longest}", (frequency >= 1 / longest) & (frequency < 1 / shortest))


def _repeat(tile: np.ndarray, unit: float, size: tuple[int, int]) -> np.ndarray:
    """(H, W) float32: the tile over and over, `unit` pixels a unit."""
    height, width = size
    counts = [-(-int(side / unit + 2) // TILE) + 1 for side in size]
    units = np.tile(tile, counts)
    shift = 0.5 / unit - 0.5  # between the middles of pixels and of units
    warp = np.array([[1 / unit, 0, shift], [0, 1 / unit, shift]])
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    return units[:height, :width] if unit == 1 else cv2.warpAffine(units, warp, (width, height), flags=flags)


def _grey(frame: np.ndarray, shrink: float) -> np.ndarray:
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    if shrink > 1:
        height, width = (round(side / shrink) for side in grey.shape)
        grey = cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA)
    return grey.astype(np.float32)


def _strengths(grey: np.ndarray, unit: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """(H, W) each: the standard deviations of long and of short waves that a picture hides."""
    blur = (0, 0), 1.5 * unit
    mean = cv2.GaussianBlur(grey, *blur)
    variance = np.maximum(cv2.GaussianBlur(grey * grey, *blur) - mean * mean, 0)
    side = int(7 * unit) | 1
    variance = cv2.GaussianBlur(cv2.erode(variance, np.ones((side, side))), *blur)  # next to an edge is a flat place
    whole = np.minimum(np.sqrt(SSIM_LOSS * (2 * variance + SSIM_C2)), GREATEST)
    whole *= min(1.0, np.sqrt(MOST_NOISE / np.mean(whole * whole)))
    short = variance / (variance + TEXTURE)
    return whole * np.sqrt(1 - short), whole * np.sqrt(short)


def _hearings(frames: np.ndarray) -> Iterator[tuple[list[np.ndarray], float]]:
    """What is heard of each band, (H, W) each, and the pixels a unit that this copy would have, were it a whole copy.

    A small copy is heard twice: it may be a small picture, or a scaled copy of a larger one.
    """
    shorter = min(frames.shape[1:3])
    shrink = max(1.0, shorter / HEARD_SIDE)
    chosen = np.linspace(0, len(frames) - 1, min(len(frames), FRAMES_HEARD)).round().astype(int)
    for unit in sorted({shorter / shrink / SIDE, max(1.0, shorter / shrink / SIDE)}, reverse=True):
        yield (
            [sum(layer) for layer in zip(*(_listen(_grey(frames[i], shrink), unit) for i in chosen), strict=True)],
            unit,
        )


def _listen(grey: np.ndarray, unit: float) -> list[np.ndarray]:
    """What of a frame (H, W) may be each band's mark, weighted by how much of it would be mark."""
    heard = []
    for strength, (narrow, wide) in zip(_strengths(grey, unit), ((1.5, 5.0), (0.7, 2.5)), strict=True):
        rest = cv2.GaussianBlur(grey, (0, 0), narrow * unit) - cv2.GaussianBlur(grey, (0, 0), wide * unit)
        noise = np.sqrt(cv2.GaussianBlur(rest * rest, (0, 0), wide * unit) + 2.0)
        heard.append(np.clip(rest / noise, -1.5, 1.5) * strength / noise)
    return heard


def _look(bands: tuple[Waves, Waves], heard: list[np.ndarray], unit: float) -> _Place:
    """The likeliest place of the tile if a unit has `unit` pixels."""
    waves = [band.listen(_in_units(layer, unit)) for band, layer in zip(bands, heard, strict=True)]
    fits = [band.pilot(wave) for band, wave in zip(bands, waves, strict=True)]
    fits = np.stack([*fits, sum(fits) / np.sqrt(2)])
    _, row, column = best = np.unravel_index(fits.argmax(), fits.shape)
    return _Place(float(fits[best]), waves, int(row), int(column))


def _in_units(heard: np.ndarray, unit: float) -> np.ndarray:
    height, width = (max(1, round(side / unit)) for side in heard.shape)
    finer = height > heard.shape[0]
    return cv2.resize(heard, (width, height), interpolation=cv2.INTER_LINEAR if finer else cv2.INTER_AREA)

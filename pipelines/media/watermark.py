"""An invisible mark in the picture: 64 bits in the luminance of every frame, read from copies, excerpts and crops.

A tile of weak noise that only the secret tells repeats over every frame; a reader adds all frames and tiles up, so that
the pictures cancel and the mark does not. After Kalker, Depovere, Haitsma, Maes, "A video watermarking system for
broadcast monitoring", 1999 (tile, folding, phase-only matching) and Cox et al. 1997 (spread spectrum, visual mask).
"""

from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np

from pipelines.media import hearing, motion, scales
from pipelines.media.payload import Found, Payload, first
from pipelines.media.waves import TILE, Waves, frequencies

__all__ = ["Found", "Payload", "find", "mark"]
# Lengths are in units: the shorter side of a picture has 256 of them, so that a scaled copy keeps its units; a smaller
# picture has one unit a pixel.
SIDE = 256
# Measured (python -m pipelines.evaluation.marks): long waves survive in flat places, where encoders drop fine ones;
# short ones stand out against textures, which are strong in long waves.
LONGEST, MIDDLE, SHORTEST = 24, 10, 4  # wave lengths
MOST_UNLIKE = 0.0094  # 1 - SSIM; a place hides less of the mark where one of its colours is flat or black
NOT_SQUARE, JUST_ALIKE = 0.9, 0.0099  # see `_share_unseen`
LEAST_SHARE = 0.65  # below it a picture would rather look a little unlike than say nothing
FRAMES_TRIED = 16  # before a clip is marked, to learn what it says of its own
FRAMES_HEARD = 96  # more of a clip tell nothing new
LEAST_SIDE = 48
HEARD_SIDE = 320  # pixels; larger copies are shrunk first
STEPS = 1.006 ** np.arange(-16, 167)  # scales tried, against that of a whole copy: 0.91 to 2.7
BELIEVED = 5.5  # standard deviations by which the pilot stands out of 10**6 places before a checksum is asked
ASKED = 6  # places
WORTH_A_LOOK = 5.2  # a scale whose pilot fits so well by `scales`, which is a little off now and then


def mark(frames: np.ndarray, payload: Payload, secret: bytes) -> np.ndarray:
    """Copies of frames (T, H, W, 3) uint8 that say `payload` to who has the secret.

    Below 96 pixels a side there is hardly room for it. The change is at least 42 dB below the picture and the same in
    all three colours; same arguments, same copies.
    """
    assert frames.dtype == np.uint8 and frames.ndim == 4
    bands = _bands(secret)
    alike = [band.tile(payload) for band in bands]
    tried = frames[np.linspace(0, len(frames) - 1, min(len(frames), FRAMES_TRIED)).round().astype(int)]
    copies = _with_tiles(tried, alike)
    greys, (unit, *_) = _seen(copies)
    heard = _heard(greys, unit)
    waves = [band.listen(hearing.in_units(layer, unit)) for band, layer in zip(bands, heard, strict=True)]
    tiles = [band.tile(payload, band.gains(wave, payload)) for band, wave in zip(bands, waves, strict=True)]
    share = _share_unseen(tried[::4], copies[::4], tiles)
    return _with_tiles(frames, [share * tile for tile in tiles])


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
    """(LENGTH,) each: what the marks may say, the whole copy's scale first and what costs most last."""
    greys, units = _seen(frames)
    for unit in units:
        heard = _heard(greys, unit)
        yield from _guesses_at(bands, _look(bands, heard, unit))
        fits = scales.fits(bands, heard, unit * STEPS)
        for number in fits.argsort()[: -ASKED - 1 : -1]:
            if fits[number] >= WORTH_A_LOOK:
                yield from _guesses_at(bands, _look(bands, heard, unit * STEPS[number]))
    for unit in units:
        yield from motion.guesses(greys, unit, bands)


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
        strengths = hearing.strengths(hearing.grey(frame, unit))
        if unit > 1:
            strengths = [cv2.resize(strength, (width, height)) for strength in strengths]
        change = sum(strength * plane for strength, plane in zip(strengths, planes, strict=True))
        change = np.rint(change).astype(np.int16)
        cv2.add(np.ascontiguousarray(frame), cv2.merge([change] * 3), dst=copy, dtype=cv2.CV_8U)
    return marked


def _share_unseen(frames: np.ndarray, copies: np.ndarray, tiles: list[np.ndarray]) -> float:
    """How much of the tiles may stay so that frames and copies with the whole of them look alike: 1 as a rule."""
    share = _shrink(frames, copies, MOST_UNLIKE)
    if share < NOT_SQUARE:  # where black cuts a mark off, the loss is not as its square, so look once more
        share *= _shrink(frames, _with_tiles(frames, [share * tile for tile in tiles]), JUST_ALIKE)
    return max(share, LEAST_SHARE)


def _shrink(frames: np.ndarray, copies: np.ndarray, most: float) -> float:
    unlike = 1 - np.mean([hearing.likeness(*pair) for pair in zip(frames, copies, strict=True)])
    return float(np.sqrt(most / max(unlike, most)))


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


def _seen(frames: np.ndarray) -> tuple[list[np.ndarray], list[float]]:
    """The frames that are looked at, (H, W) float32 each, and the pixels a unit that they have, were this a whole copy.

    A small copy has two such: it may be a small picture, or a scaled copy of a larger one.
    """
    shorter = min(frames.shape[1:3])
    shrink = max(1.0, shorter / HEARD_SIDE)
    chosen = np.linspace(0, len(frames) - 1, min(len(frames), FRAMES_HEARD)).round().astype(int)
    unit = shorter / shrink / SIDE
    return [hearing.grey(frames[i], shrink) for i in chosen], sorted({unit, max(1.0, unit)}, reverse=True)


def _heard(greys: list[np.ndarray], unit: float) -> list[np.ndarray]:
    """What is heard of each band in all frames, (H, W) each."""
    layers = (hearing.listen(grey, hearing.strengths(grey, unit), unit) for grey in greys)
    return [sum(layer) for layer in zip(*layers, strict=True)]


def _look(bands: tuple[Waves, Waves], heard: list[np.ndarray], unit: float) -> _Place:
    """The likeliest place of the tile if a unit has `unit` pixels."""
    waves = [band.listen(hearing.in_units(layer, unit)) for band, layer in zip(bands, heard, strict=True)]
    fits = [band.pilot(wave) for band, wave in zip(bands, waves, strict=True)]
    fits = np.stack([*fits, sum(fits) / np.sqrt(2)])
    _, row, column = best = np.unravel_index(fits.argmax(), fits.shape)
    return _Place(float(fits[best]), waves, int(row), int(column))

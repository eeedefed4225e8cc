"""At which of many scales a mark's tile may lie in a picture, from one large spectrum of it.

The waves of a tile that repeats are single frequencies of the whole picture; another scale is a look at others. That is
several times cheaper than to resample the picture for each scale, and as good to choose the few that are worth that.
"""

from collections.abc import Sequence

import numpy as np
from scipy import fft

from pipelines.media.hearing import sides_in_units
from pipelines.media.waves import TILE, Waves, evened

FINER = 3  # spectra are sampled so many times finer than they must be, so that a straight line between samples will do
AT_ONCE = 8
COLUMNS = TILE // 4 + 1  # no wave is shorter than four units


def fits(bands: Sequence[Waves], heard: Sequence[np.ndarray], units: np.ndarray) -> np.ndarray:
    """(len(units),): how well the pilot of either or of both bands fits somewhere, in standard deviations.

    `heard` are planes (H, W), one for each of two bands; `units` are the pixels a unit of each scale.
    """
    pilots_alone = [_pilot_alone(band) for band in bands]
    listeners = [(band, band.pilot_signs(), _Spectrum(plane)) for band, plane in zip(pilots_alone, heard, strict=True)]
    best = []
    for start in range(0, len(units), AT_ONCE):
        some = units[start : start + AT_ONCE]
        pilots = np.zeros((len(bands), len(some), TILE, COLUMNS), np.complex64)
        for pilot, (band, signs, spectrum) in zip(pilots, listeners, strict=True):
            pilot[:, band.rows, band.columns] = evened(spectrum.at(band, some)) * signs
        maps = fft.irfft(fft.ifft(pilots, axis=2), TILE)  # (bands, scales, TILE, TILE)
        maps /= np.sqrt(np.einsum("bsij,bsij->bs", maps, maps) / TILE**2 + 1e-12)[..., None, None]
        both = sum(maps) / np.float32(np.sqrt(len(bands)))
        best.append(np.maximum(maps.max((0, 2, 3)), both.max((1, 2))))
    return np.concatenate(best)


def _pilot_alone(band: Waves) -> Waves:
    some = (band.roles < 0).any(1)
    return Waves(band.rows[some], band.columns[some], band.signs[some], band.roles[some])


class _Spectrum:
    """The spectrum of a plane (H, W) with its middle as origin, where it varies slowest from sample to sample."""

    def __init__(self, plane: np.ndarray) -> None:
        self.shape = plane.shape
        self.sides = [fft.next_fast_len(FINER * side, real=True) for side in plane.shape]
        padded = np.zeros(self.sides, np.float32)
        padded[: plane.shape[0], : plane.shape[1]] = plane
        self.samples = fft.rfft2(np.roll(padded, [-(side // 2) for side in plane.shape], (0, 1)))

    def at(self, band: Waves, units: np.ndarray) -> np.ndarray:
        """(U, N) complex64: a band's waves if a unit has so many pixels, (U,)."""
        whole = np.array([sides_in_units(self.shape, unit) for unit in units])  # (U, 2)
        row, column = (
            (count / side * finer)[:, None] * cycles
            for cycles, count, side, finer in zip(band.cycles(), whole.T, self.shape, self.sides, strict=True)
        )
        seen = (abs(row) < self.sides[0] // 2) & (column < self.sides[1] // 2)  # pixels show no shorter waves
        row, column = row * seen, column * seen
        top, left = np.floor(row).astype(int), np.floor(column).astype(int)  # negative rows count from the end
        down, right, after = (row - top).astype(np.float32), (column - left).astype(np.float32), left + 1
        above = (1 - right) * self.samples[top, left] + right * self.samples[top, after]
        below = (1 - right) * self.samples[top + 1, left] + right * self.samples[top + 1, after]
        return seen * ((1 - down) * above + down * below)

"""A tile of weak waves that carries an invisible mark, and how to hear it in noise at an unknown offset.

The picture's mark repeats such a tile over every frame, the sound's over the spectrogram.
"""

from dataclasses import dataclass

import numpy as np
from scipy import fft

from pipelines.media.payload import LENGTH, Payload, encode, randoms

TILE = 128
GREATEST_GAIN = 3.0
PILOT = 0.2  # share of the waves that carry no bit but say where the tile lies
PHASE_ONLY = 0.75  # measured; 1: every wave counts the same, however strong; 0: by its strength


def frequencies() -> tuple[np.ndarray, np.ndarray]:
    """Cycles a unit along the rows (TILE, 1) and along the columns (TILE // 2 + 1,) of a tile's spectrum."""
    return fft.fftfreq(TILE)[:, None], fft.rfftfreq(TILE)


def evened(waves: np.ndarray) -> np.ndarray:
    """Waves (..., N) complex, evened out against the strongest."""
    power = np.abs(waves)
    common = np.sqrt(np.mean(power**2, -1, keepdims=True))
    return waves / (PHASE_ONLY * power + (1 - PHASE_ONLY) * common + 1e-9)


@dataclass(frozen=True)
class Waves:
    """N waves, known only with the secret: of each its place in the tile's spectrum and two signs (sine and cosine)."""

    rows: np.ndarray  # (N,)
    columns: np.ndarray  # (N,)
    signs: np.ndarray  # (N, 2), -1 or 1
    roles: np.ndarray  # (N, 2): the index of the bit that it carries, -1 for the pilot

    @classmethod
    def of(cls, secret: bytes, name: str, inside: np.ndarray) -> "Waves":
        """The waves at which `inside` (TILE, TILE // 2 + 1) is true."""
        free = inside.copy()
        free[TILE // 2 :, 0] = False  # the spectrum of a real tile repeats the other half
        rows, columns = np.nonzero(free)
        chance = randoms(secret, name, 2 * len(rows))
        roles = np.full(2 * len(rows), -1)
        carriers = np.argsort(chance, kind="stable")[int(PILOT * len(roles)) :]
        roles[carriers] = np.arange(len(carriers)) % LENGTH
        signs = np.where(chance & 1, 1.0, -1.0)
        return cls(rows, columns, signs.reshape(-1, 2), roles.reshape(-1, 2))

    def tile(self, payload: Payload, gains: np.ndarray | float = 1.0) -> np.ndarray:
        """(TILE, TILE) float32 of variance 1 that says `payload`, its bits and the pilot by `gains` (see there)."""
        bits = gains * np.append(encode(payload), 1.0)  # the last one is found at -1: the pilot
        values = self.signs * bits[self.roles]
        spectrum = np.zeros((TILE, TILE // 2 + 1), np.complex128)
        spectrum[self.rows, self.columns] = values[:, 0] + 1j * values[:, 1]
        tile = fft.irfft2(spectrum, (TILE, TILE))
        return (tile / tile.std()).astype(np.float32)

    def listen(self, heard: np.ndarray) -> np.ndarray:
        """(N,) complex: the waves of all tiles of a plane (H, W) added up, and evened out against the strongest."""
        heard = np.pad(heard.astype(np.float32), [(0, -side % TILE) for side in heard.shape])
        folded = heard.reshape(heard.shape[0] // TILE, TILE, -1, TILE).sum((0, 2))
        return evened(fft.rfft2(folded)[self.rows, self.columns])

    def pilot(self, waves: np.ndarray) -> np.ndarray:
        """(TILE, TILE): how well the pilot fits if the first tile begins there, in standard deviations."""
        spectrum = np.zeros((TILE, TILE // 2 + 1), np.complex64)
        spectrum[self.rows, self.columns] = waves * self.pilot_signs()
        fit = fft.irfft2(spectrum, (TILE, TILE))
        return fit / (fit.std() + 1e-12)

    def pilot_signs(self) -> np.ndarray:
        """(N,) complex64: what turns the pilot's waves into ones that say 1 if the tile begins at the origin."""
        pilot = self.signs * (self.roles < 0)
        return (pilot[:, 0] - 1j * pilot[:, 1]).astype(np.complex64)

    def cycles(self) -> tuple[np.ndarray, np.ndarray]:
        """(N,) each: cycles a unit of each wave along the rows (below 0 for half of them) and along the columns."""
        along_rows, along_columns = frequencies()
        return along_rows[self.rows, 0], along_columns[self.columns]

    def bits(self, waves: np.ndarray, row: float, column: float) -> tuple[np.ndarray, float]:
        """The signs heard (LENGTH,) if the first tile begins there, and how well its pilot is heard, -1 to 1."""
        signs = self.unsigned(waves * np.exp(2j * np.pi * (self.rows * row + self.columns * column) / TILE))
        return self.sum_of_bits(signs), float(signs[self.roles < 0].mean())

    def unsigned(self, waves: np.ndarray) -> np.ndarray:
        """(..., N, 2): what waves (..., N) say of the bit that each carries, above 0 for 1 and for the pilot."""
        return np.stack([waves.real, waves.imag], -1) * self.signs

    def sum_of_bits(self, unsigned: np.ndarray) -> np.ndarray:
        """(LENGTH,): the signs that values (N, 2) say together."""
        carries = self.roles >= 0
        return np.bincount(self.roles[carries], unsigned[carries], LENGTH)

    def gains(self, waves: np.ndarray, payload: Payload) -> np.ndarray:
        """Gains (LENGTH + 1,) of bits and pilot with which all would be heard alike, given waves that say `payload`.

        Improved spread spectrum (Malvar and Florencio 2003): what the host says against a bit is known beforehand and
        can be made up for; the louder the host, the less of that there is energy for.
        """
        bits, pilot = self.bits(waves, 0, 0)
        heard = bits * encode(payload) / np.bincount(self.roles[self.roles >= 0], minlength=LENGTH)
        mean = heard.mean()
        if mean <= 0:
            return np.ones(LENGTH + 1)
        share = min(1.0, mean**2 / (heard.var() + 1e-12))
        return np.clip(1 + share * (1 - np.append(heard, pilot) / mean), 0, GREATEST_GAIN)

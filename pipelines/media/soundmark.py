"""An invisible mark in the sound: the picture's 64 bits as small changes of loudness in time and frequency.

After Kirovski and Malvar, "Spread-spectrum watermarking of audio signals", 2003 (about 1 dB in the magnitudes of short
spectra, read in decibels); here the spectrogram is a picture, and tiles of waves repeat over it as in `watermark`.
"""

from collections.abc import Iterator

import numpy as np
from scipy.ndimage import gaussian_filter1d, map_coordinates

from pipelines.media.payload import Found, Payload, first
from pipelines.media.waves import TILE, Waves, frequencies

__all__ = ["Found", "Payload", "find", "mark"]
# All measured (python -m pipelines.evaluation.marks) on what AAC, MP3 and Opus leave of a mark.
MOMENT = 0.015  # seconds: the unit of a tile in time
BAND = 47.0  # hertz: its unit in frequency
LOWEST = 300.0  # hertz
BANDS = 2 * TILE  # so that they end at 12.3 kHz: beyond, encoders draw noise of their own
WINDOW = 0.03  # seconds
LONGEST, SHORTEST, NARROWEST = 24, 4, 4  # waves last 24 to 4 moments and are at least 4 bands wide
DECIBELS, MOST_DECIBELS = 1.0, 2.5  # standard deviation and limit of the change
QUIET = 1e-8  # of the greatest power: below it there is nothing to hear
HEARD_SECONDS = 60
BELIEVED = 4.5  # standard deviations by which the pilot stands out of 128 moments before a checksum is asked
ASKED = 4  # moments


def mark(audio: np.ndarray, rate: int, payload: Payload, secret: bytes) -> np.ndarray:
    """A copy of audio (A, channels) float32 at `rate` hertz that says `payload` to who has the secret.

    All channels get louder and softer alike, by 1 dB as a rule, so that mixing them does no harm; same arguments, same
    copy. Peaks may pass those of the original by up to a third.
    """
    assert audio.ndim == 2
    size = _window_size(rate)
    hop, window = size // 2, np.sin(np.pi * (np.arange(size) + 0.5) / size)[:, None]  # overlaps add up to one
    padded = np.pad(audio, ((hop, hop + -len(audio) % hop), (0, 0)))
    bands = (np.fft.rfftfreq(size, 1 / rate) - LOWEST) / BAND
    tile = _waves(secret).tile(payload)
    marked = np.zeros(padded.shape)
    for start in range(0, len(padded) - hop, hop):
        heard = np.fft.rfft(padded[start : start + size] * window, axis=0)
        gain = 10 ** (_decibels(tile, start / rate / MOMENT, bands) / 20)
        marked[start : start + size] += np.fft.irfft(heard * gain[:, None], size, axis=0) * window
    return marked[hop : hop + len(audio)].astype(np.float32)


def find(audio: np.ndarray, rate: int, secret: bytes) -> Found:
    """What audio (A, channels) at `rate` hertz says to this secret: a copy, or an excerpt of some seconds.

    Not found: copies that play faster, slower, higher or lower.
    """
    assert audio.ndim == 2
    if len(audio) < rate or not audio.any():
        return Found(None, 0.0)
    return first(_guesses(_listen(audio[: HEARD_SECONDS * rate], rate), _waves(secret)))


def _window_size(rate: int) -> int:
    return 2 * round(WINDOW * rate / 2)


def _waves(secret: bytes) -> Waves:
    in_time, in_frequency = frequencies()
    lasting = (abs(in_time) >= 1 / LONGEST) & (abs(in_time) <= 1 / SHORTEST)
    return Waves.of(secret, "sound", lasting & (in_frequency <= 1 / NARROWEST))


def _decibels(tile: np.ndarray, moment: float, bands: np.ndarray) -> np.ndarray:
    """How much louder each frequency, given as bands (F,), is made at a moment."""
    inside = (bands >= 0) & (bands < BANDS)
    places = [np.full(inside.sum(), moment), bands[inside]]
    change = np.zeros(len(bands))
    change[inside] = DECIBELS * map_coordinates(tile, places, order=1, mode="grid-wrap")
    return np.clip(change, -MOST_DECIBELS, MOST_DECIBELS)


def _listen(audio: np.ndarray, rate: int) -> np.ndarray:
    """(moments, BANDS): what of the loudness may be mark, weighted by how steady the sound is."""
    loudness = _loudness(audio, rate)
    rest = loudness - gaussian_filter1d(loudness, 5, axis=0)
    rest = rest - gaussian_filter1d(rest, 10, axis=1)
    noise = np.sqrt(gaussian_filter1d(gaussian_filter1d(rest**2, 3, axis=0), 3, axis=1) + 0.05)
    return np.clip(rest / noise, -2, 2) / noise


def _loudness(audio: np.ndarray, rate: int) -> np.ndarray:
    """(moments, BANDS): the logarithm of the power, taken twice a moment, without drift at any rate."""
    size = _window_size(rate)
    window = np.hanning(size)[:, None]
    bands = (np.fft.rfftfreq(size, 1 / rate) - LOWEST) / BAND
    into_bands = np.maximum(1 - abs(bands[:, None] - np.arange(BANDS)), 0)  # (F, BANDS)
    starts = (np.arange(0, (len(audio) - size) / rate, MOMENT / 2) * rate).round().astype(int)
    spectra = (np.fft.rfft(audio[start : start + size] * window, axis=0) for start in starts)
    power = np.stack([(abs(spectrum) ** 2).sum(1) for spectrum in spectra]) @ into_bands
    loudness = np.log(power + QUIET * power.max())
    return loudness[: len(loudness) // 2 * 2].reshape(-1, 2, BANDS).mean(1)


def _guesses(heard: np.ndarray, waves: Waves) -> Iterator[np.ndarray]:
    """(LENGTH,) each: what the mark may say, the likeliest moment of its beginning first."""
    found = waves.listen(heard)
    fit = waves.pilot(found)[:, 0]
    for moment in np.argsort(fit)[: -ASKED - 1 : -1]:
        if fit[moment] >= BELIEVED:
            yield from (waves.bits(found, moment + fine, 0)[0] for fine in (0, -1 / 3, 1 / 3))

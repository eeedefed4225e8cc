"""A film that moves says more of its mark than the sum of its frames: several ways to add frames up, and the best mix.

An encoder draws the first frame with care and then moves what it has drawn, mark and all, so that most of what a later
frame says about its mark is in what is new in it. How much each way hears is learnt from the pilot, whose signs are
known: Fisher 1936 (linear discriminant) with a ridge, wave lengths apart.
"""

from collections.abc import Iterator, Sequence

import cv2
import numpy as np

from pipelines.media import hearing
from pipelines.media.waves import Waves, evened

# Measured on films after H.264 crf 28 and 32 and on excerpts of a second.
LIKE_ITS_NEIGHBOURS = 0.03  # ridge where frames are told apart
RIDGES = 0.1, 1.0  # where ways are mixed: both are tried
EXPECTED = 0.03  # standard deviations: what every way is taken to hear beyond what its pilot says
FADING = 0.25, 0.7  # what of the mark no encoder loses, and what of the rest is in each frame after the last
SILENCE = 1e-6  # keeps nothing at all from being divided by
BELIEVED = 13.0  # T squared of the pilot; of 560 unmarked ones 3 % were above

Greys = Sequence[np.ndarray]


def guesses(greys: Greys, unit: float, bands: Sequence[Waves]) -> Iterator[np.ndarray]:
    """(LENGTH,) each: what the marks may say if the first tile begins in the first pixel of frames (H, W) float32."""
    heard = [_ways(waves) for waves in _heard(greys, unit, bands)]
    for ridge in RIDGES:
        mixes = [_mix(band, ways, ridge) for band, ways in zip(bands, heard, strict=True)]
        if sum(told for _, told in mixes) >= BELIEVED:
            yield sum(bits for bits, _ in mixes)


def _heard(greys: Greys, unit: float, bands: Sequence[Waves]) -> list[np.ndarray]:
    """(3, T, N) complex of each band: in whole frames, in what is new in each, in what neither side foretells."""
    every = []
    for plane, before, after in zip(greys, *_foretold(greys), strict=True):
        beside = [other for other in (before, after) if other is not None]
        hides = hearing.strengths(plane, unit)
        whole = hearing.listen(plane, hides, unit)
        news = whole if before is None else hearing.listen(plane - before, hides, unit, hearing.LEAST_NEWS)
        alone = plane - sum(beside) / max(1, len(beside))
        every.append([whole, news, hearing.listen(alone, hides, unit, hearing.LEAST_NEWS)])
    return [
        np.stack([[band.listen(hearing.in_units(layers[i], unit)) for layers in frame] for frame in every], 1)
        for i, band in enumerate(bands)
    ]


def _foretold(greys: Greys) -> tuple[list[np.ndarray | None], list[np.ndarray | None]]:
    """Each frame as moved parts of the one before it, and of the one after it."""
    flow = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST)
    calm = [cv2.GaussianBlur(plane, (0, 0), 1.0).clip(0, 255).astype(np.uint8) for plane in greys]
    height, width = greys[0].shape
    place = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1).astype(np.float32)

    def moved(source: int, target: int) -> np.ndarray:
        where = place + flow.calc(calm[target], calm[source], None)
        return cv2.remap(greys[source], where, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)

    last = len(greys) - 1
    before = [moved(i - 1, i) if i else None for i in range(len(greys))]
    return before, [moved(i + 1, i) if i < last else None for i in range(len(greys))]


def _ways(heard: np.ndarray) -> np.ndarray:
    """(ways, N) complex: frames (3, T, N) added up."""
    whole, news, alone = heard
    if len(whole) == 1:
        return evened(whole)
    kept, fades = FADING
    fading = kept + (1 - kept) * fades ** np.arange(len(whole))
    sums = [whole.sum(0), _told_apart(whole, np.ones(len(whole))), _told_apart(whole, fading)]
    return evened(np.stack([*sums, news.sum(0), alone.sum(0)]))


def _told_apart(frames: np.ndarray, loudness: np.ndarray) -> np.ndarray:
    """(N,): frames (T, N) added up to hear most of a mark of that loudness (T,): what they share counts once."""
    alike = (frames @ frames.conj().T).real
    alike += (LIKE_ITS_NEIGHBOURS * np.trace(alike) / len(frames) + SILENCE) * np.eye(len(frames))
    return np.linalg.solve(alike, loudness) @ frames


def _mix(band: Waves, ways: np.ndarray, ridge: float) -> tuple[np.ndarray, float]:
    """The bits (LENGTH,) that ways (W, N) say together, and T squared (Hotelling 1931) of the pilot in them."""
    values, pilot = band.unsigned(ways), band.roles < 0  # (W, N, 2)
    loud = values[:, pilot].mean(1)
    spread = np.einsum("anc,bnc->ab", values, values) / pilot.size
    spread += ridge * np.diag(np.diag(spread)) + SILENCE * np.eye(len(ways))
    told = pilot.sum() * loud @ np.linalg.solve(spread, loud)
    expected = np.maximum(loud, 0) + EXPECTED * np.sqrt(np.diag(spread))
    weights = np.maximum(np.linalg.solve(spread, expected), 0)
    return band.sum_of_bits(np.tensordot(weights, values, 1)), float(told)

"""What can be measured in a clip without a network, so that it is the same everywhere and needs no torch.

Four figures follow VBench (Huang et al., CVPR 2024), whose own use networks; each says how it differs. None is a grade.
"""

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
import pyloudnorm
from scipy import signal

from pipelines.clip import Clip
from pipelines.errors import BadRequest
from pipelines.evaluation import metrics
from pipelines.media import video, vmaf

HEIGHT = 256  # pixels of the shorter side while motion is measured
MOST_PAIRS = 64  # neighbouring frames that are looked at, spread over the clip
DYNAMIC = 18.75  # VBench: 6 px of 256 in an eighth of a second
SHORTEST_LOUD_S = 0.4  # one block of BS.1770
BELOW_SILENCE = -70.0  # LUFS, the absolute gate of BS.1770
NEAR_S = 0.1  # an onset and a movement within a tenth of a second belong together


@dataclass(frozen=True, kw_only=True)
class Fact:
    """One measured figure. `says` is what it means and how it differs from its source's; `source` where it is from."""

    name: str
    value: float
    unit: str
    says: str
    source: str


def of(path: Path, reference: Path | None = None) -> list[Fact]:
    """Everything that can be measured in a file, beside a reference where one is given. Raises as `video.read`."""
    clip = video.read(path)
    return measure(clip) + (against(clip, video.read(reference)) if reference else [])


def measure(clip: Clip) -> list[Fact]:
    """The figures of a clip by itself: of its picture, of its motion if it moves, of its sound if it has any."""
    facts = [_sharpness(clip)]
    if len(clip.frames) > 2:
        facts += _motion(clip)
    if clip.audio is not None and len(clip.audio) >= SHORTEST_LOUD_S * clip.rate:
        facts += _sound(clip)
    return facts


def against(clip: Clip, reference: Clip) -> list[Fact]:
    """PSNR, SSIM and, for films, VMAF beside a reference of the same frames.

    Raises `BadRequest` ("reference") if the two differ in size or length.
    """
    if clip.frames.shape != reference.frames.shape:
        raise BadRequest("reference", f"has {_size(reference)}, the clip {_size(clip)}; they must be the same")
    psnr, ssim = metrics.psnr(reference.frames, clip.frames), metrics.ssim(reference.frames, clip.frames)
    facts = [
        Fact(name="PSNR", value=psnr, unit="dB", says="over all pixels; 100 if equal", source="ITU-T J.340"),
        Fact(name="SSIM", value=ssim, unit="", says="structure kept, 1 if equal", source="Wang et al. 2004"),
    ]
    value = None if clip.still else vmaf.score(clip.frames, reference.frames, fps=clip.fps)
    if value is not None:
        says = "how near to the reference people would find it, 0 to 100; made for 1080p on a television"
        facts.append(Fact(name="VMAF", value=value, unit="", says=says, source="Netflix libvmaf, vmaf_v0.6.1"))
    return facts


def _size(clip: Clip) -> str:
    return f"{len(clip.frames)} frames of {clip.width} x {clip.height}"


def _sharpness(clip: Clip) -> Fact:
    picks = np.linspace(0, len(clip.frames) - 1, min(16, len(clip.frames))).round().astype(int)
    spread = [cv2.Laplacian(cv2.cvtColor(clip.frames[i], cv2.COLOR_RGB2GRAY), cv2.CV_64F).var() for i in picks]
    return Fact(
        name="sharpness",
        value=float(np.median(spread)),
        unit="",
        says="variance of the Laplacian; comparable only at the same size and subject, and noise raises it",
        source="Pech-Pacheco et al. 2000",
    )


def _motion(clip: Clip) -> list[Fact]:
    starts = np.unique(np.linspace(0, len(clip.frames) - 3, min(MOST_PAIRS, len(clip.frames) - 2)).round().astype(int))
    moving, kept, foreseen, flicker = [], [], [], []
    for start in starts:
        first, middle, last = (_small(clip.frames[start + step]) for step in range(3))
        near, far = _flow(first, middle), _flow(first, last)
        moving.append(_strongest(near) / min(first.shape[:2]) * 100 * clip.fps)
        kept.append(metrics.ssim(first, _moved(middle, near)))
        foreseen.append(1 - _difference(_between(first, last, far), middle) / 255)
        flicker.append(1 - _difference(first, middle) / 255)
    return [
        Fact(
            name="frame consistency",
            value=float(np.mean(kept)),
            unit="",
            says="SSIM of neighbouring frames once movement is undone, 1 if nothing else changes; "
            "VBench compares features of DINO and CLIP over the whole clip instead",
            source="after VBench, subject and background consistency; optical flow by DIS (Kroeger et al. 2016)",
        ),
        Fact(
            name="motion smoothness",
            value=float(np.mean(foreseen)),
            unit="",
            says="how well each frame is foretold from its neighbours, 1 if exactly; "
            "VBench foretells by the network AMT, here by optical flow",
            source="after VBench, motion smoothness",
        ),
        Fact(
            name="dynamic degree",
            value=float(np.mean(moving)),
            unit="% of the shorter side per second",
            says=f"speed of the fastest twentieth of the picture; VBench, with the network RAFT, calls it dynamic "
            f"above {DYNAMIC:g}",
            source="after VBench, dynamic degree; optical flow by DIS",
        ),
        Fact(
            name="flicker",
            value=float(np.mean(flicker)),
            unit="",
            says="likeness of neighbouring frames, 1 for none; VBench's own formula, but it is meant for clips "
            "in which nothing moves, because here motion counts as flicker",
            source="VBench, temporal flickering",
        ),
    ]


def _small(frame: np.ndarray) -> np.ndarray:
    scale = HEIGHT / min(frame.shape[:2])
    if scale >= 1:
        return frame
    return cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def _flow(start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """(H, W, 2): where each pixel of `start` is found in `end`, in pixels."""
    method = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    grey = [cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in (start, end)]
    return method.calc(grey[0], grey[1], None)


def _moved(frame: np.ndarray, flow: np.ndarray) -> np.ndarray:
    rows, columns = np.mgrid[: frame.shape[0], : frame.shape[1]].astype(np.float32)
    return cv2.remap(
        frame, columns + flow[..., 0], rows + flow[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )


def _between(first: np.ndarray, last: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """The frame in the middle, if every pixel went straight and evenly."""
    return cv2.addWeighted(_moved(first, -flow / 2), 0.5, _moved(last, flow / 2), 0.5, 0)


def _strongest(flow: np.ndarray) -> float:
    """Mean length of the longest twentieth of the vectors."""
    lengths = np.sort(np.linalg.norm(flow, axis=-1), axis=None)
    return float(lengths[-max(1, len(lengths) // 20) :].mean())


def _difference(a: np.ndarray, b: np.ndarray) -> float:
    return float(cv2.absdiff(a, b).mean())


def _sound(clip: Clip) -> list[Fact]:
    loud = pyloudnorm.Meter(clip.rate).integrated_loudness(clip.audio.astype(np.float64))
    facts = [
        Fact(
            name="loudness",
            value=max(BELOW_SILENCE, float(loud)),
            unit="LUFS",
            says="integrated; streaming services aim at -14 to -16, broadcast at -23",
            source="ITU-R BS.1770-4",
        )
    ]
    if len(clip.frames) > 2 and (value := _together(clip)) is not None:
        facts.append(
            Fact(
                name="onset agreement",
                value=value,
                unit="",
                says=f"share of sound onsets and peaks of movement that have a partner within {NEAR_S:g} s; "
                "music and speech off the screen lower it",
                source="AV-Align (Yariv et al. 2024), with spectral flux for the sound",
            )
        )
    return facts


def _together(clip: Clip) -> float | None:
    """Intersection over union of the moments when sound begins and when movement peaks; None if there are none."""
    heard, seen = _onsets(clip), _jolts(clip)
    if not len(heard) or not len(seen):
        return None
    apart = np.abs(heard[:, None] - seen[None, :]) <= max(NEAR_S, 1 / clip.fps)
    matched = min(apart.any(axis=1).sum(), apart.any(axis=0).sum())
    return float(matched / (len(heard) + len(seen) - matched))


def _onsets(clip: Clip) -> np.ndarray:
    """Seconds at which the spectrum suddenly gains energy (spectral flux, Bello et al. 2005)."""
    step = clip.rate // 100
    mono = clip.audio.mean(axis=1)
    _, times, spectrum = signal.stft(mono, clip.rate, nperseg=4 * step, noverlap=3 * step)
    gain = np.maximum(0, np.diff(np.log1p(1000 * np.abs(spectrum)), axis=1)).mean(axis=0)
    return times[1:][_peaks(gain, apart=5)]


def _jolts(clip: Clip) -> np.ndarray:
    """Seconds at which the picture moves most."""
    frames = [_small(frame) for frame in clip.frames]
    lengths = [np.linalg.norm(_flow(a, b), axis=-1).mean() for a, b in zip(frames, frames[1:], strict=False)]
    return (_peaks(np.array(lengths), apart=1) + 1) / clip.fps


def _peaks(curve: np.ndarray, *, apart: int) -> np.ndarray:
    """Places that stand out from what is around them by more than the curve's own scatter."""
    padded = np.pad(curve, 1, constant_values=curve.min())
    found, _ = signal.find_peaks(padded, prominence=max(1e-3, float(curve.std())), distance=apart)
    return found - 1


def main() -> None:
    """Prints the facts of a file as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--reference", type=Path)
    options = parser.parse_args()
    print(json.dumps([asdict(fact) for fact in of(options.file, options.reference)], indent=1))


if __name__ == "__main__":
    main()

"""What becomes of a film or a sound when people pass it on: encoded again, in pixels and samples.

For measuring only: the files lie in a temporary folder and are gone before a function returns.
"""

import io
import subprocess
import tempfile
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from pipelines.media.cage import ffmpeg

RAW_PICTURE = ["-f", "rawvideo", "-pix_fmt", "rgb24"]


def film(frames: np.ndarray, *options: str, fps: int = 16, suffix: str = ".mp4") -> np.ndarray:
    """Frames (T, H, W, 3) uint8 after ffmpeg has encoded them with these options; even sizes stay what they were."""
    height, width = frames.shape[1:3]
    given = [*RAW_PICTURE, "-s", f"{width}x{height}", "-r", str(fps), "-i", "-", "-pix_fmt", "yuv420p"]
    with tempfile.TemporaryDirectory(prefix="rushes-") as folder:
        file = str(Path(folder) / f"copy{suffix}")
        _ffmpeg([*given, *options, file], frames.tobytes())
        pixels = _ffmpeg(["-i", file, "-fps_mode", "passthrough", *RAW_PICTURE, "-"])
    return np.frombuffer(pixels, np.uint8).reshape(-1, height, width, 3)


def h264(frames: np.ndarray, crf: int, *options: str) -> np.ndarray:
    """The same with x264."""
    return film(frames, "-c:v", "libx264", "-crf", str(crf), *options)


def jpeg(picture: np.ndarray, quality: int) -> np.ndarray:
    """A picture (H, W, 3) uint8 after JPEG."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def resized(frames: np.ndarray, width: int, height: int) -> np.ndarray:
    """Frames (T, H, W, 3) uint8 at another size."""
    smaller = width < frames.shape[2]
    how = cv2.INTER_AREA if smaller else cv2.INTER_CUBIC
    return np.stack([cv2.resize(frame, (width, height), interpolation=how) for frame in frames])


def sound(audio: np.ndarray, rate: int, *options: str, suffix: str) -> tuple[np.ndarray, int]:
    """Audio (A, channels) float32 after ffmpeg has encoded it with these options, at the rate it says or `rate`."""
    raw = ["-f", "f32le", "-ac", str(audio.shape[1])]
    new_rate = int(options[options.index("-ar") + 1]) if "-ar" in options else rate
    with tempfile.TemporaryDirectory(prefix="rushes-") as folder:
        file = str(Path(folder) / f"copy{suffix}")
        _ffmpeg([*raw, "-ar", str(rate), "-i", "-", *options, file], audio.astype("<f4").tobytes())
        samples = _ffmpeg(["-i", file, *raw, "-ar", str(new_rate), "-"])
    return np.frombuffer(samples, "<f4").reshape(-1, audio.shape[1]), new_rate


def packaged_film(path: Path, *, size: tuple[int, int], fps: Fraction | int, start: float, frames: int) -> np.ndarray:
    """Frames (T, H, W, 3) uint8 of a film that came with a package, its middle, at `size` (width, height)."""
    width, height = size
    fill = f"fps={fps},scale={width}:{height}:force_original_aspect_ratio=increase,crop={width}:{height}"
    given = ["-ss", str(start), "-i", str(path), "-vf", fill, "-frames:v", str(frames)]
    return np.frombuffer(_ffmpeg([*given, *RAW_PICTURE, "-"]), np.uint8).reshape(-1, height, width, 3)


def packaged_sound(path: Path, rate: int) -> np.ndarray:
    """Audio (A, 2) float32 of a file that came with a package."""
    samples = _ffmpeg(["-i", str(path), "-vn", "-f", "f32le", "-ac", "2", "-ar", str(rate), "-"])
    return np.frombuffer(samples, "<f4").reshape(-1, 2)


def _ffmpeg(options: list[str], given: bytes = b"") -> bytes:
    command = [ffmpeg(), "-v", "error", "-y", *options]
    return subprocess.run(command, input=given, capture_output=True, check=True).stdout

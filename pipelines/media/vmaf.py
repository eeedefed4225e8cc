"""VMAF, Netflix's measure of how near a film is to its original, by the libvmaf that some builds of ffmpeg contain."""

import json
import subprocess
import tempfile
from pathlib import Path

import imageio_ffmpeg
import numpy as np

LONGEST_S = 300
FILES = ("film.rgb", "reference.rgb")
MEASURE = "[0]format=yuv420p[a];[1]format=yuv420p[b];[a][b]libvmaf=log_fmt=json:log_path=vmaf.json:n_threads=2"


def score(frames: np.ndarray, reference: np.ndarray, *, fps: int) -> float | None:
    """Mean VMAF, 0 to 100, of frames (T, H, W, 3) uint8 beside a reference of the same shape.

    None if this ffmpeg was built without libvmaf. Model vmaf_v0.6.1, which was made for 1080p on a television.
    """
    assert frames.shape == reference.shape and frames.dtype == reference.dtype == np.uint8
    layout = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{frames.shape[2]}x{frames.shape[1]}", "-r", str(fps)]
    with tempfile.TemporaryDirectory(prefix="rushes-") as folder:
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin"]
        for name, pixels in zip(FILES, (frames, reference), strict=True):
            pixels.tofile(Path(folder) / name)
            command += [*layout, "-i", name]
        command += ["-lavfi", MEASURE, "-f", "null", "-"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=LONGEST_S, check=False)
        if done.returncode and "libvmaf" in done.stderr:
            return None
        done.check_returncode()
        told = json.loads((Path(folder) / "vmaf.json").read_text(encoding="utf-8"))
    return float(told["pooled_metrics"]["vmaf"]["mean"])

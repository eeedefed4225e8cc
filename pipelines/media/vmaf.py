"""VMAF, Netflix's measure of how near a film is to its original, by the libvmaf that some builds of ffmpeg contain."""

import json
import subprocess
import tempfile
from pathlib import Path

import imageio_ffmpeg

from pipelines.errors import BadRequest

LONGEST_S = 300
ONE_FILE = ["-protocol_whitelist", "file", "-format_whitelist", "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm"]


def score(path: Path, reference: Path) -> float | None:
    """Mean VMAF of a film beside a reference of the same length and size, 0 to 100; None if this ffmpeg has none.

    Model vmaf_v0.6.1, which was made for 1080p on a television. Raises `BadRequest` if the films do not fit.
    """
    with tempfile.TemporaryDirectory(prefix="rushes-") as folder:
        command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin"]
        for film in (path, reference):
            command += [*ONE_FILE, "-i", f"file:{film.absolute()}"]
        command += ["-lavfi", "libvmaf=log_fmt=json:log_path=vmaf.json:n_threads=2", "-f", "null", "-"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=LONGEST_S, check=False)
        if done.returncode and "libvmaf" in done.stderr and "No such filter" in done.stderr:
            return None
        if done.returncode:
            raise BadRequest("reference", f"{reference.name} and {path.name} cannot be compared frame by frame")
        told = json.loads((Path(folder) / "vmaf.json").read_text(encoding="utf-8"))
    return float(told["pooled_metrics"]["vmaf"]["mean"])

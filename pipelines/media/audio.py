"""Reading the sound of a file, as a stranger's: see `door`."""

from pathlib import Path

import numpy as np

from pipelines.errors import BadRequest
from pipelines.media import door

RATE = 48_000
LIMITS = door.Limits(bytes=2 << 30, seconds=3_600)


def read(path: Path, *, limits: door.Limits = LIMITS) -> np.ndarray | None:
    """(A, channels) float32 at 48 kHz from a film or sound; None for a silent film.

    Raises `BadRequest` ("audio") if the file is missing, cannot be read or is too long.
    """
    most = min(limits.held // 8, round(limits.seconds * RATE))
    output = ["-map", "0:a:0", "-ar", str(RATE), "-t", f"{most / RATE + 1}", "-bitexact", "-map_metadata", "-1"]
    done = door.decode(path, [*output, "-c:a", "pcm_f32le", "-f", "wav", "-"], "audio", limits, serves=door.SOUND)
    if done.status:
        if "matches no streams" in done.said:
            return None
        raise door.unreadable(path, "audio", door.SOUND)
    start = done.out.find(b"data", 36, 256) + 8
    channels = int.from_bytes(done.out[22:24], "little")
    if start < 44 or not channels:
        raise door.unreadable(path, "audio", door.SOUND)
    samples = np.frombuffer(done.out[start:], "<f4").reshape(-1, channels)  # (A, channels)
    if len(samples) > most:
        raise BadRequest("audio", f"{path.name} is longer than {most / RATE:g} s; cut it first")
    return samples

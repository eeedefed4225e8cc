"""Reading the sound of a file, as a stranger's: see `door`."""

from pathlib import Path

import numpy as np

from pipelines.errors import BadRequest
from pipelines.media import door

RATE = 48_000
STEREO = 2 * 4  # bytes of a moment, the most that `door.HEARD` lets through
LIMITS = door.Limits(bytes=2 << 30, seconds=3_600)


def read(path: Path, *, limits: door.Limits = LIMITS, first: float | None = None) -> np.ndarray | None:
    """(A, channels) float32 at 48 kHz from a film or sound, the `first` seconds; None for a silent film.

    Where it begins later than the picture there is silence; more than two channels are mixed to two. Raises
    `BadRequest` ("audio") if the file is missing, cannot be read (as where ffmpeg does not know how to mix its
    channels) or is too long.
    """
    most = min(limits.held // STEREO, round(limits.seconds * RATE))
    longest = most / RATE + 1 if first is None else min(first, most / RATE)
    output = ["-map", "0:a:0", "-ar", str(RATE), "-t", f"{longest}", "-bitexact", "-map_metadata", "-1"]
    output += [*door.HEARD, "-c:a", "pcm_f32le", "-f", "wav", "-"]
    done = door.decode(path, output, "audio", limits, serves=door.SOUND)
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

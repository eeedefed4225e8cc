"""Pixels and sound to the three formats of the house: H.264 in .mp4, .png, .wav. Only `export` and `door` use it."""

import errno
import os
import signal
import subprocess
import wave
from pathlib import Path

import numpy as np
from PIL import Image

from pipelines.clip import Clip
from pipelines.errors import Unavailable
from pipelines.media.cage import ffmpeg

QUALITY = "18"  # x264's crf: no visible loss; lower numbers only make larger files
AUDIO_RATE = 48_000
# Players guess the colours of an untagged file differently, so they are converted and named explicitly.
BT709 = "scale=out_color_matrix=bt709:out_range=tv,setparams=color_primaries=bt709:color_trc=bt709"
H264 = ["-c:v", "libx264", "-crf", QUALITY, "-pix_fmt", "yuv420p"]
AAC = ["-c:a", "aac", "-b:a", "192k", "-ar", str(AUDIO_RATE)]


def still(pixels: np.ndarray, file: Path) -> None:
    """Pixels (H, W, 3) uint8 as .png, without loss."""
    Image.fromarray(pixels).save(file)


def sound(clip: Clip, file: Path) -> None:
    """The sound as .wav, 16 bits."""
    with wave.open(str(file), "wb") as out:
        out.setnchannels(clip.audio.shape[1])
        out.setsampwidth(2)
        out.setframerate(clip.rate)
        out.writeframes(np.round(clip.audio.clip(-1, 1) * 32_767).astype("<i2").tobytes())


def film(clip: Clip, file: Path, *, comment: str | None = None) -> None:
    """All frames and the sound as .mp4. Raises `OSError` if the disk is full, `Unavailable` if ffmpeg gives up."""
    assert clip.width % 2 == 0 and clip.height % 2 == 0, "yuv420p halves both sides"
    command = [ffmpeg(), "-v", "error", "-y"]
    command += ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{clip.width}x{clip.height}"]
    command += ["-framerate", str(clip.fps), "-i", "pipe:0"]
    if clip.audio is not None:
        samples = file.with_name("sound.f32")
        clip.audio.astype("<f4").tofile(samples)
        command += ["-f", "f32le", "-ar", str(clip.rate), "-ac", str(clip.audio.shape[1]), "-i", str(samples)]
        command += ["-map", "0:v", "-map", "1:a", *AAC]
    if comment is not None:
        command += ["-metadata", f"comment={comment}"]
    command += [*H264, "-vf", BT709, "-movflags", "+faststart", str(file)]
    _feed(command, clip.frames, log=file.with_name("log.txt"))


def _feed(command: list[str], frames: np.ndarray, *, log: Path) -> None:
    """Feeds frames to ffmpeg one by one, so that a long clip is never in memory twice."""
    with log.open("w+", encoding="utf-8", errors="replace") as said:
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=said) as encoder:
            try:
                encoder.stdin.writelines(np.ascontiguousarray(frame).data for frame in frames)
                encoder.stdin.close()
            except BrokenPipeError:
                encoder.kill()  # it has given up; the log says why
            except BaseException:
                encoder.kill()
                raise
        said.seek(0)
        if encoder.returncode != 0:
            raise _explained(said.read(), encoder.returncode)


def _explained(said: str, status: int) -> Exception:
    """Why ffmpeg stopped. It is killed by SIGXFSZ when the file would pass the limit that the shell has set."""
    if os.strerror(errno.ENOSPC) in said:
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if status == -signal.SIGXFSZ or os.strerror(errno.EFBIG) in said:
        return OSError(errno.EFBIG, os.strerror(errno.EFBIG))
    reason = said.strip().splitlines()[-1] if said.strip() else f"exit status {status}"
    return Unavailable(f"ffmpeg could not encode the clip: {reason}")

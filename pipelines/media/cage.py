"""Where files of strangers are read: a process of its own with limits on time, memory and what it may write.

`python cage.py MEMORY SECONDS BYTES COMMAND...` sets the limits on itself and becomes the command. ffmpeg gets the
file as an open descriptor and may use no protocol that opens another one.
"""

import contextlib
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

if __name__ != "__main__":  # the small process needs none of these, and starts in 20 ms without them
    from pipelines.errors import Unavailable

FILES = 64  # open at a time; ffmpeg needs about 10, Python with its libraries about 40 while it starts
ROOT = Path(__file__).resolve().parents[2]  # where a program of ours finds the others
LAST_WORDS = 1 << 16  # bytes of stderr that are kept: a damaged film can fill gigabytes with complaints


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one process may use. Where the system knows no rlimits (Windows), only the wall clock holds."""

    memory: int = 3 << 30  # bytes of address space; ffmpeg with 2 threads decodes 4096 x 4096 in less than 2 GiB
    seconds: float = 120  # of the wall clock, and of each processor
    written: int = 1 << 30  # bytes of the largest file


@dataclass(frozen=True, kw_only=True)
class Done:
    """How a process ended: `status` 0 is well; `out` is what it wrote to stdout, `said` to stderr."""

    status: int
    out: bytes
    said: str


def ffmpeg() -> str:
    """The path of the ffmpeg that imageio-ffmpeg brings along. Raises `Unavailable` where it brings none."""
    import imageio_ffmpeg  # who only draws the theatre, on a machine for training, starts without

    try:
        return imageio_ffmpeg.get_ffmpeg_exe()
    except RuntimeError as error:
        raise Unavailable(
            "imageio-ffmpeg has no ffmpeg for this system; install one and set IMAGEIO_FFMPEG_EXE"
        ) from error


def run(command: Sequence[str], source: Path, limits: Limits) -> Done:
    """Runs a command with `source` as its stdin. One that takes too long is ended; its status is then not 0."""
    caged = [sys.executable, "-I", "-S", __file__]
    caged += [str(limits.memory), str(round(limits.seconds) + 1), str(limits.written), *command]
    with source.open("rb") as file, tempfile.TemporaryFile() as said:
        try:
            done = subprocess.run(
                caged, stdin=file, stdout=subprocess.PIPE, stderr=said, timeout=limits.seconds, check=False, cwd=ROOT
            )
        except subprocess.TimeoutExpired:
            return Done(status=-1, out=b"", said="took too long")
        said.seek(max(0, said.tell() - LAST_WORDS))
        return Done(status=done.returncode, out=done.stdout, said=said.read().decode(errors="replace"))


def _become(memory: int, seconds: int, written: int, command: list[str]) -> None:
    with contextlib.suppress(ImportError):
        import resource

        limits = {
            resource.RLIMIT_AS: memory,
            resource.RLIMIT_CPU: seconds * (os.cpu_count() or 1),
            resource.RLIMIT_FSIZE: written,
            resource.RLIMIT_NOFILE: FILES,
            resource.RLIMIT_CORE: 0,
        }
        for kind, most in limits.items():
            hard = resource.getrlimit(kind)[1]
            allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.setrlimit(kind, (allowed, allowed))
    os.execvp(command[0], command)


if __name__ == "__main__":
    _become(*map(int, sys.argv[1:4]), sys.argv[4:])

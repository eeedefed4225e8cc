"""The one exit: every clip, still, poster and contact sheet that becomes a file is written here.

A file is made in the system's temporary folder and appears under its name only when it is whole;
a file that is already there is never overwritten.
"""

import errno
import os
import shutil
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import imageio_ffmpeg
import numpy as np
from PIL import Image, PngImagePlugin

from pipelines.clip import Clip
from pipelines.errors import BadRequest, Unavailable

STILL, FILM, POSTER = (".png",), (".mp4",), (".webp",)
MOVING_PICTURE = (".webp", ".gif")
QUALITY = "18"  # x264's crf: no visible loss; lower numbers only make larger files
AUDIO_RATE = 48_000
# Players guess the colours of an untagged file differently, so they are converted and named explicitly.
BT709 = "scale=out_color_matrix=bt709:out_range=tv,setparams=color_primaries=bt709:color_trc=bt709"
NO_HARD_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS)


def save(clip: Clip, path: Path) -> Path:
    """Writes a clip as .mp4 (H.264 yuv420p, AAC) or a still as .png, the request inside, and returns `path`.

    Width and height of a clip are even. Raises `BadRequest` as `check_destination` does, `Unavailable` if the disk
    is full or ffmpeg is missing.
    """
    check_destination(path, still=clip.still)
    return _whole_or_nothing(path, lambda file: (_write_still if clip.still else _write_film)(clip, file))


def poster(clip: Clip, path: Path) -> Path:
    """Writes the middle frame as .webp. Raises as `save` does."""
    _check(path, POSTER, "a poster")
    return picture(clip.frames[len(clip.frames) // 2], path)


def picture(pixels: np.ndarray, path: Path) -> Path:
    """Writes pixels (H, W, 3) or, with alpha, (H, W, 4) uint8 as .png or .webp. Raises as `save` does."""
    _check(path, STILL + POSTER, "a picture")
    return _whole_or_nothing(path, lambda file: Image.fromarray(pixels).save(file, quality=90, optimize=True))


def preview(frames: np.ndarray, path: Path, *, fps: int) -> Path:
    """Writes frames (T, H, W, 3) uint8 as a picture that moves in a web page, .webp or .gif. Raises as `save` does."""
    _check(path, MOVING_PICTURE, "a moving picture")
    first, *rest = [Image.fromarray(frame) for frame in frames]
    return _whole_or_nothing(
        path,
        lambda file: first.save(
            file, save_all=True, append_images=rest, duration=round(1000 / fps), loop=0, quality=70, method=6
        ),
    )


def sheet(pictures: Sequence[np.ndarray], path: Path, *, columns: int) -> Path:
    """Writes pictures (H, W, 3) uint8, of any sizes, in rows of `columns` on white, as .png. Raises as `save` does."""
    _check(path, STILL, "a contact sheet")
    assert pictures and columns > 0
    gap = 4
    height, width = (max(picture.shape[side] for picture in pictures) + gap for side in (0, 1))
    rows = -(-len(pictures) // columns)
    paper = np.full((rows * height + gap, min(columns, len(pictures)) * width + gap, 3), 255, np.uint8)
    for index, picture in enumerate(pictures):
        top, left = gap + index // columns * height, gap + index % columns * width
        paper[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    return _whole_or_nothing(path, lambda file: Image.fromarray(paper).save(file, optimize=True))


def check_destination(path: Path, *, still: bool) -> None:
    """Raises `BadRequest` ("out") if a clip could not be saved there; call it before the work begins.

    The suffix must fit (.png for a still, .mp4 for a clip), the folder exist and be writable, the file not exist.
    """
    _check(path, *((STILL, "a still") if still else (FILM, "a clip")))


def _check(path: Path, suffixes: tuple[str, ...], kind: str) -> None:
    if path.suffix.lower() not in suffixes:
        raise BadRequest("out", f"{kind} is saved as {' or '.join(suffixes)}; {path} ends differently")
    folder = path.parent
    if not folder.is_dir():
        raise BadRequest("out", f"{folder} is not a folder that exists; make it first")
    with _sentences(path):
        _free(path)
    try:
        tempfile.TemporaryFile(dir=folder).close()  # only an attempt tells: permission bits say nothing to root
    except OSError as error:
        raise BadRequest("out", f"nothing can be written into {folder} ({error.strerror}); choose another") from error


def ffmpeg() -> str:
    """The path of the ffmpeg that imageio-ffmpeg brings along. Raises `Unavailable` where it brings none."""
    try:
        return imageio_ffmpeg.get_ffmpeg_exe()
    except RuntimeError as error:
        raise Unavailable(
            "imageio-ffmpeg has no ffmpeg for this system; install one and set IMAGEIO_FFMPEG_EXE"
        ) from error


def _whole_or_nothing(path: Path, write: Callable[[Path], object]) -> Path:
    """`write` makes the file elsewhere; it then appears at `path` at once, or not at all."""
    part = path.with_name(f".rushes-{uuid.uuid4().hex}.part")
    with _sentences(path), tempfile.TemporaryDirectory(prefix="rushes-") as folder:
        made = Path(folder) / f"made{path.suffix.lower()}"
        write(made)
        try:
            with made.open("rb") as source, part.open("xb") as target:
                shutil.copyfileobj(source, target)
                target.flush()
                os.fsync(target.fileno())
            _name(part, path)
        finally:
            part.unlink(missing_ok=True)
    return path


def _free(path: Path) -> None:
    """Raises `FileExistsError` if something has this name, another `OSError` if nothing can have it (too long)."""
    try:
        path.lstat()
    except FileNotFoundError:
        return
    raise FileExistsError


def _name(part: Path, path: Path) -> None:
    """Gives a whole file its name. Raises `FileExistsError` if the name is taken, also by somebody a moment earlier."""
    try:
        os.link(part, path)
    except OSError as error:
        if error.errno not in NO_HARD_LINKS:
            raise
        _name_by_reservation(part, path)


def _name_by_reservation(part: Path, path: Path) -> None:
    """The same where the file system knows no hard links (exFAT, some mounts in containers)."""
    path.open("xb").close()
    try:
        os.replace(part, path)
    except OSError:
        path.unlink()
        raise


@contextmanager
def _sentences(path: Path) -> Iterator[None]:
    """What the operating system refuses becomes one sentence that names the path."""
    try:
        yield
    except FileExistsError as error:
        raise BadRequest("out", f"{path} already exists and is not overwritten; choose another name") from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            where = f"{path} (or for making it in {tempfile.gettempdir()})"
            raise Unavailable(f"There is no room for {where}: {error.strerror}; free some space") from error
        raise BadRequest("out", f"{path} cannot be written ({error.strerror or error})") from error


def _write_still(clip: Clip, file: Path) -> None:
    info = PngImagePlugin.PngInfo()
    if clip.origin is not None:
        info.add_itxt("rushes", clip.origin.to_json())
    Image.fromarray(clip.frames[0]).save(file, pnginfo=info)


def _write_film(clip: Clip, file: Path) -> None:
    assert clip.width % 2 == 0 and clip.height % 2 == 0, "yuv420p halves both sides"
    command = [ffmpeg(), "-v", "error", "-y"]
    command += ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{clip.width}x{clip.height}"]
    command += ["-framerate", str(clip.fps), "-i", "pipe:0"]
    if clip.audio is not None:
        sound = file.with_name("sound.f32")
        clip.audio.astype("<f4").tofile(sound)
        command += ["-f", "f32le", "-ar", str(clip.rate), "-ac", str(clip.audio.shape[1]), "-i", str(sound)]
        command += ["-map", "0:v", "-map", "1:a", "-c:a", "aac", "-b:a", "192k", "-ar", str(AUDIO_RATE)]
    if clip.origin is not None:
        command += ["-metadata", f"comment={clip.origin.to_json()}"]
    command += [
        "-c:v",
        "libx264",
        "-crf",
        QUALITY,
        "-pix_fmt",
        "yuv420p",
        "-vf",
        BT709,
        "-movflags",
        "+faststart",
        str(file),
    ]
    _encode(command, clip.frames, log=file.with_name("log.txt"))


def _encode(command: list[str], frames: np.ndarray, *, log: Path) -> None:
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

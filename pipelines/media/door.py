"""The one door in: whatever a person brings is known by its content, opened in a cage, and made again by the house.

Nothing of the file survives but pixels and samples: no name, no EXIF, no place where it was taken.
"""

import hashlib
import json
import re
import sys
import tempfile
import wave
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from pipelines.errors import BadRequest
from pipelines.media import cage, encode, landing
from pipelines.media.cage import Done
from pipelines.media.cage import Limits as Cage

FILM, PICTURE, SOUND = "a film", "a picture", "a sound"
BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")  # what an mp4 or mov begins with
PICTURES_IN_BOXES = (b"heic", b"heix", b"heim", b"hevc", b"mif1", b"msf1", b"avif", b"avis")
READABLE = {FILM: "mp4, mov, mkv or webm", PICTURE: "png, jpeg or webp", SOUND: "wav, mp3, m4a, flac, ogg or a film"}
# Decoders, not formats: most holes of ffmpeg were in decoders that nobody has used for twenty years.
DECODERS = (
    "h264,hevc,vp8,vp9,libvpx,libvpx-vp9,av1,libdav1d,mpeg4,prores,mjpeg,"
    "aac,mp3,mp3float,opus,libopus,vorbis,libvorbis,flac,alac,"
    "pcm_s16le,pcm_s16be,pcm_s24le,pcm_s24be,pcm_s32le,pcm_f32le,pcm_u8,pcm_mulaw,pcm_alaw"
)
# From the film's beginning, which may be before the sound's. -ac 2 would make one channel two, 3 dB quieter.
HEARD = ["-af", "aresample=first_pts=0,aformat=channel_layouts=mono|stereo"]
HDR = r"color_space:bt2020nc color_primaries:bt2020 color_trc:(arib-std-b67|smpte2084)"  # BT.2100, as showinfo says it
# The white of HDR (203 cd/m2, BT.2408) becomes the white of a usual screen; only what is brighter is held down.
TO_SDR = "zscale=t=linear:npl=203,format=gbrpf32le,zscale=p=709,tonemap=mobius:param=0.6:desat=0"
TO_SDR += ",zscale=t=709:m=709:r=tv,format=yuv444p"
DARKROOM = Path(__file__).with_name("darkroom.py")
USUAL_FPS, FASTEST_FPS = 30, 60
LARGEST_SIDE = 1920  # of a film that is let in; larger ones are made smaller


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What may come in. `bytes` is of the file, `seconds` of its length, `held` of what it unpacks to in memory."""

    bytes: int = 300 << 20
    seconds: float = 60
    side: int = 8192
    pixels: int = 40_000_000
    held: int = 2 << 30
    cage: Cage = field(default_factory=Cage)


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What a file is by its content: `name` for people, `reader` for ffmpeg or Pillow, and what it can serve as."""

    name: str
    reader: str
    serves: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A film's width and height in square pixels, upright, its nearest whole frame rate, and whether it is HDR."""

    width: int
    height: int
    fps: int
    hdr: bool

    def at(self, width: int, height: int) -> str:
        """The filters of ffmpeg that bring its pictures to this size and to the colours of a usual screen."""
        return f"scale={width}:{height},setsar=1" + (f",{TO_SDR}" if self.hdr else "")


def kind(path: Path) -> Kind | None:
    """By the first bytes, whatever the name says; None for everything that is not on the list."""
    with path.open("rb") as file:
        head = file.read(16)
    if head[4:8] in BOXES:
        return None if head[8:12] in PICTURES_IN_BOXES else Kind(name="mp4", reader="mov", serves=(FILM, SOUND))
    if head[:4] == b"RIFF":
        known = {b"WAVE": Kind(name="wav", reader="wav", serves=(SOUND,)), b"WEBP": _picture("WEBP")}
        return known.get(head[8:12])
    starts = {
        b"\x1a\x45\xdf\xa3": Kind(name="webm", reader="matroska", serves=(FILM, SOUND)),
        b"\x89PNG\r\n\x1a\n": _picture("PNG"),
        b"\xff\xd8\xff": _picture("JPEG"),
        b"fLaC": Kind(name="flac", reader="flac", serves=(SOUND,)),
        b"OggS": Kind(name="ogg", reader="ogg", serves=(SOUND,)),
        **dict.fromkeys(
            (b"ID3", b"\xff\xfb", b"\xff\xf3", b"\xff\xfa"), Kind(name="mp3", reader="mp3", serves=(SOUND,))
        ),
    }
    return next((found for start, found in starts.items() if head.startswith(start)), None)


def film(source: Path, folder: Path, *, asked: str = "video", limits: Limits | None = None) -> Path:
    """Takes a film in as folder/<sha256>.mp4: H.264, a steady whole frame rate, upright, sound as AAC.

    One of a single picture is refused: its clip would be a still, which is no film. `asked` is the field of the request
    that it answers. Raises `BadRequest`; then nothing of it is left.
    """
    limits = limits or Limits()
    seen = shape(source, asked, limits)
    scale = min(1, LARGEST_SIDE / max(seen.width, seen.height))
    size = [max(2, round(side * scale / 2) * 2) for side in (seen.width, seen.height)]
    look = f"fps={seen.fps},{seen.at(*size)},{encode.BT709}"
    command = ["-map", "0:V:0", "-map", "0:a:0?", "-sn", "-dn", "-map_metadata", "-1", "-map_chapters", "-1"]
    command += ["-t", f"{limits.seconds + 1}", "-vf", look, "-preset", "veryfast"]
    command += [*encode.H264, *encode.AAC, *HEARD, "-fflags", "+bitexact", "-movflags", "+faststart", "-stats"]
    return _taken(source, folder, FILM, command, asked=asked, limits=limits, most=round(limits.seconds * seen.fps))


def sound(source: Path, folder: Path, *, asked: str = "audio", limits: Limits | None = None) -> Path:
    """Takes a sound, or the sound of a film, in as folder/<sha256>.wav: 48 kHz, 16 bits.

    As loud as it was, with one channel or two; more are mixed to two. Raises `BadRequest` as `film` does.
    """
    limits = limits or Limits()
    command = ["-map", "0:a:0", "-map_metadata", "-1", "-t", f"{limits.seconds + 1}", "-ar", str(encode.AUDIO_RATE)]
    command += [*HEARD, "-c:a", "pcm_s16le", "-fflags", "+bitexact"]
    return _taken(source, folder, SOUND, command, asked=asked, limits=limits, most=None)


def picture(source: Path, folder: Path, *, asked: str = "picture", limits: Limits | None = None) -> Path:
    """Takes a picture in as folder/<sha256>.png: upright, RGB, on white where it was transparent."""
    pixels = develop(source, asked=asked, limits=limits)
    with tempfile.TemporaryDirectory(prefix="rushes-") as made:
        encode.still(pixels, Path(made) / "in.png")
        return _named(Path(made) / "in.png", folder)


def develop(path: Path, *, asked: str = "picture", limits: Limits | None = None) -> np.ndarray:
    """The pixels (H, W, 3) uint8 of a stranger's picture. Raises `BadRequest`."""
    limits = limits or Limits()
    reader = _admitted(path, PICTURE, asked, limits).reader
    numbers = (str(limits.side), str(limits.pixels))
    done = cage.run([sys.executable, "-I", str(DARKROOM), reader, *numbers], path, limits.cage)
    if done.status == 3:
        raise BadRequest(
            asked, f"{path.name} has more than {limits.pixels / 1e6:g} million pixels; make it smaller first"
        )
    size, _, pixels = done.out.partition(b"\n")
    found = re.fullmatch(rb"(\d{1,5}) (\d{1,5})", size)
    if done.status or not found or len(pixels) != int(found[1]) * int(found[2]) * 3:
        raise unreadable(path, asked, PICTURE)
    return np.frombuffer(pixels, np.uint8).reshape(int(found[2]), int(found[1]), 3)  # (H, W, 3)


def texts(path: Path, *, asked: str = "picture", limits: Limits | None = None) -> dict[str, str]:
    """The texts in the metadata of a stranger's picture, by their names. Raises `BadRequest`."""
    limits = limits or Limits()
    reader = _admitted(path, PICTURE, asked, limits).reader
    done = cage.run([sys.executable, "-I", str(DARKROOM), reader], path, limits.cage)
    if done.status:
        raise unreadable(path, asked, PICTURE)
    return json.loads(done.out)


def shape(path: Path, asked: str, limits: Limits) -> Shape:
    """What the first picture of a film says of all. Raises `BadRequest` (asked)."""
    output = ["-map", "0:V:0", "-frames:v", "1", "-vf", "showinfo", "-v", "info", "-pix_fmt", "yuv420p"]
    done = decode(path, [*output, "-f", "yuv4mpegpipe", "-"], asked, limits)
    found = re.match(rb"YUV4MPEG2 W(\d+) H(\d+) F(\d+):(\d+) I\S A(\d+):(\d+)", done.out)
    width, height, frames, seconds, wide, high = map(int, found.groups()) if found else [0] * 6
    if wide and high:  # else the pixels are square, as far as anybody knows
        width = max(1, round(width * wide / high))
    if done.status or not (frames and seconds) or width * height > limits.pixels:
        raise unreadable(path, asked, FILM)
    rate = frames / seconds
    # A film whose rate varies may be said to have 1,000 or 90,000 frames a second.
    fps = max(1, round(rate)) if rate <= FASTEST_FPS + 0.5 else FASTEST_FPS if rate <= 4 * FASTEST_FPS else USUAL_FPS
    return Shape(width=width, height=height, fps=fps, hdr=bool(re.search(HDR, done.said)))


def decode(path: Path, output: list[str], asked: str, limits: Limits, *, serves: str = FILM) -> Done:
    """Runs ffmpeg on a file of a stranger. It may open nothing: the file is given to it open.

    Raises `BadRequest` for what is not on the list of formats; whether ffmpeg could read it says the status.
    """
    reader = _admitted(path, serves, asked, limits).reader
    source = ["-protocol_whitelist", "fd", "-f", reader, "-codec_whitelist", DECODERS]
    source += ["-max_pixels", str(limits.pixels), "-threads", "2", "-fd", "0", "-i", "fd:"]
    return cage.run([cage.ffmpeg(), "-hide_banner", "-nostdin", "-v", "error", *source, *output], path, limits.cage)


def unreadable(path: Path, asked: str, serves: str) -> BadRequest:
    """What is said of a file that has the right beginning and no more."""
    return BadRequest(asked, f"{path.name} is not {serves} that can be read, or is damaged; {READABLE[serves]} can")


def _picture(reader: str) -> Kind:
    return Kind(name=reader.lower(), reader=reader, serves=(PICTURE,))


def _admitted(path: Path, serves: str, asked: str, limits: Limits) -> Kind:
    """What the file is. Raises `BadRequest` unless it is there, small enough and on the list."""
    if not path.is_file():
        raise BadRequest(asked, f"there is no file {path}")
    if path.stat().st_size > limits.bytes:
        raise BadRequest(
            asked, f"{path.name} has {path.stat().st_size / 2**20:.0f} MB; {limits.bytes >> 20} is the most"
        )
    found = kind(path)
    if found is None or serves not in found.serves:
        is_one = f"{path.name} is {found.name}" if found else f"{path.name} is something else"
        raise BadRequest(asked, f"must be {serves} ({READABLE[serves]}), and by its content {is_one}")
    return found


def _taken(
    source: Path, folder: Path, serves: str, command: list[str], *, asked: str, limits: Limits, most: int | None
) -> Path:
    """Makes the file of the house from a film or sound and gives it its name. `most`: frames that it may have."""
    with tempfile.TemporaryDirectory(prefix="rushes-") as made:
        target = Path(made) / ("in.mp4" if serves == FILM else "in.wav")
        done = decode(source, [*command, "-y", str(target)], asked, limits, serves=serves)
        if done.status or not target.exists():
            raise unreadable(source, asked, serves)
        frames = counted(done.said)
        if most is not None and not frames:
            raise unreadable(source, asked, serves)
        if most is not None and frames == 1:
            raise BadRequest(asked, f"{source.name} is a film of one picture; bring a film that moves")
        seconds = _seconds(target) if most is None else 0
        if seconds > limits.seconds or (most is not None and frames > most):
            raise BadRequest(asked, f"{source.name} is longer than {limits.seconds:g} s; cut it first")
        return _named(target, folder)


def _seconds(sound: Path) -> float:
    with wave.open(str(sound)) as samples:
        return samples.getnframes() / samples.getframerate()


def counted(said: str) -> int:
    """How many frames ffmpeg says that it wrote."""
    return int([0, *re.findall(r"frame=\s*(\d+)", said)][-1])


def _named(made: Path, folder: Path) -> Path:
    """Moves a finished file into the folder under the hash of its content; the same upload is kept once."""
    with made.open("rb") as file:
        path = folder / f"{hashlib.file_digest(file, 'sha256').hexdigest()}{made.suffix}"
    with landing.kept(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with landing.replacing(path) as part:
            part.write_bytes(made.read_bytes())
    return path

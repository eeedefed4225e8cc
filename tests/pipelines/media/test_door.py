"""The door in: hostile files are refused in a sentence and leave nothing, the others leave pixels and samples."""

import io
import os
import re
import shutil
import struct
import subprocess
import sys
import time
import wave
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipelines.clip import Clip
from pipelines.errors import BadRequest, Unavailable
from pipelines.media import audio, cage, door, export, video

FAST = door.Limits(seconds=4, cage=cage.Limits(seconds=20))


def ffmpeg(*arguments: object) -> None:
    subprocess.run([cage.ffmpeg(), "-v", "error", "-y", *map(str, arguments)], check=True)


@pytest.fixture(scope="module")
def phone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a phone sends: HEVC, rotated, at a rate that varies, with sound, a place and a name."""
    folder = tmp_path_factory.mktemp("phone")
    plain, path = folder / "plain.mp4", folder / "IMG_0001.MOV"
    pictures = ["-f", "lavfi", "-i", "testsrc2=s=96x64:d=1:r=30"]
    place = ["-metadata", "location=+48.8577+002.295/", "-metadata", "com.apple.quicktime.make=Telephone"]
    varying = ["-vf", "select='not(mod(n,3))+lt(n,10)'", "-fps_mode", "vfr"]
    ffmpeg(
        *pictures, "-f", "lavfi", "-i", "sine=d=1", *varying, "-c:v", "libx265", "-x265-params", "log-level=0", plain
    )
    turned = ["-display_rotation", "90", "-i", plain, "-c", "copy", "-movflags", "use_metadata_tags"]
    ffmpeg(*turned, *place, "-f", "mov", path)
    return path


def test_a_film_of_a_phone_becomes_one_of_the_house(phone: Path, tmp_path: Path):
    taken = door.film(phone, tmp_path, limits=FAST)
    assert re.fullmatch(r"[0-9a-f]{64}\.mp4", taken.name)
    said = subprocess.run([cage.ffmpeg(), "-i", taken], capture_output=True, text=True, check=False).stderr
    assert re.search(r"Video: h264 .*yuv420p\(tv, bt709", said) and "64x96" in said and "rotation" not in said
    assert re.search(r"\d+ fps, \d+ tbr", said) and "Audio: aac" in said
    content = taken.read_bytes() + said.encode()
    assert b"48.8577" not in content and b"Telephone" not in content
    clip = video.read(taken)
    assert (clip.width, clip.height) == (64, 96) and abs(clip.seconds - 1) < 0.15


def test_the_same_upload_is_kept_once(phone: Path, tmp_path: Path):
    assert door.film(phone, tmp_path, limits=FAST) == door.film(phone, tmp_path, limits=FAST)
    assert len(os.listdir(tmp_path)) == 1


def test_two_uploads_of_the_same_content_at_once_are_kept_once_and_whole(tmp_path: Path):
    content = b"the same film " * 400_000
    made = [tmp_path / f"{number}.mp4" for number in range(4)]
    for path in made:
        path.write_bytes(content)
    for _ in range(5):
        with ThreadPoolExecutor(len(made)) as together:
            kept = set(together.map(lambda path: door._named(path, tmp_path / "in"), made))
        assert os.listdir(tmp_path / "in") == [path.name for path in kept]
        assert kept.pop().read_bytes() == content
        shutil.rmtree(tmp_path / "in")


@pytest.mark.skipif(sys.platform == "win32", reason="there are no rlimits there")
def test_an_upload_that_the_disk_has_no_room_for_leaves_nothing(tmp_path: Path):
    (tmp_path / "in.mp4").write_bytes(bytes(1 << 16))
    full = "import resource, signal, sys; from pathlib import Path; from pipelines.media import door\n"
    full += "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
    full += "door._named(Path(sys.argv[1]), Path(sys.argv[2]))"
    command = [sys.executable, "-c", full, str(tmp_path / "in.mp4"), str(tmp_path / "in")]
    done = subprocess.run(command, cwd=cage.ROOT, capture_output=True, text=True, check=False)
    assert "OSError" in done.stderr and os.listdir(tmp_path / "in") == []


def test_a_photo_loses_its_place_and_stands_upright(tmp_path: Path):
    pixels = np.zeros((40, 60, 3), np.uint8)
    pixels[:, :30] = (250, 30, 30)
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright: turn clockwise
    exif[0x010F] = "Telephone"
    exif.get_ifd(0x8825)[2] = (48.0, 51.0, 0.0)
    Image.fromarray(pixels).save(tmp_path / "photo.jpg", exif=exif, quality=95)
    taken = door.picture(tmp_path / "photo.jpg", tmp_path / "in")
    with Image.open(taken) as picture:
        assert picture.format == "PNG" and picture.size == (40, 60) and not picture.getexif()
        assert picture.getpixel((20, 10))[0] > 200 and picture.getpixel((20, 50))[0] < 60
    assert b"Telephone" not in taken.read_bytes()


@pytest.mark.parametrize("mode", ["RGBA", "P", "L", "LA", "1", "CMYK", "I;16"])
def test_every_kind_of_picture_becomes_rgb(tmp_path: Path, mode: str):
    if mode == "I;16":
        picture = Image.fromarray(np.full((9, 9), 51_400, np.uint16))
    else:
        picture = Image.new("RGB", (9, 9), (200, 200, 200)).convert(mode, palette=Image.Palette.ADAPTIVE)
    name = "picture.jpg" if mode == "CMYK" else "picture.png"
    picture.save(tmp_path / name)
    middle = door.develop(tmp_path / name)[4, 4].astype(int)
    assert middle.shape == (3,) and (mode == "1" or np.abs(middle - 200).max() <= 2)


def test_what_is_transparent_becomes_white(tmp_path: Path):
    Image.new("RGBA", (4, 4), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    assert (door.develop(tmp_path / "clear.png") == 255).all()


@pytest.mark.parametrize("suffix", [".wav", ".mp3", ".flac", ".ogg", ".m4a"])
def test_a_sound_is_at_48_khz_and_as_loud_as_it_was(tmp_path: Path, suffix: str):
    ffmpeg("-f", "lavfi", "-i", "sine=d=0.5:r=22050", "-metadata", "artist=somebody", tmp_path / f"in{suffix}")
    taken = door.sound(tmp_path / f"in{suffix}", tmp_path / "in", limits=FAST)
    with wave.open(str(taken)) as sound:
        assert (sound.getnchannels(), sound.getframerate()) == (1, 48_000)
        assert abs(sound.getnframes() - 24_000) < 3_000
    assert b"somebody" not in taken.read_bytes()
    assert audio.read(taken).max() == pytest.approx(1 / 8, abs=0.02)  # what ffmpeg's sine has


@pytest.mark.parametrize("channels", ["stereo", "5.1"])
def test_a_sound_of_several_channels_has_two(tmp_path: Path, channels: str):
    ffmpeg("-f", "lavfi", "-i", f"anoisesrc=d=0.2,aformat=channel_layouts={channels}", tmp_path / "in.wav")
    assert audio.read(door.sound(tmp_path / "in.wav", tmp_path / "in", limits=FAST)).shape[1] == 2


def test_the_sound_of_a_film_is_as_loud_as_it_was(tmp_path: Path):
    ffmpeg("-f", "lavfi", "-i", "color=s=32x32:d=0.5:r=8", "-f", "lavfi", "-i", "sine=d=0.5", tmp_path / "in.mp4")
    taken = door.film(tmp_path / "in.mp4", tmp_path / "in", limits=FAST)
    assert audio.read(taken).max() == pytest.approx(audio.read(tmp_path / "in.mp4").max(), rel=0.1)


@pytest.mark.parametrize("late", ["sound", "picture"])
def test_sound_and_picture_begin_when_they_did(tmp_path: Path, late: str):
    streams = ["-f", "lavfi", "-i", "color=s=32x32:d=1:r=8"], ["-f", "lavfi", "-i", "sine=d=1"]
    streams[late == "sound"][:0] = ["-itsoffset", "1"]
    ffmpeg(*streams[0], *streams[1], "-map", "0:v", "-map", "1:a", tmp_path / "in.mp4")
    for path in (tmp_path / "in.mp4", door.film(tmp_path / "in.mp4", tmp_path, limits=FAST)):
        clip = video.read(path)
        loud = np.flatnonzero(np.abs(clip.audio[:, 0]) > 0.05) / audio.RATE
        assert abs(loud[0] - (late == "sound")) < 0.05 and loud[-1] - loud[0] == pytest.approx(1, abs=0.05)
        assert clip.seconds == pytest.approx(2 if late == "picture" else 1, abs=0.2)
    heard = audio.read(door.sound(tmp_path / "in.mp4", tmp_path, limits=FAST))
    assert abs(np.argmax(np.abs(heard) > 0.05) / audio.RATE - (late == "sound")) < 0.05


@pytest.mark.parametrize("transfer", ["arib-std-b67", "smpte2084"])
@pytest.mark.parametrize("colour", [(40, 180, 60), (240, 240, 240)])
def test_hdr_of_a_phone_keeps_its_colours(tmp_path: Path, transfer: str, colour: tuple[int, ...]):
    usual = "scale=out_color_matrix=bt709,format=yuv444p16le,setparams=range=tv:colorspace=bt709"
    usual += ":color_primaries=bt709:color_trc=bt709"
    hdr = f"zscale=t=linear:npl=203,format=gbrpf32le,zscale=p=2020:t={transfer}:m=2020_ncl:r=tv:npl=203"
    phone = ["-c:v", "libx265", "-x265-params", "log-level=0", "-vf", f"{usual},{hdr},format=yuv420p10le"]
    ffmpeg("-f", "lavfi", "-i", f"color=0x{bytes(colour).hex()}:s=64x48:r=8:d=0.3", *phone, tmp_path / "in.mov")
    for path in (tmp_path / "in.mov", door.film(tmp_path / "in.mov", tmp_path, limits=FAST)):
        for frames in (video.film(path)[0], video.pick(path, (0.5,))):
            assert np.abs(frames.mean(axis=(0, 1, 2)) - colour).max() < 15


def test_pixels_become_square(tmp_path: Path):
    """Of a disc in PAL's wide pixels, what is white is as wide as it is high again."""
    disc = "geq=lum='255*lt(hypot((X-W/2)*16/11,Y-H/2),40)':cb=128:cr=128,setsar=16/11"
    ffmpeg("-f", "lavfi", "-i", "color=s=90x96:r=8:d=0.5", "-vf", disc, tmp_path / "in.mp4")
    for path in (tmp_path / "in.mp4", door.film(tmp_path / "in.mp4", tmp_path, limits=FAST)):
        white = video.film(path)[0][0, ..., 0] > 128
        assert abs(white.any(axis=0).sum() - 80) < 4 and abs(white.any(axis=1).sum() - 80) < 4
        assert video.pick(path, (0,)).shape[1:3] == white.shape
    said = subprocess.run([cage.ffmpeg(), "-i", path], capture_output=True, text=True, check=False).stderr
    assert "SAR 1:1" in said


def test_pixels_that_are_too_wide_are_refused(tmp_path: Path):
    ffmpeg("-f", "lavfi", "-i", "color=s=64x48:r=8:d=0.3", "-vf", "setsar=20/1", tmp_path / "in.mp4")
    with pytest.raises(BadRequest, match="in.mp4"):
        door.film(tmp_path / "in.mp4", tmp_path / "in", limits=door.Limits(pixels=50_000))


def silence(path: Path, channels: int) -> Path:
    """A second of silence that is small in the file, whatever it becomes in memory."""
    with wave.open(str(path), "wb") as sound:
        sound.setparams((channels, 1, 1_000, 0, "NONE", ""))
        sound.writeframes(bytes([128]) * 1_000 * channels)
    return path


@pytest.mark.parametrize(("channels", "kept"), [(1, 1), (2, 2), (6, 2), (8, 2)])
def test_a_sound_has_at_most_two_channels_in_memory(tmp_path: Path, channels: int, kept: int):
    assert audio.read(silence(tmp_path / "in.wav", channels)).shape == (48_000, kept)


def test_a_sound_whose_channels_have_no_place_in_a_room_is_refused(tmp_path: Path):
    with pytest.raises(BadRequest, match="in.wav is not a sound that can be read"):
        audio.read(silence(tmp_path / "in.wav", 64))


def test_the_sound_of_a_film_can_be_taken_alone(phone: Path, tmp_path: Path):
    assert door.sound(phone, tmp_path, limits=FAST).suffix == ".wav"


def png_bomb() -> bytes:
    """40,000 x 40,000 pixels in 10 kB."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 40_000, 40_000, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(4_000_000)))
        + chunk(b"IEND", b"")
    )


def text_bomb() -> bytes:
    """A small picture with 64 MB of compressed text in it."""
    data = b"Comment\0\0" + zlib.compress(bytes(1 << 26), 9)
    text = struct.pack(">I", len(data)) + b"zTXt" + data + struct.pack(">I", zlib.crc32(b"zTXt" + data))
    small = io.BytesIO()
    Image.new("RGB", (8, 8)).save(small, "PNG")
    content = small.getvalue()
    return content[:33] + text + content[33:]


SECRET = "/etc/passwd"
HOSTILE = {
    "hls": f"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5.0,\nfile://{SECRET}\n#EXT-X-ENDLIST\n".encode(),
    "concat": f"ffconcat version 1.0\nfile '{SECRET}'\n".encode(),
    "dash": b'<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><BaseURL>/etc/passwd</BaseURL></MPD>',
    "sdp": b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\n",
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/><script>alert(1)</script></svg>',
    "html": b"<!doctype html><script>alert(1)</script>",
    "pdf": b"%PDF-1.7\n1 0 obj\n",
    "zip": b"PK\x03\x04" + bytes(100),
    "gif": b"GIF89a" + bytes(100),
    "tiff": b"II*\0" + bytes(100),
    "eps": b"%!PS-Adobe-3.0 EPSF-3.0\n",
    "avi": b"RIFF\x10\0\0\0AVI LIST" + bytes(100),
    "flv": b"FLV\x01\x05" + bytes(100),
    "elf": b"\x7fELF" + bytes(100),
    "empty": b"",
    "one byte": b"\0",
    "heic": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
    "ftyp alone": b"\0\0\0\x18ftypisom\0\0\0\0isomiso2",
    "png bomb": png_bomb(),
    "mkv start": b"\x1a\x45\xdf\xa3" + b"<svg/>" * 40,
    "polyglot": b"\0\0\0\x18ftypisom\0\0\0\0isom" + b"#EXTM3U\nfile:///etc/passwd\n" * 9,
}
OPENERS = {"film": door.film, "picture": door.picture, "sound": door.sound}


@pytest.mark.parametrize("opener", OPENERS)
@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_hostile_is_refused_in_one_sentence_and_leaves_nothing(tmp_path: Path, name: str, opener: str):
    for suffix in (".mp4", ".png") if name in ("hls", "svg") else (".mp4",):
        upload = tmp_path / f"upload{suffix}"
        upload.write_bytes(HOSTILE[name])
        started = time.monotonic()
        with pytest.raises(BadRequest) as caught:
            OPENERS[opener](upload, tmp_path / "in", limits=FAST)
        assert "\n" not in str(caught.value) and SECRET not in str(caught.value)
        assert time.monotonic() - started < 10
        assert not (tmp_path / "in").exists()


def test_a_bomb_of_text_opens_as_a_small_picture_or_not_at_all(tmp_path: Path):
    (tmp_path / "bomb.png").write_bytes(text_bomb())
    with pytest.raises(BadRequest, match="bomb.png"):
        door.develop(tmp_path / "bomb.png")


def test_a_film_of_too_many_pixels_is_refused(tmp_path: Path):
    ffmpeg("-f", "lavfi", "-i", "color=s=640x480:d=0.1", tmp_path / "large.mp4")
    with pytest.raises(BadRequest, match="large.mp4"):
        door.film(tmp_path / "large.mp4", tmp_path / "in", limits=door.Limits(pixels=300_000))


def test_a_film_or_sound_that_is_too_long_is_refused_and_not_cut(tmp_path: Path):
    ffmpeg("-f", "lavfi", "-i", "color=s=32x32:d=4:r=5", "-f", "lavfi", "-i", "sine=d=4", tmp_path / "long.mp4")
    for opener in (door.film, door.sound):
        with pytest.raises(BadRequest, match="long.mp4 is longer than 2 s; cut it first"):
            opener(tmp_path / "long.mp4", tmp_path / "in", limits=door.Limits(seconds=2))
    assert not (tmp_path / "in").exists()


def test_a_film_of_one_picture_is_refused_before_any_work(tmp_path: Path):
    ffmpeg("-f", "lavfi", "-i", "color=s=32x32:r=8", "-frames:v", "1", tmp_path / "one.mp4")
    with pytest.raises(BadRequest, match="video: one.mp4 is a film of one picture; bring a film that moves"):
        door.film(tmp_path / "one.mp4", tmp_path / "in", limits=FAST)
    assert not (tmp_path / "in").exists()


def test_a_gap_in_time_does_not_become_a_million_frames(tmp_path: Path):
    """Two frames a day apart: brought to a steady rate they would fill the disk."""
    day = ["-vf", "setpts=N*100000/TB", "-fps_mode", "passthrough"]
    ffmpeg("-f", "lavfi", "-i", "color=s=32x32:r=1:d=2", *day, tmp_path / "gap.mkv")
    with pytest.raises(BadRequest, match="gap.mkv"):
        door.film(tmp_path / "gap.mkv", tmp_path / "in", limits=FAST)


def test_a_file_of_too_many_bytes_is_not_even_opened(tmp_path: Path):
    with (tmp_path / "huge.mp4").open("wb") as file:
        file.truncate(301 << 20)
    with pytest.raises(BadRequest, match="huge.mp4 has 301 MB; 300 is the most"):
        door.film(tmp_path / "huge.mp4", tmp_path / "in")


def test_more_frames_than_memory_holds_are_refused(clip: Clip, tmp_path: Path):
    path = export.save(clip, tmp_path / "clip.mp4")
    with pytest.raises(BadRequest, match="more than 10 frames"):
        video.read(path, limits=door.Limits(held=10 * 64 * 48 * 3))


def test_a_wrong_suffix_decides_nothing(clip: Clip, tmp_path: Path):
    film = Path(shutil.copy(export.save(clip, tmp_path / "clip.mp4"), tmp_path / "face.png"))
    with pytest.raises(BadRequest, match="must be a picture .* by its content face.png is mp4"):
        door.picture(film, tmp_path / "in")
    assert door.film(film, tmp_path / "in", limits=FAST).suffix == ".mp4"


def test_a_polyglot_keeps_its_pixels_alone(tmp_path: Path):
    """A picture that is also a page with a script, an archive and a playlist."""
    tail = b"<script>alert(1)</script>PK\x03\x04#EXTM3U\nfile:///etc/passwd\n"
    Image.new("RGB", (8, 8), "red").save(tmp_path / "both.png")
    with (tmp_path / "both.png").open("ab") as file:
        file.write(tail)
    taken = door.picture(tmp_path / "both.png", tmp_path / "in")
    assert b"script" not in taken.read_bytes() and b"EXTM3U" not in taken.read_bytes()


@pytest.mark.parametrize(("share", "name"), [(s, n) for s in (1, 40, 95) for n in ("clip.mp4", "still.png")])
def test_a_file_that_breaks_off_is_refused_or_read_as_far_as_it_goes(
    clip: Clip, still: Clip, tmp_path: Path, share: int, name: str
):
    whole = export.save(clip if name == "clip.mp4" else still, tmp_path / name).read_bytes()
    broken = tmp_path / f"broken-{name}"
    broken.write_bytes(whole[: len(whole) * share // 100])
    opener = door.film if name == "clip.mp4" else door.picture
    try:
        taken = opener(broken, tmp_path / "in", limits=FAST)
    except BadRequest as error:
        assert "\n" not in str(error) and not (tmp_path / "in").exists()
    else:
        assert taken.stat().st_size > 0


GREEDY = """
import sys, time
if sys.argv[1] == "memory": held = bytearray(1 << 31)
if sys.argv[1] == "disk":
    with open(sys.argv[2], "wb") as file: file.write(bytes(1 << 24)); file.flush()
if sys.argv[1] == "time": time.sleep(60)
print("escaped")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there are no rlimits there")
@pytest.mark.parametrize("what", ["memory", "disk", "time"])
def test_the_cage_holds(tmp_path: Path, what: str):
    (tmp_path / "upload").touch()
    limits = cage.Limits(memory=1 << 30, seconds=1, written=1 << 20)
    command = [sys.executable, "-I", "-c", GREEDY, what, str(tmp_path / "out")]
    started = time.monotonic()
    done = cage.run(command, tmp_path / "upload", limits)
    assert done.status != 0 and b"escaped" not in done.out
    assert time.monotonic() - started < 8


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace to see what is opened")
@pytest.mark.parametrize("name", ["hls", "polyglot", "film"])
def test_no_file_but_the_upload_is_opened(clip: Clip, tmp_path: Path, name: str):
    """Even if the door let playlists in: their reader has no protocol to open anything with."""
    bait, upload, log = (tmp_path / part for part in ("bait.ts", "upload.mp4", "log"))
    bait.write_bytes(b"bait")
    if name == "film":
        export.save(clip, upload)
    else:
        upload.write_bytes(HOSTILE[name].replace(SECRET.encode(), str(bait).encode()))
    source = ["-protocol_whitelist", "fd", "-f", "hls" if name == "hls" else "mov", "-fd", "0", "-i", "fd:"]
    watched = [shutil.which("strace"), "-f", "-qq", "-e", "trace=open,openat,connect", "-o", str(log)]
    command = [*watched, cage.ffmpeg(), "-nostdin", "-v", "error", *source, "-f", "null", "-"]
    done = cage.run(command, upload, cage.Limits(seconds=20))
    assert (done.status == 0) == (name == "film")
    lines = log.read_text().splitlines()
    opened = [re.search(r'"([^"]*)"', line)[1] for line in lines if re.search(r"open(at)?\(.* = \d+$", line)]
    system = ("/etc/ld", "/lib", "/usr/lib", "/proc", "/sys", "/dev")
    assert not [path for path in opened if not path.startswith(system)]
    assert not [line for line in lines if str(bait) in line or "connect(" in line]


def test_a_folder_that_cannot_be_made_is_named_with_the_way_out(tmp_path: Path):
    picture = export.picture(np.zeros((8, 8, 3), np.uint8), tmp_path / "a.png")
    with pytest.raises(Unavailable, match="nothing can be kept in /proc/rushes .*another RUSHES_DATA"):
        door.picture(picture, Path("/proc/rushes"))

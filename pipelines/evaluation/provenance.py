"""Attacks on what the studio signs and on its door, counted: `python -m pipelines.evaluation.provenance tamper`.

Parts: tamper (signed files, changed at random), cut (every format at every 1 % of its length), fuzz (files with random
damage at the door), time (mark, encode and sign against ffmpeg's plain encode). Every figure comes from a seed.
"""

import argparse
import itertools
import json
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.clip import Clip
from pipelines.errors import BadRequest
from pipelines.media import cage, door, encode, export, keys, provenance, tags, verify, video
from pipelines.media.provenance import Record
from pipelines.requests import TextToVideo
from pipelines.training import world

ID = "0123abcd" + "0" * 24
CAUGHT = ("changed", "absent")
PICTURE_DATA = {".mp4": b"mdat", ".png": b"IDAT", ".wav": b"data"}
LIMITS = door.Limits(seconds=10, cage=cage.Limits(seconds=20))
LOOKED_AT_IN_FULL = 25  # every so many trials the whole of `verify`, which decodes the file, must not fail either
# How each seed file of the door is made from a small film with sound.
SEEDS = {
    "film.mp4": ["-c:v", "libx264", "-c:a", "aac"],
    "film.mov": ["-c:v", "libx265", "-c:a", "aac"],
    "film.webm": ["-c:v", "libvpx-vp9", "-c:a", "libopus"],
    "film.mkv": ["-c:v", "libx264", "-c:a", "flac"],
    "picture.png": ["-frames:v", "1"],
    "picture.jpg": ["-frames:v", "1"],
    "picture.webp": ["-frames:v", "1"],
    "sound.wav": ["-vn"],
    "sound.mp3": ["-vn"],
    "sound.flac": ["-vn"],
    "sound.ogg": ["-vn", "-c:a", "libvorbis"],
}


def tamper(folder: Path, *, trials: int, seed: int) -> dict[str, Any]:
    """Signed films, stills and sounds, changed at random. {"trials", "caught", "states": {change: {state: count}}}."""
    identity, random = keys.new(), np.random.default_rng(seed)
    files = signed(folder, identity)
    states: dict[str, Counter[str]] = {name: Counter() for name in CHANGES}
    for trial in range(trials):
        kind = list(CHANGES)[trial % len(CHANGES)]
        source = files[random.integers(len(files))]
        target = folder / f"tampered{source.suffix}"
        CHANGES[kind](source, target, random)
        with target.open("rb") as file:
            states[kind][provenance.examine(file, identity.studio).state] += 1
        if trial % LOOKED_AT_IN_FULL == 0:
            assert verify.look(target, identity)["signature"] in CAUGHT
    caught = sum(count for counter in states.values() for state, count in counter.items() if state in CAUGHT)
    return {"trials": trials, "caught": caught, "states": {name: dict(counter) for name, counter in states.items()}}


def signed(folder: Path, identity: keys.Identity) -> list[Path]:
    """A film, a still and a sound as they leave the studio."""
    frames = world.render(world.sample_scene(1002), frames=16)
    tone = (0.2 * np.sin(np.arange(48_000)[:, None] / 20)).astype(np.float32)
    request, record = TextToVideo(prompt="a fox", seconds=1), Record(identity=identity, clip=ID)
    film = Clip(frames=frames, fps=16, audio=tone, origin=request)
    made = {"film.mp4": frames, "still.png": frames[:1], "sound.wav": frames[:0]}
    return [
        export.save(Clip(frames=some, fps=16, audio=film.audio, origin=request), folder / name, record=record)
        for name, some in made.items()
    ]


def flip(source: Path, target: Path, random: np.random.Generator) -> None:
    """One bit of the picture or sound data."""
    content = bytearray(source.read_bytes())
    start = content.find(PICTURE_DATA[source.suffix])
    length = int.from_bytes(content[start - 4 : start]) - 8
    if source.suffix == ".png":
        length += 8
    elif source.suffix == ".wav":
        length = int.from_bytes(content[start + 4 : start + 8], "little")
        start += 4
    content[start + 4 + int(random.integers(length))] ^= 1 << int(random.integers(8))
    target.write_bytes(content)


def cut(source: Path, target: Path, random: np.random.Generator) -> None:
    """Some of the end is missing."""
    content = source.read_bytes()
    target.write_bytes(content[: int(random.integers(64, len(content)))])


def remux(source: Path, target: Path, random: np.random.Generator) -> None:
    """The same streams in a new container, or the pixels in a new PNG."""
    copy = ["-c", "copy"] if source.suffix != ".png" else []
    _ffmpeg("-i", str(source), *copy, "-fflags", "+bitexact", "-metadata", f"title={random.integers(99)}", str(target))


def edit(source: Path, target: Path, random: np.random.Generator) -> None:
    """One letter of the settings in the file."""
    content = bytearray(source.read_bytes())
    places = [at for at in range(len(content)) if content.startswith(b"fox", at)]
    content[places[int(random.integers(len(places)))] + int(random.integers(3))] ^= 1 + int(random.integers(15))
    target.write_bytes(content)


CHANGES = {"flip": flip, "cut": cut, "remux": remux, "edit": edit}


def every_cut(folder: Path, *, trials: int, seed: int) -> dict[str, Any]:
    """Every format, cut at every 1 % of its length, at the door: `trials` of 1,089 files, from `seed` on."""
    contents = {name: path.read_bytes() for name, path in seeds(folder).items()}
    cuts = ((name, whole[: len(whole) * share // 100]) for share in range(1, 100) for name, whole in contents.items())
    return _at_the_door(folder, itertools.islice(cuts, seed, seed + trials))


def fuzz(folder: Path, *, trials: int, seed: int) -> dict[str, Any]:
    """Every format in turn, with random damage, at the door."""
    random = np.random.default_rng(seed)
    contents = {name: path.read_bytes() for name, path in seeds(folder).items()}
    names = [list(contents)[trial % len(contents)] for trial in range(trials)]
    return _at_the_door(folder, ((name, damaged(bytearray(contents[name]), random)) for name in names))


def damaged(content: bytearray, random: np.random.Generator) -> bytes:
    """Some bytes changed, or a piece removed, repeated, or replaced by a number that may be taken for a length."""
    for _ in range(int(random.integers(1, 4))):
        first, last = sorted(int(place) for place in random.integers(0, len(content), 2))
        last = min(last, first + 4_096)
        way = random.integers(4)
        if way == 0:
            for place in random.integers(0, len(content), int(random.integers(1, 64))):
                content[place] = random.integers(256)
        elif way == 1:
            del content[first:last]
        elif way == 2:
            content[first:first] = content[first:last]
        else:
            content[first : first + 4] = int(random.choice([0, 1, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])).to_bytes(4)
    return bytes(content)


def seeds(folder: Path) -> dict[str, Path]:
    """One whole file of each format that the door knows."""
    source = ["-f", "lavfi", "-i", "testsrc2=s=96x64:d=0.5:r=12", "-f", "lavfi", "-i", "sine=d=0.5"]
    for name, options in SEEDS.items():
        _ffmpeg(*source, *options, str(folder / name))
    return {name: folder / name for name in SEEDS}


def _at_the_door(folder: Path, uploads: Iterator[tuple[str, bytes]]) -> dict[str, Any]:
    """{"files", "refused", "normalised", "slowest_s"}; anything but these two is an exception that ends the run."""
    kept, counts, slowest = folder / "in", Counter(), 0.0
    doors = {"film": door.film, "picture": door.picture, "sound": door.sound}
    for name, content in uploads:
        upload = folder / f"upload{Path(name).suffix}"
        upload.write_bytes(content)
        started = time.perf_counter()
        try:
            made = doors[name.split(".")[0]](upload, kept, limits=LIMITS)
            counts["normalised"] += 1
            made.unlink()
        except BadRequest as error:
            counts["refused"] += 1
            assert "\n" not in str(error)
        tags.read(upload)
        slowest = max(slowest, time.perf_counter() - started)
        assert not kept.exists() or not list(kept.iterdir()), "a refused file has left something"
    return {"files": sum(counts.values()), **counts, "slowest_s": round(slowest, 2)}


def timing(folder: Path, *, trials: int, seed: int) -> dict[str, Any]:
    """4 s of the theatre at 256 x 256: seconds for ffmpeg's plain encode, and for mark, encode, tag and sign."""
    frames = world.render(world.sample_scene(seed), frames=64)
    clip = Clip(frames=frames, fps=16, origin=TextToVideo(prompt="a fox", seconds=4))
    record = Record(identity=keys.new(), clip=ID)
    plain, whole = [], []
    for trial in range(trials):
        started = time.perf_counter()
        encode.film(clip, folder / f"plain{trial}.mp4")
        plain.append(time.perf_counter() - started)
        started = time.perf_counter()
        export.save(clip, folder / f"whole{trial}.mp4", record=record)
        whole.append(time.perf_counter() - started)
    assert video.request_of(folder / "whole0.mp4")
    ratio = min(whole) / min(plain)
    return {
        "plain_s": round(min(plain), 3),
        "whole_s": round(min(whole), 3),
        "ratio": round(ratio, 2),
        "trials": trials,
    }


def _ffmpeg(*arguments: str) -> None:
    subprocess.run([cage.ffmpeg(), "-v", "error", "-y", *arguments], check=True)


PARTS = {"tamper": tamper, "cut": every_cut, "fuzz": fuzz, "time": timing}


def main() -> None:
    """One part, its figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--trials", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rushes-") as folder:
        started = time.perf_counter()
        figures = PARTS[options.part](Path(folder), trials=options.trials, seed=options.seed)
    print(json.dumps({"part": options.part, **figures, "seconds": round(time.perf_counter() - started, 1)}))


if __name__ == "__main__":
    main()

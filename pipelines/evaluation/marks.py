"""What the invisible marks cost and survive, as JSON and a table: python -m pipelines.evaluation.marks --out FOLDER

Clip by clip; a run that was stopped goes on where it was when it is started again with the same folder.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from pipelines.clip import Clip
from pipelines.errors import BadRequest
from pipelines.evaluation import copies, footage, metrics, report
from pipelines.media import export, soundmark, watermark
from pipelines.media.payload import Payload
from pipelines.training.data import PICTURES, photographs

SECRET = b"for measuring"
PARTS = ("films", "wide", "stills", "sounds", "unmarked", "unmarked_sounds", "time")
Change = Callable[[np.ndarray], np.ndarray]
Outcome = dict[str, Any]
VP9 = ("-c:v", "libvpx-vp9", "-crf", "31", "-b:v", "0", "-deadline", "good", "-cpu-used", "5")


def _cropped(frames: np.ndarray) -> np.ndarray:
    """Without a tenth of the width and of the height, off the middle; even sizes."""
    height, width = (side * 9 // 10 // 2 * 2 for side in frames.shape[1:3])
    top, left = (frames.shape[1] - height) // 3, (frames.shape[2] - width) // 3
    return np.ascontiguousarray(frames[:, top : top + height, left : left + width])


def _enlarged(frames: np.ndarray) -> np.ndarray:
    return copies.resized(_cropped(frames), frames.shape[2], frames.shape[1])


def _halved(frames: np.ndarray) -> np.ndarray:
    height, width = frames.shape[1:3]
    half = copies.resized(frames, width // 2, height // 2)
    return half if len(half) == 1 else copies.h264(half, 23)


def _halved_and_back(frames: np.ndarray) -> np.ndarray:
    return copies.resized(_halved(frames), frames.shape[2], frames.shape[1])


def _lit(gain: float, offset: float) -> Change:
    """Each level times `gain` plus `offset`, as cv2 rounds and limits it."""
    return lambda frames: np.stack([cv2.addWeighted(frame, gain, frame, 0, offset) for frame in frames])


# What is done to a film -> how, and the least share of clips that must be read. Each begins with what the studio saves
# (x264, crf 18) and ends with x264, crf 23, where nothing else is said.
FILMS: dict[str, tuple[Change, float | None]] = {
    "H.264 crf 23": (lambda frames: copies.h264(frames, 23), 0.99),
    "H.264 crf 28": (lambda frames: copies.h264(frames, 28), 0.97),
    "H.264 crf 32": (lambda frames: copies.h264(frames, 32), 0.85),
    "10 % crop": (lambda frames: copies.h264(_cropped(frames), 23), 0.90),
    "10 % crop, enlarged again": (lambda frames: copies.h264(_enlarged(frames), 23), None),
    "1 s excerpt": (lambda frames: copies.h264(frames[21:37], 23), 0.95),
    "16 to 12 frames per second": (lambda frames: copies.h264(frames, 23, "-r", "12"), 0.95),
    "15 % brighter": (lambda frames: copies.h264(_lit(1, 0.15 * 255)(frames), 23), 0.95),
    "15 % darker": (lambda frames: copies.h264(_lit(1, -0.15 * 255)(frames), 23), 0.95),
    "15 % more contrast": (lambda frames: copies.h264(_lit(1.15, -0.15 * 128)(frames), 23), 0.95),
    "15 % less contrast": (lambda frames: copies.h264(_lit(0.85, 0.15 * 128)(frames), 23), 0.95),
    "VP9 in WebM, crf 31": (lambda frames: copies.film(frames, *VP9, suffix=".webm"), 0.95),
}
WIDE: dict[str, tuple[Change, float | None]] = {
    "720p to half size": (_halved, None),
    "720p to half size and back": (lambda frames: copies.h264(_halved_and_back(frames), 23), 0.95),
}
STILLS: dict[str, tuple[Change, float | None]] = {
    "PNG": (lambda frames: frames, None),
    "JPEG 90": (lambda frames: copies.jpeg(frames[0], 90)[None], None),
    "JPEG 75": (lambda frames: copies.jpeg(frames[0], 75)[None], None),
    "half size and back": (_halved_and_back, None),
    "10 % crop": (_cropped, None),
}
SOUNDS: dict[str, tuple[tuple[str, ...], str, float | None]] = {
    "AAC 96k": (("-c:a", "aac", "-b:a", "96k"), ".m4a", 0.95),
    "MP3 128k": (("-c:a", "libmp3lame", "-b:a", "128k"), ".mp3", 0.95),
    "Opus 64k": (("-c:a", "libopus", "-b:a", "64k"), ".opus", 0.95),
    "resampled to 44.1 kHz": (("-ar", "44100"), ".wav", 0.95),
}
EXCERPTS = {"10 s excerpt": (10.0, 0.95), "4 s excerpt": (4.0, None), "4 s excerpt, AAC 96k": (4.0, None)}
TARGETS = {
    part: {name: target for rows in of_part for name, (*_, target) in rows.items()}
    for part, of_part in {"films": [FILMS], "wide": [WIDE], "stills": [STILLS], "sounds": [SOUNDS, EXCERPTS]}.items()
}


def picture_outcome(frames: np.ndarray, rows: dict[str, tuple[Change, float | None]], payload: Payload) -> Outcome:
    """What the mark costs frames (T, H, W, 3), and whether it is read after each row's change."""
    begun = time.process_time()
    marked = watermark.mark(frames, payload, SECRET)
    outcome: Outcome = {"mark_ms_per_frame": 1000 * (time.process_time() - begun) / len(frames)}
    seen = slice(None, None, max(1, len(frames) // 8))
    outcome |= {"psnr": metrics.psnr(frames, marked), "ssim": metrics.ssim(frames[seen], marked[seen])}
    saved = marked if len(marked) == 1 else copies.h264(marked, 18)
    read, seconds = {}, []
    for name, (change, _) in rows.items():
        copy = change(saved)
        begun = time.process_time()
        read[name] = watermark.find(copy, SECRET).payload == payload
        seconds.append(time.process_time() - begun)
    return outcome | {"find_s": max(seconds), "read": read}


def sound_outcome(audio: np.ndarray, payload: Payload) -> Outcome:
    """What the mark costs audio (A, channels), and whether it is read after each change."""
    rate = footage.RATE
    marked = soundmark.mark(audio, rate, payload, SECRET)
    loss = np.mean((marked - audio) ** 2) / np.mean(audio**2)
    heard = {name: copies.sound(marked, rate, *options, suffix=end) for name, (options, end, _) in SOUNDS.items()}
    start = 17_777  # no whole number of anything
    for name, (seconds, _) in EXCERPTS.items():
        part = marked[start : start + int(seconds * rate)]
        heard[name] = copies.sound(part, rate, *SOUNDS["AAC 96k"][0], suffix=".m4a") if "AAC" in name else (part, rate)
    read = {name: soundmark.find(copy, rate, SECRET).payload == payload for name, (copy, rate) in heard.items()}
    return {"signal_to_mark_db": float(-10 * np.log10(loss)), "seconds": len(audio) / rate, "read": read}


def unmarked_outcomes(pictures: list[np.ndarray], count: int, each: int = 100) -> Iterator[tuple[str, Callable]]:
    """Windows of pictures that carry no mark, `each` at a time; what is found in them."""
    material = [draw for shots in (footage.stills(pictures), footage.wide_films(pictures)) for draw in shots.values()]

    def found(number: int) -> Outcome:
        rng = np.random.default_rng(number)
        frames = material[number % len(material)]()
        return {"windows": each, "found": sum(_found_in_a_window(frames, rng) for _ in range(each))}

    for number in range(-(-count // each)):
        yield f"windows {number}", lambda number=number: found(number)


def _found_in_a_window(frames: np.ndarray, rng: np.random.Generator) -> bool:
    height, width = (int(rng.integers(min(side, 256), min(side, 360) + 1)) for side in frames.shape[1:3])
    top, left = (
        int(rng.integers(0, side - own + 1)) for side, own in zip(frames.shape[1:3], (height, width), strict=True)
    )
    start = int(rng.integers(len(frames)))
    window = frames[start : start + int(rng.integers(1, 4)), top : top + height, left : left + width]
    return watermark.find(window, SECRET).payload is not None


def unmarked_sounds(count: int, each: int = 250) -> Iterator[tuple[str, Callable]]:
    """The same of sounds, 2 to 8 s long."""
    sounds = list(footage.sounds().values())

    def found(number: int) -> Outcome:
        rng, sound, hits = np.random.default_rng(number), sounds[number % len(sounds)](), 0
        for _ in range(each):
            length = min(len(sound), int(rng.uniform(2, 8) * footage.RATE))
            start = int(rng.integers(len(sound) - length + 1))
            hits += soundmark.find(sound[start : start + length], footage.RATE, SECRET).payload is not None
        return {"windows": each, "found": hits}

    for number in range(-(-count // each)):
        yield f"windows {number}", lambda number=number: found(number)


def time_outcome(frames: np.ndarray, folder: Path, rounds: int = 7) -> Outcome:
    """Seconds to encode frames as the studio does, alone and with the mark: the least of some rounds, turn by turn."""
    seconds: dict[str, list[float]] = {"encode": [], "mark and encode": []}
    for _ in range(rounds):
        for name, taken in seconds.items():
            begun = time.perf_counter()
            marked = frames if name == "encode" else watermark.mark(frames, Payload(1, 1), SECRET)
            path = export.save(Clip(frames=marked, fps=footage.FPS), folder / "time.mp4")
            taken.append(time.perf_counter() - begun)
            path.unlink()
    least = {name: min(taken) for name, taken in seconds.items()}
    return least | {"ratio": least["mark and encode"] / least["encode"]}


def works(part: str, folder: Path, *, pictures: Path, windows: int) -> Iterator[tuple[str, Callable[[], Outcome]]]:
    """What there is to measure in a part: a name, and what measures it. Raises `BadRequest` ("pictures")."""
    if part == "sounds":
        for number, (name, sound) in enumerate(footage.sounds().items()):
            yield name, lambda sound=sound, number=number: sound_outcome(sound(), Payload(9, 2**31 + number))
        return
    if part == "unmarked_sounds":
        yield from unmarked_sounds(windows)
        return
    photos = photographs(pictures)
    if not photos:
        raise BadRequest("pictures", f"there are no photographs (.jpg) in {pictures}")
    if part == "unmarked":
        yield from unmarked_outcomes(photos, windows)
    elif part == "time":
        yield part, lambda: time_outcome(footage.films(photos)["theatre 0"](), folder)
    else:
        draw, rows = {
            "films": (footage.films, FILMS),
            "wide": (footage.wide_films, WIDE),
            "stills": (footage.stills, STILLS),
        }[part]
        for number, (name, shot) in enumerate(draw(photos).items()):
            yield name, lambda shot=shot, number=number: picture_outcome(shot(), rows, Payload(9, 2**31 + number))


def measure(part: str, folder: Path, **options: Any) -> dict[str, Outcome]:
    """Measures what of a part is not yet in the folder's file of it, and returns all of it."""
    path = folder / f"{part}.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    done: dict[str, Outcome] = dict(json.loads(line) for line in lines)
    with path.open("a", encoding="utf-8") as file:
        for name, work in works(part, folder, **options):
            if name not in done:
                done[name] = work()
                file.write(json.dumps([name, done[name]]) + "\n")
                file.flush()
    return done


def summary(outcomes: dict[str, Outcome]) -> dict[str, Any]:
    """Shares with their intervals, and mean and least of everything else."""
    every = list(outcomes.values())
    told: dict[str, Any] = {"clips": len(every)}
    for name in every[0].get("read", {}):
        told[name] = metrics.share(sum(outcome["read"][name] for outcome in every), len(every))
    for name in every[0].keys() - {"read"}:
        values = [outcome[name] for outcome in every]
        told[name] = {"mean": float(np.mean(values)), "least": min(values), "most": max(values), "sum": sum(values)}
    return told


def table(part: str, told: dict[str, Any]) -> str:
    """A part of the result for people, in Markdown."""
    lines = [f"{part}, {told['clips']} measured", "| what | measured | target |", "|---|---|---|"]
    for name, value in told.items():
        if name in TARGETS.get(part, {}):
            target = "" if TARGETS[part][name] is None else f"{TARGETS[part][name]:.0%}"
            measured = f"{value['accuracy']:.1%} ({value['low']:.0%} to {value['high']:.0%})"
            lines.append(f"| {name} | {measured} | {target} |")
        elif isinstance(value, dict):
            lines.append(f"| {name} | mean {value['mean']:.4g}, {value['least']:.4g} to {value['most']:.4g} | |")
    if "found" in told:
        windows = told["windows"]["sum"]
        bound = metrics.wilson(told["found"]["sum"], windows)[1]
        lines.append(
            f"| found in {windows} windows | {told['found']['sum']}, at most {bound:.3%} of windows (95 %) | 0 |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """The command line of this module."""
    parser = argparse.ArgumentParser(description="What the invisible marks cost and survive")
    parser.add_argument("--out", type=Path, required=True, help="folder of the results")
    parser.add_argument("--only", choices=PARTS, nargs="+", default=PARTS, help="parts to measure (default: all)")
    parser.add_argument("--pictures", type=Path, default=PICTURES, help="photographs (.jpg) that films are made of")
    parser.add_argument("--windows", type=int, default=10_000, help="unmarked windows to look into")
    options = parser.parse_args()
    folder = report.open_folder(options.out, "marks.json")
    result = {}
    for part in options.only:
        result[part] = summary(measure(part, folder, pictures=options.pictures, windows=options.windows))
        print(table(part, result[part]))
    report.write_json({"machine": report.machine(), **result}, folder / "marks.json")


if __name__ == "__main__":
    main()

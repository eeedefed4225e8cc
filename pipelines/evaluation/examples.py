"""Makes the clips of assets/examples anew: python -m pipelines.evaluation.examples

Each is the best of four seeds, to the eye. README's moving picture is of first tries:
python -m pipelines.evaluation.examples --sheet assets/examples/mini.webp
"""

import argparse
from pathlib import Path

from pipelines.catalog import load
from pipelines.media import export
from pipelines.requests import TextToVideo

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "examples"
EXAMPLES: dict[str, TextToVideo] = {
    name: TextToVideo(prompt=prompt, seed=seed, seconds=2, aspect=aspect)
    for name, seed, aspect, prompt in (
        ("penguin", 3, "1:1", "a penguin stands still on a snowy mountain"),
        ("balloon", 3, "3:4", "a yellow balloon floats up above a meadow, static camera"),
        ("basketball", 3, "1:1", "a basketball falls on a city street at night"),
        ("bus", 3, "16:9", "a bus moves left on a city street in the rain"),
        ("elephant", 3, "1:1", "an elephant shrinks in a desert"),
        ("frog", 2, "4:3", "a frog stands still by a lake, camera pans right"),
        ("lion", 3, "16:9", "a lion moves right in a desert at sunset"),
        ("owl", 3, "1:1", "an owl floats up above the clouds at sunset"),
        ("pig", 3, "1:1", "a pig grows on a meadow"),
        ("red-panda", 3, "1:1", "a red panda stands still on a snowy mountain at night, camera zooms in"),
        ("rocket", 4, "9:16", "a rocket floats up in outer space"),
        ("strawberry", 4, "1:1", "a strawberry spins in a kitchen"),
    )
}
FIRST_TRIES = tuple(
    TextToVideo(prompt=prompt, seed=seed, seconds=2)
    for seed, prompt in (
        (7, "a red panda jumps on a snowy mountain at night, camera zooms in"),
        (1, "a blue balloon floats up above the clouds at sunset"),
        (1, "an astronaut dances in outer space"),
        (1, "a pig bounces on a meadow"),
        (1, "a rocket spins in outer space"),
        (1, "a penguin moves left on a snowy mountain in the snow"),
        (1, "a yellow teapot jumps in a kitchen"),
        (1, "a duck bounces by a lake at sunset"),
    )
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=FOLDER, help="files that exist there are replaced")
    parser.add_argument("--sheet", type=Path, help="only one moving picture (WebP) of the first tries, half their size")
    options = parser.parse_args()
    pipeline = load("mini")
    if options.sheet:
        tries = [pipeline(request).frames for request in FIRST_TRIES]
        options.sheet.unlink(missing_ok=True)
        export.film(tries, options.sheet, columns=len(tries) // 2)
        return
    for name, request in EXAMPLES.items():
        clip = pipeline(request)
        path = options.out / f"{name}.mp4"
        for old in (path, path.with_suffix(".webp")):
            old.unlink(missing_ok=True)
        export.save(clip, path)
        export.poster(clip, path.with_suffix(".webp"))


if __name__ == "__main__":
    main()

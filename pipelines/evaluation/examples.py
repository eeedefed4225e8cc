"""Makes the clips of assets/examples anew: python -m pipelines.evaluation.examples

The stage of the studio opens with the first of them. README's moving picture is made of the square ones, at their first
try: python -m pipelines.evaluation.examples --sheet assets/examples/mini.webp
"""

import argparse
from dataclasses import replace
from pathlib import Path

from pipelines.catalog import load
from pipelines.media import export
from pipelines.requests import TextToVideo

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "examples"
EXAMPLES: dict[str, TextToVideo] = {
    name: TextToVideo(prompt=prompt, seed=seed, seconds=2, aspect=aspect)
    for name, prompt, seed, aspect in (
        ("red-panda", "a red panda jumps on a snowy mountain at night, camera zooms in", 7, "1:1"),
        ("balloon", "a blue balloon floats up above the clouds at sunset", 1, "1:1"),
        ("astronaut", "an astronaut dances in outer space", 1, "1:1"),
        ("fox", "a fox moves right in a forest in the rain", 1, "16:9"),
        ("pig", "a pig bounces on a meadow", 1, "1:1"),
        ("rocket", "a rocket spins in outer space", 1, "1:1"),
        ("penguin", "a penguin moves left on a snowy mountain in the snow", 1, "1:1"),
        ("octopus", "an octopus circles on the ocean floor", 1, "4:3"),
        ("car", "a red car moves right on a city street at night", 1, "16:9"),
        ("teapot", "a yellow teapot jumps in a kitchen", 1, "1:1"),
        ("lion", "a lion dances on a theatre stage", 1, "3:4"),
        ("duck", "a duck bounces by a lake at sunset", 1, "1:1"),
    )
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=FOLDER, help="files that exist there are replaced")
    parser.add_argument("--seed", type=int, help="one seed for all, to look for better ones")
    parser.add_argument("--sheet", type=Path, help="only one moving picture (WebP) of the square ones, half their size")
    options = parser.parse_args()
    pipeline = load("mini")
    if options.sheet:
        square = [pipeline(example).frames for example in EXAMPLES.values() if example.aspect == "1:1"]
        options.sheet.unlink(missing_ok=True)
        export.film(square, options.sheet, columns=len(square) // 2)
        return
    for name, example in EXAMPLES.items():
        request = example if options.seed is None else replace(example, seed=options.seed)
        clip = pipeline(request)
        path = options.out / f"{name}.mp4"
        path.unlink(missing_ok=True)
        export.save(clip, path)


if __name__ == "__main__":
    main()

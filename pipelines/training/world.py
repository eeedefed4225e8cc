"""The toy theatre: a synthetic world, drawn from a seed, that mini learns from.

`python -m pipelines.training.world --sheet sheet.png` draws a contact sheet, `--time` measures the drawing.
"""

import time
from pathlib import Path

import numpy as np

from pipelines import command
from pipelines.media import export, landing
from pipelines.training.captions import caption
from pipelines.training.scene import Scene, allowed, edited_twin, is_held_out, sample_scene
from pipelines.training.theatre import Theatre
from pipelines.training.truth import Take, Truth, observe

__all__ = [
    "Scene",
    "Take",
    "Truth",
    "allowed",
    "caption",
    "edited_twin",
    "is_held_out",
    "observe",
    "render",
    "render_still",
    "sample_scene",
    "stage",
    "stage_still",
]
STILL_SECONDS = 2.0  # a still is one moment of a clip of this length


def stage(
    scene: Scene, *, frames: int = 32, fps: int = 16, width: int = 256, height: int = 256
) -> tuple[Theatre, list[float]]:
    """The theatre of a clip and the moments, in seconds, that are its frames."""
    times = [i / fps for i in range(frames)]
    return Theatre.of_clip(scene, times=times, size=(width, height)), times


def stage_still(scene: Scene, *, width: int = 256, height: int = 256) -> tuple[Theatre, list[float]]:
    """The theatre of a still and its one moment, a random one that comes from the seed."""
    moment = float(np.random.default_rng([scene.seed, 4]).uniform(0, STILL_SECONDS))
    return Theatre(scene, times=[moment], duration=STILL_SECONDS, size=(width, height)), [moment]


def render(scene: Scene, *, frames: int = 32, fps: int = 16, width: int = 256, height: int = 256) -> np.ndarray:
    """The clip (T, H, W, 3) uint8 of a scene: the same numbers for the same arguments."""
    theatre, times = stage(scene, frames=frames, fps=fps, width=width, height=height)
    return np.stack([theatre.frame(t) for t in times])


def render_still(scene: Scene, *, width: int = 256, height: int = 256) -> np.ndarray:
    """One random moment (H, W, 3) uint8 of the scene; the moment comes from the seed."""
    theatre, (moment,) = stage_still(scene, width=width, height=height)
    return theatre.frame(moment)


def _measure() -> None:
    scenes = [sample_scene(seed) for seed in range(48)]
    for scene in scenes:
        render_still(scene)
    for name, draw in (("still", render_still), ("32 frames", render)):
        start = time.process_time()
        for scene in scenes:
            draw(scene)
        print(f"{name}: {(time.process_time() - start) / len(scenes) * 1000:.1f} ms")


def _sheet(path: Path, *, columns: int = 8, rows: int = 6) -> None:
    pictures = [render_still(sample_scene(seed)) for seed in range(columns * rows)]
    export.sheet(pictures, path, columns=columns)


def _film(path: Path, *, columns: int = 4, rows: int = 2) -> None:
    clips = [render(sample_scene(seed, style="toy")) for seed in range(columns * rows)]
    export.film(clips, path, columns=columns)


def main() -> None:
    """The command line of this module."""
    parser = command.Parser(description="The toy theatre")
    parser.add_argument("--sheet", type=Path, help="write a contact sheet (PNG)")
    parser.add_argument("--film", type=Path, help="write a moving picture (WebP)")
    parser.add_argument("--time", action="store_true", help="measure the time of a still and of 32 frames")
    options = parser.parse_args()
    for path, kind in ((options.film, export.MOVING_PICTURE), (options.sheet, export.STILL)):
        if path:
            landing.check(path, kind, "a contact sheet")
    if options.film:
        _film(options.film)
    if options.sheet:
        _sheet(options.sheet)
    if options.time:
        _measure()


if __name__ == "__main__":
    command.run(main)

"""How far apart two playing videos are, through loops, seeks and changes of speed, in the player of Compare.

At every picture of the screen the times of both are read in the page itself.
"""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from einops import rearrange

from pipelines.clip import Clip
from pipelines.media import export
from studio.benchmarks import browser
from studio.ui.booth import booth
from studio.ui.comparison import Compare

FPS, SECONDS = 24, 4
MEAN_S = 0.005
# Seeks to another place every few seconds, then a loop of a part; `seen` counts the samples while both play.
WATCH = """async seconds => {
  const clock = document.querySelector('.compare').clock, [first, second] = clock.media;
  const apart = [], begun = performance.now();
  let wraps = 0, seeks = 0, before = 0, next = 3;
  document.querySelector('.compare').scrollIntoView();
  clock.play();
  while (performance.now() - begun < 1000 * seconds) {
    await new Promise(requestAnimationFrame);
    const now = (performance.now() - begun) / 1000;
    apart.push(Math.abs(first.currentTime - second.currentTime));
    if (first.currentTime < before - 0.5) wraps++;
    before = first.currentTime;
    if (now > next) {
      next = now + 3;
      seeks++;
      clock.seek(clock.start + (clock.end - clock.start) * (0.1 + 0.7 * (seeks * 0.381966 % 1)));
      if (now > 0.6 * seconds && !clock.span) clock.mark(0.5, 2.0);
    }
  }
  clock.pause();
  const sum = apart.reduce((total, each) => total + each, 0);
  return { samples: apart.length, mean_s: sum / apart.length, max_s: Math.max(...apart), wraps, seeks };
}"""


def measure(seconds: int = 60) -> dict[str, Any]:
    """Plays for so many seconds. Holds if the mean is under 5 ms and nothing is a frame or more apart."""
    with tempfile.TemporaryDirectory(prefix="rushes-benchmark-") as folder, browser.browser() as opened:
        film(Path(folder) / "a.mp4")
        film(Path(folder) / "b.mp4", seed=1)
        clips = [{"src": f"media/{name}.mp4", "kind": "clip", "label": name} for name in "ab"]
        with booth(lambda page: Compare({"clips": clips, "fps": FPS}), Path(folder)) as address:
            page = opened.new_page()
            page.goto(address)
            page.wait_for_function("document.querySelector('.compare')?.clock?.ready")
            figures = page.evaluate(WATCH, seconds)
    frame = 1 / FPS
    return {**figures, "frame_s": frame, "holds": figures["mean_s"] < MEAN_S and figures["max_s"] < frame}


def film(path: Path, *, width: int = 480, height: int = 270, seed: int = 0) -> Path:
    """A clip that pans over a field of coloured tiles: no two frames are the same."""
    tile, step = height // 9, 4
    wide = width + step * (FPS * SECONDS - 1)
    colours = np.random.default_rng(seed).integers(0, 256, (height // tile, wide // tile + 1, 3), dtype=np.uint8)
    field = np.kron(colours, np.ones((tile, tile, 1), np.uint8))[:height, :wide]
    views = np.lib.stride_tricks.sliding_window_view(field, width, axis=1)  # (H, places, 3, W): nothing is copied
    frames = rearrange(views[:, ::step], "H T C W -> T H W C")
    return export.save(Clip(frames=frames, fps=FPS), path, record=None)

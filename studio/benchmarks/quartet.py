"""Four clips of 1080p in the player of Compare: whether they stay together, and what the page takes of the memory."""

import shutil
import tempfile
from pathlib import Path
from typing import Any

from studio.benchmarks import browser
from studio.benchmarks.lockstep import FPS, film
from studio.ui.booth import booth
from studio.ui.comparison import Compare

LETTERS = "abcd"
MOST_BYTES = 400 * 10**6
WATCH = """async seconds => {
  const clock = document.querySelector('.compare').clock, apart = [], begun = performance.now();
  clock.play();
  while (performance.now() - begun < 1000 * seconds) {
    await new Promise(requestAnimationFrame);
    apart.push(clock.drift);
  }
  const quality = clock.media.map(video => video.getVideoPlaybackQuality());
  const [shown, dropped] = ['totalVideoFrames', 'droppedVideoFrames'].map(name => quality.map(each => each[name]));
  const mean_s = apart.reduce((sum, each) => sum + each, 0) / apart.length;
  return { samples: apart.length, mean_s, max_s: Math.max(...apart), shown, dropped };
}"""


def measure(seconds: int = 10) -> dict[str, Any]:
    """Plays for so many seconds. Holds if no two are ever a frame or more apart and the page stays under 400 MB."""
    with tempfile.TemporaryDirectory(prefix="rushes-benchmark-") as folder, browser.browser() as opened:
        first = film(Path(folder) / "a.mp4", width=1920, height=1080)
        for letter in LETTERS[1:]:
            shutil.copy(first, Path(folder) / f"{letter}.mp4")
        clips = [{"src": f"media/{letter}.mp4", "kind": "clip", "label": letter} for letter in LETTERS]
        with booth(lambda page: Compare({"clips": clips, "fps": FPS}), Path(folder)) as address:
            page = opened.new_page(viewport={"width": 1440, "height": 900})
            page.goto(address)
            page.wait_for_function("document.querySelector('.compare')?.clock?.ready", timeout=60_000)
            figures = page.evaluate(WATCH, seconds)
            held = browser.page_bytes(opened)
    holds = figures["max_s"] < 1 / FPS and held < MOST_BYTES
    return {**figures, "page_bytes": held, "frame_s": 1 / FPS, "holds": holds}

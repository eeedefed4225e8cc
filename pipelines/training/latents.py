"""Caches latents of theatre scenes, because to encode a clip costs as much as to train on it once.

    python -m pipelines.training.latents --preset mini --stills 20000 --clips 3000
    python -m pipelines.training.latents --preset mini --stills 0 --clips 3000 --actions jumps --first-seed 5000000

Writes shards of one shape each to runs/latents/<preset>/<aspect>-<frames>/ and skips those that exist. Beside the
latents a shard has the scenes, and how much of each of the transformer's tokens the thing covers.
"""

import dataclasses
import itertools
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from einops import reduce
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from pipelines import command
from pipelines.errors import Unavailable
from pipelines.moviegen import checkpoint, tiling
from pipelines.moviegen.nn.tae import TAE
from pipelines.moviegen.nn.transformer import PATCH
from pipelines.training import world
from pipelines.training.data import pixels
from pipelines.training.scene import Scene
from pipelines.vocabulary import ASPECT_SIZES, AXES

log = logging.getLogger("training")
SHARD = 256  # samples of one latent frame; a shard of longer clips has fewer, at least 16
UNSEEN = 64  # one of so many samples is for validation
FIRST_SEED = 1_000_000  # evaluation's begin at 30 millions


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """Clips of one shape, and which share of all stills (or of all clips) they are."""

    aspect: str
    frames: int
    share: float

    @property
    def name(self) -> str:
        return f"{self.aspect.replace(':', 'x')}-{self.frames}"

    @property
    def latent_frames(self) -> int:
        return -(-self.frames // 8)


STILLS = (
    Bucket(aspect="1:1", frames=1, share=0.68),
    *(Bucket(aspect=aspect, frames=1, share=0.08) for aspect in ("16:9", "9:16", "4:3", "3:4")),
)
CLIPS = (
    Bucket(aspect="1:1", frames=32, share=0.58),
    Bucket(aspect="1:1", frames=64, share=0.20),
    *(Bucket(aspect=aspect, frames=32, share=0.04) for aspect in ("16:9", "9:16", "4:3", "3:4")),
    Bucket(aspect="1:1", frames=128, share=0.04),
    Bucket(aspect="1:1", frames=256, share=0.02),
)


class Renders(Dataset):
    """Scenes in one bucket's shape: frames (T, H, W, 3) and their cover, see `cover`.

    A token stands for `frames` frames and a square of `side` pixels.
    """

    def __init__(self, bucket: Bucket, scenes: list[Scene], *, frames: int, side: int):
        self.bucket, self.scenes = bucket, scenes
        self.token = {"frames": frames, "side": side}

    def __len__(self) -> int:
        return len(self.scenes)

    def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        return shown(self.scenes[index], self.bucket, **self.token)


def shown(scene: Scene, bucket: Bucket, *, frames: int, side: int) -> tuple[np.ndarray, np.ndarray]:
    """The scene in a bucket's shape: frames (T, H, W, 3) and the cover of tokens of `frames` x `side` x `side`."""
    cv2.setNumThreads(1)
    width, height = ASPECT_SIZES[bucket.aspect]
    if bucket.frames == 1:
        theatre, times = world.stage_still(scene, width=width, height=height)
    else:
        theatre, times = world.stage(scene, frames=bucket.frames, width=width, height=height)
    masks = np.stack([theatre.covers(t)[0] for t in times])
    return np.stack([theatre.frame(t) for t in times]), cover(masks, frames=frames, side=side)


def cover(masks: np.ndarray, *, frames: int, side: int) -> np.ndarray:
    """masks (T, H, W) bool -> the part of every token that is covered, of 255: (T / frames, H / side, W / side)."""
    parts = np.stack([masks[t : t + frames].mean(axis=0) for t in range(0, len(masks), frames)])
    parts = reduce(parts, "t (h p) (w q) -> t h w", "mean", p=side, q=side)
    return np.rint(255 * parts).astype(np.uint8)


@dataclass(frozen=True, kw_only=True)
class Sample:
    """B samples of a bucket: latents z (B, C, T', H', W'), scenes, covered part of each token (B, N) in [0, 1]."""

    z: Tensor
    scenes: list[Scene]
    cover: Tensor


class Latents:
    """The cached latents of a bucket in memory, with the scenes that they show; only the `chosen` ones.

    Every 64th is kept for validation.
    """

    def __init__(self, folder: Path, chosen: Callable[[Scene], bool] | None = None):
        shards = [torch.load(path, weights_only=True) for path in sorted(folder.glob("*.pt"))]
        if not shards:
            raise Unavailable(f"there are no latents in {folder}; make them with: python -m pipelines.training.latents")
        scenes = [Scene(**scene) for shard in shards for scene in shard["scenes"]]
        kept = [row for row, scene in enumerate(scenes) if chosen is None or chosen(scene)]
        self.z, self.cover = (
            torch.cat([shard[name] for shard in shards])[torch.tensor(kept)] for name in ("z", "cover")
        )
        self.scenes = [scenes[row] for row in kept]

    def draw(self, count: int, rng: np.random.Generator, *, unseen: bool = False) -> Sample:
        """`count` random samples, of those for training or of the `unseen`."""
        places = np.arange(len(self.scenes))
        rows = rng.choice(places[places % UNSEEN == 0 if unseen else places % UNSEEN > 0], count)
        at = torch.from_numpy(rows)
        part = self.cover[at].flatten(1).float() / 255
        return Sample(z=self.z[at].float(), scenes=[self.scenes[row] for row in rows], cover=part)


def main() -> None:
    parser = command.Parser(description=__doc__)
    parser.add_argument("--preset", default="mini")
    parser.add_argument("--stills", type=int, default=20_000)
    parser.add_argument("--clips", type=int, default=3_000)
    parser.add_argument("--style", help="only scenes of this style, for fine-tuning")
    parser.add_argument("--actions", nargs="+", choices=AXES["action"], help="only scenes of these actions")
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    tae, root = checkpoint.load_tae(options.preset), Path("runs/latents") / options.preset
    chosen = scenes_from(options.first_seed, options.style, options.actions or AXES["action"])
    for buckets, total in ((STILLS, options.stills), (CLIPS, options.clips)):
        for bucket in buckets:
            scenes = list(itertools.islice(chosen, round(total * bucket.share)))
            cache(tae, bucket, scenes, folder=root / bucket.name)


def scenes_from(seed: int, style: str | None, actions: Sequence[str]) -> Iterator[Scene]:
    """The scenes of `seed` and all after it that have one of the `actions`."""
    drawn = (world.sample_scene(number, style=style) for number in itertools.count(seed))
    return (scene for scene in drawn if scene.action in actions)


@torch.no_grad()
def cache(tae: TAE, bucket: Bucket, scenes: list[Scene], *, folder: Path) -> None:
    """Renders and encodes scenes, shard by shard; a shard has the name of its first scene's seed."""
    folder.mkdir(parents=True, exist_ok=True)
    size = max(16, SHARD // bucket.latent_frames)
    batch = max(1, 16 // bucket.frames)
    for start in range(0, len(scenes), size):
        part = scenes[start : start + size]
        path = folder / f"{part[0].seed}.pt"
        if path.exists():
            continue
        renders = Renders(bucket, part, frames=tae.config.time, side=PATCH * tae.config.space)
        z, covers = [], []
        for frames, covered in DataLoader(renders, batch, num_workers=1, collate_fn=_columns):
            z.append(tiling.encode(tae, pixels(frames)).half())
            covers.append(torch.from_numpy(covered))
        shard = {"z": torch.cat(z), "cover": torch.cat(covers), "scenes": [dataclasses.asdict(scene) for scene in part]}
        torch.save(shard, path.with_suffix(".new"))
        os.replace(path.with_suffix(".new"), path)
        log.info("%s: %d of %d", bucket.name, start + len(part), len(scenes))


def _columns(rows: list[tuple[np.ndarray, ...]]) -> list[np.ndarray]:
    return [np.stack(column) for column in zip(*rows, strict=True)]


if __name__ == "__main__":
    command.run(main)

"""Caches latents of theatre scenes, because to encode a clip costs as much as to train on it once.

    python -m pipelines.training.latents --preset mini --stills 20000 --clips 3000

Writes shards of one shape each to runs/latents/<preset>/<aspect>-<frames>/ and skips those that exist.
"""

import argparse
import dataclasses
import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from pipelines.moviegen import checkpoint, tiling
from pipelines.moviegen.nn.tae import TAE
from pipelines.training import world
from pipelines.training.data import pixels
from pipelines.training.scene import Scene
from pipelines.vocabulary import ASPECT_SIZES

log = logging.getLogger("training")
SHARD = 256  # samples of one latent frame; a shard of longer clips has fewer, at least 16
FIRST_SEED = 1_000_000  # evaluation draws its scenes below


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
    """Frames (T, H, W, 3) of the scenes of some seeds, in one bucket's shape."""

    def __init__(self, bucket: Bucket, seeds: range, style: str | None):
        self.bucket, self.seeds, self.style = bucket, seeds, style

    def __len__(self) -> int:
        return len(self.seeds)

    def __getitem__(self, index: int) -> np.ndarray:
        cv2.setNumThreads(1)
        scene = world.sample_scene(self.seeds[index], style=self.style)
        width, height = ASPECT_SIZES[self.bucket.aspect]
        if self.bucket.frames == 1:
            return world.render_still(scene, width=width, height=height)[None]
        return world.render(scene, frames=self.bucket.frames, width=width, height=height)


class Latents:
    """The cached latents of a bucket in memory, with the scenes that they show."""

    def __init__(self, folder: Path):
        shards = [torch.load(path, weights_only=True) for path in sorted(folder.glob("*.pt"))]
        assert shards, f"no latents in {folder}: run python -m pipelines.training.latents first"
        self.z = torch.cat([shard["z"] for shard in shards])
        self.scenes = [Scene(**scene) for shard in shards for scene in shard["scenes"]]

    def draw(self, count: int, rng: np.random.Generator) -> tuple[Tensor, list[Scene]]:
        """`count` random samples: z (B, C, T', H', W') float, and their scenes."""
        rows = rng.integers(0, len(self.scenes), count)
        return self.z[torch.from_numpy(rows)].float(), [self.scenes[row] for row in rows]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="mini")
    parser.add_argument("--stills", type=int, default=20_000)
    parser.add_argument("--clips", type=int, default=3_000)
    parser.add_argument("--style", help="only scenes of this style, for fine-tuning")
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    tae, root = checkpoint.load_tae(options.preset), Path("runs/latents") / options.preset
    seed = options.first_seed
    for buckets, total in ((STILLS, options.stills), (CLIPS, options.clips)):
        for bucket in buckets:
            count = round(total * bucket.share)
            cache(tae, bucket, range(seed, seed + count), folder=root / bucket.name, style=options.style)
            seed += count


@torch.no_grad()
def cache(tae: TAE, bucket: Bucket, seeds: range, *, folder: Path, style: str | None = None) -> None:
    """Renders and encodes the scenes of `seeds`, shard by shard."""
    folder.mkdir(parents=True, exist_ok=True)
    size = max(16, SHARD // bucket.latent_frames)
    batch = max(1, 16 // bucket.frames)
    for start in range(seeds.start, seeds.stop, size):
        path = folder / f"{start}.pt"
        if path.exists():
            continue
        part = range(start, min(start + size, seeds.stop))
        loader = DataLoader(Renders(bucket, part, style), batch, num_workers=1, collate_fn=np.stack)
        z = torch.cat([tiling.encode(tae, pixels(frames)).half() for frames in loader])
        scenes = [dataclasses.asdict(world.sample_scene(seed, style=style)) for seed in part]
        torch.save({"z": z, "scenes": scenes}, path.with_suffix(".new"))
        os.replace(path.with_suffix(".new"), path)
        log.info("%s: %d of %d", bucket.name, part.stop - seeds.start, len(seeds))


def statistics(tae: TAE, clips: Iterator[np.ndarray]) -> tuple[Tensor, Tensor]:
    """Mean and deviation of the latents, per channel (C,) each, over clips (T, H, W, 3)."""
    means = torch.cat([tae.posterior(pixels(clip[None]))[0].transpose(0, 1).flatten(1) for clip in clips], dim=1)
    return means.mean(dim=1), means.std(dim=1)


if __name__ == "__main__":
    main()

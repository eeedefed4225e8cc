"""Trains the temporal autoencoder: an image autoencoder first, then inflated, then with the outlier penalty.

    python -m pipelines.training.autoencoder --preset mini --stage image --minutes 10 --rate 1e-3
    python -m pipelines.training.autoencoder --preset mini --stage clips --minutes 50
    python -m pipelines.training.autoencoder --preset mini --stage decoder --minutes 20
    python -m pipelines.training.autoencoder --preset mini --stage whole --published --minutes 3 --batch 48 --workers 15

Each stage begins with the weights of the one before it and resumes its own. `decoder` leaves the latents as they are
(the encoder is frozen), so that it can be trained further at any time, after the transformer too. `whole` trains all
parts together, the head at full size as well: for a graphics card, where that costs little.
"""

import argparse
import itertools
import logging
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from pipelines import command, device
from pipelines.moviegen import checkpoint, presets
from pipelines.moviegen.nn.tae import TAE, channels_last, image_autoencoder, inflate
from pipelines.training.data import FRAMES, CropPool, ahead, pixels
from pipelines.training.loop import Plan, Run, place, recipe
from pipelines.training.losses import divergence, outlier_penalty, reconstruction

RUNS = Path("runs/autoencoder")
DIVERGENCE = 1e-3
OUTLIERS = 0.1


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Which stage's weights it begins with, the frames of its crops, and what it trains beside the decoder."""

    after: str | None
    frames: int = FRAMES
    encoder: bool = True
    head: bool = True  # at full size, which costs a quarter of the time
    penalty: float = 0.0  # weight of the outlier penalty


STAGES = {
    "image": Stage(after=None, frames=1, head=False),
    "clips": Stage(after="image", head=False, penalty=OUTLIERS),
    "decoder": Stage(after="clips", encoder=False),
    "whole": Stage(after="decoder", penalty=OUTLIERS),
}


def main() -> None:
    parser = options(__doc__, minutes=10, rate=3e-4)
    parser.add_argument("--stage", default="image", choices=STAGES)
    parser.add_argument("--published", action="store_true", help="begin with the weights in assets/weights")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.manual_seed(0)
    train(parser.parse_args())


def options(description: str, minutes: float, rate: float) -> argparse.ArgumentParser:
    """The command line that every recipe of the autoencoder has."""
    parser = recipe(description, presets.TAE, minutes=minutes, rate=rate, cooldown=0.5)
    parser.add_argument("--batch", type=int, default=6, help="crops of clips in a step")
    parser.add_argument("--workers", type=int, default=1, help="processes that draw crops")
    parser.add_argument("--real", type=float, default=0.3, help="the part of the drawing that goes to photographs")
    return parser


def train(choice: argparse.Namespace) -> None:
    """Runs one stage to the end of its minutes."""
    stage = STAGES[choice.stage]
    run = prepared(
        begin(choice.preset, stage, None if choice.published else RUNS / choice.preset), choice, choice.stage
    )
    pool = CropPool(seed=run.step, workers=choice.workers, real=choice.real)
    draw = partial(draw_crops, pool, choice.batch, stage.frames)
    check = pixels(pool.batch(12, stage.frames, np.random.default_rng(1))).to(place())
    feed = ahead(draw, itertools.count(run.step), place())
    run.train(lambda: batch_loss(run.model, pixels(next(feed)), stage.penalty), lambda average: error(average, check))


def prepared(model: TAE, choice: argparse.Namespace, name: str) -> Run:
    """The run of a recipe called `name`, begun or resumed."""

    def optimise(model: nn.Module) -> list[torch.optim.Optimizer]:
        trained = [p for p in model.parameters() if p.requires_grad]
        return [torch.optim.AdamW(trained, lr=choice.rate, betas=(0.9, 0.99), weight_decay=0.0, fused=True)]

    plan = Plan(minutes=choice.minutes, rate=choice.rate, cooldown=choice.cooldown)
    return Run(model, optimise, plan, RUNS / choice.preset / name)


def draw_crops(pool: CropPool, batch: int, frames: int, step: int) -> Tensor:
    """The crops of a step: a batch of stills for three of clips, as in the paper.

    Stills are three times as many: as many as cost the same time on a processor.
    """
    still = frames == 1 or step % 4 == 3
    count, length = (3 * batch, 1) if still else (batch, frames)
    return torch.from_numpy(pool.batch(count, length, np.random.default_rng((step, 2))))


def begin(preset: str, stage: Stage, root: Path | None) -> TAE:
    """A new image autoencoder, or the averaged weights of the stage before it in `root`, or the published ones."""
    config = presets.TAE[preset]
    if not stage.head:
        config = replace(config, refine=0)
    if stage.after is None:
        model = image_autoencoder(config)
    elif root is None:
        model = inflate(checkpoint.load_tae(preset).state_dict(), config)
    else:
        before = torch.load(root / stage.after / "last.pt", map_location="cpu", weights_only=True)
        model = inflate(before["average"], config)
    model.encoder.requires_grad_(stage.encoder)
    return channels_last(model)


def batch_loss(model: TAE, x: Tensor, penalty: float) -> Tensor:
    """x (B, 3, T, H, W) -> what the recipe minimises."""
    with device.autocast(x.device.type, convolutions=True):
        mean, log_variance = (part.float() for part in model.posterior(x))
        z = mean + torch.randn_like(mean) * (0.5 * log_variance).exp()
        y = model.pixels(z)[:, :, : x.shape[2]].float()
    loss = reconstruction(y, x) + DIVERGENCE * divergence(mean, log_variance)
    return loss + penalty * outlier_penalty(mean) if penalty else loss


@torch.no_grad()
def error(model: TAE, x: Tensor) -> float:
    """Mean squared error of clips reconstructed from the posterior's mean, in dB below the range (minus the PSNR)."""
    y = model.pixels(model.posterior(x)[0])[:, :, : x.shape[2]].clamp(-1, 1)
    return float(10 * torch.log10((y - x).square().mean() / 4))


if __name__ == "__main__":
    command.run(main)

"""Trains the decoder for what sampling ends with: the mean that the transformer's last step leads to.

    python -m pipelines.training.finish --preset mini --minutes 60
    python -m pipelines.training.publish --preset mini --tae finish

The mean (`flow.finished`) has no grain, but it is soft, and what was sampled is ragged. The decoder sees scenes that
went part of the way to noise and back by the pipeline's own steps, and learns what they were. Every other step is one
of the autoencoder's `decoder` stage, so that it stays a good autoencoder. Encoder and transformer are frozen.
"""

import argparse
import itertools
import logging
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import numpy as np
import torch
from torch import Tensor

from pipelines import command, device
from pipelines.moviegen import checkpoint, flow, tiling
from pipelines.moviegen.nn.tae import TAE
from pipelines.moviegen.nn.text import MiniLM, Text
from pipelines.moviegen.nn.transformer import PATCH, VideoTransformer
from pipelines.training import autoencoder
from pipelines.training.data import FRAMES, CropPool, ahead, pixels
from pipelines.training.latents import CLIPS, STILLS
from pipelines.training.live import Mix, Parcel, Stream, Workers
from pipelines.training.loop import place
from pipelines.training.losses import reconstruction

log = logging.getLogger("training")
EARLIEST = 0.3  # how far a scene goes towards noise: further, it comes back as another one
STEPS = 4  # of the way back, guided as a request is by default
GUIDANCE = 4.0
SHORT = [replace(bucket, frames=FRAMES) for bucket in CLIPS if bucket.frames == 32]  # in every aspect
MIX = Mix(
    stills={bucket: bucket.share for bucket in STILLS}, clips={bucket: bucket.share for bucket in SHORT},
    frames=2 * FRAMES, stills_at_once=6, wordings=1,
)  # fmt: skip


class Remakes:
    """Scenes and what the transformer makes of them: latents z (B, C, T', H', W') and pictures x (B, 3, T, H, W)."""

    def __init__(self, tae: TAE, text: MiniLM, transformer: VideoTransformer, mix: Mix = MIX):
        self.text, self.nothing = text, text([""])
        token = {"frames": tae.config.time, "side": PATCH * tae.config.space}
        self.workers = Workers(Stream(mix, text, token), 1)
        self.tae, self.transformer = tae.to(place()), transformer.to(place())

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Without end, or until `close`."""
        return map(self.remade, ahead(self.workers.next, itertools.count(), place()))

    def close(self) -> None:
        self.workers.stop()

    @torch.no_grad()
    def remade(self, parcel: Parcel) -> tuple[Tensor, Tensor]:
        """(z, x) of a parcel; all its scenes went equally far."""
        x = pixels(parcel.frames)
        z = tiling.encode_whole(self.tae, x)
        begin = EARLIEST + (flow.FINISH - EARLIEST) * float(torch.rand(()))
        xt, _ = flow.interpolate(torch.randn_like(z), z, torch.full((len(z),), begin).to(z))
        times = torch.cat([torch.linspace(begin, flow.FINISH, STEPS + 1), torch.ones(1)])
        words = self.text.read(parcel.words[:, 0], parcel.mask[:, 0])
        with device.autocast(z.device.type):
            return flow.sample(self.velocity(words), xt, times), x

    def velocity(self, words: Text) -> flow.Velocity:
        """Guided by captions, one a clip."""
        states, mask = (part.expand(len(words.mask), *part.shape[1:]) for part in vars(self.nothing).values())
        conditions = [self.transformer.condition(text.to(place())) for text in (words, Text(states=states, mask=mask))]

        def velocity(x: Tensor, t: Tensor) -> Tensor:
            halves = zip(x.chunk(2), t.chunk(2), conditions, strict=True)
            return torch.cat([self.transformer(*half) for half in halves])

        return flow.guided(velocity, GUIDANCE, until=flow.FINISH)


def loss(model: TAE, z: Tensor, x: Tensor) -> Tensor:
    """Distance of the pictures that the decoder sees in normalised latents z to x."""
    with device.autocast(x.device.type, convolutions=True):
        y = model.decode(z)[:, :, : x.shape[2]].float()
    return reconstruction(y, x)


def train(choice: argparse.Namespace) -> None:
    """The stage from its beginning, or its last checkpoint, to the end of its minutes."""
    stage = autoencoder.STAGES["decoder"]
    run = autoencoder.prepared(autoencoder.begin(choice.preset, stage, None), choice, "finish")
    pool = CropPool(seed=run.step, workers=choice.workers, real=choice.real)
    crops = partial(autoencoder.draw_crops, pool, choice.batch, stage.frames)
    remakes = Remakes(
        checkpoint.load_tae(choice.preset), checkpoint.load_text(), checkpoint.load_transformer(choice.preset)
    )
    made, drawn = iter(remakes), ahead(crops, itertools.count(run.step), place())
    checks = [next(made) for _ in range(6)]
    check = pixels(pool.batch(12, stage.frames, np.random.default_rng(1))).to(place())

    def next_loss() -> Tensor:
        if run.step % 2:
            return loss(run.model, *next(made))
        return autoencoder.batch_loss(run.model, pixels(next(drawn)), stage.penalty)

    @torch.no_grad()
    def validate(average: TAE) -> float:
        log.info("as an autoencoder %.2f dB", autoencoder.error(average, check))
        return sum(float(loss(average, *pair)) for pair in checks) / len(checks)

    run.train(next_loss, validate)
    remakes.close()


def main() -> None:
    parser = autoencoder.options(__doc__, minutes=60, rate=2.5e-4)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.manual_seed(0)
    train(parser.parse_args())


if __name__ == "__main__":
    command.run(main)

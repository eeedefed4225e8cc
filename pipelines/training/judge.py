"""Trains the judge on world renders: python -m pipelines.training.judge --preset mini

First the pool (judge_pool.py), then the epochs; both go on where they were stopped. Checkpoints every five minutes
in runs/judge; the averaged weights go to assets/weights/judge.safetensors with their accuracy on unseen scenes.
"""

import argparse
import dataclasses
import logging
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from pipelines import device
from pipelines.evaluation.judge import (
    MOMENTS,
    SIZE,
    VOTERS,
    Judge,
    JudgeConfig,
    flows,
    labels,
    pictures,
    save_judge,
    thumbnails,
)
from pipelines.moviegen.checkpoint import WEIGHTS
from pipelines.training.judge_pool import UNKNOWN, Pool, Portion, pool

MIRRORED = {"action": ("moves left", "moves right"), "camera": ("pan left", "pan right")}
CHECKPOINT_SECONDS, LOG_SECONDS = 300, 60

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How the judge is trained. Seeds from 10,000,000 on are for its training, from 20,000,000 for its check."""

    config: JudgeConfig = JudgeConfig()
    training: Portion = Portion(clips=2400, first_seed=10_000_000)
    check: Portion = Portion(clips=400, first_seed=20_000_000, held_out=True, degraded=0.0)
    epochs: int = 14
    batch: int = 32
    looks: int = 1  # frames per clip and step that Look learns from
    rate: float = 2e-3
    decay: float = 0.99  # of the average of the weights: over some hundred of about a thousand steps


PRESETS = {
    "mini": Recipe(),
    "tiny": Recipe(
        config=JudgeConfig(look=(8, 16, 24), motion=(8, 12, 16), moving=24),
        training=Portion(clips=40, first_seed=10_000_000),
        check=Portion(clips=20, first_seed=20_000_000, held_out=True, degraded=0.0),
        epochs=2,
        batch=8,
        decay=0.9,
    ),
}


@dataclass(frozen=True, eq=False)
class Batch:
    """frames (B, F, 3, S, S), thumbs (B, M, 3, G, G), flow (B, M, 2, G, G), names (B, attributes)."""

    frames: Tensor
    thumbs: Tensor
    flow: Tensor
    names: Tensor

    @classmethod
    def of(cls, data: Pool, rows: np.ndarray, looks: np.ndarray) -> "Batch":
        """Rows of the pool; `looks` are the moments that Look sees."""
        small = pictures(torch.from_numpy(data.frames[rows]))
        flow = flows(torch.from_numpy(data.flow[rows]))
        return cls(small[:, looks], thumbnails(small), flow, torch.from_numpy(data.names[rows]))

    def mirrored(self) -> "Batch":
        """Left and right exchanged: in the pictures, in the flow and in the names."""
        flow = self.flow.flip(-1) * torch.tensor([-1.0, 1.0])[:, None, None]
        return Batch(self.frames.flip(-1), self.thumbs.flip(-1), flow, mirrored_names(self.names))

    def jittered(self, rng: np.random.Generator) -> "Batch":
        """Another crop, brightness, contrast and speed; nothing that a name depends on."""
        size = int(rng.integers(SIZE - 10, SIZE + 1))
        top, left = rng.integers(0, SIZE - size + 1, 2)
        crop = self.frames[..., top : top + size, left : left + size].flatten(0, 1)
        crop = F.interpolate(crop, (SIZE, SIZE), mode="bilinear").unflatten(0, self.frames.shape[:2])
        gain, lift, speed = rng.uniform(0.95, 1.05), rng.uniform(-0.04, 0.04), rng.uniform(0.9, 1.1)
        return Batch(crop * gain + lift, self.thumbs * gain + lift, self.flow * speed, self.names)


def mirrored_names(names: Tensor) -> Tensor:
    """(B, attributes) with the names of MIRRORED exchanged."""
    out = names.clone()
    for column, (attribute, values) in enumerate(labels().items()):
        for a, b in (MIRRORED[attribute], MIRRORED[attribute][::-1]) if attribute in MIRRORED else ():
            out[names[:, column] == values.index(a), column] = values.index(b)
    return out


def loss(out: dict[str, Tensor], names: Tensor) -> Tensor:
    """Mean over the batch of the sum over attributes of the smoothed cross-entropy."""
    columns = dict(zip(labels(), names.T, strict=True))
    losses = [
        F.cross_entropy(x.float(), columns[a], ignore_index=UNKNOWN, label_smoothing=0.05) for a, x in out.items()
    ]
    return torch.stack(losses).sum()


class Trainer:
    """A judge, its average, its optimiser and the step it is at; `run` goes on until the recipe's end."""

    def __init__(self, recipe: Recipe, folder: Path):
        torch.manual_seed(0)
        self.recipe, self.checkpoint, self.step = recipe, folder / "checkpoint.pt", 0
        self.judge = Judge(recipe.config).to(memory_format=torch.channels_last)
        self.average = AveragedModel(self.judge, multi_avg_fn=get_ema_multi_avg_fn(recipe.decay), use_buffers=True)
        self.epoch_steps = recipe.training.clips // recipe.batch
        self.steps = recipe.epochs * self.epoch_steps
        self.optimizer = torch.optim.AdamW(self.judge.parameters(), recipe.rate, weight_decay=0.02)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimizer, recipe.rate, total_steps=self.steps + 1, pct_start=0.2
        )
        self.parts = ("judge", "average", "optimizer", "schedule")
        if self.checkpoint.exists():
            state = torch.load(self.checkpoint, weights_only=True)
            self.step = state["step"]
            for name in self.parts:
                getattr(self, name).load_state_dict(state[name])
            log.info("going on from step %d", self.step)

    def save(self) -> None:
        state = {name: getattr(self, name).state_dict() for name in self.parts} | {"step": self.step}
        fresh = self.checkpoint.with_suffix(".new")
        torch.save(state, fresh)
        fresh.replace(self.checkpoint)

    def batch(self, data: Pool) -> Batch:
        """The batch of the current step: the same again after a restart."""
        epoch, at = divmod(self.step, self.epoch_steps)
        order = np.random.default_rng(epoch).permutation(self.recipe.training.clips)
        rng = np.random.default_rng((self.step, 7))
        rows = np.sort(order[at * self.recipe.batch : (at + 1) * self.recipe.batch])
        batch = Batch.of(data, rows, rng.choice(MOMENTS, self.recipe.looks, replace=False)).jittered(rng)
        return batch.mirrored() if rng.random() < 0.5 else batch

    def learn(self, batch: Batch) -> float:
        """One step; returns its loss."""
        self.judge.train()
        dtype = device.dtype("cpu")
        with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
            out = self.judge(batch.frames, batch.thumbs, batch.flow)
        error = loss(out, batch.names)
        self.optimizer.zero_grad(set_to_none=True)
        error.backward()
        torch.nn.utils.clip_grad_norm_(self.judge.parameters(), 5.0)
        self.optimizer.step()
        self.schedule.step()
        self.average.update_parameters(self.judge)
        self.step += 1
        return error.item()

    def run(self, data: Pool) -> Judge:
        """Trains to the end; returns the averaged judge."""
        said = saved = time.monotonic()
        errors: list[float] = []
        while self.step < self.steps:
            errors.append(self.learn(self.batch(data)))
            now = time.monotonic()
            if now - said > LOG_SECONDS or self.step == self.steps:
                log.info("step %d of %d, loss %.3f, %.0f s", self.step, self.steps, np.mean(errors), now - said)
                said, errors = now, []
            if now - saved > CHECKPOINT_SECONDS or self.step == self.steps:
                saved = now
                self.save()
        return self.average.module.eval()


@torch.inference_mode()
def check(judge: Judge, data: Pool) -> dict[str, float]:
    """Attribute -> share of the pool's clips named right."""
    looks = np.linspace(0, MOMENTS - 1, VOTERS).round().astype(int)
    right = {name: [] for name in labels()}
    for rows in np.array_split(np.arange(len(data.names)), max(1, len(data.names) // 20)):
        batch = Batch.of(data, rows, looks)
        out = judge(batch.frames, batch.thumbs, batch.flow)
        for column, name in enumerate(labels()):
            known = batch.names[:, column] != UNKNOWN
            right[name] += (out[name].argmax(1) == batch.names[:, column])[known].tolist()
    return {name: round(float(np.mean(values)), 4) for name, values in right.items()}


def train(recipe: Recipe, folder: Path, weights: Path, workers: int = 1) -> dict[str, float]:
    """Pool, epochs, check, weights. Returns the check's accuracies; they are also in judge.json."""
    folder.mkdir(parents=True, exist_ok=True)
    trainer = Trainer(recipe, folder)
    judge = trainer.run(pool(folder, recipe.training, workers))
    accuracy = check(judge, pool(folder, recipe.check, workers))
    log.info("unseen scenes: %s", accuracy)
    save_judge(judge, weights, accuracy_on_unseen_scenes=accuracy, recipe=dataclasses.asdict(recipe))
    return accuracy


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", choices=PRESETS, default="mini")
    parser.add_argument("--runs", type=Path, default=Path("runs/judge"))
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--workers", type=int, default=1, help="processes that draw the pool")
    parser.add_argument("--clips", type=int, help="another size of the training pool")
    parser.add_argument("--epochs", type=int)
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    recipe = PRESETS[options.preset]
    if options.clips:
        recipe = dataclasses.replace(recipe, training=dataclasses.replace(recipe.training, clips=options.clips))
    if options.epochs:
        recipe = dataclasses.replace(recipe, epochs=options.epochs)
    train(recipe, options.runs, options.weights, options.workers)


if __name__ == "__main__":
    main()

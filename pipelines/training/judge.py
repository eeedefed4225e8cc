"""Trains the judge on world renders: python -m pipelines.training.judge --preset mini

Its two nets are trained one after the other, each on a pool of its own (judge_pool.py): Look on stills, of which there
can be many, Motion on clips. Pools and epochs go on where they were stopped; checkpoints every two minutes in
runs/judge. The averaged weights go to assets/weights/judge.safetensors with their accuracy on unseen clips.
`--parts look` trains one net anew and keeps the other's published weights.
"""

import argparse
import dataclasses
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from pipelines import device
from pipelines.evaluation.judge import (
    MOMENTS,
    SIZE,
    VOTERS,
    Judge,
    JudgeConfig,
    Look,
    Motion,
    flows,
    labels,
    load_judge,
    pictures,
    save_judge,
    thumbnails,
)
from pipelines.moviegen.checkpoint import WEIGHTS
from pipelines.training.judge_pool import UNKNOWN, Pool, Portion, pool

MIRRORED = {"action": ("moves left", "moves right"), "camera": ("pan left", "pan right")}
CHECKPOINT_SECONDS, LOG_SECONDS = 120, 60

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Part:
    """How one of the nets is trained. Seeds from 10,000,000 on are for training, from 20,000,000 for the check."""

    portion: Portion
    epochs: int
    batch: int
    rate: float = 2e-3
    decay: float = 0.99  # of the average of the weights: over some hundred of about a thousand steps


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Both parts, and the clips that check them."""

    config: JudgeConfig = JudgeConfig()
    look: Part = Part(portion=Portion(count=12_000, first_seed=10_000_000, kind="stills"), epochs=7, batch=32)
    motion: Part = Part(portion=Portion(count=2400, first_seed=10_000_000), epochs=14, batch=32)
    check: Portion = Portion(count=400, first_seed=20_000_000, held_out=True, degraded=0.0)


PRESETS = {
    "mini": Recipe(),
    "tiny": Recipe(
        config=JudgeConfig(look=(8, 16, 24), motion=(8, 12, 16), moving=24),
        look=Part(portion=Portion(count=80, first_seed=10_000_000, kind="stills"), epochs=2, batch=8, decay=0.9),
        motion=Part(portion=Portion(count=40, first_seed=10_000_000), epochs=2, batch=8, decay=0.9),
        check=Portion(count=20, first_seed=20_000_000, held_out=True, degraded=0.0),
    ),
}


def look_loss(look: Look, data: Pool, rows: np.ndarray, rng: np.random.Generator) -> Tensor:
    """Names of the pictures, and of every square as far as the thing covers it."""
    frames = pictures(torch.from_numpy(data.frames[rows][:, 0]))  # (B, 3, S, S)
    masks = torch.from_numpy(data.masks[rows])[:, None].float() / 255
    names = torch.from_numpy(data.names[rows])
    size = int(rng.integers(SIZE - 16, SIZE + 1))
    top, left = rng.integers(0, SIZE - size + 1, 2)
    crop = torch.cat([frames, masks], 1)[..., top : top + size, left : left + size]
    crop = F.interpolate(crop, (SIZE, SIZE), mode="bilinear")
    crop = crop.flip(-1) if rng.random() < 0.5 else crop
    frames = crop[:, :3] * rng.uniform(0.95, 1.05) + rng.uniform(-0.04, 0.04)
    squares = look.squares(frames[:, None])
    located = look.located(squares)[:, 0]  # (B, things + 1, s, s)
    covered = F.adaptive_avg_pool2d(crop[:, 3:], located.shape[-1])[:, 0]  # (B, s, s)
    thing = located[torch.arange(len(names)), names[:, list(labels()).index("thing")]]
    return loss(look.named(squares), names) - (covered * thing + (1 - covered) * located[:, -1]).sum((1, 2)).mean()


def motion_loss(motion: Motion, data: Pool, rows: np.ndarray, rng: np.random.Generator) -> Tensor:
    """Names of the clips, half of the time in a mirror: in pictures, flow and names. The speed varies."""
    small = thumbnails(pictures(torch.from_numpy(data.frames[rows])))  # (B, M, 3, G, G)
    flow = flows(torch.from_numpy(data.flow[rows])) * rng.uniform(0.9, 1.1)
    names = torch.from_numpy(data.names[rows])
    if rng.random() < 0.5:
        small, flow, names = small.flip(-1), mirrored_flow(flow), mirrored_names(names)
    return loss(motion(small * rng.uniform(0.95, 1.05) + rng.uniform(-0.04, 0.04), flow), names)


LOSSES: dict[str, Callable[[nn.Module, Pool, np.ndarray, np.random.Generator], Tensor]] = {
    "look": look_loss,
    "motion": motion_loss,
}


def mirrored_flow(flow: Tensor) -> Tensor:
    """(B, M, 2, G, G) as in a mirror."""
    return flow.flip(-1) * torch.tensor([-1.0, 1.0])[:, None, None]


def mirrored_names(names: Tensor) -> Tensor:
    """(B, attributes) with the names of MIRRORED exchanged."""
    out = names.clone()
    for column, (attribute, values) in enumerate(labels().items()):
        for a, b in (MIRRORED[attribute], MIRRORED[attribute][::-1]) if attribute in MIRRORED else ():
            out[names[:, column] == values.index(a), column] = values.index(b)
    return out


def loss(out: dict[str, Tensor], names: Tensor) -> Tensor:
    """Mean over the batch of the sum over the attributes in `out` of the smoothed cross-entropy."""
    columns = dict(zip(labels(), names.T, strict=True))
    losses = [
        F.cross_entropy(x.float(), columns[a], ignore_index=UNKNOWN, label_smoothing=0.05) for a, x in out.items()
    ]
    return torch.stack(losses).sum()


class Trainer:
    """A net, its average, its optimiser and the step it is at; `run` goes on until the part's end."""

    def __init__(self, net: nn.Module, part: Part, checkpoint: Path):
        self.part, self.checkpoint, self.step = part, checkpoint, 0
        self.net = net.to(memory_format=torch.channels_last)
        self.average = AveragedModel(self.net, multi_avg_fn=get_ema_multi_avg_fn(part.decay), use_buffers=True)
        self.epoch_steps = part.portion.count // part.batch
        self.steps = part.epochs * self.epoch_steps
        self.optimizer = torch.optim.AdamW(self.net.parameters(), part.rate, weight_decay=0.02)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimizer, part.rate, total_steps=self.steps + 1, pct_start=0.2
        )
        self.parts = ("net", "average", "optimizer", "schedule")
        if self.checkpoint.exists():
            state = torch.load(self.checkpoint, weights_only=True)
            self.step = state["step"]
            for name in self.parts:
                getattr(self, name).load_state_dict(state[name])
            log.info("%s goes on from step %d", checkpoint.stem, self.step)

    def save(self) -> None:
        state = {name: getattr(self, name).state_dict() for name in self.parts} | {"step": self.step}
        fresh = self.checkpoint.with_suffix(".new")
        torch.save(state, fresh)
        fresh.replace(self.checkpoint)

    def rows(self) -> np.ndarray:
        """What the current step learns from: the same again after a restart."""
        epoch, at = divmod(self.step, self.epoch_steps)
        order = np.random.default_rng(epoch).permutation(self.part.portion.count)
        return np.sort(order[at * self.part.batch : (at + 1) * self.part.batch])

    def learn(self, loss: Callable[[nn.Module], Tensor]) -> float:
        """One step; returns its loss."""
        self.net.train()
        dtype = device.dtype("cpu")
        with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
            error = loss(self.net)
        self.optimizer.zero_grad(set_to_none=True)
        error.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 5.0)
        self.optimizer.step()
        self.schedule.step()
        self.average.update_parameters(self.net)
        self.step += 1
        return error.item()

    def run(self, loss: Callable[..., Tensor], data: Pool) -> nn.Module:
        """Trains to the end by `loss(net, data, rows, rng)`; returns the averaged net."""
        said = saved = time.monotonic()
        errors: list[float] = []
        while self.step < self.steps:
            rows, rng = self.rows(), np.random.default_rng((self.step, 7))
            errors.append(self.learn(lambda net, rows=rows, rng=rng: loss(net, data, rows, rng)))
            now = time.monotonic()
            if now - said > LOG_SECONDS or self.step == self.steps:
                log.info(
                    "%s step %d of %d, loss %.3f, %.0f s",
                    self.checkpoint.stem, self.step, self.steps, np.mean(errors), now - said,
                )  # fmt: skip
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
        small, names = pictures(torch.from_numpy(data.frames[rows])), torch.from_numpy(data.names[rows])
        out = judge(small[:, looks], thumbnails(small), flows(torch.from_numpy(data.flow[rows])))
        for column, name in enumerate(labels()):
            known = names[:, column] != UNKNOWN
            right[name] += (out[name].argmax(1) == names[:, column])[known].tolist()
    return {name: round(float(np.mean(values)), 4) for name, values in right.items()}


def train(
    recipe: Recipe, folder: Path, weights: Path, *, parts: tuple[str, ...] = tuple(LOSSES), workers: int = 1
) -> dict[str, float]:
    """Trains `parts`, keeps the published weights of the others, checks, saves. Returns the check's accuracies."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    judge = Judge(recipe.config)
    published = load_judge(weights) if len(parts) < len(LOSSES) else None
    for name, error in LOSSES.items():
        if name in parts:
            trainer = Trainer(getattr(judge, name), getattr(recipe, name), folder / f"{name}.pt")
            setattr(judge, name, trainer.run(error, pool(folder, trainer.part.portion, workers)))
        else:
            setattr(judge, name, getattr(published, name))
    accuracy = check(judge.eval(), pool(folder, recipe.check, workers))
    log.info("unseen scenes: %s", accuracy)
    save_judge(judge, weights, accuracy_on_unseen_scenes=accuracy, recipe=dataclasses.asdict(recipe))
    return accuracy


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", choices=PRESETS, default="mini")
    parser.add_argument("--runs", type=Path, default=Path("runs/judge"))
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--workers", type=int, default=1, help="processes that draw the pool")
    parser.add_argument("--parts", choices=LOSSES, nargs="+", default=tuple(LOSSES))
    parser.add_argument("--epochs", type=int, help="of every part")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    recipe = PRESETS[options.preset]
    if options.epochs:
        recipe = replace(
            recipe, **{name: replace(getattr(recipe, name), epochs=options.epochs) for name in options.parts}
        )
    train(recipe, options.runs, options.weights, parts=tuple(options.parts), workers=options.workers)


if __name__ == "__main__":
    main()

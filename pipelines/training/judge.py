"""Trains the judge on world renders: python -m pipelines.training.judge --preset mini

Its two nets are trained one after the other, each on a pool of its own (judge_pool.py): Look on stills, of which there
can be many, Motion on clips. Pools and epochs go on where they were stopped; checkpoints every two minutes in
runs/judge. The averaged weights go to assets/weights/judge.safetensors with their accuracy on unseen clips.
`--parts look` trains one net anew and keeps the other's published weights. `--minutes` ends all of it in time, with
pools as large and schedules as long as there is time for.
"""

import argparse
import dataclasses
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from pipelines import device
from pipelines.evaluation.judge import (
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
from pipelines.training.judge_pool import STYLES, UNKNOWN, Pool, Portion, pool
from pipelines.training.loop import place

MIRRORED = {"action": ("moves left", "moves right"), "camera": ("pan left", "pan right")}
CHECKPOINT_SECONDS, LOG_SECONDS = 120, 60
WARM_UP = 0.15  # of the schedule
SQUARES = 36  # naming the squares of a picture counts as if there were so many, whatever its size
DRAWING, CHECKING = 0.45, 6.0  # the part of limited time that goes to pools, and the seconds that the check takes

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

    config: JudgeConfig = JudgeConfig(look=(96, 192, 384), look_depth=(2, 3, 2), look_size=144)
    look: Part = Part(
        portion=Portion(count=80_000, first_seed=10_000_000, kind="stills", size=144), epochs=8, batch=256
    )
    motion: Part = Part(portion=Portion(count=8000, first_seed=10_000_000), epochs=8, batch=32)
    check: Portion = Portion(count=400, first_seed=20_000_000, kind="checks", held_out=True, degraded=0.0, size=144)


PRESETS = {
    "mini": Recipe(),
    "tiny": Recipe(
        config=JudgeConfig(look=(8, 16, 24), motion=(8, 12, 16), moving=24),
        look=Part(portion=Portion(count=80, first_seed=10_000_000, kind="stills"), epochs=2, batch=8, decay=0.9),
        motion=Part(portion=Portion(count=40, first_seed=10_000_000), epochs=2, batch=8, decay=0.9),
        check=Portion(count=20, first_seed=20_000_000, kind="checks", held_out=True, degraded=0.0),
    ),
}


def look_loss(look: Look, data: Pool, rng: np.random.Generator) -> Tensor:
    """Names of the pictures, and of every square as far as the thing covers it."""
    frames, masks = varied(pictures(data.looks[:, 0]), data.masks[:, None].float() / 255, rng)
    squares = look.squares(frames[:, None])
    located = look.located(squares)[:, 0]  # (B, things + 1, l, l)
    covered = F.adaptive_avg_pool2d(masks, located.shape[-1])[:, 0]  # (B, l, l)
    thing = located.gather(1, data.names[:, list(labels()).index("thing"), None, None, None].expand_as(located[:, :1]))
    found = (covered * thing[:, 0] + (1 - covered) * located[:, -1]).mean()
    return loss(look.named(squares), data.names) - SQUARES * found


def varied(frames: Tensor, masks: Tensor, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Frames (B, 3, L, L) and masks (B, 1, l, l), each one stretched, moved, mirrored, brighter or softer, with noise.

    The whole picture stays in view but for a sixth of its width and height.
    """
    chance = torch.from_numpy(rng.uniform(-1, 1, (len(frames), 8)).astype(np.float32))
    chance = chance.to(frames.device, non_blocking=True)
    part = 1 - 0.085 * (1 + chance[:, :2])  # of width and height that is kept
    moved = (1 - part) * chance[:, 2:4]
    part[:, 0] *= chance[:, 4].sign()
    frames, masks = (
        F.grid_sample(x, places(x) * part[:, None, None] + moved[:, None, None], align_corners=False)
        for x in (frames, masks)
    )
    gain, offset, softness, noise = chance[:, 4:, None, None, None].unbind(1)
    soft = F.avg_pool2d(F.pad(frames, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    frames = torch.lerp(frames, soft, softness.clamp(min=0))
    frames = frames * (1 + 0.05 * (2 * gain.abs() - 1)) + 0.04 * offset
    return frames + 0.03 * noise.clamp(min=0) * torch.randn_like(frames), masks


def places(x: Tensor) -> Tensor:
    """Where each pixel of x (B, C, H, W) lies, as `grid_sample` counts: (H, W, 2).

    affine_grid is a product of matrices, which autocast would round to a third of a pixel.
    """
    rows, columns = ((torch.arange(side, device=x.device) + 0.5) * 2 / side - 1 for side in x.shape[2:])
    return torch.stack(torch.meshgrid(columns, rows, indexing="xy"), -1)


def motion_loss(motion: Motion, data: Pool, rng: np.random.Generator) -> Tensor:
    """Names of the clips, half of the time in a mirror: in pictures, flow and names. The speed varies."""
    small = thumbnails(pictures(data.frames))  # (B, M, 3, G, G)
    flow, names = flows(data.flow) * rng.uniform(0.9, 1.1), data.names
    if rng.random() < 0.5:
        small, flow, names = small.flip(-1), mirrored_flow(flow), mirrored_names(names)
    return loss(motion(small * rng.uniform(0.95, 1.05) + rng.uniform(-0.04, 0.04), flow), names)


LOSSES: dict[str, Callable[[nn.Module, Pool, np.random.Generator], Tensor]] = {
    "look": look_loss,
    "motion": motion_loss,
}


def mirrored_flow(flow: Tensor) -> Tensor:
    """(B, M, 2, G, G) as in a mirror."""
    return flow.flip(-1) * torch.tensor([-1.0, 1.0], device=flow.device)[:, None, None]


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


@lru_cache(maxsize=1)
def order(epoch: int, count: int) -> np.ndarray:
    """The rows of a pool as an epoch goes through them."""
    return np.random.default_rng(epoch).permutation(count)


class Trainer:
    """A net, its average, its optimiser and the step it is at; `run` goes on until the part's end.

    With `seconds` the end is when so many are over, from the making of the trainer, not after the part's epochs.
    """

    def __init__(self, net: nn.Module, part: Part, checkpoint: Path, seconds: float | None = None):
        self.part, self.checkpoint, self.step = part, checkpoint, 0
        self.seconds, self.begun, self.kind = seconds, time.monotonic(), place().type
        self.net = net.to(self.kind, memory_format=torch.channels_last)
        self.average = AveragedModel(self.net, multi_avg_fn=get_ema_multi_avg_fn(part.decay), use_buffers=True)
        self.epoch_steps = part.portion.count // part.batch
        self.optimizer = torch.optim.AdamW(self.net.parameters(), part.rate, weight_decay=0.02)
        self.parts = ("net", "average", "optimizer")
        if self.checkpoint.exists():
            state = torch.load(self.checkpoint, weights_only=True, map_location=self.kind)
            self.step = state["step"]
            for name in self.parts:
                getattr(self, name).load_state_dict(state[name])
            log.info("%s goes on from step %d", checkpoint.stem, self.step)

    def save(self) -> None:
        state = {name: getattr(self, name).state_dict() for name in self.parts} | {"step": self.step}
        fresh = self.checkpoint.with_suffix(".new")
        torch.save(state, fresh)
        fresh.replace(self.checkpoint)

    def done(self) -> float:
        """How much of the schedule is over, 0 to 1."""
        if self.seconds is None:
            return min(1.0, self.step / (self.part.epochs * self.epoch_steps))
        return min(1.0, (time.monotonic() - self.begun) / max(self.seconds, 1e-3))

    def rate(self) -> float:
        """The learning rate: up to the part's own, then down to nothing, both along a cosine."""
        done = self.done()
        turn = done / WARM_UP - 1 if done < WARM_UP else (done - WARM_UP) / (1 - WARM_UP)
        return self.part.rate * max(0.5 + 0.5 * math.cos(math.pi * turn), 1e-3)

    def rows(self) -> np.ndarray:
        """What the current step learns from: the same again after a restart."""
        epoch, at = divmod(self.step, self.epoch_steps)
        return np.sort(order(epoch, self.part.portion.count)[at * self.part.batch : (at + 1) * self.part.batch])

    def learn(self, loss: Callable[[nn.Module], Tensor]) -> Tensor:
        """One step; returns its loss, for which it does not wait."""
        self.net.train()
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate()
        with device.autocast(self.kind):
            error = loss(self.net)
        self.optimizer.zero_grad(set_to_none=True)
        error.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 5.0)
        self.optimizer.step()
        self.average.update_parameters(self.net)
        self.step += 1
        return error.detach()

    def run(self, loss: Callable[[nn.Module, Pool, np.random.Generator], Tensor], data: Pool) -> nn.Module:
        """Trains to the end by `loss(net, batch, rng)`; returns the averaged net."""
        data = self.at_hand(data)
        said = saved = time.monotonic()
        errors: list[Tensor] = []
        over = self.done() == 1
        while not over:
            batch, rng = data.rows(self.rows()).to(self.kind), np.random.default_rng((self.step, 7))
            errors.append(self.learn(lambda net, batch=batch, rng=rng: loss(net, batch, rng)))
            now, over = time.monotonic(), self.done() == 1
            if now - said > LOG_SECONDS / (1 if self.seconds is None else 10) or over:
                log.info(
                    "%s step %d, %.0f %%, loss %.3f, %.0f s",
                    self.checkpoint.stem, self.step, 100 * self.done(), torch.stack(errors).mean(), now - said,
                )  # fmt: skip
                said, errors = now, []
            if now - saved > CHECKPOINT_SECONDS or over:
                saved = now
                self.save()
        return self.average.module.eval()

    def at_hand(self, data: Pool) -> Pool:
        """The pool on the card if it fits, so that no step waits for it; an unfinished pool makes shorter epochs."""
        size = sum(x.nbytes for x in data.arrays().values())
        self.part = replace(self.part, portion=replace(self.part.portion, count=len(data.names)))
        self.epoch_steps = max(1, len(data.names) // self.part.batch)
        return data.to(self.kind) if self.kind == "cpu" or size < 0.6 * device.find().free_bytes else data


@torch.inference_mode()
def check(judge: Judge, data: Pool) -> dict[str, float]:
    """Attribute -> share of the pool's clips named right."""
    kind = place().type
    judge.to(kind)
    right: dict[str, list[bool]] = {name: [] for name in labels()}
    for rows in np.array_split(np.arange(len(data.names)), max(1, len(data.names) // 20)):
        batch = data.rows(rows).to(kind)
        with device.autocast(kind):
            out = judge(pictures(batch.looks), thumbnails(pictures(batch.frames)), flows(batch.flow))
        for column, name in enumerate(labels()):
            known = batch.names[:, column] != UNKNOWN
            right[name] += (out[name].argmax(1) == batch.names[:, column])[known].tolist()
    judge.cpu()
    return {name: round(float(np.mean(values)), 4) for name, values in right.items()}


@dataclass(frozen=True, kw_only=True)
class Run:
    """Where a training keeps its pools and checkpoints, its processes that draw, and the minutes it may take.

    Without a checkpoint it begins with new nets or, if `published`, with the published ones.
    """

    folder: Path
    workers: int = 1
    minutes: float | None = None
    published: bool = False


def train(recipe: Recipe, run: Run, weights: Path, *, parts: tuple[str, ...] = tuple(LOSSES)) -> dict[str, float]:
    """Trains `parts`, keeps the published weights of the others, checks, saves. Returns the check's accuracies."""
    end = time.monotonic() + 60 * run.minutes - CHECKING if run.minutes else math.inf
    run.folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    torch.backends.cudnn.benchmark = True
    judge = Judge(recipe.config)
    published = load_judge(weights) if run.published or len(parts) < len(LOSSES) else None
    unseen, learned = pool(run.folder, recipe.check, run.workers), {}
    for name in LOSSES:
        if name not in parts:
            setattr(judge, name, getattr(published, name))
        elif run.published:
            getattr(judge, name).load_state_dict(getattr(published, name).state_dict())
    for name, share in zip(parts, range(len(parts), 0, -1), strict=True):
        part, left = getattr(recipe, name), (end - time.monotonic()) / share
        begun = time.monotonic()
        data = pool(run.folder, part.portion, run.workers, DRAWING * left)
        left = None if math.isinf(end) else left + begun - time.monotonic()
        trainer = Trainer(getattr(judge, name), part, run.folder / f"{name}.pt", left)
        setattr(judge, name, trainer.run(LOSSES[name], data).cpu())
        learned[name] = {"scenes": len(data.names), "steps": trainer.step}
    accuracy = check(judge.eval(), unseen)
    log.info("unseen scenes: %s", accuracy)
    about = dataclasses.asdict(recipe) | {"styles": STYLES, "minutes": run.minutes, "learned": learned}
    save_judge(judge, weights, accuracy_on_unseen_scenes=accuracy, recipe=about)
    return accuracy


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--preset", choices=PRESETS, default="mini")
    parser.add_argument("--runs", type=Path, default=Path("runs/judge"))
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--workers", type=int, default=1, help="processes that draw the pool")
    parser.add_argument("--parts", choices=LOSSES, nargs="+", default=tuple(LOSSES))
    parser.add_argument("--epochs", type=int, help="of every part")
    parser.add_argument("--rate", type=float, help="of learning, of every part")
    parser.add_argument("--minutes", type=float, help="for all of it, whatever the number of epochs")
    parser.add_argument("--published", action="store_true", help="begin with the weights that are there")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    recipe = PRESETS[options.preset]
    wanted = {name: value for name in ("epochs", "rate") if (value := getattr(options, name))}
    recipe = replace(recipe, **{name: replace(getattr(recipe, name), **wanted) for name in options.parts})
    run = Run(folder=options.runs, workers=options.workers, minutes=options.minutes, published=options.published)
    train(recipe, run, options.weights, parts=tuple(options.parts))


if __name__ == "__main__":
    main()

"""Trains the judge on world renders: python -m pipelines.training.judge --preset mini

Its two nets are trained one after the other, each on a pool of its own (judge_pool.py): Look on stills, of which there
can be many, Motion on clips. Pools and training go on where they were stopped, in runs/judge. The averaged weights go
to assets/weights/judge.safetensors with their accuracy on unseen clips. `--parts look` trains one net anew and keeps
the other's published weights. `--minutes` ends all of it in time, with pools as large as there is time for.
"""

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
from torch.optim import AdamW

from pipelines import command, device
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
from pipelines.training import loop
from pipelines.training.judge_pool import STYLES, UNKNOWN, Pool, Portion, pool
from pipelines.training.loop import place

MIRRORED = {"action": ("moves left", "moves right"), "camera": ("pan left", "pan right")}
COOLDOWN = 0.85  # the part of the minutes in which the rate falls
SQUARES = 36  # naming the squares of a picture counts as if there were so many, whatever its size
DRAWING, CHECKING = 0.45, 6.0  # the part of limited time that goes to pools, and the seconds that the check takes

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Part:
    """How one of the nets is trained. Seeds from 10,000,000 on are for training, from 20,000,000 for the check."""

    portion: Portion
    minutes: float
    batch: int
    rate: float = 2e-3
    decay: float = 0.99  # of the average of the weights: over some hundred of about a thousand steps


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Both parts, and the clips that check them."""

    config: JudgeConfig = JudgeConfig(look=(96, 192, 384), look_depth=(2, 3, 2), look_size=144)
    look: Part = Part(
        portion=Portion(count=80_000, first_seed=10_000_000, kind="stills", size=144), minutes=40, batch=256
    )
    motion: Part = Part(portion=Portion(count=8000, first_seed=10_000_000), minutes=25, batch=32)
    check: Portion = Portion(count=400, first_seed=20_000_000, kind="checks", held_out=True, degraded=0.0, size=144)


PRESETS = {
    "mini": Recipe(),
    "tiny": Recipe(
        config=JudgeConfig(look=(8, 16, 24), motion=(8, 12, 16), moving=24),
        look=Part(portion=Portion(count=80, first_seed=10_000_000, kind="stills"), minutes=0.05, batch=8, decay=0.9),
        motion=Part(portion=Portion(count=40, first_seed=10_000_000), minutes=0.05, batch=8, decay=0.9),
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


def learn(name: str, net: nn.Module, part: Part, data: Pool, folder: Path) -> tuple[nn.Module, int]:
    """Trains the net called `name` on a pool; returns its average and the steps that it took."""
    kind = place().type
    plan = loop.Plan(minutes=part.minutes, rate=part.rate, average=part.decay, cooldown=COOLDOWN, clip=5.0)
    net = net.train().to(memory_format=torch.channels_last)
    run = loop.Run(net, lambda own: [AdamW(own.parameters(), part.rate, weight_decay=0.02, fused=True)], plan, folder)
    data = at_hand(data, kind)

    def error() -> Tensor:
        batch = data.rows(rows_of(run.step, len(data.names), part.batch)).to(kind)
        with device.autocast(kind):
            return LOSSES[name](run.model, batch, np.random.default_rng((run.step, 7)))

    return run.train(error), run.step


def rows_of(step: int, count: int, batch: int) -> np.ndarray:
    """What a step learns from, of `count`: every row once before one comes again. After a restart the same again."""
    epoch, at = divmod(step, max(1, count // batch))
    return np.sort(order(epoch, count)[at * batch : (at + 1) * batch])


@lru_cache(maxsize=1)
def order(epoch: int, count: int) -> np.ndarray:
    """The rows of a pool as an epoch goes through them."""
    return np.random.default_rng(epoch).permutation(count)


def at_hand(data: Pool, kind: str) -> Pool:
    """The pool on the card if it fits, so that no step waits for it."""
    size = sum(x.nbytes for x in data.arrays().values())
    return data.to(kind) if kind == "cpu" or size < 0.6 * device.find().free_bytes else data


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
class Setup:
    """Where a training keeps its pools and checkpoints, its processes that draw, and the minutes it may take.

    Without a checkpoint it begins with new nets or, if `published`, with the published ones.
    """

    folder: Path
    workers: int = 1
    minutes: float | None = None
    published: bool = False


def train(recipe: Recipe, setup: Setup, weights: Path, *, parts: tuple[str, ...] = tuple(LOSSES)) -> dict[str, float]:
    """Trains `parts`, keeps the published weights of the others, checks, saves. Returns the check's accuracies."""
    end = time.monotonic() + 60 * setup.minutes - CHECKING if setup.minutes else math.inf
    torch.manual_seed(0)
    torch.backends.cudnn.benchmark = True
    judge = Judge(recipe.config)
    published = load_judge(weights) if setup.published or len(parts) < len(LOSSES) else None
    unseen, learned = pool(setup.folder, recipe.check, setup.workers), {}
    for name in LOSSES:
        if name not in parts:
            setattr(judge, name, getattr(published, name))
        elif setup.published:
            getattr(judge, name).load_state_dict(getattr(published, name).state_dict())
    for name, share in zip(parts, range(len(parts), 0, -1), strict=True):
        part, turn = getattr(recipe, name), time.monotonic()
        until = turn + (end - turn) / share
        data = pool(setup.folder, part.portion, setup.workers, DRAWING * (until - turn))
        if setup.minutes:
            part = replace(part, minutes=max(1.0, until - time.monotonic()) / 60)
        net, steps = learn(name, getattr(judge, name), part, data, setup.folder / name)
        setattr(judge, name, net.cpu())
        learned[name] = {"scenes": len(data.names), "steps": steps}
    accuracy = check(judge.eval(), unseen)
    log.info("unseen scenes: %s", accuracy)
    about = dataclasses.asdict(recipe) | {"styles": STYLES, "minutes": setup.minutes, "learned": learned}
    save_judge(judge, weights, accuracy_on_unseen_scenes=accuracy, recipe=about)
    return accuracy


def main() -> None:
    parser = command.Parser(description=__doc__)
    parser.add_argument("--preset", choices=PRESETS, default="mini")
    parser.add_argument("--runs", type=Path, default=Path("runs/judge"))
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--workers", type=int, default=1, help="processes that draw the pool")
    parser.add_argument("--parts", choices=LOSSES, nargs="+", default=tuple(LOSSES))
    parser.add_argument("--rate", type=float, help="of learning, of every part")
    parser.add_argument("--minutes", type=float, help="for all of it, the pools too")
    parser.add_argument("--published", action="store_true", help="begin with the weights that are there")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    recipe = PRESETS[options.preset]
    if options.rate:
        recipe = replace(recipe, **{name: replace(getattr(recipe, name), rate=options.rate) for name in options.parts})
    setup = Setup(folder=options.runs, workers=options.workers, minutes=options.minutes, published=options.published)
    train(recipe, setup, options.weights, parts=tuple(options.parts))


if __name__ == "__main__":
    command.run(main)

"""What the transformer's recipes share: batches of cached latents with captions, the losses, the run.

Beside the velocity the middle of the network learns to say which thing every token shows, and place, action, camera and
so on of the whole, from the world's exact truth.
"""

import argparse
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from einops import rearrange, repeat
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.utils.rnn import pad_sequence

from pipelines import device
from pipelines.moviegen import checkpoint, flow, presets
from pipelines.moviegen.nn.text import MiniLM, Text
from pipelines.moviegen.nn.transformer import PATCH, TransformerConfig, VideoTransformer, patches
from pipelines.training import world
from pipelines.training.latents import Bucket, Latents, Sample
from pipelines.training.loop import Plan, Run, join, place, recipe
from pipelines.training.scene import Scene
from pipelines.vocabulary import AXES, THINGS

# Of the captions, so that guidance has something to lead away from, and so that the middle must see what it tells: with
# a tenth it read all of it from the caption and, without one, saw neither action nor camera after 1,500 steps.
TEXT_DROPPED = 0.25
# Mean logit of the times that are trained. The coarse structure of mini's latents has a variance of 4 to 37 and is
# decided at t = 1 / (1 + sqrt(variance)), 0.14 to 0.33, and there alone the text matters; grain of variance 0.05 is
# decided at 0.8. The paper's mean of 0 draws t < 0.25 one time in seven, -0.9 two times in five but t > 0.7 one in 25;
# this one draws the two one time in four and in ten.
EARLY = -0.4
RUNS = Path("runs/transformer")
NAMES = tuple(THINGS)
TELLING = ("place", "action", "camera", "light", "weather", "style")
MEASURED = 200_000  # tokens whose covariance is the prior's
EMPHASIS = 4.0  # what a token counts more where the thing covers it: things are a ninth of the picture
NAMING = 0.5  # weight of the second loss, as of the alignment of Yu et al. (2025)
TOLD = 0.1  # weight of the third for each of TELLING
HEADS_FIRST = 300  # steps in which the heads, which are not published, learn by themselves
# On a processor the backward pass of flash attention is slower than the plain one's.
ATTENTION = {
    "cpu": [SDPBackend.MATH],
    "cuda": [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH],
}
# The most noise on a token's state, of its root mean square: what is read right in noise is read right nearby.
BLUR = 1.5
WORDINGS = 2  # captions of one scene: other scenes have other wordings, and to read a new one costs a fifth of a step


@dataclass(frozen=True, kw_only=True)
class Stage:
    """A stage of the transformer's training: what it draws from, with weights, and which stage it goes on from.

    A batch has `latent_frames` of them: of longer clips there are fewer in it. `chosen` picks among the scenes.
    """

    name: str
    after: str | None
    buckets: tuple[tuple[Bucket, float], ...]
    latent_frames: int = 32
    chosen: Callable[[Scene], bool] | None = None


class Reader:
    """Token states of captions, each read once and then kept in half precision: reading costs a fifth of a step."""

    def __init__(self, text: MiniLM):
        self.text = text
        self.known: dict[str, Tensor] = {}

    def __call__(self, captions: list[str]) -> Text:
        if new := [caption for caption in dict.fromkeys(captions) if caption not in self.known]:
            read = self.text(new)
            lengths = read.mask.sum(dim=1).tolist()
            self.known |= {
                caption: states[:length].half()
                for caption, states, length in zip(new, read.states, lengths, strict=True)
            }
        found = [self.known[caption] for caption in captions]
        lengths = torch.tensor([len(states) for states in found])
        states = pad_sequence(found, batch_first=True).float()  # (B, S, D)
        return Text(states=states, mask=torch.arange(states.shape[1]) < lengths[:, None])


@dataclass(frozen=True, kw_only=True)
class Batch:
    """z (B, C, T', H', W'), captions, the number of each scene's thing (B,), the covered part of tokens (B, N).

    `told` has the number of each scene's value (B,) for each of TELLING.
    """

    z: Tensor
    text: Text
    things: Tensor
    cover: Tensor
    told: dict[str, Tensor]

    @classmethod
    def of(cls, z: Tensor, text: Text, numbers: Tensor, cover: Tensor) -> "Batch":
        """From the `numbers` of scenes (B, 1 + TELLING)."""
        told = dict(zip(TELLING, numbers.T[1:], strict=True))
        return cls(z=z, text=text, things=numbers[:, 0], cover=cover, told=told)

    def to(self, device: torch.device) -> "Batch":
        z, things, cover = (part.to(device) for part in (self.z, self.things, self.cover))
        told = {name: numbers.to(device) for name, numbers in self.told.items()}
        return Batch(z=z, text=self.text.to(device), things=things, cover=cover, told=told)


class Pupil(VideoTransformer):
    """The transformer with a head that names what each token shows and the whole, read off the middle block.

    For training only: where little of the picture is there yet, only the caption can tell it.

    Yu et al. (2025, "Representation alignment for generation") align it with a large vision model's features, which
    speeds training up; here the theatre itself knows the answer.
    """

    def __init__(self, config: TransformerConfig):
        super().__init__(config)
        self.head = nn.Linear(self.config.width, len(NAMES) + 1)  # the last one: nothing but the place
        self.tellers = nn.ModuleDict({name: nn.Linear(self.config.width, len(AXES[name])) for name in TELLING})
        self.blocks[self.config.depth // 2 - 1].register_forward_hook(self._listen)
        self.leading = True  # whether what the heads learn changes the network too

    def _listen(self, block: nn.Module, given: Any, x: Tensor) -> None:
        x = x if self.leading else x.detach()
        self.named = self.head(x)  # (B, N, names); inside `forward`, where FSDP has gathered the head
        self.said = {name: teller(x) for name, teller in self.tellers.items()}  # (B, N, values)


class Feed:
    """Random batches of a stage: latents and token states of captions."""

    def __init__(self, stage: Stage, folder: Path, read: Reader, seed: int):
        self.stage, self.read = stage, read
        self.rng = np.random.default_rng(seed)
        self.latents = {bucket.name: Latents(folder / bucket.name, stage.chosen) for bucket, _ in stage.buckets}
        weights = np.array([weight for _, weight in stage.buckets])
        self.odds = weights / weights.sum()

    def batch(self, *, unseen: bool = False) -> Batch:
        """The captions of some samples are empty. For validation, the `unseen` samples."""
        sample, still = self.draw(unseen=unseen)
        text = self.read([self.caption(scene, still=still) for scene in sample.scenes])
        return Batch.of(sample.z, text, torch.tensor([numbers(scene) for scene in sample.scenes]), sample.cover)

    def draw(self, *, unseen: bool = False) -> tuple[Sample, bool]:
        """Samples of one bucket, and whether they are stills."""
        bucket = self.stage.buckets[self.rng.choice(len(self.odds), p=self.odds)][0]
        count = max(1, self.stage.latent_frames // bucket.latent_frames)
        return self.latents[bucket.name].draw(count, self.rng, unseen=unseen), bucket.frames == 1

    def tokens(self, count: int) -> Tensor:
        """About `count` tokens (count, 4 C) of all buckets, as they are mixed."""
        return tokens_of(lambda: self.draw()[0].z, count)

    def caption(self, scene: Scene, *, still: bool) -> str:
        if self.rng.random() < TEXT_DROPPED:
            return ""
        wording = np.random.default_rng((scene.seed, int(self.rng.integers(WORDINGS))))
        return world.caption(scene, wording, still=still)


def numbers(scene: Scene) -> list[int]:
    """The number of the scene's thing, then of its value for each of TELLING."""
    return [NAMES.index(scene.thing), *(AXES[name].index(getattr(scene, name)) for name in TELLING)]


def tokens_of(draw: Callable[[], Tensor], count: int) -> Tensor:
    """About `count` tokens (count, 4 C) of the latents that `draw` gives."""
    found: list[Tensor] = []
    while sum(map(len, found)) < count:
        found.append(patches(draw()).flatten(0, 1))
    return torch.cat(found)


def pupil(choice: argparse.Namespace) -> Pupil:
    """A new one, or one with the published weights."""
    published = checkpoint.load_transformer(choice.preset) if choice.published else None
    model = Pupil(published.config if published else presets.TRANSFORMER[choice.preset])
    if published:
        model.load_state_dict(model.state_dict() | published.state_dict())
    return model


def prepared(model: Pupil, choice: argparse.Namespace, name: str, *, warmup: int = 100) -> Run:
    """The run of a recipe called `name`, begun or resumed, its network compiled if that is the choice."""
    plan = Plan(minutes=choice.minutes, rate=choice.rate, cooldown=choice.cooldown, average=0.9985, warmup=warmup)
    folder = RUNS / choice.preset / (choice.run or name)
    run = Run(model, lambda model: optimisers(model, choice.rate), plan, folder)
    if choice.compile:
        compile_blocks(run.model)
    return run


def options(description: str, minutes: float, rate: float) -> argparse.ArgumentParser:
    """The command line that every recipe of the transformer has."""
    parser = recipe(description, presets.TRANSFORMER, minutes=minutes, rate=rate, cooldown=0.3)
    parser.add_argument("--latent-frames", type=int, help="in a batch: few make more steps, which counts at first")
    parser.add_argument("--run", help="name of the run's folder, to keep several apart")
    parser.add_argument("--compile", action="store_true", help="fuse the operations of each block (needs a compiler)")
    parser.add_argument("--published", action="store_true", help="begin with the weights in assets/weights")
    return parser


def train(stage: Stage, choice: argparse.Namespace) -> nn.Module:
    """Runs a stage to the end of its minutes; returns the averaged model. Under `torchrun`, on all its processes."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    rank = join()
    stage = replace(stage, latent_frames=choice.latent_frames or stage.latent_frames)
    torch.manual_seed(0)
    model = pupil(choice)
    if stage.after and not choice.published:
        last = RUNS / choice.preset / stage.after / "last.pt"
        before = torch.load(last, map_location="cpu", weights_only=True)
        model.load_state_dict(before["average"])
    feed = Feed(stage, Path("runs/latents") / choice.preset, Reader(checkpoint.load_text()), seed=0)
    checks = [feed.batch(unseen=True).to(place()) for _ in range(8)]
    if stage.after is None and not choice.published and model.prior:
        model.prior.measure(feed.tokens(MEASURED))
    run = prepared(model, choice, stage.name)
    torch.manual_seed(run.step + 1000 * rank)
    feed.rng = np.random.default_rng(run.step + 1 + 1_000_000 * rank)

    @torch.no_grad()
    def validate(average: nn.Module) -> float:
        generator = torch.Generator().manual_seed(0)
        return sum(float(losses(average, batch, generator)[0]) for batch in checks) / len(checks)

    return run.train(lambda: step_loss(run, feed.batch().to(place()), choice), validate)


def step_loss(run: Run, batch: Batch, choice: argparse.Namespace) -> Tensor:
    """The objective of a run's next step. After published weights, which have no heads, those learn alone at first."""
    run.model.leading = run.step >= HEADS_FIRST or not choice.published
    return objective(run.model, batch)


def objective(model: nn.Module, batch: Batch) -> Tensor:
    """What the recipes minimise: the three losses, with the text blurred."""
    velocity, naming, telling = losses(model, replace(batch, text=blurred(batch.text)))
    return velocity + NAMING * naming + TOLD * telling


def losses(model: nn.Module, batch: Batch, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor, Tensor]:
    """Flow-matching loss of a batch, the naming's and the telling's; matrix products in bfloat16 where that is fast."""
    kind = batch.z.device.type
    with device.autocast(kind), sdpa_kernel(ATTENTION[kind]):
        velocity = flow.loss(
            lambda x, t: model(x, t, (batch.text,)), batch.z, generator, mean=EARLY, weight=emphasis(batch)
        )
    return velocity, naming(model.named, batch), telling(model.said, batch)


def blurred(text: Text) -> Text:
    """The token states with noise, of another size in every caption, so that words near to known ones are read like
    them. An empty caption, which is its two marks, stays: guidance leans on it."""
    states = text.states
    size = BLUR * torch.rand(len(states), 1, 1, device=states.device) * (text.mask.sum(dim=1) > 2)[:, None, None]
    scale = size * states.square().mean(dim=-1, keepdim=True).sqrt()  # (B, S, 1)
    return Text(states=states + scale * torch.randn_like(states), mask=text.mask)


def compile_blocks(model: VideoTransformer) -> None:
    """Fuses what happens in each block. A copy of the model must be made before: it would call this one's blocks."""
    for block in model.blocks:
        block.forward = torch.compile(block.forward, dynamic=True)


def emphasis(batch: Batch) -> Tensor:
    """(B, 1, T', H', W'), of mean one: what each latent counts in the loss."""
    frames, height, width = batch.z.shape[2:]
    cover = rearrange(batch.cover, "b (t h w) -> b 1 t h w", t=frames, h=height // PATCH, w=width // PATCH)
    weight = 1 + EMPHASIS * repeat(cover, "b c t h w -> b c t (h p) (w q)", p=PATCH, q=PATCH)
    return weight / weight.mean()


def naming(named: Tensor, batch: Batch) -> Tensor:
    """Cross-entropy of the names (B, N, names) to the thing, as far as a token is covered, and to nothing."""
    likely = named.float().log_softmax(dim=-1)
    thing = likely.gather(2, batch.things[:, None, None].expand(-1, likely.shape[1], 1)).squeeze(2)  # (B, N)
    return -(batch.cover * thing + (1 - batch.cover) * likely[..., -1]).mean()


def telling(said: dict[str, Tensor], batch: Batch) -> Tensor:
    """Sum over TELLING of the cross-entropy of every token's values (B, N, values) to the scene's."""
    return sum(
        F.cross_entropy(said[name].float().transpose(1, 2), number[:, None].expand(-1, said[name].shape[1]))
        for name, number in batch.told.items()
    )


def optimisers(model: nn.Module, rate: float) -> list[torch.optim.Optimizer]:
    """AdamW; weight decay on matrices only."""
    matrices = [p for name, p in model.named_parameters() if p.ndim > 1 and "positions" not in name]
    chosen = set(map(id, matrices))
    rest = [p for p in model.parameters() if id(p) not in chosen]
    groups = [{"params": matrices, "weight_decay": 0.01}, {"params": rest, "weight_decay": 0.0}]
    return [torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.98), fused=True)]  # a ninth of the plain one's time

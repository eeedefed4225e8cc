"""The loop that every recipe shares: clock, warm-up, cool-down, averaged weights, resume, one log line a minute.

A recipe gives a loss; the loop owns the optimisers and the folder `runs/<name>/` with `last.pt`.
"""

import argparse
import copy
import logging
import os
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_model_state_dict,
    get_optimizer_state_dict,
    set_model_state_dict,
    set_optimizer_state_dict,
)
from torch.distributed.fsdp import fully_shard

from pipelines import command

log = logging.getLogger("training")
CHECKPOINT_SECONDS = 300
LOG_SECONDS = 60
STOPPED_SECONDS = 10  # a step that took longer was stopped (kill -STOP); the clock counts no more than this
WHOLE = StateDictOptions(full_state_dict=True)

Optimise = Callable[[nn.Module], list[torch.optim.Optimizer]]


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How one stage is trained. `minutes` is the stage's whole clock over all its resumed parts."""

    minutes: float
    rate: float
    warmup: int = 100
    cooldown: float = 0.3
    average: float = 0.999
    clip: float = 1.0
    patience: int = 3
    steps: int | None = None


def averaged(model: nn.Module) -> nn.Module:
    """A frozen copy of a model that follows it: the exponential moving average of its weights."""
    return copy.deepcopy(model).eval().requires_grad_(False)


@torch.no_grad()
def follow(average: nn.Module, model: nn.Module, *, decay: float, step: int) -> None:
    """Moves the average towards the model; in the first steps faster, so that it forgets the initial weights."""
    decay = min(decay, (1 + step) / (10 + step))
    ours, theirs = list(average.parameters()), list(model.parameters())
    torch._foreach_lerp_(ours, [b.to(a.dtype) for a, b in zip(ours, theirs, strict=True)], 1 - decay)
    for kept, measured in zip(average.buffers(), model.buffers(), strict=True):
        kept.copy_(measured)


class Plateau:
    """Halves a factor when the validation loss has stood still for `patience` validations (Movie Gen, 3.1.3)."""

    def __init__(self, patience: int):
        self.patience, self.factor, self.best, self.waited = patience, 1.0, 1e9, 0

    def see(self, loss: float) -> None:
        if loss < self.best - 0.002 * abs(self.best):  # of either sign: decibels are negative
            self.best, self.waited = loss, 0
            return
        self.waited += 1
        if self.waited >= self.patience:
            self.factor, self.waited = self.factor / 2, 0


class Run:
    """One stage of training, resumed from its folder if it was begun there before."""

    def __init__(self, model: nn.Module, optimise: Optimise, plan: Plan, folder: Path):
        self.plan, self.folder = plan, folder
        model = model.to(place())
        self.average, self.plateau = share(averaged(model)), Plateau(plan.patience)
        self.model = share(model)
        self.optimisers = optimise(self.model)  # fused; after the sharing: they hold the parameters that remain here
        self.step, self.elapsed = 0, 0.0
        self.skipped: Tensor | float = 0.0  # steps whose gradient was not finite
        self.rates = [[group["lr"] for group in optimiser.param_groups] for optimiser in self.optimisers]
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / "last.pt").exists():
            self._resume()

    def train(self, loss: Callable[[], Tensor], validate: Callable[[nn.Module], float] | None = None) -> nn.Module:
        """Calls `loss` until the clock is out; `validate(average)` at every checkpoint. Returns the average."""
        logged = saved = mark = agreed(time.monotonic())
        recent: list[Tensor] = []
        while self.elapsed < self.plan.minutes * 60 and self.step != self.plan.steps:
            recent.append(self._advance(loss()))
            now = agreed(time.monotonic())
            self.elapsed, mark = self.elapsed + min(now - mark, STOPPED_SECONDS), now
            if now - logged > LOG_SECONDS:
                log.info(
                    "%s step %d minute %.1f loss %.4f rate x%.3f",
                    self.folder.name, self.step, self.elapsed / 60, torch.stack(recent).mean(), self.schedule(),
                )  # fmt: skip
                if skipped := float(self.skipped):
                    log.warning("%.0f steps skipped: their gradients were not finite", skipped)
                logged, recent, self.skipped = now, [], 0.0
            if now - saved > CHECKPOINT_SECONDS:
                self._validate(validate)
                self.save()
                saved = mark = agreed(time.monotonic())  # validation does not count
        self._validate(validate)
        self.save()
        return self.average

    def schedule(self) -> float:
        """What the learning rates are multiplied by: warm-up, plateau cuts, linear cool-down at the end."""
        done = self.elapsed / (self.plan.minutes * 60)
        end = min(1.0, (1 - done) / self.plan.cooldown) if self.plan.cooldown else 1.0
        return max(0.01, end) * min(1.0, (self.step + 1) / self.plan.warmup) * self.plateau.factor

    def save(self) -> None:
        """Writes `last.pt` by rename, so that a kill leaves the older one. Of several processes the first writes."""
        optimisers = [get_optimizer_state_dict(self.model, optimiser, options=WHOLE) for optimiser in self.optimisers]
        state = {
            "model": whole(self.model), "average": whole(self.average), "optimisers": optimisers,
            "plateau": vars(self.plateau), "step": self.step, "elapsed": self.elapsed,
        }  # fmt: skip
        if not dist.is_initialized() or dist.get_rank() == 0:
            torch.save(state, self.folder / "new.pt")
            os.replace(self.folder / "new.pt", self.folder / "last.pt")

    def _advance(self, loss: Tensor) -> Tensor:
        for optimiser, rates in zip(self.optimisers, self.rates, strict=True):
            for group, rate in zip(optimiser.param_groups, rates, strict=True):
                group["lr"] = rate * self.schedule()
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.plan.clip)
        infinite = (~norm.isfinite()).float()  # then a fused optimiser skips the step, and nobody has to wait
        self.skipped = self.skipped + infinite
        for optimiser in self.optimisers:
            optimiser.found_inf = infinite
            optimiser.step()
        self.model.zero_grad(set_to_none=True)
        self.step += 1
        follow(self.average, self.model, decay=self.plan.average, step=self.step)
        return loss.detach()

    def _validate(self, validate: Callable[[nn.Module], float] | None) -> None:
        if validate is None:
            return
        value = agreed(validate(self.average))
        self.plateau.see(value)
        log.info("%s step %d validation %.4f best %.4f", self.folder.name, self.step, value, self.plateau.best)

    def _resume(self) -> None:
        state = torch.load(self.folder / "last.pt", map_location="cpu", weights_only=True)
        set_model_state_dict(self.model, state["model"], options=WHOLE)
        set_model_state_dict(self.average, state["average"], options=WHOLE)
        for optimiser, saved in zip(self.optimisers, state["optimisers"], strict=True):
            set_optimizer_state_dict(self.model, optimiser, saved, options=WHOLE)
        vars(self.plateau).update(state["plateau"])
        self.step, self.elapsed = state["step"], state["elapsed"]
        log.info("%s resumed at step %d, minute %.1f", self.folder.name, self.step, self.elapsed / 60)


def recipe(
    description: str, presets: Collection[str], *, minutes: float, rate: float, cooldown: float
) -> argparse.ArgumentParser:
    """The command line that recipes of this loop have, with their own defaults; they add what is theirs."""
    parser = command.Parser(description=description)
    parser.add_argument("--preset", default="mini", choices=presets)
    parser.add_argument("--minutes", type=float, default=minutes)
    parser.add_argument("--rate", type=float, default=rate)
    words = "the part of the minutes in which the rate falls"
    parser.add_argument("--cooldown", type=float, default=cooldown, help=words)
    return parser


def place() -> torch.device:
    """Where this process trains: on its own graphics card, else on the processor."""
    card = f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
    return torch.device(card if torch.cuda.is_available() else "cpu")


def join() -> int:
    """Meets the other processes that `torchrun` started; returns this one's rank, 0 if it is alone."""
    if "WORLD_SIZE" not in os.environ:
        return 0
    if torch.cuda.is_available():
        torch.cuda.set_device(place())
    dist.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    return dist.get_rank()


def share(model: nn.Module) -> nn.Module:
    """FSDP2: every process keeps its part of each block and of the rest. Alone, the model is left as it is."""
    if dist.is_initialized():
        for blocks in (child for child in model.children() if isinstance(child, nn.ModuleList)):
            for block in blocks:
                fully_shard(block)
        fully_shard(model)
    return model


def agreed(value: float) -> float:
    """The first process's value, for all: what they do together, like a checkpoint, they must begin together."""
    if not dist.is_initialized():
        return value
    said = torch.tensor(value, dtype=torch.float64, device=place())
    dist.broadcast(said, src=0)
    return float(said)


def whole(model: nn.Module) -> dict[str, Tensor]:
    """All weights of a model that may be shared among processes; every process has to ask."""
    return get_model_state_dict(model, options=WHOLE)

"""Clips judged against what was asked: one `Verdict` per clip, counted per attribute."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from pipelines.evaluation.judge import Judge
from pipelines.evaluation.metrics import Figures, share

WINDOW_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What was wanted of a clip and what the judge saw in it; both attribute -> name, only of judged attributes."""

    prompt: str
    seed: int
    wanted: dict[str, str]
    seen: dict[str, str]

    def right(self, attribute: str) -> bool:
        """Whether the judge saw what was wanted."""
        return self.seen[attribute] == self.wanted[attribute]


def judged(judge: Judge, frames: np.ndarray, *, prompt: str, seed: int, wanted: dict[str, str]) -> Verdict:
    """frames (T, H, W, 3) uint8 at 16 fps -> the verdict on the wanted attributes."""
    names = judge.names(frames)
    return Verdict(prompt=prompt, seed=seed, wanted=wanted, seen={name: names[name] for name in wanted})


def figures(verdicts: Iterable[Verdict]) -> dict[str, Figures]:
    """Attribute -> {"accuracy", "low", "high", "n"}, in the order in which the attributes appear."""
    votes: dict[str, list[bool]] = {}
    for verdict in verdicts:
        for attribute in verdict.wanted:
            votes.setdefault(attribute, []).append(verdict.right(attribute))
    return {attribute: share(sum(rights), len(rights)) for attribute, rights in votes.items()}


def ends(frames: np.ndarray, fps: int = 16) -> tuple[np.ndarray, np.ndarray]:
    """The first and the last two seconds of frames (T, H, W, 3)."""
    count = min(len(frames), round(WINDOW_SECONDS * fps))
    return frames[:count], frames[-count:]


def direction(judge: Judge, frames: np.ndarray, wanted: dict[str, str]) -> bool:
    """Left or right, when the judge must choose between the two: whether it chooses the wanted one."""
    attribute, value = next(iter(wanted.items()))
    names = judge.labels[attribute]
    logits = dict(zip(names, judge.logits(frames)[attribute].tolist(), strict=True))
    other = value.replace("left", "*").replace("right", "left").replace("*", "right")
    return logits[value] > logits[other]

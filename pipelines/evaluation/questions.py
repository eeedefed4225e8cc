"""What the suites ask a model: sentences of the theatre, each with the attributes by which its clip is judged.

Everything follows from a seed, so that two models, or the same model a month later, are asked the same.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from pipelines.errors import BadRequest
from pipelines.requests import TextToVideo
from pipelines.training.world import Scene, caption, is_held_out, sample_scene
from pipelines.vocabulary import ACTIONS, AXES, PARAPHRASES, PLACE_PREPOSITIONS, PLACES, THINGS, article, read

FIRST_SEED = 30_000_000  # far beyond the scenes that the transformer was trained on; triples are held out anyway
LENGTHS = (2.0, 3.0, 4.0)
COLUMNS = ("thing", "place", "action")  # of a prompts file, before the prompt itself
STILL_ACTION = "stands still"


@dataclass(frozen=True, kw_only=True)
class Question:
    """A prompt and attribute -> canonical name: what is judged in its clip. `scene`: the world's own, if any."""

    prompt: str
    wanted: dict[str, str]
    seconds: float
    seed: int
    scene: Scene | None = None

    def request(
        self, *, model: str, steps: int | None = None, guidance: float | None = None, still: bool = False
    ) -> TextToVideo:
        """What to ask the model for; None keeps the request's usual number."""
        knobs = {name: value for name, value in (("steps", steps), ("guidance", guidance)) if value is not None}
        return TextToVideo(prompt=self.prompt, seconds=self.seconds, seed=self.seed, model=model, still=still, **knobs)


def wanted_of(prompt: str) -> dict[str, str]:
    """Attributes that the prompt names, by the vocabulary's own reading. A negated "none" never appears."""
    return {name: value for name, value in read(prompt).items() if name in (*AXES, "colour")}


def held_out(count: int, *, seed: int, seconds: float | None) -> list[Question]:
    """Scenes of held-out triples and their captions; judged by what the caption says, where the scene agrees."""
    questions = []
    for i in range(count):
        number = FIRST_SEED + 100_000 * seed + i
        scene = sample_scene(number, held_out=True)
        prompt = caption(scene, np.random.default_rng(number)).removeprefix("FPS-16. ")  # the pipeline adds it
        wanted = {name: value for name, value in wanted_of(prompt).items() if getattr(scene, name) == value}
        length = seconds or LENGTHS[i % len(LENGTHS)]
        questions.append(Question(prompt=prompt, wanted=wanted, seconds=length, seed=number, scene=scene))
    return questions


def paraphrased(count: int, *, seed: int, seconds: float | None) -> list[Question]:
    """Prompts with a thing and a place in words that no caption has; only these two are judged."""
    rng = np.random.default_rng((seed, 11))
    actions = [name for name in ACTIONS if name != STILL_ACTION]
    questions = []
    for i in range(count):
        thing, thing_word = _paraphrase("thing", rng)
        place, place_word = _paraphrase("place", rng)
        prompt = f"{article(thing_word)} {rng.choice(actions)} {_placed(place, place_word)}"
        wanted = {"thing": thing, "place": place}
        questions.append(
            Question(prompt=prompt, wanted=wanted, seconds=seconds or 2.0, seed=FIRST_SEED + 1000 * seed + i)
        )
    return questions


def _paraphrase(axis: str, rng: np.random.Generator) -> tuple[str, str]:
    name = str(rng.choice(list(PARAPHRASES[axis])))
    return name, str(rng.choice(PARAPHRASES[axis][name]))


def _placed(place: str, word: str) -> str:
    """The word for a place with its preposition; words that bring their own ("in the heavens") stay as they are."""
    if word.startswith(("in ", "on ", "at ", "above ", "underwater")):
        return word
    preposition = PLACE_PREPOSITIONS[place][-1].removesuffix(" a").removesuffix(" the").strip() or "above"
    return f"{preposition} the {word}"


def left_right(count: int, *, seed: int, seconds: float | None) -> list[Question]:
    """Pairs of prompts that differ in one word, left or right: the thing's way in even pairs, the camera's in odd ones.

    Both of a pair start from the same noise. `count` prompts, so half as many pairs.
    """
    rng = np.random.default_rng((seed, 12))
    questions: list[Question] = []
    for pair in range(-(-count // 2)):
        thing, place = str(rng.choice(list(THINGS))), str(rng.choice(list(PLACES)))
        for side in ("left", "right"):
            if pair % 2 == 0:
                prompt, wanted = f"{article(thing)} moves {side} {_where(place)}", {"action": f"moves {side}"}
            else:
                prompt = f"{article(thing)} stands still {_where(place)}, camera pans {side}"
                wanted = {"camera": f"pan {side}"}
            number = FIRST_SEED + 1000 * seed + pair
            questions.append(Question(prompt=prompt, wanted=wanted, seconds=seconds or 2.0, seed=number))
    return questions[:count]


def _where(place: str) -> str:
    return f"{PLACE_PREPOSITIONS[place][0]} {PLACES[place][0]}".strip()


def long(count: int, *, seed: int, seconds: float = 16.0) -> list[Question]:
    """Held-out triples with actions that keep the thing in view for a long clip; judged at both ends."""
    quiet = ("stands still", "dances", "spins", "bounces", "jumps", "circles")
    return [
        Question(
            prompt=f"{article(thing)} {action} {_where(place)}",
            wanted={"thing": thing, "place": place},
            seconds=seconds,
            seed=FIRST_SEED + 1000 * seed + i,
        )
        for i, (thing, place, action) in enumerate(islice(_held_out_triples(seed, quiet), count))
    ]


def _held_out_triples(seed: int, actions: tuple[str, ...]) -> Iterator[tuple[str, str, str]]:
    rng = np.random.default_rng((seed, 13))
    while True:
        triple = (str(rng.choice(list(THINGS))), str(rng.choice(list(PLACES))), str(rng.choice(actions)))
        if is_held_out(*triple):
            yield triple


def read_prompts(path: Path, *, seed: int = 0, seconds: float | None = None) -> list[Question]:
    """Lines `thing|place|action|prompt`; # starts a comment; a blank field is not judged.

    Names are the vocabulary's or any of its caption words. Raises `BadRequest` ("prompts") with the number of the line.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
        raise BadRequest("prompts", f"{path} cannot be read: {reason}") from error
    kept = [(n, line) for n, line in enumerate(lines, 1) if line.strip() and not line.lstrip().startswith("#")]
    if not kept:
        raise BadRequest("prompts", f"{path} has no line thing|place|action|prompt")
    return [_question(line, f"{path}, line {n}", seed=seed + i, seconds=seconds) for i, (n, line) in enumerate(kept)]


def _question(line: str, where: str, *, seed: int, seconds: float | None) -> Question:
    fields = [field.strip() for field in line.split("|")]
    if len(fields) != len(COLUMNS) + 1 or not fields[-1]:
        raise BadRequest("prompts", f"{where}: must be thing|place|action|prompt, got {line.strip()[:60]!r}")
    wanted = {axis: _canonical(axis, word, where) for axis, word in zip(COLUMNS, fields, strict=False) if word}
    question = Question(prompt=fields[-1], wanted=wanted, seconds=seconds or 2.0, seed=seed)
    try:
        question.request(model="mini")
    except BadRequest as error:
        raise BadRequest("prompts", f"{where}: {error.message}") from error
    return question


def _canonical(axis: str, word: str, where: str) -> str:
    if word in AXES[axis]:
        return word
    known = [name for name, words in PARAPHRASES.get(axis, {}).items() if word.lower() in words]
    name = read(word).get(axis) or (known[0] if known else None)
    if name is None:
        raise BadRequest("prompts", f"{where}: no {axis} {word[:40]!r}; there is: {', '.join(AXES[axis])}")
    return name

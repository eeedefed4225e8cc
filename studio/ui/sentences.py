"""Prompts built from the words of the theatre, one click at a time, and what mini will make of a prompt."""

import difflib
import random
from collections.abc import Collection
from functools import cache

from pipelines import vocabulary

ORDER = ("thing", "action", "place", "light", "weather", "camera", "style")
UNNAMED = {"light": "day", "weather": "clear", "camera": "static", "style": "toy"}  # what a prompt is without a word
CAMERA_SAID = {"static": "static camera", "follows": "tracking shot"}


def put(prompt: str, axis: str, name: str) -> str:
    """The prompt after a click on one word: it takes the place of another of its axis, and goes if it stood there.

    A sentence that somebody wrote is never rewritten: the word is added at its end.
    """
    said = vocabulary.read(prompt)
    if _plain(prompt) == _plain(sentence(said)):
        there = said.pop(axis, None)
        return sentence(said if there == name else said | {axis: name})
    phrase = _phrase(axis, name)
    return f"{prompt.rstrip().rstrip(',.')}{' ' if axis in ('action', 'place') else ', '}{phrase}"


def sentence(said: dict[str, str]) -> str:
    """What `vocabulary.read` returns, as a sentence like those that mini has learned from."""
    phrases = {axis: _phrase(axis, said[axis]) for axis in ORDER if axis in said}
    colour = said.get("colour")
    if colour and said.get("thing") in vocabulary.COLOURED:
        phrases["thing"] = f"a {colour} {said['thing']}"
    body = " ".join(phrases[axis] for axis in ORDER[:5] if phrases.get(axis))
    return ", ".join(part for part in (body, *(phrases.get(axis) for axis in ORDER[5:])) if part)


def surprise(dice: random.Random, without: Collection[str] = ()) -> str:
    """A whole prompt of words that mini knows, none of them `without`."""
    said = {
        axis: dice.choice([name for name in vocabulary.AXES[axis] if name not in without])
        for axis in ("thing", "action", "place")
    }
    if said["thing"] in vocabulary.COLOURED:
        said["colour"] = dice.choice(vocabulary.COLOURS)
    for axis in dice.sample(("light", "weather", "camera", "style"), 2):
        name = dice.choice(vocabulary.AXES[axis])
        if name != UNNAMED[axis]:
            said[axis] = name
    return sentence(said)


def strangers(prompt: str) -> list[tuple[str, str | None]]:
    """The words of a prompt that mini does not know, each with the nearest that it does, if one is near.

    Near are the paraphrases of its vocabulary, names that have the word in them and what is spelled alike. Without
    torch: before the click. How mini then reads the prompt is said by `studio.service.strangers`.
    """
    return [(word, _nearest(word)) for word in vocabulary.unknown_words(prompt)]


def _nearest(word: str) -> str | None:
    single = word.removesuffix("s")
    if single in _paraphrases():
        return _paraphrases()[single]
    part_of = [name for name in _names() if {word, single} & set(name.split())]
    close = part_of or difflib.get_close_matches(single, _names(), n=1, cutoff=0.8)
    return close[0] if close else None


@cache
def _paraphrases() -> dict[str, str]:
    return {
        word: canonical
        for table in vocabulary.PARAPHRASES.values()
        for canonical, phrases in table.items()
        for phrase in phrases
        for word in (phrase, phrase.removesuffix("s"))
    }


@cache
def _names() -> tuple[str, ...]:
    """Whole ones: "city street" is known, "city" by itself is not."""
    return (*(name for axis in vocabulary.AXES.values() for name in axis), *vocabulary.COLOURS)


def _phrase(axis: str, name: str) -> str:
    """How a word is said inside a prompt, as the captions of mini's training say it."""
    if axis == "thing":
        return vocabulary.article(name)
    if axis == "place":
        return f"{vocabulary.PLACE_PREPOSITIONS[name][0]} {name}".strip()
    if axis == "action":
        return name
    if axis == "camera":
        return CAMERA_SAID.get(name) or f"camera {vocabulary.CAMERAS[name][1]}"
    said = vocabulary.WORDS[axis][name]
    return said[min(1, len(said) - 1)]


def _plain(text: str) -> str:
    return " ".join(text.lower().replace(",", " ").split()).rstrip(".")

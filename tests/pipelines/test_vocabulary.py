"""The vocabulary reads its own captions, keeps its paraphrases apart and says which words are new."""

import numpy as np
import pytest

from pipelines.training.world import caption, sample_scene
from pipelines.vocabulary import (
    ACTIONS,
    ASPECT_SIZES,
    AXES,
    COLOURED,
    PARAPHRASES,
    PLACE_PREPOSITIONS,
    PLACES,
    THINGS,
    WORDS,
    read,
    unknown_words,
)


def test_the_axes_have_the_sizes_of_the_plan() -> None:
    sizes = {axis: len(names) for axis, names in AXES.items()}
    assert sizes == {"thing": 48, "place": 12, "action": 12, "camera": 6, "light": 3, "weather": 4, "style": 5}
    assert len(COLOURED) == 8
    assert set(COLOURED) <= set(THINGS)
    assert set(PLACE_PREPOSITIONS) == set(PLACES)


def test_every_aspect_has_sides_that_the_autoencoder_can_cut_and_about_one_area() -> None:
    for width, height in ASPECT_SIZES.values():
        assert width % 16 == 0 and height % 16 == 0
        assert 0.95 < width * height / 65536 < 1.05


@pytest.mark.parametrize("axis", list(WORDS))
def test_every_word_reads_back_as_its_canonical_name(axis: str) -> None:
    for canonical, words in WORDS[axis].items():
        for word in words:
            assert read(word).get(axis) == canonical, word


def test_the_first_command_of_the_readme_is_understood_whole() -> None:
    prompt = "a red panda jumps on a snowy mountain at night, camera zooms in"
    expected = {
        "thing": "red panda",
        "action": "jumps",
        "place": "snowy mountain",
        "light": "night",
        "camera": "zoom in",
    }
    assert read(prompt) == expected
    assert unknown_words(prompt) == []


def test_unknown_words_come_once_and_in_order() -> None:
    assert unknown_words("A puppy soars, a puppy and a fox on the seashore!") == ["puppy", "soars", "seashore"]


def test_captions_agree_with_their_scene_and_hold_no_paraphrase() -> None:
    kept_back = [phrase for table in PARAPHRASES.values() for words in table.values() for phrase in words]
    for seed in range(200):
        scene = sample_scene(seed)
        for still in (False, True):
            text = caption(scene, np.random.default_rng(seed), still=still)
            for axis, value in read(text).items():
                assert getattr(scene, axis) == value, text
            padded = f" {text.lower().replace(',', ' ').replace('.', ' ')} "
            assert not [phrase for phrase in kept_back if f" {phrase} " in padded], text
            assert unknown_words(text) == [], text


def test_no_word_of_the_templates_is_or_holds_a_paraphrase_or_its_plural() -> None:
    words = [f" {word} " for table in WORDS.values() for words in table.values() for word in words]
    for axis, table in PARAPHRASES.items():
        assert set(table) <= set(AXES[axis])
        for phrase in (phrase for phrases in table.values() for phrase in phrases):
            forms = (phrase, f"{phrase}s", phrase.removesuffix("s"), f"{phrase.removesuffix('s').removesuffix('e')}ing")
            assert not [word for word in words for form in forms if f" {form} " in word], phrase
            assert read(phrase) == {}, phrase


def test_no_word_means_two_things_and_every_action_can_be_said_both_ways() -> None:
    words = [word for table in WORDS.values() for words in table.values() for word in words]
    assert len(words) == len(set(words))
    for forms in ACTIONS.values():
        assert {form.split()[0].endswith("ing") for form in forms} == {True, False}

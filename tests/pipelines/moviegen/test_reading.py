"""Words that mini was never shown are read as the nearest that it knows."""

import pytest

from pipelines.moviegen import checkpoint
from pipelines.moviegen.reading import Reading


@pytest.fixture(scope="module")
def reading():
    return Reading(checkpoint.load_text())


@pytest.mark.parametrize(
    ("prompt", "known"),
    [
        ("A puppy jumps on the seashore", "A dog jumps on the beach"),
        ("a Stuffed Bear in the sahara at midnight", "a teddy bear in the desert at midnight"),
        ("a fox jumps on a beach", "a fox jumps on a beach"),
        ("an automobile plummets downtown", "an car plummets city street"),
        ("", ""),
        ("a sea turtle at the sea", "a sea turtle at the ocean floor"),
        ("a teddy bear near a bear", "a teddy bear near a bear"),
        ("\u0130\u0130\u0130: a puppy on a beach", "\u0130\u0130\u0130: a dog on a beach"),  # longer in lower case
    ],
)
def test_unknown_things_and_places_become_the_nearest_and_the_rest_stays(reading, prompt, known):
    assert reading.known(prompt) == known


def test_what_the_prompt_names_is_not_replaced(reading):
    assert reading.known("a fox and a puppy on a beach near the seashore") == (
        "a fox and a puppy on a beach near the seashore"
    )


def test_words_that_are_near_to_nothing_stay(reading):
    assert reading.known("qwertz asdf in a forest") == "qwertz asdf in a forest"
    assert [(s.words, s.near) for s in reading.strangers("qwertz asdf")] == [("qwertz", None), ("asdf", None)]


def test_strangers_come_in_order_with_where_they_stand(reading):
    prompt = "a puppy soars at the seashore"
    found = reading.strangers(prompt)
    assert [s.words for s in found] == ["puppy", "soars", "seashore"]
    assert [prompt[slice(*s.span)] for s in found] == ["puppy", "soars", "seashore"]

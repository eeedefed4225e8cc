"""A prompt grows by what it lacks and by nothing else."""

import pytest

from pipelines import catalog
from pipelines.enhance import LONGEST, enhance, flaw, kept

WAN, LTX, MINI = (catalog.spec(name) for name in ("wan-2.2-5b", "ltx-2.5", "mini"))


def test_what_is_missing_is_added_behind_and_no_word_is_changed():
    text = enhance("a red panda runs", WAN)
    assert text.startswith("a red panda runs. Realistic")
    assert "light" in text and "camera" in text
    assert enhance(text, WAN) == text


def test_what_was_said_is_not_said_again():
    assert "Medium shot" not in enhance("an aerial view of a red panda", WAN)
    assert "Soft natural light" not in enhance("a red panda at night", WAN)


def test_only_a_model_with_sound_is_told_of_sound():
    assert "sound" in enhance("a red panda runs", LTX)
    assert "sound" not in enhance("a red panda runs", WAN)


def test_mini_and_long_prompts_are_left_alone():
    assert enhance("a red panda runs", MINI) == "a red panda runs"
    long = "panda " * 80
    assert enhance(long, WAN) == long


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("A fox meets Anna in Paris", ["Anna", "Paris"]),
        ("a sign that says \"open late\" and 'go away', 3 cats", ["open late", "go away", "3"]),
        ("a fox. The owl's friend sleeps. I see it", []),
        ("2.5 kg of flour, 1,000 eggs, 3.", ["2.5", "1,000", "3"]),
        ("\u00ab bonjour \u00bb dit le panneau de Zo\u00e9", [" bonjour ", "Zo\u00e9"]),
    ],
)
def test_names_numbers_and_quotations_must_stay(prompt: str, words: list[str]):
    assert kept(prompt) == words


def test_what_a_language_model_wrote_is_checked_before_it_is_used():
    prompt = 'Anna meets Boris under a sign "Caf\u00e9 7"'
    good = 'In the rain, Anna meets boris; above them glows a sign "Caf\u00e9 7".'
    assert flaw(prompt, good) is None
    assert "'Boris'" in str(flaw(prompt, good.replace("boris", "a man")))
    assert "Caf\u00e9 7" in str(flaw(prompt, good.replace("7", "8")))
    assert flaw(prompt, " ") == flaw(prompt, prompt) == "added nothing"
    assert "are the most" in str(flaw("a fox", "word " * (LONGEST + 1)))
    assert "are the most" in str(flaw("a fox", "w" * 2001))


@pytest.mark.parametrize(
    ("prompt", "text", "lost"),
    [
        ("3 cats play", "In the sun, 30 cats play", "3"),
        ("3 cats play", "In the sun, 1.3 cats play", "3"),
        ("3 cats play", "In the sun, 3.5 cats play", "3"),
        ("2.5 cats play", "In the sun, 2,5 cats play", "2.5"),
        ("a cat sees Al", "In the sun, a cat sees Alma also", "Al"),
        ("a sign 'go'", "In the sun, a sign says 'going'", "go"),
        ("3 cats see Al", "In the sun, al's 3. They are cats", None),
        ("a film in 16:9 of C3", "A realistic film in 16:9, of C3.", None),
    ],
)
def test_a_name_or_number_must_stay_whole(prompt: str, text: str, lost: str | None):
    assert flaw(prompt, text) == (lost and f"left out {lost!r}")

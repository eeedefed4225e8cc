"""A prompt grows by what it lacks and by nothing else."""

from pipelines import catalog
from pipelines.enhance import enhance

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

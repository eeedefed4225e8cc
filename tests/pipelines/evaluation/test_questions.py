"""What the suites ask: seeded, honest about what is judged, and the file format of `evaluate prompts`."""

from pathlib import Path

import pytest

from pipelines.errors import BadRequest
from pipelines.evaluation import questions
from pipelines.evaluation.options import Options
from pipelines.training.world import is_held_out
from pipelines.vocabulary import AXES, PARAPHRASES, read


def test_generated_clips_are_of_triples_that_training_never_drew() -> None:
    asked = questions.held_out(12, seed=0, seconds=None)
    assert all(is_held_out(q.scene.thing, q.scene.place, q.scene.action) for q in asked)
    assert {q.seconds for q in asked} == {2.0, 3.0, 4.0}
    assert asked == questions.held_out(12, seed=0, seconds=None) != questions.held_out(12, seed=1, seconds=None)


def test_only_what_the_prompt_says_is_judged() -> None:
    for question in questions.held_out(20, seed=3, seconds=2.0):
        assert question.wanted.items() <= read(question.prompt).items()
        assert all(getattr(question.scene, name) == value for name, value in question.wanted.items())
        assert "thing" in question.wanted


def test_paraphrases_name_thing_and_place_only_in_words_that_were_kept_back() -> None:
    for question in questions.paraphrased(60, seed=0, seconds=None):
        assert not {"thing", "place"} & read(question.prompt).keys(), question.prompt
        assert any(word in question.prompt for word in PARAPHRASES["thing"][question.wanted["thing"]])
        assert any(word in question.prompt for word in PARAPHRASES["place"][question.wanted["place"]])


def test_left_and_right_differ_in_one_word_and_share_their_noise() -> None:
    asked = questions.left_right(8, seed=0, seconds=None)
    for left, right in zip(asked[::2], asked[1::2], strict=True):
        assert left.prompt.replace("left", "right") == right.prompt and left.seed == right.seed
        assert {**read(left.prompt), **left.wanted} == read(left.prompt)
    assert {name for question in asked for name in question.wanted} == {"action", "camera"}


def test_long_clips_are_held_out_and_sixteen_seconds() -> None:
    for question in questions.long(4, seed=0):
        assert question.seconds == 16 and is_held_out(
            **{axis: read(question.prompt)[axis] for axis in AXES if axis in ("thing", "place", "action")}
        )


def test_a_prompts_file_is_read_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "mine.txt"
    path.write_text(
        "# a comment\n\nred panda|snowy mountains|jumps|a red panda jumps\n|seaside||a quiet shore\n", "utf-8"
    )
    first, second = questions.read_prompts(path, seed=5)
    assert first.wanted == {"thing": "red panda", "place": "snowy mountain", "action": "jumps"} and first.seed == 5
    assert second.wanted == {"place": "beach"} and second.prompt == "a quiet shore" and second.seed == 6


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("fox|beach|a fox", "must be thing|place|action|prompt"),
        ("fox|beach|jumps|", "must be thing|place|action|prompt"),
        ("gnu|beach|jumps|a gnu jumps", "no thing 'gnu'"),
        (f"fox|beach|jumps|{'fox ' * 3000}", "characters long"),
    ],
)
def test_a_wrong_line_is_named_by_its_number(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "mine.txt"
    path.write_text(f"fox|beach|jumps|a fox jumps\n# comment\n{line}\n", "utf-8")
    with pytest.raises(BadRequest) as error:
        questions.read_prompts(path)
    assert "line 3" in str(error.value) and said in str(error.value)


def test_a_missing_or_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("# nothing\n", "utf-8")
    (tmp_path / "binary.txt").write_bytes(b"\xff\xfe\xff")
    for name in ("absent.txt", "empty.txt", "binary.txt"):
        with pytest.raises(BadRequest, match="prompts"):
            questions.read_prompts(tmp_path / name)


def test_options_come_from_anything_with_their_names() -> None:
    class Parsed:
        clips, seed, out, suite = 3, 4, None, "theatre"

    options = Options.of(Parsed())
    assert (options.clips, options.seed, options.out, options.model) == (3, 4, None, "mini")
    for wrong in ({"clips": 0}, {"seed": -1}, {"parts": ("truth", "lies")}):
        with pytest.raises(BadRequest):
            Options(**wrong)

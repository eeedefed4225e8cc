"""What command lines share: options in any order, numbers for people, one sentence and a code for every end."""

import argparse
from pathlib import Path

import pytest

from pipelines import command
from pipelines.errors import BadRequest, Cancelled, Unavailable


def test_words_and_options_come_in_any_order_and_what_is_unknown_is_left(capsys):
    parser = command.Parser()
    parser.add_argument("what", nargs="*")
    parser.add_argument("--count", type=command.number(int))
    for words in (["a", "--count", "2", "b"], ["--count", "2", "a", "b"], ["a", "b", "--count", "2"]):
        assert vars(parser.parse_args(words)) == {"what": ["a", "b"], "count": 2}
    assert parser.parse_known_args(["a", "--size", "3"])[1] == ["--size", "3"]
    with pytest.raises(SystemExit) as end:
        parser.parse_args(["--count", "1_0"])
    assert end.value.code == 2 and capsys.readouterr().err == "--count: must be a whole number, got '1_0'\n"


@pytest.mark.parametrize(("kind", "text"), [(int, "1_0"), (int, "1.5"), (float, "\u0661"), (float, "four")])
def test_a_number_is_one_as_people_write_it(kind, text):
    with pytest.raises(argparse.ArgumentTypeError, match="must be a"):
        command.number(kind)(text)


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (None, 0, ""),
        (BadRequest("seed", "is no number"), 2, "seed: is no number\n"),
        (Unavailable("the weights are missing"), 3, "the weights are missing\n"),
        (Cancelled("stopped"), 130, "stopped\n"),
        (KeyboardInterrupt(), 130, "stopped\n"),
    ],
)
def test_every_end_has_its_code_and_its_sentence(error, code, says, capsys):
    def main() -> None:
        if error:
            raise error

    with pytest.raises(SystemExit) as end:
        command.run(main)
    assert end.value.code == code and capsys.readouterr().err == says


def test_a_file_that_is_missing_is_named(tmp_path: Path, capsys):
    with pytest.raises(SystemExit) as end:
        command.run((tmp_path / "last.pt").read_bytes)
    assert end.value.code == 3 and capsys.readouterr().err == f"{tmp_path / 'last.pt'}: No such file or directory\n"

"""What the program keeps for itself takes the place of an older file at once, whoever else writes it too.

How a file appears that a person is given is tested with `export`, which gives it.
"""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pipelines.media import landing


def test_of_many_who_write_a_file_at_once_one_is_kept_whole(tmp_path: Path):
    def write(text: str) -> None:
        with landing.replacing(tmp_path / "facts.json") as part:
            part.write_text(text)

    texts = [f"{number}" * 100_000 for number in range(8)]
    with ThreadPoolExecutor(len(texts)) as together:
        list(together.map(write, texts * 5))
    assert (tmp_path / "facts.json").read_text() in texts
    assert list(tmp_path.iterdir()) == [tmp_path / "facts.json"]


def test_what_fails_halfway_leaves_the_older_file_and_nothing_else(tmp_path: Path):
    (tmp_path / "facts.json").write_text("old")
    with pytest.raises(KeyboardInterrupt), landing.replacing(tmp_path / "facts.json") as part:
        part.write_text("ne")
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == [tmp_path / "facts.json"]
    assert (tmp_path / "facts.json").read_text() == "old"

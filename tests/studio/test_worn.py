"""The list of LoRA files on the page and the text that a request keeps are one and the same."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from pipelines.hub import loras
from studio.ui import worn
from tests.pipelines.hub.test_loras import file

ADA = SimpleNamespace(state=SimpleNamespace(owner="ada"), headers={})
NAMES, LINES = slice(5, None, 2), slice(1, 5)  # of the updates: each line, then name and strength in turn


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUSHES_MODELS", str(tmp_path / "models.json"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))


def names(updates: list) -> list[str]:
    return [value for _, value in updates[5].choices]


def test_the_list_shows_what_the_text_says_and_one_line_more():
    file(loras.folder() / "ink.safetensors", "wan")
    file(loras.folder() / "noir.safetensors", "wan")
    file(loras.folder() / "other.safetensors", "ltx")
    updates = worn.shown(ADA, "noir=0.5", "wan-2.1-1.3b")
    assert updates[0].visible and names(updates) == ["", "ink", "noir"]
    assert [line.visible for line in updates[LINES]] == [True, True, False, False]
    assert [name.value for name in updates[NAMES]] == ["noir", "", "", ""] and updates[6].value == 0.5
    assert worn.joined("noir", 0.5, "", 1, "ink", 1, "", 1) == "noir=0.5, ink=1"


def test_a_name_of_another_studio_is_shown_and_what_cannot_be_read_is_not():
    assert "far" in names(worn.shown(ADA, "far=1", "wan-2.1-1.3b"))
    assert [name.value for name in worn.shown(ADA, "far=much", "wan-2.1-1.3b")[NAMES]] == [""] * 4


def test_where_there_are_none_it_says_where_they_go_and_where_they_are_no_use_it_is_hidden():
    updates = worn.shown(ADA, "", "wan-2.1-1.3b")
    assert names(updates) == [""] and str(loras.folder()) in updates[5].info
    assert worn.shown(ADA, "", "mini")[0].visible is False

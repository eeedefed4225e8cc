"""The person's own models: a file that is damaged is said in a sentence, whatever is wrong with it."""

import json
from pathlib import Path
from typing import Any

import pytest

from pipelines import catalog
from pipelines.errors import BadRequest
from pipelines.hub import registry

ROW = {"name": "mine", "repo": "me/mine", "like": "wan-2.1-1.3b"}


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("RUSHES_MODELS", str(tmp_path / "models.json"))
    return tmp_path / "models.json"


@pytest.mark.parametrize(
    "text",
    ["", "[" * 100_000, "[]", "5", '{"models": 5}', '{"models": [5]}', '{"loras": [5]}', '{"models": [{}]}', "\udcff"],
)
def test_what_is_no_table_of_models_is_refused_by_every_command_alike(file: Path, text: str):
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(BadRequest, match="^models: .*models.json"):
        catalog.specs()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(
            ("sizes", value)
            for value in (5, [], [5], [["1:1", "a", 3]], [["1:1", -3, 3]], [["up", 3, 3]], [[[], 3, 3]])
        ),
        *(("fps", value) for value in ([], ["a"], [0], [True], [10**400])),
        *(("tasks", value) for value in ([], ["paint"], [[]], ["upscale"])),
        *((key, value) for key in ("steps", "frame_step", "longest_frames") for value in (0, True, -1, 10**400)),
        *((key, value) for key in ("guidance", "longest_s") for value in (-1, float("nan"), True, 10**400)),
        *(("devices", value) for value in ([], ["tpu"], [[]])),
        *((key, [5]) for key in ("free", "gguf")),
        ("mag_ratios", ["a"]),
        *(("name", value) for value in ("", "mini", "wan-2.1-1.3b")),
    ],
)
def test_a_row_that_would_break_later_is_refused_by_its_name(file: Path, key: str, value: Any):
    file.write_text(json.dumps({"models": [ROW | {key: value}]}), encoding="utf-8")
    with pytest.raises(BadRequest, match="^models: ") as refused:
        catalog.specs()
    assert len(str(refused.value)) < 300 + len(str(file))


def test_two_rows_of_one_name_are_refused(file: Path):
    file.write_text(json.dumps({"models": [ROW, ROW]}), encoding="utf-8")
    with pytest.raises(BadRequest, match="'mine' .* no other model has"):
        catalog.specs()


@pytest.mark.parametrize("named", ["", "missing/models.json", "file/models.json"])
def test_where_no_file_can_be_there_is_no_model_of_one_s_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str
):
    (tmp_path / "file").touch()
    monkeypatch.setenv("RUSHES_MODELS", str(tmp_path / named) if named else "")
    monkeypatch.setenv("XDG_CONFIG_HOME", "/dev/null")
    assert registry.own() == () and not registry.remote()


@pytest.mark.parametrize("named", ["/proc/rushes/models.json", "/dev/null/models.json", "/tmp", "/tmp/" + "x" * 5000])
def test_a_file_that_cannot_be_used_is_named_with_the_way_out(monkeypatch: pytest.MonkeyPatch, named: str):
    monkeypatch.setenv("RUSHES_MODELS", named)
    with pytest.raises(BadRequest, match=r"cannot be used \(.*\); name another file with RUSHES_MODELS"):
        registry.switch_remote(True)

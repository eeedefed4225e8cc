"""Reading a model of the Hub: only what is known is run, and what is wrong with a folder is said in a sentence."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines import catalog, device
from pipelines.errors import BadRequest, Unavailable
from pipelines.hub import registry

pytest.importorskip("diffusers")

from transformers import dynamic_module_utils

from pipelines.hub import common, tiny
from pipelines.hub.hush import hushed


@pytest.fixture
def mine(tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """A copy of a tiny model that a test may damage, as the row "mine" of a registry of its own."""

    def copy(name: str = "tiny-wan") -> Path:
        folder = Path(shutil.copytree(tiny_folder.parent / name, tmp_path / "mine"))
        like, _, changes = tiny.MODELS[name]
        entry = {"name": "mine", "repo": str(folder), "like": like, **changes}
        (tmp_path / "models.json").write_text(json.dumps({"models": [entry]}), encoding="utf-8")
        monkeypatch.setenv("RUSHES_MODELS", str(tmp_path / "models.json"))
        return folder

    return copy


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("tokenizer/tokenizer_config.json", '{"auto_map": {"AutoTokenizer": ["evil.Evil", null]}}'),
        ("tokenizer/preprocessor_config.json", r'{"deeper": {"auto\u005fmap": {}}}'),
        ("tokenizer/tokenizer/sub/config.4.0.0.json", '[{"auto_map": {}}]'),
        ("evil.py", ""),
        ("text_encoder/evil.py", ""),
    ],
)
def test_code_of_a_model_s_own_is_refused_and_nobody_is_asked(mine: Callable[..., Path], file: str, content: str):
    folder = mine()
    index = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
    index["tokenizer"] = ["transformers", "CLIPProcessor"]  # whose parts are read by classes named in configurations
    (folder / "model_index.json").write_text(json.dumps(index), encoding="utf-8")
    (folder / file).parent.mkdir(parents=True, exist_ok=True)
    (folder / file).write_text(content, encoding="utf-8")
    sentence = f"^repo: {folder / file} brings code of its own, which is never run$"
    with pytest.raises(BadRequest, match=sentence):
        catalog.load("mine")
    with pytest.raises(BadRequest, match=sentence):
        registry.add({"name": "second", "repo": str(folder), "like": "wan-2.1-1.3b"})


def test_transformers_is_told_to_ask_nobody(mine: Callable[..., Path], capsys: pytest.CaptureFixture[str]):
    with hushed(), pytest.raises(ValueError, match="custom code"):
        dynamic_module_utils.resolve_trust_remote_code(None, str(mine()), has_local_code=False, has_remote_code=True)
    assert "Do you wish to run" not in capsys.readouterr().out


@pytest.mark.parametrize("part", ["transformer", "text_encoder", "vae", "tokenizer", "scheduler"])
def test_a_damaged_model_is_refused_in_a_sentence(mine: Callable[..., Path], part: str):
    folder = mine()
    file = [*folder.glob(f"{part}/*.safetensors"), *folder.glob(f"{part}/*.json")][0]
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(Unavailable, match=f"^mine cannot be read from {folder}; remove it and get it again") as caught:
        catalog.load("mine")
    assert "\n" not in str(caught.value)


def test_a_model_is_not_loaded_for_a_device_that_its_row_does_not_list(mine: Callable[..., Path]):
    table = mine().parent / "models.json"
    if (here := device.find().kind) == "mps":
        pytest.skip("this is the device that others do not have")
    entry = json.loads(table.read_text(encoding="utf-8"))["models"][0] | {"devices": ["mps"]}
    table.write_text(json.dumps({"models": [entry]}), encoding="utf-8")
    with pytest.raises(Unavailable, match=f"^mine runs on mps, and torch finds {here} here"):
        catalog.load("mine")


def test_a_model_without_code_is_read(mine: Callable[..., Path]):
    mine()
    assert common.read(catalog.spec("mine")).transformer is not None

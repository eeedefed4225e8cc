"""LoRA files: found, read for whose they are, asked for in one text, refused with one sentence."""

import json
import struct
from pathlib import Path

import pytest

from pipelines import catalog
from pipelines.errors import BadRequest
from pipelines.hub import loras, presence, registry
from pipelines.requests import TextToVideo
from pipelines.spec import defaults

TENSORS = {  # one name as each trainer writes it
    "wan": "transformer.blocks.0.attn1.to_q.lora_A.weight",
    "kohya": "lora_unet_blocks_0_self_attn_q.lora_down.weight",
    "original": "diffusion_model.blocks.3.cross_attn.k.lora_B.weight",
    "ltx": "transformer.transformer_blocks.0.attn1.to_q.lora_A.weight",
    "ltx2": "transformer.transformer_blocks.0.audio_attn1.to_q.lora_A.weight",
    "hunyuan": "transformer.transformer_blocks.0.attn.add_q_proj.lora_A.weight",
    "flux": "transformer.single_transformer_blocks.0.attn.to_q",
    "model": "blocks.0.attn1.to_q.weight",
}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A registry and a cache of this test's own, and the folder for LoRA files."""
    monkeypatch.setenv("RUSHES_MODELS", str(tmp_path / "models.json"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    loras.folder().mkdir()
    return tmp_path


def file(path: Path, kind: str) -> Path:
    """The least that is a .safetensors file: a header with one tensor of one number."""
    header = json.dumps({TENSORS[kind]: {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(4))
    return path


def test_files_come_from_the_registry_the_folder_and_the_cache(home: Path):
    loras.add("grain", file(home / "far" / "g.safetensors", "kohya"), "wan")
    file(loras.folder() / "ink.safetensors", "wan")
    file(loras.folder() / "a=b,c.safetensors", "original")
    file(loras.folder() / "long.safetensors", "ltx")
    place = presence.repository("someone/noir")
    (place / "refs").mkdir(parents=True)
    (place / "refs" / "main").write_text("abc", encoding="ascii")
    file(place / "snapshots" / "abc" / "noir.safetensors", "wan")
    assert list(loras.known("wan")) == ["grain", "a-b-c", "ink", "someone/noir/noir"]
    assert list(loras.known("ltx")) == ["long"] == list(loras.known("ltx2"))
    (place / "snapshots" / "abc" / "config.json").write_text("{}", encoding="utf-8")
    assert "someone/noir/noir" not in loras.known("wan"), "a model is no LoRA"
    [(lora, strength)] = loras.chosen("vace", "ink=-0.5")
    assert (lora.name, lora.family, strength) == ("ink", "vace", -0.5), "VACE has the blocks of Wan"


@pytest.mark.parametrize(
    ("kind", "family", "sentence"),
    [
        ("ltx", "wan", "was made for ltx or ltx2, not for wan"),
        ("ltx2", "ltx", "was made for ltx2, not for ltx"),
        ("wan", "ltx", "was made for wan or vace or lucy, not for ltx"),
        ("hunyuan", "ltx", "is not a LoRA of a family that the studio knows"),
        ("flux", "wan", "is not a LoRA of a family that the studio knows"),
        ("model", "wan", "is not a LoRA of a family that the studio knows"),
    ],
)
def test_a_file_of_another_family_is_refused_with_one_sentence(home: Path, kind: str, family: str, sentence: str):
    path = file(loras.folder() / "x.safetensors", kind)
    assert sentence in str(loras.refusal(path, family)) and "x" not in loras.known(family)
    with pytest.raises(BadRequest, match=f"file: x.safetensors {sentence}"):
        loras.add("x", path, family)
    with pytest.raises(BadRequest, match=r"lora: ") as caught:
        loras.chosen(family, "x")
    assert "\n" not in str(caught.value)


def test_a_request_says_so_before_any_work(home: Path):
    file(loras.folder() / "x.safetensors", "ltx")
    row = catalog.spec("wan-2.1-1.3b")
    asked = TextToVideo(**defaults(row, TextToVideo) | {"prompt": "a cat", "lora": "x=0.5"})
    with pytest.raises(BadRequest, match="x was made for ltx or ltx2, not for wan"):
        catalog.check(asked)


@pytest.mark.parametrize(
    "content", [b"", b"abc", b"\xff" * 64, struct.pack("<Q", 4) + b"[12]", struct.pack("<Q", 2) + b"{"]
)
def test_a_damaged_file_is_refused_with_one_sentence(home: Path, content: bytes):
    (loras.folder() / "x.safetensors").write_bytes(content)
    assert "x.safetensors is not a .safetensors file that can be read" in str(
        loras.refusal(loras.folder() / "x.safetensors", "wan")
    )
    assert loras.known("wan") == {}


def test_an_added_file_that_became_another_one_is_noticed(home: Path):
    path = file(home / "g.safetensors", "wan")
    loras.add("grain", path, "wan")
    path.unlink()
    file(path, "ltx")
    with pytest.raises(BadRequest, match="grain: g.safetensors was made for ltx or ltx2"):
        loras.chosen("wan", "grain")
    path.unlink()
    with pytest.raises(BadRequest, match="grain: g.safetensors is not a .safetensors file that can be read"):
        loras.chosen("wan", "grain")


def test_a_text_is_read_strictly_and_written_back():
    picked = [("grain", 0.8), ("someone/noir/noir", 1.0), ("ink", -0.5)]
    assert loras.parse("grain=0.8, someone/noir/noir ,, ink = -0.5") == picked == loras.parse(loras.written(picked))
    assert loras.parse("") == [] and loras.written([]) == ""


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("grain=much", "the strength of grain must be a number, got 'much'"),
        ("grain=nan", "the strength of grain must be from -4 to 4"),
        ("grain=9", "the strength of grain must be from -4 to 4"),
        ("grain, grain=0.5", "at most 4 files, each of them once"),
        ("a,b,c,d,e", "at most 4 files, each of them once"),
    ],
)
def test_what_no_request_may_say(text: str, sentence: str):
    with pytest.raises(BadRequest, match=sentence):
        loras.parse(text)


def test_a_damaged_list_in_the_registry_is_a_sentence(home: Path):
    registry.place().write_text('{"loras": [{"name": "grain"}]}', encoding="utf-8")
    with pytest.raises(BadRequest, match="must have a name, a file and a family"):
        loras.known("wan")

"""Weights in smaller formats: torchao and GGUF through the real loaders on the processor; bitsandbytes needs a card.

The GGUF files are written here, with the names that Wan's own weights have, partly in 8 bits as real ones are.
"""

import functools
import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipelines import catalog
from pipelines.errors import BadRequest, Unavailable
from pipelines.hub import manifest, presence, registry
from pipelines.requests import Request
from pipelines.spec import LEVELS, memory

pytest.importorskip("diffusers")

import diffusers
import torch
from safetensors.torch import load_file

ROOT = Path(__file__).resolve().parents[3]
Ask = Callable[..., Request]
# diffusers' names of the parts of Wan's transformer -> those of its first publication, in which GGUF files are made.
ORIGINAL = [
    ("condition_embedder.time_embedder.linear_1", "time_embedding.0"),
    ("condition_embedder.time_embedder.linear_2", "time_embedding.2"),
    ("condition_embedder.text_embedder.linear_1", "text_embedding.0"),
    ("condition_embedder.text_embedder.linear_2", "text_embedding.2"),
    ("condition_embedder.time_proj", "time_projection.1"),
    ("attn1", "self_attn"),
    ("attn2", "cross_attn"),
    (".to_out.0.", ".o."),
    (".to_q.", ".q."),
    (".to_k.", ".k."),
    (".to_v.", ".v."),
    ("ffn.net.0.proj", "ffn.0"),
    ("ffn.net.2", "ffn.2"),
    ("proj_out", "head.head"),
    ("norm2", "norm__3"),
    ("norm3", "norm2"),
    ("norm__3", "norm3"),
    ("scale_shift_table", "modulation"),
]


@pytest.fixture
def own(tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A registry that one test may change, with every tiny model in it; returns the folder of tiny-wan."""
    table = tmp_path / "models.json"
    table.write_text(tiny_folder.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setenv("RUSHES_MODELS", str(table))
    return tiny_folder.parent / "tiny-wan"


def _original(name: str) -> str:
    if name == "scale_shift_table":
        return "head.modulation"
    return functools.reduce(lambda said, pair: said.replace(*pair), ORIGINAL, name)


def _gguf(folder: Path, part: str, path: Path, *, leave_out: str = "nothing") -> Path:
    """The weights of a tiny Wan as a GGUF file: 8 bits where the rows are long enough, else whole."""
    gguf = pytest.importorskip("gguf")
    kind = gguf.GGMLQuantizationType.Q8_0
    writer = gguf.GGUFWriter(path, "wan")
    weights = load_file(next((folder / part).glob("*.safetensors")))
    for key, data in ((key, weight.float().numpy()) for key, weight in weights.items() if leave_out not in key):
        name = _original(key)
        if data.ndim == 2 and data.shape[1] % 32 == 0:
            writer.add_tensor(name, gguf.quants.quantize(data, kind), raw_dtype=kind)
        else:
            writer.add_tensor(name, data)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def test_a_gguf_file_takes_the_place_of_the_transformer_and_makes_nearly_the_same_clip(
    own: Path, ask: Ask, tmp_path: Path
):
    file = _gguf(own, "transformer", tmp_path / "small.gguf")
    row = registry.add_files("tiny-gguf", [file], "tiny-wan")
    assert dict(row.parts)["transformer"] == file.stat().st_size
    assert catalog.runs_here(row) is None
    pipeline = catalog.load("tiny-gguf").to("cpu")
    kept = {type(weight).__name__ for weight in pipeline._first.transformer.parameters()}
    assert "GGUFParameter" in kept
    clip, whole = (
        pipeline(ask("tiny-gguf", "text-to-video")),
        catalog.load("tiny-wan")(ask("tiny-wan", "text-to-video")),
    )
    assert np.abs(clip.frames.astype(int) - whole.frames).mean() < 2


def test_two_experts_need_two_files(own: Path, ask: Ask, tmp_path: Path):
    folder = own.parent / "tiny-wan-image"
    files = [_gguf(folder, part, tmp_path / f"{part}.gguf") for part in ("transformer", "transformer_2")]
    with pytest.raises(BadRequest, match="needs 2 GGUF files, in bf16, not 1"):
        registry.add_files("halved", files[:1], "tiny-wan-image")
    registry.add_files("tiny-two", files, "tiny-wan-image")
    assert len(catalog.load("tiny-two").to("cpu")(ask("tiny-two", "image-to-video")).frames) == 10


def test_a_file_that_is_gone_or_of_another_network_is_named(own: Path, tmp_path: Path):
    file = _gguf(own.parent / "tiny-lucy", "transformer", tmp_path / "lucy.gguf")
    registry.add_files("mixed", [file], "tiny-wan")
    with pytest.raises(BadRequest, match=r"lucy.gguf cannot be read as the transformer of mixed"):
        catalog.load("mixed")
    _gguf(own, "transformer", file, leave_out="blocks.1.")
    with pytest.raises(BadRequest, match=r"lucy.gguf cannot be read as the transformer of mixed"):
        catalog.load("mixed")
    file.write_bytes(b"GGUF")
    with pytest.raises(BadRequest, match=r"lucy.gguf cannot be read as the transformer of mixed"):
        catalog.load("mixed")
    file.unlink()
    assert "reads its weights from" in str(catalog.runs_here(catalog.spec("mixed")))


@pytest.mark.parametrize(
    ("base", "name", "sentence"),
    [
        ("wan-2.1-1.3b", "a.bin", "must be a .gguf file that exists"),
        ("wan-9", "a.gguf", "must be a model with the other parts"),
        ("anyflow-1.3b", "a.gguf", "GGUF files are read for wan, lucy, vace, ltx, ltx2 only"),
    ],
)
def test_what_cannot_be_a_gguf_row_is_refused(own: Path, tmp_path: Path, base: str, name: str, sentence: str):
    (tmp_path / name).write_bytes(b"GGUF")
    with pytest.raises(BadRequest, match=sentence):
        registry.add_files("mine", [tmp_path / name], base)


def test_a_gguf_row_of_the_hub_fetches_everything_but_the_transformers_weights(own: Path, tmp_path: Path):
    (tmp_path / "a.gguf").write_bytes(b"GGUF")
    row, whole = registry.add_files("mine", [tmp_path / "a.gguf"], "wan-2.1-1.3b"), catalog.spec("wan-2.1-1.3b")
    assert row.repo == whole.repo and row.download_bytes < whole.download_bytes
    wanted = {
        name
        for name in ("model_index.json", "transformer/config.json", "transformer/a.safetensors", "vae/a.safetensors")
        if manifest._wanted(row, name, {"transformer", "vae"})
    }
    assert wanted == {"model_index.json", "transformer/config.json", "vae/a.safetensors"}


@pytest.mark.parametrize("precision", ["ao-int8", "ao-fp8"])
def test_weights_are_made_small_by_torchao_while_they_are_read(own: Path, ask: Ask, precision: str):
    pytest.importorskip("torchao")
    registry.add({"name": "tiny-ao", "repo": str(own), "like": "wan-2.1-1.3b", "precision": precision} | _small())
    pipeline = catalog.load("tiny-ao").to("cpu")
    assert type(pipeline._first.transformer.blocks[0].attn1.to_q.weight).__name__ in ("Int8Tensor", "Float8Tensor")
    assert type(pipeline._first.text_encoder.encoder.block[0]).__name__ == "UMT5Block"
    clip, whole = pipeline(ask("tiny-ao", "text-to-video")), catalog.load("tiny-wan")(ask("tiny-wan", "text-to-video"))
    assert np.abs(clip.frames.astype(int) - whole.frames).mean() < 4


def _small() -> dict[str, Any]:
    from pipelines.hub import tiny

    return tiny.SMALL


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a card here")
def test_bitsandbytes_needs_a_card_and_says_so(own: Path):
    registry.add({"name": "tiny-bits", "repo": str(own), "like": "wan-2.1-1.3b", "precision": "nf4"})
    assert "needs an NVIDIA card" in str(catalog.runs_here(catalog.spec("tiny-bits")))
    with pytest.raises(Unavailable):
        catalog.load("tiny-bits")


def test_what_is_kept_in_4_bits_is_computed_with_in_the_fast_format_of_the_card():
    from pipelines.hub import weights

    fields = inspect.signature(diffusers.BitsAndBytesConfig.__init__).parameters
    assert weights.bits("nf4", torch.bfloat16)["bnb_4bit_compute_dtype"] is torch.bfloat16
    assert all(set(weights.bits(precision, torch.bfloat16)) <= set(fields) for precision in ("int8", "nf4"))


def test_every_package_that_a_row_may_ask_for_is_pinned_as_it_says(own: Path):
    pinned = (ROOT / "requirements-gpu.txt").read_text(encoding="utf-8").split()
    asked = {pip for packages in presence.OF_PRECISION.values() for _, pip in packages}
    asked |= {pip for _, pip in presence.OF_GGUF}
    assert asked <= set(pinned)


def test_smaller_weights_need_less_memory(own: Path):
    whole = catalog.spec("wan-2.1-14b")
    for precision in ("fp8", "int8", "nf4", "ao-int8", "ao-fp8"):
        entry = {"name": precision, "repo": whole.repo, "like": whole.name, "precision": precision}
        row = registry.add(entry)
        assert all(memory(row, level) < memory(whole, level) for level in LEVELS)
    with pytest.raises(BadRequest, match="has no transformer to keep in fp8"):
        registry.add({"name": "up", "repo": "me/up", "like": "ltx-upscaler", "precision": "fp8"})
    assert json.loads(registry.place().read_text(encoding="utf-8"))["models"][-1]["name"] == "ao-fp8"

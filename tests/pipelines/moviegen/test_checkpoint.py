"""Weights on disk: what is saved comes back, and what is missing or damaged is said in a sentence."""

import json
import subprocess
import sys

import pytest
import torch

from pipelines.errors import Unavailable
from pipelines.moviegen import checkpoint, presets
from pipelines.moviegen.nn.tae import TAE


@pytest.fixture
def weights(tmp_path):
    torch.manual_seed(0)
    model = TAE(presets.TAE["tiny"]).eval()
    checkpoint.save(model, tmp_path / "tiny" / "tae.safetensors", torch.float32, steps=3)
    return model, tmp_path / "tiny" / "tae.safetensors"


def test_saved_weights_come_back_with_their_configuration(weights):
    model, path = weights
    again = checkpoint.load_tae("tiny", path.parents[1])
    assert again.config == model.config
    assert all(torch.equal(a, b) for a, b in zip(model.state_dict().values(), again.state_dict().values(), strict=True))


def test_the_card_beside_the_weights_has_the_hash_and_the_facts(weights):
    card = json.loads(weights[1].with_suffix(".json").read_text())
    assert card["steps"] == 3 and len(card["sha256"]) == 64


def test_one_changed_byte_is_noticed(weights):
    data = bytearray(weights[1].read_bytes())
    data[-1] ^= 1
    weights[1].write_bytes(data)
    with pytest.raises(Unavailable, match="damaged; get it again with: git checkout"):
        checkpoint.load_tae("tiny", weights[1].parents[1])


def test_missing_weights_say_how_to_get_them(weights):
    weights[1].unlink()
    with pytest.raises(Unavailable, match="missing; get them with: git checkout"):
        checkpoint.load_tae("tiny", weights[1].parents[1])


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: "",
        lambda text: "{}",
        lambda text: "[]",
        lambda text: "[" * 100_000,
        lambda text: json.dumps(json.loads(text) | {"config": 5}),
        lambda text: text.replace('"latents"', '"latent"'),
        lambda text: text.replace('"stem": 4', '"stem": 8'),
        lambda text: text.replace('"stem": 4', '"stem": "four"'),
        lambda text: text.replace('"stem": 4', '"stem": 0'),
        lambda text: text.replace('"space": 2', '"space": null'),
    ],
)
def test_a_damaged_card_says_how_to_get_it_back(weights, damage):
    card = weights[1].with_suffix(".json")
    card.write_text(damage(card.read_text()))
    with pytest.raises(Unavailable, match="the card .* damaged; get it again with: git checkout"):
        checkpoint.load_tae("tiny", weights[1].parents[1])


def test_to_load_weights_does_not_load_torch_s_compiler():
    code = (
        "import sys; from pipelines.moviegen import checkpoint as c; c.load_text(); c.load_transformer(); c.load_tae();"
        "sys.exit('torch._dynamo' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

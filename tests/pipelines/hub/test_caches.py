"""A step cache gives back what the network would have said to the same question, and is off unless asked for."""

import inspect
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipelines import catalog
from pipelines.errors import BadRequest
from pipelines.hub import caches, registry
from pipelines.requests import Request

pytest.importorskip("diffusers")

import diffusers
import torch

from pipelines.hub import speed

HURRIED = [
    ("tiny-wan", "text-to-video"),
    ("tiny-wan-image", "image-to-video"),
    ("tiny-vace", "edit"),
    ("tiny-lucy", "edit"),
    ("tiny-ltx", "text-to-video"),
    ("tiny-ltx2", "text-to-video"),
    ("tiny-hunyuan", "text-to-video"),
]
STEPS = 12
Ask = Callable[..., Request]
Get = Callable[[str], Any]


@pytest.fixture(scope="module")
def loaded() -> Iterator[dict[str, Any]]:
    yield {}


@pytest.fixture
def model(tiny_models: list[str], loaded: dict[str, Any]) -> Get:
    def get(name: str) -> Any:
        if name not in loaded:
            loaded[name] = catalog.load(name).to("cpu")
        return loaded[name]

    return get


def _question(pipeline: Any, request: Request) -> tuple[torch.nn.Module, dict[str, Any]]:
    """The network and what it is asked in a step of a clip: in the first, or by the second expert if there are two."""
    heard: list[dict[str, Any]] = []
    network = speed.transformers(pipeline._first)[-1]
    names = list(inspect.signature(network.forward).parameters)

    def note(module: torch.nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        heard.append({**dict(zip(names, args, strict=False)), **kwargs, "return_dict": False})

    hook = network.register_forward_pre_hook(note, with_kwargs=True)
    pipeline(request)
    hook.remove()
    return network, heard[0]


@pytest.mark.parametrize(("name", "task"), HURRIED)
def test_asked_the_same_again_the_cache_answers_as_the_network_and_computes_less(
    name: str, task: str, model: Get, ask: Ask
):
    pipeline = model(name)
    network, question = _question(pipeline, ask(name, task))
    last = [module for kind, module in network.named_modules() if kind.endswith("blocks.1")][-1]
    computed: list[int] = []
    inner = next(last.children())
    hook = inner.register_forward_hook(lambda *_: computed.append(1))
    with torch.no_grad():
        answers = network(**question)
        network.enable_cache(caches.config(pipeline.row, STEPS))
        computed.clear()
        for _ in range(STEPS):
            with network.cache_context("cond"):
                again = network(**question)
            for one, other in zip(answers, again, strict=True):
                near = 2 * torch.finfo(one.dtype).eps  # a residual is taken off and added again: two roundings
                assert torch.allclose(one, other, rtol=max(near, 1e-4), atol=max(near, 1e-5))
        network.disable_cache()
    hook.remove()
    assert 0 < len(computed) < STEPS - 2


@pytest.mark.parametrize(("name", "task"), HURRIED)
def test_faster_keeps_the_size_and_is_off_again_afterwards(name: str, task: str, model: Get, ask: Ask):
    pipeline = model(name)
    before = pipeline(ask(name, task))
    hurried = pipeline(ask(name, task, steps=STEPS, faster=True))
    assert hurried.frames.shape == before.frames.shape
    assert np.array_equal(pipeline(ask(name, task)).frames, before.frames)


def test_hurrying_a_model_that_is_kept_in_blocks_works(model: Get, ask: Ask):
    pipeline, request = model("tiny-wan"), ask("tiny-wan", "text-to-video", steps=STEPS, faster=True)
    whole = pipeline(request)
    pipeline._place("blocks")
    pipeline._first.vae.disable_tiling()
    assert np.array_equal(pipeline(request).frames, whole.frames)
    pipeline._place("whole")


def test_a_row_offers_it_only_if_its_family_has_a_cache_and_its_steps_are_many():
    for row in catalog.specs():
        assert (row.family in caches.CACHES) != (row.family in caches.NONE), row.name
        assert ("faster" in row.free) == (row.family in caches.CACHES and row.steps > 10), row.name
        assert caches.about(row).startswith("no: ") == ("faster" not in row.free)


def test_where_there_is_none_the_sentence_says_why(ask: Ask):
    for name, why in [("anyflow-1.3b", "a few steps"), ("ltx-2.3-distilled", "8 steps")]:
        task = catalog.spec(name).tasks[0]
        changes = {"seconds": 1.0, "faster": True}
        with pytest.raises(BadRequest, match=f"^faster: {name} has no use for it: .*{why}"):
            catalog.check(ask(name, task, **changes))


def test_every_cache_of_diffusers_is_used_or_left_out_for_a_reason():
    ours = {"FirstBlockCacheConfig", "TaylorSeerCacheConfig", "MagCacheConfig"}
    there = {name for name in dir(diffusers) if name.endswith(("CacheConfig", "BroadcastConfig"))}
    assert there == ours | caches.NOT_OFFERED.keys()


def test_ratios_of_ones_own_weights_make_it_mag_cache(
    tiny_folder: Path, model: Get, ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    table = json.loads(tiny_folder.read_text(encoding="utf-8"))
    entry = next(entry for entry in table["models"] if entry["name"] == "tiny-wan")
    monkeypatch.setenv("RUSHES_MODELS", str(tmp_path / "models.json"))
    registry.add(entry | {"name": "tiny-mag", "mag_ratios": [1.0, 0.99, 0.98]})
    pipeline = catalog.load("tiny-mag").to("cpu")
    assert "MagCache" in caches.about(pipeline.row)
    assert type(caches.config(pipeline.row, 6)).__name__ == "MagCacheConfig"
    assert len(pipeline(ask("tiny-mag", "text-to-video", steps=6, faster=True)).frames) == 10


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"mag_ratios": [1.0, "a"]}, "must be a list of numbers"),
        ({"like": "wan-2.1-vace-1.3b", "mag_ratios": [1.0]}, "serve models of Wan and LTX-Video with one network"),
        ({"like": "anyflow-1.3b", "free": ["faster"]}, "free must not have faster"),
    ],
)
def test_ratios_that_cannot_serve_are_refused(
    changes: dict[str, Any], sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("RUSHES_MODELS", str(tmp_path / "models.json"))
    with pytest.raises(BadRequest, match=sentence):
        registry.add({"name": "mine", "repo": "me/mine", "like": "wan-2.1-1.3b"} | changes)

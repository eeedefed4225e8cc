"""Several cards make exactly the clip that one makes: shown on two processes of the processor, joined by gloo."""

import gc
import json
import multiprocessing
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipelines import catalog
from pipelines.errors import BadRequest, Cancelled, Unavailable
from pipelines.hub import presence, registry
from pipelines.requests import Request

pytest.importorskip("diffusers")

import diffusers
import torch

from pipelines.hub import common, crew, speed

Ask = Callable[..., Request]


@pytest.fixture
def leader(request: pytest.FixtureRequest, tiny_models: list[str]) -> Any:
    row = replace(catalog.spec(request.param), cards=2)
    return common.HubPipeline(row, common.read(row)).to("cpu")


@pytest.fixture
def two(leader: Any) -> Iterator[crew.Crew]:
    crewed = crew.Crew(leader)
    yield crewed
    crewed.end()


@pytest.mark.slow
@pytest.mark.parametrize("leader", ["tiny-wan-image"], indirect=True)
def test_two_processes_make_the_clip_of_one_and_stop_together(leader: Any, ask: Ask):
    two = crew.Crew(leader)
    request = ask("tiny-wan-image", "image-to-video")
    tokens: list[int] = []
    block = speed.transformers(leader.first)[0].blocks[1]
    block.register_forward_pre_hook(lambda _, given: tokens.append(given[0].shape[1]))
    alone, whole = leader(request), tokens[-1]
    assert np.array_equal(two(request).frames, alone.frames)
    assert tokens[-1] == whole // 2
    for words in ("step 2", "decoding"):
        with pytest.raises(Cancelled, match="^enough$"):
            two(request, _stop_at(words))
    assert np.array_equal(two(request).frames, alone.frames)
    del two  # as when another model takes its place
    gc.collect()
    assert not multiprocessing.active_children() and not torch.distributed.is_initialized()
    assert np.array_equal(leader(request).frames, alone.frames) and tokens[-1] == whole


def _stop_at(words: str) -> Callable[[float, str], None]:
    def stop(fraction: float, message: str) -> None:
        if message.startswith(words):
            raise Cancelled("enough")

    return stop


@pytest.mark.slow
@pytest.mark.parametrize("leader", ["tiny-vace"], indirect=True)
def test_vace_is_shared_too_and_a_process_that_dies_is_a_sentence(leader: Any, two: crew.Crew, ask: Ask):
    request = ask("tiny-vace", "edit")
    alone = leader(request)
    assert np.array_equal(two(request).frames, alone.frames)

    def kill(fraction: float, message: str) -> None:
        if message.startswith("step 2"):
            two._others[0][0].kill()
            two._others[0][0].join()

    with pytest.raises(Unavailable, match="a card stopped while a clip was made; the next clip starts them all anew"):
        two(request, kill)
    assert not two._others
    assert np.array_equal(leader(request).frames, alone.frames)


def test_cards_are_offered_where_a_clip_can_be_shared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("RUSHES_MODELS", str(tmp_path / "models.json"))
    shared = {"name": "both", "repo": "Wan-AI/Wan2.1-T2V-14B-Diffusers", "like": "wan-2.1-14b", "cards": 2}
    row = registry.add(shared)
    assert row.cards == 2 and "faster" not in row.free
    assert "needs an NVIDIA card" in str(presence.reason(row)) or "among 2 cards" in str(presence.reason(row))
    for changes in ({"like": "ltx-video-2b"}, {"cards": 0}, {"cards": 9}):
        with pytest.raises(BadRequest, match="cards must be 1 to 8, and 1 but for wan, lucy, vace"):
            registry.add(shared | {"name": "other"} | changes)


def test_compiled_blocks_make_the_same_clip(tiny_models: list[str], ask: Ask):
    """Traced and run as they are (torch's backend "eager"): with a compiler it takes minutes, with a card it counts."""
    pipeline, request = catalog.load("tiny-ltx").to("cpu"), ask("tiny-ltx", "text-to-video")
    before = pipeline(request)
    speed.compile_blocks(pipeline.first, backend="eager")
    assert np.abs(pipeline(request).frames.astype(int) - before.frames).max() <= 1
    torch.compiler.reset()


def test_a_family_offers_what_the_class_of_its_transformer_has(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    single = set(diffusers.loaders.single_file_model.SINGLE_FILE_LOADABLE_CLASSES)
    for entry in json.loads(tiny_folder.read_text(encoding="utf-8"))["models"]:
        family = catalog.spec(entry["like"]).family
        index = json.loads((Path(entry["repo"]) / presence.INDEX).read_text(encoding="utf-8"))
        kind = getattr(diffusers, str(index.get("transformer", [None, None])[1]), None)
        assert (family in registry.COMPILED) == bool(getattr(kind, "_repeated_blocks", None)), family
        assert (family in registry.SINGLE_FILES) == (kind is not None and kind.__name__ in single), family
    monkeypatch.setenv("RUSHES_MODELS", str(tmp_path / "models.json"))
    with pytest.raises(BadRequest, match="compiled serves wan"):
        registry.add({"name": "x", "repo": "me/x", "like": "stable-audio-open", "compiled": True})

"""How much of a model is on the card follows from the room there; what is said before the click is true."""

import subprocess
import sys
from pathlib import Path

import pytest

from pipelines import catalog, device
from pipelines.hub import preflight, presence
from pipelines.spec import LEVELS, choices, memory, network_frames, valid_frames, valid_sizes

WAN = catalog.spec("wan-2.1-14b")
GB = 10**9


def test_each_level_needs_less_than_the_one_before():
    for row in catalog.specs():
        needs = [memory(row, level) for level in LEVELS if level != "blocks" or "transformer" in dict(row.parts)]
        assert needs == sorted(needs, reverse=True), row.name


def test_block_by_block_the_parts_that_stay_whole_are_counted():
    for row in catalog.specs():
        stays = sum(size for part, size in row.parts if part in ("vae", "vocoder", "latent_upsampler"))
        assert memory(row, "blocks") >= stays + row.working_bytes
    assert memory(catalog.spec("ltx-upscaler"), "blocks") == memory(catalog.spec("ltx-upscaler"), "whole")


def test_the_level_is_the_fastest_that_fits():
    offload = pytest.importorskip("pipelines.hub.offload")
    assert [offload.choose(WAN, room * GB) for room in (80, 48, 20, 2)] == ["whole", "parts", "blocks", "layers"]
    assert [offload.below(level) for level in LEVELS] == ["parts", "blocks", "layers", None]


def test_a_form_offers_only_what_is_true():
    assert valid_sizes(WAN, "16:9") == ((832, 480), (1280, 720))
    assert list(valid_frames(WAN))[-2:] == [77, 81]
    assert network_frames(WAN, 80) == 81 and network_frames(WAN, 1) == 1
    from pipelines.requests import TextToVideo

    assert choices(WAN, TextToVideo)["resolution"] == (0, 480, 720)
    assert choices(catalog.spec("mini"), TextToVideo)["faster"] == (False,)


def test_without_card_network_and_cache_every_row_has_a_true_reason_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    if device.cards():
        pytest.skip("there is a card here")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    for row in catalog.specs():
        if row.repo and not row.remote:
            assert "needs an NVIDIA card" in str(catalog.runs_here(row))
            found = preflight.facts(row)
            assert not found.downloaded and found.fetch_bytes == row.download_bytes and found.says == "Cannot run here"
        elif row.remote:
            assert "switched off" in str(catalog.runs_here(row))


def test_a_card_is_no_use_to_a_torch_that_was_not_built_for_it():
    cards = [device.Card(label="a card", total_bytes=24 * GB, free_bytes=24 * GB)]
    assert presence.no_card(WAN, cards, cuda=True) is None
    assert "needs a torch that is built for CUDA" in str(presence.no_card(WAN, cards, cuda=False))
    assert "this machine has none" in str(presence.no_card(WAN, [], cuda=False))


def test_asking_for_reasons_loads_no_heavy_package():
    code = (
        "import sys; from pipelines import catalog; from pipelines.hub import preflight\n"
        "[preflight.facts(row) for row in catalog.specs()]\n"
        "sys.exit(bool({'torch', 'diffusers', 'transformers'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=catalog.ROOT, check=False).returncode == 0


@pytest.mark.parametrize("text", ["", '{"_class_name": "Wan', "[]", "null", "[" * 100_000, "\udcff"])
@pytest.mark.parametrize("file", ["model_index.json", "vae/a.safetensors.index.json"])
def test_a_damaged_index_makes_a_model_that_is_not_whole_and_no_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, text: str
):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    folder = presence.repository(WAN.repo) / "snapshots" / "c0"
    presence.record(WAN, "c0")
    (folder / "vae").mkdir(parents=True)
    (folder / "model_index.json").write_text('{"_class_name": "WanPipeline", "vae": ["diffusers", "AutoencoderKLWan"]}')
    (folder / "vae" / "b.safetensors.index.json").write_text('{"weight_map": {"a": "1.safetensors"}}')
    (folder / "vae" / "1.safetensors").write_text("")
    assert presence.downloaded(WAN)
    (folder / file).write_bytes(text.encode("utf-8", "surrogateescape"))
    assert not presence.downloaded(WAN)
    assert catalog.runs_here(WAN)


def test_a_reference_that_is_damaged_points_to_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    presence.record(WAN, "c0")
    for ref in (presence.repository(WAN.repo) / "refs").rglob("*"):
        if ref.is_file():
            ref.write_bytes(b"\xff\x00")
    assert presence.folder(WAN) is None and presence.main_snapshot(presence.repository(WAN.repo)) is not None


def test_a_model_whose_shards_are_not_all_here_is_not_downloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    place = presence.repository(WAN.repo)
    folder = place / "snapshots" / "c0"
    (place / "refs").mkdir(parents=True)
    (place / "refs" / "main").write_text("c0")
    (folder / "vae").mkdir(parents=True)
    (folder / "model_index.json").write_text('{"_class_name": "WanPipeline", "vae": ["diffusers", "AutoencoderKLWan"]}')
    (folder / "vae" / "config.json").write_text("{}")
    assert not presence.downloaded(WAN)
    (folder / "vae" / "x.safetensors.index.json").write_text('{"weight_map": {"a": "1.safetensors"}}')
    assert not presence.downloaded(WAN)
    (folder / "vae" / "1.safetensors").write_text("")
    assert presence.downloaded(WAN)

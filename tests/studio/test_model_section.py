"""The models on the About page: the machine's owner looks after them, and nobody else."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from pipelines import catalog
from pipelines.errors import BadRequest, Unavailable
from pipelines.hub import presence
from studio import shop
from studio.settings import Settings
from studio.studio import Studio
from studio.ui import words
from studio.ui.desk import Desk
from studio.ui.models import Models, keepable

ENGLISH = words.say_in("en")
ME = SimpleNamespace(state=SimpleNamespace(owner="browser:me"), headers={})


@pytest.fixture(autouse=True)
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A registry and a cache of this test's own."""
    monkeypatch.setenv("RUSHES_MODELS", str(tmp_path / "models.json"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "models.json"


def section(settings: Settings) -> tuple[Models, gr.Blocks]:
    studio = Studio.open(settings)
    with gr.Blocks(analytics_enabled=False) as page:
        desk = Desk(studio, {}, {})
        desk.tab = gr.Tab()
        return Models(desk), page


def whole(folder: Path) -> None:
    """The least that counts as a downloaded model."""
    (folder / "vae").mkdir(parents=True)
    (folder / "vae" / "config.json").write_text("{}", encoding="utf-8")
    (folder / "vae" / "w.safetensors").write_bytes(bytes(1000))
    index: dict[str, Any] = {"_class_name": "WanPipeline", "vae": ["diffusers", "AutoencoderKLWan"]}
    (folder / presence.INDEX).write_text(json.dumps(index), encoding="utf-8")


def test_one_s_own_model_is_added_and_removed(tmp_path: Path, registry: Path):
    models, _ = section(Settings(data=tmp_path / "data"))
    whole(tmp_path / "mine")
    assert "mine is in the list now" in models._added(ENGLISH, "browser:me", " mine ", str(tmp_path / "mine"), "")
    assert catalog.spec("mine").family == "wan" and "mine" in {row.name for row in keepable()}
    fetch, remove, said = models._chosen("mine", ME)
    assert fetch.interactive is False and remove.interactive is True and "Licence" in said
    models._removed(ENGLISH, "browser:me", "mine")
    assert json.loads(registry.read_text("utf-8"))["models"] == []
    assert (tmp_path / "mine").is_dir(), "its weights stay"


def test_a_folder_that_is_no_model_is_refused_with_a_sentence(tmp_path: Path):
    models, _ = section(Settings(data=tmp_path / "data"))
    with pytest.raises(BadRequest, match=r"model_index\.json that can be read"):
        models._added(ENGLISH, "browser:me", "mine", str(tmp_path), "")


def test_a_downloaded_model_is_deleted(tmp_path: Path):
    models, _ = section(Settings(data=tmp_path / "data"))
    place = presence.repository(catalog.spec("wan-2.1-1.3b").repo)
    (place / "blobs").mkdir(parents=True)
    (place / "blobs" / "x").write_bytes(bytes(2_000_000))
    assert "2.0 MB are free again" in models._removed(ENGLISH, "browser:me", "wan-2.1-1.3b")
    assert not place.exists()
    with pytest.raises(Unavailable, match="not downloaded"):
        models._removed(ENGLISH, "browser:me", "wan-2.1-1.3b")


def test_remote_providers_are_allowed_and_forbidden(tmp_path: Path):
    models, _ = section(Settings(data=tmp_path / "data"))
    assert "allowed" in models._switched(ENGLISH, "browser:me", True) and shop.remote_on()
    assert "forbidden" in models._switched(ENGLISH, "browser:me", "true") and not shop.remote_on()


def test_a_stranger_sees_nothing_of_it_and_can_do_nothing(tmp_path: Path, registry: Path):
    models, page = section(Settings(data=tmp_path / "data", host="0.0.0.0"))
    assert models._came(None, ME)[0].visible is False
    acts = [block.fn for block in page.fns.values() if getattr(block.fn, "__name__", "") == "done"]
    assert len(acts) == 5
    for act in acts:
        with pytest.raises(gr.Error, match="only the owner of this machine"):
            act(ME, "wan-2.1-1.3b", "/", "")
    assert not registry.exists()

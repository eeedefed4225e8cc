"""Downloads as jobs, from a Hub on this machine's loopback: who may order one, how it goes on, what it leaves alone."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines import catalog
from pipelines.errors import BadRequest, Unavailable
from pipelines.hub import presence
from pipelines.requests import Download, TextToVideo, request_from_dict
from studio import shop
from studio.benchmarks import ground
from studio.people import People
from studio.settings import Settings
from studio.studio import Studio
from studio.ui import drawer, stage, words
from tests.conftest import HubServer

OWNER = "browser:me"
ENGLISH = words.say_in("en")


@pytest.fixture
def model(hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A model of the fake Hub that would run on a processor, in a cache of its own."""
    entry = {"name": "small", "repo": hub.repo, "like": "wan-2.1-1.3b", "devices": ["cpu"]}
    (tmp_path / "models.json").write_text(json.dumps({"models": [entry]}), encoding="utf-8")
    monkeypatch.setenv("RUSHES_MODELS", str(tmp_path / "models.json"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    return "small"


@pytest.fixture
def studio(tmp_path: Path, model: str) -> Iterator[Studio]:
    opened = Studio.open(Settings(data=tmp_path / "data", runner="inline"))
    opened.supervisor.start()
    yield opened
    opened.close()


def test_a_download_is_a_job_that_clips_do_not_wait_for(studio: Studio, model: str, hub: HubServer):
    hub.slow = 1.0  # between two pieces of 4 kB
    id = shop.order(studio, model, OWNER)
    assert shop.order(studio, model, "browser:another page") == id, "one download of a model is enough"
    ground.until(lambda: "MB" in studio.jobs.get(id, OWNER).message, "the first bytes")
    running = studio.jobs.get(id, OWNER)
    assert drawer.title(running) == model and "of 0.2 MB" in drawer.standing(running, ENGLISH)
    clip = studio.jobs.submit(ground.still(), OWNER)
    assert studio.jobs.get(clip, OWNER).position == 0
    assert ground.until(lambda: studio.jobs.get(clip, OWNER).started, "the clip's beginning") < 60
    assert not studio.jobs.get(id, OWNER).over, "the clip has waited for the download"
    hub.slow = 0.0
    ground.until(lambda: studio.jobs.get(id, OWNER).over, "the model")
    done = studio.jobs.get(id, OWNER)
    assert (done.state, done.clip) == ("done", None) and presence.downloaded(catalog.spec(model))
    ground.until(lambda: studio.jobs.get(clip, OWNER).over, "the clip")
    assert studio.jobs.get(clip, OWNER).state == "done"


def test_stopping_keeps_what_has_come_and_trying_again_goes_on(studio: Studio, model: str, hub: HubServer):
    hub.slow = 0.05
    id = shop.order(studio, model, OWNER)
    weights = "vae/diffusion_pytorch_model.safetensors"
    ground.until(lambda: hub.sent[weights] > 20_000, "some bytes")
    studio.jobs.cancel(id, OWNER)
    assert ground.until(lambda: studio.jobs.get(id, OWNER).over, "the end") < 3
    assert studio.jobs.get(id, OWNER).state == "cancelled" and not presence.downloaded(catalog.spec(model))
    hub.slow = 0.0
    studio.jobs.retry(id, OWNER)
    ground.until(lambda: studio.jobs.get(id, OWNER).over, "the model")
    assert studio.jobs.get(id, OWNER).state == "done" and hub.starts[weights][-1] > 0
    with pytest.raises(BadRequest, match="only a job that failed"):
        studio.jobs.retry(id, OWNER)


def test_a_closed_model_fails_with_what_to_do(studio: Studio, model: str, hub: HubServer):
    hub.gate = 403
    id = shop.order(studio, model, OWNER)
    ground.until(lambda: studio.jobs.get(id, OWNER).over, "the end")
    job = studio.jobs.get(id, OWNER)
    assert job.state == "failed" and "accept its licence" in job.message
    assert stage.working(job, ENGLISH, False)["title"] == "Not downloaded"


def test_only_the_owner_of_the_machine_may_order_one(tmp_path: Path, model: str):
    for settings in (Settings(data=tmp_path, host="0.0.0.0"), Settings(data=tmp_path, auth="local")):
        hosted = Studio.open(settings)
        with pytest.raises(BadRequest, match="only the owner of this machine"):
            shop.order(hosted, model, OWNER)
        assert hosted.jobs.counts(None)["queued"] == 0
        hosted.close()
    assert not People(hosted.database, auth="none", alone=False).is_admin(OWNER)


def test_a_stranger_s_request_is_never_a_download(tmp_path: Path, model: str):
    data = Download(model=model).to_dict()
    assert request_from_dict(data, stored=True) == Download(model=model)
    with pytest.raises(BadRequest, match="task: must be one of"):
        request_from_dict(data)


def test_without_a_network_nothing_is_ordered(tmp_path: Path, model: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    here = Studio.open(Settings(data=tmp_path))
    with pytest.raises(Unavailable, match="offline"):
        shop.order(here, model, OWNER)
    here.close()


def test_a_queue_that_is_exported_has_clips_alone(tmp_path: Path, model: str):
    here = Studio.open(Settings(data=tmp_path / "data"))
    shop.order(here, model, OWNER)
    here.jobs.submit(TextToVideo(prompt="a fox"), OWNER)
    assert here.jobs.export_queue(OWNER, tmp_path / "queue.zip") == 1
    assert len(here.jobs.import_queue(tmp_path / "queue.zip", OWNER, lambda *a, **k: "")) == 1
    here.close()


def test_what_a_download_may_be_asked_in_the_drawer(tmp_path: Path, model: str):
    here = Studio.open(Settings(data=tmp_path))
    id = shop.order(here, model, OWNER)
    acts = [act["act"] for act in drawer.row(here.jobs.get(id, OWNER), ENGLISH)["acts"]]
    assert acts == ["cancel"]
    here.close()

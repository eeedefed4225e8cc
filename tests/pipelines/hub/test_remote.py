"""The real client of the Inference Providers against a provider on loopback: made, slow, unpaid, refused, gone."""

import base64
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx2
import pytest
from huggingface_hub import set_client_factory

from pipelines import catalog
from pipelines.errors import BadRequest, Cancelled, Unavailable
from pipelines.hub import registry
from pipelines.hub.remote import RemotePipeline
from pipelines.progress import silent
from pipelines.requests import TASKS, ImageToVideo, Request, TextToVideo
from pipelines.spec import ModelSpec, choices, defaults
from studio.benchmarks import ground
from studio.settings import Settings
from studio.studio import Studio
from studio.ui import drawer, words

ROW = catalog.spec("wan-2.2-14b@fal-ai")
PICTURED, STILLS = catalog.spec("wan-2.2-14b-image@fal-ai"), catalog.spec("flux-schnell@fal-ai")
ROWS = [ROW, PICTURED, STILLS]
OFFERS = {ROW.repo: "text-to-video", PICTURED.repo: "image-to-video", STILLS.repo: "text-to-image"}


class Provider(ThreadingHTTPServer):
    """huggingface.co, its router and the provider's store of results, in one: `status` is what an order gets, after
    `waits` looks at the queue, or after `slow` seconds where there is no queue."""

    daemon_threads = True

    def __init__(self, film: bytes, picture: bytes):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.film, self.picture, self.status, self.waits, self.slow = film, picture, 200, 2, 0.0
        self.orders: list[dict[str, Any]] = []


class _Handler(BaseHTTPRequestHandler):
    server: Provider

    def do_GET(self) -> None:
        if "/api/models/" in self.path:
            repo = self.path.partition("/api/models/")[2].partition("?")[0]
            mapping = {"fal-ai": {"status": "live", "providerId": "wan/t2v", "task": OFFERS[repo]}}
            self._say(200, {"id": repo, "inferenceProviderMapping": mapping})
        elif self.path.startswith("/film"):
            self._send(200, self.server.film, "video/mp4")
        elif self.path.startswith("/picture"):
            self._send(200, self.server.picture, "image/png")
        elif "/status" in self.path:
            self.server.waits -= 1
            self._say(200, {"status": "IN_QUEUE" if self.server.waits > 0 else "COMPLETED"})
        else:
            self._say(200, {"video": {"url": "https://store.example/film.mp4"}})

    def do_POST(self) -> None:
        self.server.orders.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        time.sleep(self.server.slow)
        done = {"request_id": "1", "status": "IN_QUEUE", "response_url": "https://queue.fal.run/wan/requests/1"}
        done |= {"images": [{"url": "https://store.example/picture.png"}]}  # where there is no queue
        self._say(self.server.status, done if self.server.status == 200 else {"error": "no"})

    def _say(self, status: int, answer: dict[str, Any]) -> None:
        self._send(status, json.dumps(answer).encode(), "application/json")

    def _send(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


class _Home(httpx2.HTTPTransport):
    """Sends whatever is asked of any host to one port of this machine."""

    def __init__(self, port: int):
        super().__init__()
        self.port = port

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        request.url = request.url.copy_with(scheme="http", host="127.0.0.1", port=self.port)
        return super().handle_request(request)


@pytest.fixture
def provider(given: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setenv("RUSHES_MODELS", str(tmp_path / "models.json"))
    server = Provider(Path(given["video"]).read_bytes(), Path(given["image"]).read_bytes())
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    set_client_factory(lambda: httpx2.Client(transport=_Home(server.server_port), follow_redirects=True))
    yield server
    set_client_factory(lambda: httpx2.Client(follow_redirects=True))
    server.shutdown()
    server.server_close()
    thread.join()


def asked(row: ModelSpec, given: dict[str, str]) -> Request:
    """What the form of that row would ask for."""
    kind = TASKS[row.tasks[0]]
    picture = {"image": given["image"]} if kind is ImageToVideo else {}
    return kind(**defaults(row, kind) | picture | {"prompt": "a cat", "negative": "", "seed": 5})


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_remote_row_is_off_until_the_person_says_so_and_says_who_receives_what(row: ModelSpec, provider: Provider):
    reason = catalog.runs_here(row)
    assert reason is not None and "sent to Hugging Face and fal-ai" in reason and "may cost money" in reason
    assert ("the picture are sent" in reason) == (row is PICTURED)
    registry.switch_remote(True)
    assert catalog.runs_here(row) is None


def test_without_a_token_it_says_how_to_give_one(provider: Provider, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    registry.switch_remote(True)
    monkeypatch.delenv("HF_TOKEN")
    assert all("hf auth login" in str(catalog.runs_here(row)) for row in ROWS)


@pytest.mark.parametrize("task", ["text-to-video", "image-to-video"])
def test_no_remote_row_is_chosen_for_somebody_who_named_none(task: str, provider: Provider):
    registry.switch_remote(True)
    assert not catalog.spec(catalog.usual(task, "mini")).remote


def test_a_clip_comes_back_after_a_queue(provider: Provider, given: dict[str, str]):
    heard: list[str] = []
    request = asked(ROW, given)
    clip = RemotePipeline(ROW)(request, lambda _, message: heard.append(message))
    assert len(clip.frames) == 10 and clip.origin is request and provider.waits <= 0
    assert provider.orders[0]["prompt"] == "a cat" and provider.orders[0]["seed"] == 5
    assert "hf_secret" not in json.dumps(provider.orders)
    assert heard[0].endswith("fal-ai, which received the prompt")


def test_a_picture_is_sent_as_it_is_kept_and_the_person_is_told(provider: Provider, given: dict[str, str]):
    heard: list[str] = []
    clip = RemotePipeline(PICTURED)(asked(PICTURED, given), lambda _, message: heard.append(message))
    assert len(clip.frames) == 10 and provider.waits <= 0
    order = provider.orders[0]
    kind, _, sent = order["image_url"].partition(";base64,")
    assert kind == "data:image/png" and base64.b64decode(sent) == Path(given["image"]).read_bytes()
    assert (order["prompt"], order["num_frames"], order["seed"]) == ("a cat", 64, 5)
    assert heard[0].endswith("fal-ai, which received the prompt and the picture")


def test_a_still_has_the_size_that_was_asked_for_or_what_comes(provider: Provider, given: dict[str, str]):
    clip = RemotePipeline(STILLS)(asked(STILLS, given))
    assert clip.still and clip.frames.shape == (1, 48, 40, 3), "the picture of the fake provider"
    assert provider.orders[0]["image_size"] == {"width": 1024, "height": 1024}
    provider.picture = b"no picture"
    with pytest.raises(Unavailable, match="its answer cannot be read"):
        RemotePipeline(STILLS)(asked(STILLS, given))


def test_a_row_of_stills_makes_no_clip_and_its_form_does_not_offer_one():
    assert choices(STILLS, TextToVideo)["still"] == (True,) and defaults(STILLS, TextToVideo)["still"] is True
    with pytest.raises(BadRequest, match="flux-schnell@fal-ai makes stills only"):
        catalog.check(TextToVideo(prompt="a cat", model=STILLS.name, fps=24))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
@pytest.mark.parametrize(
    ("status", "sentence"),
    [(402, "no credit left at fal-ai"), (429, "too many requests"), (401, "hf auth login"), (500, "answered 500")],
)
def test_a_refusal_is_a_sentence_without_the_token(
    row: ModelSpec, status: int, sentence: str, provider: Provider, given: dict[str, str]
):
    provider.status = status
    with pytest.raises(Unavailable, match=sentence) as caught:
        RemotePipeline(row)(asked(row, given), silent)
    assert "hf_secret" not in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_provider_that_does_not_answer_is_given_up(row: ModelSpec, provider: Provider, given: dict[str, str]):
    provider.waits, provider.slow = 10**6, 0.8
    with pytest.raises(Unavailable, match="has not answered in 0.4 s; it may still charge"):
        RemotePipeline(row, wait_s=0.4)(asked(row, given), silent)
    left_behind(provider)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_stopping_stops_only_the_waiting_and_says_so(row: ModelSpec, provider: Provider, given: dict[str, str]):
    def stop(fraction: float, message: str) -> None:
        raise Cancelled("stopped")

    with pytest.raises(Cancelled, match="may still finish it and charge"):
        RemotePipeline(row)(asked(row, given), stop)
    left_behind(provider)


def test_a_stopped_job_tells_its_owner_that_it_may_still_cost(
    provider: Provider, given: dict[str, str], tmp_path: Path
):
    registry.switch_remote(True)
    provider.waits = 10**6
    studio = Studio.open(Settings(data=tmp_path / "data", runner="inline"))
    studio.supervisor.start()
    id = studio.jobs.submit(asked(ROW, given), "browser:me")
    ground.until(lambda: "received the prompt" in studio.jobs.get(id, "browser:me").message, "the order")
    studio.jobs.cancel(id, "browser:me")
    assert ground.until(lambda: studio.jobs.get(id, "browser:me").over, "the end") < 2
    job = studio.jobs.get(id, "browser:me")
    assert job.state == "cancelled" and "may still finish it and charge" in drawer.standing(job, words.say_in("en"))
    studio.close()
    left_behind(provider)


def left_behind(provider: Provider) -> None:
    """Lets the thread that was left behind see that it is done, before its provider goes away."""
    provider.waits = 0
    for thread in [each for each in threading.enumerate() if each.name == "provider"]:
        thread.join(10)

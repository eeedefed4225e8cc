"""The real client of the Inference Providers against a provider on loopback: made, slow, unpaid, refused, gone."""

import json
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
from pipelines.errors import Cancelled, Unavailable
from pipelines.hub import registry
from pipelines.hub.remote import RemotePipeline
from pipelines.progress import silent
from pipelines.requests import TextToVideo
from pipelines.spec import defaults

ROW = catalog.spec("wan-2.2-14b@fal-ai")


class Provider(ThreadingHTTPServer):
    """huggingface.co, its router and the provider's store of results, in one: `status` is what an order gets."""

    daemon_threads = True

    def __init__(self, film: bytes):
        super().__init__(("127.0.0.1", 0), _Handler)
        self.film, self.status, self.waits = film, 200, 2
        self.orders: list[dict[str, Any]] = []


class _Handler(BaseHTTPRequestHandler):
    server: Provider

    def do_GET(self) -> None:
        if "/api/models/" in self.path:
            mapping = {"fal-ai": {"status": "live", "providerId": "wan/t2v", "task": "text-to-video"}}
            self._say(200, {"id": ROW.repo, "inferenceProviderMapping": mapping})
        elif self.path.startswith("/film"):
            self._send(200, self.server.film, "video/mp4")
        elif "/status" in self.path:
            self.server.waits -= 1
            self._say(200, {"status": "IN_QUEUE" if self.server.waits > 0 else "COMPLETED"})
        else:
            self._say(200, {"video": {"url": "https://store.example/film.mp4"}})

    def do_POST(self) -> None:
        self.server.orders.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        done = {"request_id": "1", "status": "IN_QUEUE", "response_url": "https://queue.fal.run/wan/requests/1"}
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
    server = Provider(Path(given["video"]).read_bytes())
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    set_client_factory(lambda: httpx2.Client(transport=_Home(server.server_port), follow_redirects=True))
    yield server
    set_client_factory(lambda: httpx2.Client(follow_redirects=True))
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def request_() -> TextToVideo:
    return TextToVideo(**defaults(ROW, TextToVideo) | {"prompt": "a cat", "negative": "", "seed": 5})


def test_a_remote_row_is_off_until_the_person_says_so_and_says_who_receives_the_prompt(provider: Provider):
    reason = catalog.runs_here(ROW)
    assert reason is not None and "sent to Hugging Face and fal-ai" in reason and "may cost money" in reason
    registry.switch_remote(True)
    assert catalog.runs_here(ROW) is None


def test_without_a_token_it_says_how_to_give_one(provider: Provider, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    registry.switch_remote(True)
    monkeypatch.delenv("HF_TOKEN")
    assert "hf auth login" in str(catalog.runs_here(ROW))


def test_a_clip_comes_back_after_a_queue(provider: Provider, request_: TextToVideo):
    heard: list[str] = []
    clip = RemotePipeline(ROW)(request_, lambda _, message: heard.append(message))
    assert len(clip.frames) == 10 and clip.origin is request_
    assert provider.orders[0]["prompt"] == "a cat" and provider.orders[0]["seed"] == 5
    assert "hf_secret" not in json.dumps(provider.orders)
    assert "fal-ai, which received the prompt" in heard[0]


@pytest.mark.parametrize(
    ("status", "sentence"),
    [(402, "no credit left at fal-ai"), (429, "too many requests"), (401, "hf auth login"), (500, "answered 500")],
)
def test_a_refusal_is_a_sentence_without_the_token(
    status: int, sentence: str, provider: Provider, request_: TextToVideo
):
    provider.status = status
    with pytest.raises(Unavailable, match=sentence) as caught:
        RemotePipeline(ROW)(request_, silent)
    assert "hf_secret" not in str(caught.value) and "\n" not in str(caught.value)


def test_a_provider_that_does_not_answer_is_given_up(provider: Provider, request_: TextToVideo):
    provider.waits = 10**6
    with pytest.raises(Unavailable, match="has not answered in 0.4 s; it may still charge"):
        RemotePipeline(ROW, wait_s=0.4)(request_, silent)
    provider.waits = 0
    time.sleep(0.6)  # the thread that was left behind sees that it is done


def test_stopping_stops_only_the_waiting_and_says_so(provider: Provider, request_: TextToVideo):
    def stop(fraction: float, message: str) -> None:
        raise Cancelled("stopped")

    with pytest.raises(Cancelled, match="may still finish the clip and charge"):
        RemotePipeline(ROW)(request_, stop)
    provider.waits = 0
    time.sleep(0.6)

"""What the Hub's tests share: every family as a tiny model on disk, pictures and clips to give them."""

import dataclasses
import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pipelines import catalog, spec
from pipelines.clip import Clip
from pipelines.media import export
from pipelines.requests import TASKS, Request, TextToVideo

FRAMES, FPS, SIDE = 10, 8, 32


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry of one's own with every tiny model, built once for all tests."""
    from pipelines.hub import tiny

    return tiny.register(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def tiny_models(tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    monkeypatch.setenv("RUSHES_MODELS", str(tiny_folder))
    yield [row.name for row in catalog.specs() if row.name.startswith("tiny-")]


@pytest.fixture(scope="session")
def given(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A file for each field that takes one."""
    folder = tmp_path_factory.mktemp("given")
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 255, (48, 40, 3), dtype=np.uint8)).save(folder / "a.png")
    frames = rng.integers(0, 255, (FRAMES, SIDE, SIDE, 3), dtype=np.uint8)
    export.save(Clip(frames=frames, fps=FPS, origin=TextToVideo(prompt="noise")), folder / "a.mp4")
    picture, film = str(folder / "a.png"), str(folder / "a.mp4")
    return {"image": picture, "last": picture, "face": picture, "mask": picture, "video": film}


@pytest.fixture
def ask(given: dict[str, str]) -> Callable[..., Request]:
    """A request for one task of one model, with every file that the model takes, 10 frames at 8 fps."""

    def make(model: str, task: str, **changes: Any) -> Request:
        row, kind = catalog.spec(model), TASKS[task]
        fields = {field.name: field for field in dataclasses.fields(kind)}
        files = {name: given[name] for name in kind.media_fields() if name in row.free or name not in spec.OPTIONAL}
        words = {"prompt": "a cat"} if "prompt" in fields else {}
        length = {"seconds": FRAMES / FPS} if "seconds" in fields else {}
        right = {"consent": "fictional"} if "consent" in fields else {}
        return kind(**spec.defaults(row, kind) | right | files | words | length | changes)

    return make


class HubServer(ThreadingHTTPServer):
    """A Hub on this machine's loopback: what huggingface.co answers for one repository, with its faults to order.

    `files` is name -> content. `gate` is None, 401 or 403; `lies` are names whose content comes changed; `cut` breaks
    a file's line off after so many bytes, once; `slow` waits between the pieces of a file; `sent` counts bytes.
    """

    COMMIT = "0123456789abcdef0123456789abcdef01234567"
    daemon_threads = True

    def __init__(self, repo: str, files: dict[str, bytes]):
        super().__init__(("127.0.0.1", 0), _HubHandler)
        self.repo, self.files = repo, files
        self.gate: int | None = None
        self.down = False
        self.lies: set[str] = set()
        self.sizes: dict[str, int] = {}
        self.cut: dict[str, int] = {}
        self.slow = 0.0
        self.sent: dict[str, int] = dict.fromkeys(files, 0)
        self.starts: dict[str, list[int]] = {name: [] for name in files}  # the first byte that was asked for
        self.tokens: set[str] = set()
        self.paths: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that hangs up is part of what is tested."""

    def about(self) -> dict[str, Any]:
        """The answer of /api/models/<repo>?blobs=true."""
        siblings = []
        for name, data in self.files.items():
            entry: dict[str, Any] = {"rfilename": name, "size": self.sizes.get(name, len(data))}
            entry["blobId"] = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
            if name.endswith(".safetensors"):
                entry["lfs"] = {"sha256": hashlib.sha256(data).hexdigest(), "size": entry["size"], "pointerSize": 130}
            siblings.append(entry)
        return {"id": self.repo, "sha": self.COMMIT, "siblings": siblings, "private": False}


class _HubHandler(BaseHTTPRequestHandler):
    server: HubServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.tokens.add(self.headers.get("authorization", ""))
        self.server.paths.append(self.path)
        if self.server.down:
            self._say(503, b"", {})
        elif self.server.gate:
            code = "GatedRepo" if self.server.gate == 403 else "RepoNotFound"
            self._say(self.server.gate, b"", {"X-Error-Code": code, "X-Error-Message": "no"})
        elif self.path.startswith(f"/api/models/{self.server.repo}"):
            self._say(200, json.dumps(self.server.about()).encode(), {"Content-Type": "application/json"})
        else:
            self._file(self.path.split("/resolve/")[1].split("/", 1)[1])

    def _file(self, name: str) -> None:
        data = self.server.files[name]
        if name in self.server.lies:
            data = bytes(len(data))
        first = int((self.headers.get("range") or "bytes=0-")[6:].rstrip("-"))
        self.server.starts[name].append(first)
        self.send_response(206 if first else 200)
        self.send_header("Content-Length", str(len(data) - first))
        self.end_headers()
        last = self.server.cut.pop(name, len(data))
        for place in range(first, last, 4096):
            piece = data[place : min(last, place + 4096)]
            self.wfile.write(piece)
            self.server.sent[name] += len(piece)
            time.sleep(self.server.slow)
        if last < len(data):
            self.close_connection = True

    def _say(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def hub() -> Iterator[HubServer]:
    """A small model in the format of diffusers, on a Hub of one's own."""
    index = {"_class_name": "WanPipeline", "vae": ["diffusers", "AutoencoderKLWan"], "scheduler": [None, None]}
    rng = np.random.default_rng(0)
    files = {
        "model_index.json": json.dumps(index).encode(),
        "vae/config.json": b"{}",
        "vae/diffusion_pytorch_model.safetensors": rng.bytes(200_000),
        "vae/diffusion_pytorch_model.fp16.safetensors": rng.bytes(1000),
        "vae/diffusion_pytorch_model.bin": rng.bytes(1000),
        "README.md": b"# A model",
    }
    server = HubServer("someone/small", files)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="session")
def wide(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A clip of 64 x 32 pixels."""
    frames = np.random.default_rng(1).integers(0, 255, (5, SIDE, 2 * SIDE, 3), dtype=np.uint8)
    path = tmp_path_factory.mktemp("wide") / "w.mp4"
    return str(export.save(Clip(frames=frames, fps=FPS, origin=TextToVideo(prompt="noise")), path))

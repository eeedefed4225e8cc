"""What the tests share: small real clips, tiny models, the fake GPU and Hub, a studio and a browser, and when a marked
test is skipped."""

import gc
import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # two processes of tests share the cores: see addopts in pyproject.toml

import numpy as np
import pytest

from pipelines import catalog
from pipelines.clip import Clip
from pipelines.requests import TextToVideo

ROOT = Path(__file__).resolve().parents[1]

SKIPPED = {
    "gpu": (shutil.which("nvidia-smi") is None, "there is no CUDA card here"),
    "network": (os.environ.get("RUSHES_NETWORK") != "1", "set RUSHES_NETWORK=1 to use the internet"),
    "slow": (os.environ.get("RUSHES_FAST") == "1", "RUSHES_FAST=1 leaves slow tests out"),
    "browser": (
        importlib.util.find_spec("playwright") is None or not Path("/usr/bin/chromium").exists(),
        "needs Debian's chromium and pip install playwright",
    ),
}


@contextmanager
def _studio(data: Path, **variables: str) -> Iterator[str]:
    command = [sys.executable, "app.py", "--port", "0", "--data", str(data)]
    env = os.environ | variables
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, env=env) as server:
        found = next(filter(None, (re.search(r"http://\S+", line) for line in server.stderr)), None)
        assert found, "the studio did not open"
        yield found[0]
        server.terminate()
        server.communicate()


@pytest.fixture(scope="session")
def open_studio() -> Callable[..., AbstractContextManager[str]]:
    """A studio on a data folder, as `python app.py` opens it: a context manager of its address."""
    return _studio


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Debian's chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield chromium
        chromium.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for marker, (skipped, reason) in SKIPPED.items():
            if skipped and item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))


def pytest_collection_finish() -> None:
    """What has been imported stays: no collection of garbage, which a model that goes asks for, looks through it."""
    gc.collect()
    gc.freeze()


def moving_square(*, frames: int = 16, width: int = 64, height: int = 48) -> np.ndarray:
    """A bright square that moves right over a smooth ground: (T, H, W, 3) uint8."""
    rows, columns = np.mgrid[:height, :width]
    ground = np.stack([columns * 2, rows * 3, np.full_like(rows, 90)], axis=-1).clip(0, 255).astype(np.uint8)
    film = np.repeat(ground[None], frames, axis=0)
    for moment, picture in enumerate(film):
        left = moment * (width - 16) // max(1, frames - 1)
        picture[16:32, left : left + 16] = (240, 200, 40)
    return film


@pytest.fixture
def request_for_a_clip() -> TextToVideo:
    return TextToVideo(prompt="a 'red' \"panda\";\n# a = b \\ [na\u00efve] \U0001f43c", seconds=1, aspect="4:3", seed=7)


@pytest.fixture
def clip(request_for_a_clip: TextToVideo) -> Clip:
    return Clip(frames=moving_square(), fps=16, origin=request_for_a_clip)


@pytest.fixture
def still() -> Clip:
    return Clip(frames=moving_square(frames=1), fps=16, origin=TextToVideo(prompt="a square", still=True))


class PretendModel:
    """A model for the GPU that is not there: it only remembers where it is."""

    def __init__(self, name: str):
        self.name = name
        self.place = "disk"

    def to(self, device: str) -> "PretendModel":
        self.place = device
        return self


class PretendDriver:
    """NVIDIA's NVML for cards that are not there, by their bytes; None is one that has fallen off the bus."""

    def __init__(self, *cards: int | None):
        self._cards = cards

    def nvmlInit_v2(self) -> int:
        return 0

    def nvmlDeviceGetCount_v2(self, count: Any) -> int:
        count._obj.value = len(self._cards)
        return 0

    def nvmlDeviceGetHandleByIndex_v2(self, number: int, handle: Any) -> int:
        handle._obj.value = number + 1
        return 0

    def nvmlDeviceGetName(self, handle: Any, label: Any, size: int) -> int:
        label.value = b"a card"
        return 0

    def nvmlDeviceGetMemoryInfo(self, handle: Any, memory: Any) -> int:
        held = self._cards[handle.value - 1]
        memory._obj.total = memory._obj.free = held or 0
        return 0 if held else 15  # NVML_ERROR_GPU_IS_LOST


@pytest.fixture
def pretend_driver() -> type[PretendDriver]:
    return PretendDriver


TURING = """
from types import SimpleNamespace
bfloat16, float32 = "bfloat16", "float32"
cuda = SimpleNamespace(is_bf16_supported=lambda including_emulation=True: including_emulation)
cpu = SimpleNamespace(_is_avx512_bf16_supported=lambda: False)
"""


@pytest.fixture
def turing(tmp_path: Path) -> Path:
    """A folder with the torch of a card like the T4, as far as it is asked about bfloat16: there only by emulation."""
    (tmp_path / "torch.py").write_text(TURING, encoding="utf-8")
    return tmp_path


def _full_card(pipe: Any, *, room: bool) -> None:
    import torch

    class Full(type(pipe)):
        def to(self, where: str, *args: Any, **how: Any) -> Any:
            if where == "cuda":
                raise torch.OutOfMemoryError("CUDA out of memory")
            return super().to(where, *args, **how)

        def enable_model_cpu_offload(self, *args: Any, **how: Any) -> None:
            if not room:
                raise torch.OutOfMemoryError("CUDA out of memory")

    Full.__name__ = type(pipe).__name__
    pipe.__class__ = Full


@pytest.fixture
def full_card() -> Callable[..., None]:
    """Makes a pipeline find the card that is not there too full for it whole, and with no `room` for a part either."""
    return _full_card


def _watched_card(pipe: Any) -> Any:
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode

    class Card(TorchDispatchMode):
        MOVES = ("_to_copy", "detach", "alias", "slice")

        def __init__(self) -> None:
            super().__init__()
            networks = [part for part in pipe.components.values() if isinstance(part, torch.nn.Module)]
            held = [tensor.data for part in networks for tensor in (*part.parameters(), *part.buffers())]
            self.left = {
                tensor.untyped_storage().data_ptr(): tensor for tensor in held
            }  # alive, so that none is reused

        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            for given in (*args, *(kwargs or {}).values()):
                for tensor in given if isinstance(given, list | tuple) else (given,):
                    if isinstance(tensor, torch.Tensor) and not func.__name__.startswith(self.MOVES):
                        assert tensor.untyped_storage().data_ptr() not in self.left, (
                            f"{func} computes with what was left"
                        )
            return func(*args, **(kwargs or {}))

    return Card()


@pytest.fixture
def watched_card() -> Callable[[Any], Any]:
    """Given a pipeline in main memory, a mode of torch in which computing with weights that were left there fails.

    It stands for the card that is not there, which is called "cpu:0": what is moved to it is copied.
    """
    return _watched_card


@pytest.fixture
def pretend_model() -> type[PretendModel]:
    return PretendModel


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A registry of one's own with every tiny model, built once for all tests."""
    from pipelines.hub import tiny

    return tiny.register(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def tiny_models(tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    monkeypatch.setenv("RUSHES_MODELS", str(tiny_folder))
    yield [row.name for row in catalog.specs() if row.name.startswith("tiny-")]


class HubServer(ThreadingHTTPServer):
    """A Hub on this machine's loopback: what huggingface.co answers for one repository, with its faults to order.

    `files` is name -> content. `gate` is None, 401 or 403; `lies` are names whose content comes changed; `cut` breaks
    a file's line off after so many bytes, once; `slow` waits between the pieces of a file; who asks for one of `silent`
    hears nothing; `sent` counts bytes.
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
        self.silent: set[str] = set()
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
        if name in self.server.silent:
            time.sleep(60)
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
            if place + len(piece) < last:
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

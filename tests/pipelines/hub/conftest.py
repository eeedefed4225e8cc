"""What the Hub's tests share: every family as a tiny model on disk, pictures and clips to give them."""

import dataclasses
from collections.abc import Callable, Iterator
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
        return kind(**spec.defaults(row, kind) | files | words | length | changes)

    return make

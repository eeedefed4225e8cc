"""What the Hub's tests share: pictures and clips to give the tiny models, and requests with them."""

import dataclasses
from collections.abc import Callable
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


@pytest.fixture(scope="session")
def wide(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A clip of 64 x 32 pixels."""
    frames = np.random.default_rng(1).integers(0, 255, (5, SIDE, 2 * SIDE, 3), dtype=np.uint8)
    path = tmp_path_factory.mktemp("wide") / "w.mp4"
    return str(export.save(Clip(frames=frames, fps=FPS, origin=TextToVideo(prompt="noise")), path))

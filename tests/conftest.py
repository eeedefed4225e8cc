"""What the tests share: small real clips, the fake GPU, and the rules for when a marked test is skipped."""

import importlib.util
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for marker, (skipped, reason) in SKIPPED.items():
            if skipped and item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))


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


@pytest.fixture
def pretend_model() -> type[PretendModel]:
    return PretendModel

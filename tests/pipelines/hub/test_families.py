"""Every family does every one of its tasks, on random weights of exactly the real classes, reloaded from disk."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pipelines import catalog
from pipelines.clip import Clip
from pipelines.requests import Request

pytest.importorskip("diffusers")

from pipelines.hub import tiny  # noqa: E402

ALL = [(name, task) for name, (like, _, _) in tiny.MODELS.items() for task in catalog.spec(like).tasks]
HERE = [(name, task) for name, task in ALL if name != "tiny-consisid"]  # it needs packages that read faces
Ask = Callable[..., Request]


@pytest.fixture(scope="module")
def loaded() -> dict[str, Any]:
    return {}


@pytest.fixture
def model(tiny_models: list[str], loaded: dict[str, Any]) -> Iterator[Callable[[str], Any]]:
    """A loaded model by name; each is read from disk once."""

    def get(name: str) -> Any:
        if name not in loaded:
            loaded[name] = catalog.load(name).to("cpu")
        return loaded[name]

    yield get


@pytest.mark.parametrize(("name", "task"), HERE)
def test_a_task_gives_what_was_asked_with_progress_that_never_falls(
    name: str, task: str, model: Callable[[str], Any], ask: Ask
):
    request = ask(name, task)
    catalog.check(request)
    heard: list[tuple[float, str]] = []
    clip = model(name)(request, lambda fraction, message: heard.append((fraction, message)))
    _is_what_was_asked(clip, request)
    fractions = [fraction for fraction, _ in heard]
    assert fractions == sorted(fractions) and fractions[0] >= 0 and fractions[-1] <= 1
    assert any(message.startswith("step ") for _, message in heard)
    assert heard[-1][1] == "decoding"


def _is_what_was_asked(clip: Clip, request: Request) -> None:
    assert clip.origin is request
    if request.task == "text-to-sound":
        assert len(clip.frames) == 0 and clip.audio is not None
        assert len(clip.audio) == round(request.seconds * clip.rate)
        return
    factor = 2 if request.task == "upscale" else 1
    assert clip.frames.shape == (10, 32 * factor, 32 * factor, 3)
    assert clip.fps == 8
    if request.model == "tiny-ltx2":
        assert clip.audio is not None and len(clip.audio) == round(10 / 8 * clip.rate)

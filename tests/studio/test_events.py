"""What the page does when it is asked to: no event of it shows or changes what is another's, whoever sends it."""

import asyncio
import shutil
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_type_hints

import gradio as gr
import pytest
from gradio.blocks import BlockFunction
from gradio.utils import get_upload_folder
from starlette.requests import Request

from pipelines.errors import StudioError
from pipelines.requests import TextToVideo
from studio.arena import Plan, Prompt, System
from studio.settings import Settings
from studio.studio import Studio
from studio.ui import drawer
from studio.ui.app import TABS, build
from studio.ui.post import rooms
from tests.studio.conftest import SECRET, clip_of

ADA, BOB = "browser:ada", "browser:bob"
CODE = "<script>alert(1)</script> ${1+1} {{7*7}} {% raw %} %s \x00"
ACTS = (*rooms(TABS), *drawer.HERE, *drawer.ELSEWHERE, "star", "delete", "undo", "tag")


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    """Paused, and nobody who comes owns the machine."""
    opened = Studio.open(Settings(data=tmp_path / "data", host="0.0.0.0", safety=False))
    opened.jobs.pause(None)
    yield opened
    opened.close()


def as_bob() -> gr.Request:
    """What a function of the page gets to know of who is asking."""
    scope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": [], "state": {"owner": BOB}}
    return gr.Request(request=Request(scope), session_hash="bob")


def given(widget: gr.blocks.Block, value: Any, file: Path) -> Any:
    """What gradio lets through to a function: `value` where anything may stand, a widget's own choice elsewhere."""
    if isinstance(widget, gr.Dropdown | gr.Radio):
        return value if getattr(widget, "allow_custom_value", False) else next((key for _, key in widget.choices), None)
    if isinstance(widget, gr.File | gr.UploadButton):
        return shutil.copy(file, file.with_name("brought.png"))  # whose function takes it away
    if isinstance(widget, gr.State):  # the server's own, of whose kind a value has to be
        if isinstance(widget.value, dict):
            return {**widget.value, **value} if isinstance(value, dict) else widget.value
        return {str: str(value), list: [str(value)]}.get(type(widget.value), widget.value)
    if isinstance(widget, gr.Textbox):
        return str(value)
    return value if isinstance(widget, gr.HTML) else widget.value


def shown(answer: Any) -> str:
    """Everything that an answer would put onto the page."""
    if isinstance(answer, dict):
        return " ".join(f"{key} {shown(value)}" for key, value in answer.items())
    if isinstance(answer, list | tuple):
        return " ".join(map(shown, answer))
    return shown(answer.constructor_args) if isinstance(answer, gr.blocks.Block) else str(answer)


def orders(clip: str, job: str, study: str) -> Iterator[dict[str, Any]]:
    """Every act about what is Ada's, as an event that the browser sends or as what the page keeps between two."""
    about = {"job": job, "study": study, "clips": [clip], "on": True, "tag": "mine", "ahead": "", "token": clip, "n": 1}
    for act in ACTS:
        yield {**about, "act": act, "clip": clip}
        yield {**about, "act": act, "clip": job}


def acts(event: BlockFunction) -> bool:
    """Whether it depends on what is sent or kept which of all acts an event is."""
    kept = any(isinstance(widget, gr.State) and isinstance(widget.value, dict) for widget in event.inputs)
    return kept or gr.EventData in get_type_hints(event.fn).values()


async def answers(page: gr.Blocks, values: list[Any], file: Path) -> tuple[dict[Any, int], list[str]]:
    """How often each function of the page has answered Bob, if only with a sentence, and everything that it said."""
    events = {(event.fn, tuple(event.inputs)): event for event in page.fns.values() if event.fn}
    reached, told = Counter(dict.fromkeys((fn for fn, _ in events), 0)), []
    for event in events.values():
        brings = any(isinstance(widget, gr.File | gr.UploadButton) for widget in event.inputs)  # which takes a second
        for value in values if acts(event) else values[: 1 if brings else 4]:
            data = [given(widget, value, file) for widget in event.inputs]
            try:
                answer = await page.call_function(event, data, requests=as_bob(), event_data=gr.EventData(None, value))
            except (StudioError, gr.Error) as error:
                answer = {"prediction": str(error)}
            told.append(shown(answer["prediction"]))
            reached[event.fn] += 1
    return reached, told


def test_no_event_of_the_page_tells_or_changes_anything_of_anothers(studio: Studio, capsys: pytest.CaptureFixture):
    clip = clip_of(studio, ADA)
    job = studio.jobs.submit(TextToVideo(prompt=SECRET), ADA)
    asked = Plan(title=SECRET, prompts=(Prompt(name="a", text=SECRET),), systems=(System(name="x"), System(name="y")))
    study = studio.arena.create(asked, ADA)
    before = studio.gallery.get(clip, ADA), studio.jobs.get(job, ADA), studio.arena.study(study, ADA)
    file = Path(get_upload_folder()) / "of-bob" / "clip.png"
    file.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(studio.gallery.path(clip_of(studio, BOB, "a fox"), BOB, "clip"), file)

    with warnings.catch_warnings(record=True) as toasts:  # that is what gradio makes of them outside of its queue
        warnings.simplefilter("always")
        page = build(studio)
        reached, told = asyncio.run(answers(page, [CODE, clip, job, study, *orders(clip, job, study)], file))
    everything = "\n".join([*told, *(str(toast.message) for toast in toasts), capsys.readouterr().out])
    assert len(reached) > 140 and all(reached.values()) and len(told) > 2000
    assert "a fox" in everything, "what is Bob's is told"
    for secret in (SECRET, ADA, str(studio.settings.data), "Traceback"):
        assert secret not in everything, everything[everything.index(secret) - 300 :][:600]
    assert before == (studio.gallery.get(clip, ADA), studio.jobs.get(job, ADA), studio.arena.study(study, ADA))

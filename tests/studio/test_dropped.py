"""A file that is dropped on the page: its settings go to the tab that makes such things, and the file goes away."""

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from pipelines.requests import TASKS
from studio.settings import Settings
from studio.studio import Studio
from studio.ui import dropped
from studio.ui.app import TABS
from studio.ui.desk import Desk
from studio.ui.post import makers, rooms, tab_id

ADA = SimpleNamespace(state=SimpleNamespace(owner="ada"), headers={})


@pytest.fixture
def listeners(tmp_path: Path) -> Iterator[dict[str, Callable[..., Any]]]:
    """{name: function} of what happens there."""
    studio = Studio.open(Settings(data=tmp_path))
    with gr.Blocks(analytics_enabled=False) as page:
        desk = Desk(studio, rooms(TABS), makers(TABS))
        desk.tabs.render()
        dropped.draw(desk)
    yield {event.fn.__name__: event.fn for event in page.fns.values()}
    studio.close()


@pytest.mark.parametrize("task", TASKS)
def test_its_settings_open_the_tab_that_makes_such_things(listeners, task: str):
    *orders, tabs = listeners["order"](asked := {"task": task, "prompt": "a fox"}, ADA)
    (order,) = [each for each in orders if each != gr.skip()]
    assert order.pop("n") > 0 and order == {"act": "reuse", "clip": "", "clips": [], "request": asked}
    assert tabs.selected == tab_id(makers(TABS)[task])


def test_what_another_has_thrown_away_meanwhile_is_refused_in_a_sentence(listeners, tmp_path: Path):
    assert "notice" in listeners["read"](str(tmp_path / "gone.png"), ADA)[2]

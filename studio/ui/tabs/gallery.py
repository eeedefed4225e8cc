"""Gallery: every clip of one person as posters that play under the pointer, found by words and filters, 24 a page.

A clip opens beside the grid; the form of Create is left alone until an act says otherwise.
"""

import time
from typing import Any

import gradio as gr

from pipelines import catalog
from pipelines.errors import BadRequest, StudioError
from pipelines.requests import ASPECTS, TASKS
from studio.gallery import Page, Query
from studio.studio import Studio
from studio.ui import details, dropped
from studio.ui.cards import Cards, card, connect
from studio.ui.desk import FAST, Desk
from studio.ui.form import sentence
from studio.ui.words import label

NAME = "Gallery"
SIZE = 24
DAY_S = 86_400
TIMES = {"Today": 1, "Last 7 days": 7, "Last 30 days": 30}
EMPTY = "No clip fits. What you make in Create is kept here."
PLAIN = {"container": False, "padding": False, "apply_default_css": False}


def draw(page: gr.Blocks, studio: Studio, desk: Desk) -> None:
    """Draws the tab into `page`, which is being built, and connects it to the gallery."""
    with gr.Row(elem_id="search", equal_height=True):
        filters = _filters()
    number = gr.State(0)
    with gr.Row(elem_id="gallery", equal_height=False):
        with gr.Column(scale=5, min_width=330):
            cards = Cards(closed=desk.closed(), empty=EMPTY, elem_id="grid")
            with gr.Row(elem_id="pages"):
                newer = gr.Button(label("Newer"), size="sm", min_width=90, scale=0, interactive=False)
                where = gr.HTML("", elem_id="where", **PLAIN)
                older = gr.Button(label("Older"), size="sm", min_width=90, scale=0, interactive=False)
        acts = details.draw(studio, desk, cards)
    dropped.draw(desk)
    outputs = [cards, number, where, newer, older, filters[5]]

    def found(request: gr.Request, at: Any, *values: Any) -> Page:
        return studio.gallery.page(desk.owner(request), query(*values), page=_whole(at), size=SIZE)

    def turn(step: int) -> Any:
        def show(request: gr.Request, at: Any, *values: Any) -> list[Any]:
            try:
                now = _whole(at) + step
                return _shown(studio, desk.owner(request), found(request, now, *values), now)
            except StudioError as error:
                raise sentence(error) from error

        return show

    def first(request: gr.Request, *values: Any) -> list[Any]:
        return turn(0)(request, 0, *values)

    def load(request: gr.Request, at: Any, *values: Any) -> list[dict[str, Any]]:
        return [card(entry) for entry in found(request, at, *values).entries]

    here = {"inputs": [number, *filters], "outputs": outputs, **FAST}
    newer.click(turn(-1), **here)
    older.click(turn(1), **here)
    changes = [widget.input for widget in filters]
    gr.on(changes, first, filters, outputs, trigger_mode="always_last", **FAST)
    gr.on([page.load, desk.tabs.change], turn(0), **here)
    connect(cards, studio.gallery, desk, load=load, inputs=[number, *filters], acts=acts)


def query(*values: Any) -> Query:
    """What the widgets of `_filters` say, in their order. Raises `BadRequest` for what no widget sends."""
    text, task, model, aspect, when, tag, starred = values
    if when not in (None, "", *TIMES):
        raise BadRequest("when", f"must be one of {', '.join(TIMES)}")
    since = time.time() - TIMES[when] * DAY_S if when else None
    return Query(
        text=text or "",
        task=task or None,
        model=model or None,
        aspect=aspect or None,
        since=since,
        tag=tag or None,
        starred=True if starred else None,
    )


def _filters() -> list[Any]:
    """Search, task, model, shape, time, tag, favourites."""
    tasks = [(task.replace("-", " ").capitalize(), task) for task in TASKS]
    models = [row.name for row in catalog.specs()]
    small = {"min_width": 120, "scale": 1, "value": ""}
    search = gr.Textbox(
        label=label("Search"), placeholder=label("Words of the prompt"), scale=3, min_width=220, elem_id="words"
    )
    return [
        search,
        gr.Dropdown([("Any task", ""), *tasks], label=label("Task"), **small),
        gr.Dropdown([("Any model", ""), *models], label=label("Model"), **small),
        gr.Dropdown([("Any shape", ""), *ASPECTS], label=label("Shape"), **small),
        gr.Dropdown([("Any time", ""), *TIMES], label=label("Made"), **small),
        gr.Dropdown([("Any tag", "")], label=label("Tag"), **small),
        gr.Checkbox(label=label("Favourites"), container=True, min_width=120, elem_id="favourites"),
    ]


def _shown(studio: Studio, owner: str, page: Page, at: int) -> list[Any]:
    """Cards, number of the page, where that is, the buttons and the tags to choose from."""
    if at and not page.entries:  # the last one of the last page was deleted
        return [gr.skip(), 0, gr.skip(), gr.skip(), gr.skip(), gr.skip()]
    first, last = at * SIZE + 1, at * SIZE + len(page.entries)
    said = f"{first} to {last} of {page.total:,}" if page.total > SIZE else _count(page.total)
    tags = [("Any tag", ""), *((f"{tag} ({count})", tag) for tag, count in studio.gallery.tags(owner).items())]
    return [
        [card(entry) for entry in page.entries],
        at,
        f'<p class="hint">{said}</p>',
        gr.Button(interactive=at > 0, visible=page.total > SIZE),
        gr.Button(interactive=last < page.total, visible=page.total > SIZE),
        gr.Dropdown(choices=tags),
    ]


def _count(total: int) -> str:
    return "" if not total else "1 clip" if total == 1 else f"{total} clips"


def _whole(number: Any) -> int:
    if type(number) is not int or number < 0:
        raise BadRequest("page", "is not a page")
    return number

"""Gallery: every clip of one person as posters that play under the pointer, found by words and filters, 24 a page.

A clip opens beside the grid; the form of Create is left alone until an act says otherwise.
"""

import time
from collections.abc import Sequence
from typing import Any

import gradio as gr

from pipelines import catalog
from pipelines.errors import BadRequest, StudioError
from pipelines.requests import ASPECTS, TASKS
from studio.gallery import Page, Query
from studio.studio import Studio
from studio.ui import deleted, details, dropped
from studio.ui.cards import Cards, card, connect
from studio.ui.desk import FAST, Desk
from studio.ui.form import sentence
from studio.ui.parts import PLAIN
from studio.ui.retold import task_name
from studio.ui.words import Say, label, say_to

NAME = "Gallery"
SIZE = 24
DAY_S = 86_400
TIMES = {"Today": 1, "Last 7 days": 7, "Last 30 days": 30}
TO_TOP = "() => document.querySelector('#grid').scrollIntoView()"
EMPTY = "No clip fits. What you make in Create is kept here."


def draw(page: gr.Blocks, studio: Studio, desk: Desk) -> None:
    """Draws the tab into `page`, which is being built, and connects it to the gallery."""
    with gr.Row(elem_id="search", equal_height=True):
        filters = _filters()
    with gr.Row(elem_id="gallery", equal_height=False):
        with gr.Column(scale=5, min_width=330):
            pages = _Pages(studio, desk, filters)
        acts, opened = details.draw(studio, desk, pages.cards)
    binned, look, back = deleted.draw(studio, desk)
    dropped.draw(desk)
    back.then(pages.same, **pages.all)
    opened.failure(pages.same, **pages.all)
    words, *others = filters  # gradio says "input" of a field for keys alone: neither Backspace nor paste is one
    changes = [words.change, *(widget.input for widget in others)]
    gr.on(changes, pages.first, **pages.all, trigger_mode="always_last")

    def load(request: gr.Request, *asked: Any) -> list[Any]:
        return [*pages.same(request, *asked), look(request)]

    beside = [*pages.shown[1:], binned]
    gr.on([desk.tab.select, desk.retaken], load, pages.asked, [pages.cards, *beside], **FAST)
    connect(pages.cards, studio.gallery, desk, load=load, inputs=pages.asked, acts=acts, beside=beside)


class _Pages:
    """The grid and what stands around it. Every event gets the number of the page and the values of the filters."""

    def __init__(self, studio: Studio, desk: Desk, filters: list[Any]):
        self._gallery, self._desk = studio.gallery, desk
        self._number = gr.State(0)
        self.cards = Cards(empty=EMPTY, elem_id="grid")
        with gr.Row(elem_id="pages"):
            newer = gr.Button(label("Newer"), size="sm", min_width=90, scale=0, visible=False)
            where = gr.HTML("", elem_id="where", **PLAIN)
            older = gr.Button(label("Older"), size="sm", min_width=90, scale=0, visible=False)
        self.asked = [self._number, *filters]
        self.shown = [self.cards, self._number, where, newer, older, filters[5]]
        self.all = {"inputs": self.asked, "outputs": self.shown, **FAST}
        for turned in (newer.click(self.newer, **self.all), older.click(self.older, **self.all)):
            turned.success(None, js=TO_TOP, api_visibility="private")

    def first(self, request: gr.Request, at: int, *values: Any) -> list[Any]:
        """The first page of what fits."""
        return self._turn(request, 0, *values)

    def same(self, request: gr.Request, at: int, *values: Any) -> list[Any]:
        """The same page, as it is now."""
        return self._turn(request, at, *values)

    def newer(self, request: gr.Request, at: int, *values: Any) -> list[Any]:
        """The page before this one."""
        return self._turn(request, at - 1, *values)

    def older(self, request: gr.Request, at: int, *values: Any) -> list[Any]:
        """The page after this one."""
        return self._turn(request, at + 1, *values)

    def _turn(self, request: gr.Request, at: int, *values: Any) -> list[Any]:
        """The cards of a page, its number, where it is among all, the two buttons, and the tags to choose from."""
        try:
            at, found = self._found(request, at, values)
        except StudioError as error:
            raise sentence(error, request) from error
        say = say_to(request)
        several, last = found.total > SIZE, at * SIZE + len(found.entries)
        said = say("{first} to {last} of {total}", first=at * SIZE + 1, last=last, total=f"{found.total:,}")
        tags = self._gallery.tags(self._desk.owner(request)).items()
        return [
            [card(entry) for entry in found.entries],
            at,
            f'<p class="hint">{said if several else _count(found.total, say)}</p>',
            gr.Button(interactive=at > 0, visible=several),
            gr.Button(interactive=last < found.total, visible=several),
            gr.Dropdown(choices=[(say("Any tag"), ""), *((f"{tag} ({count})", tag) for tag, count in tags)]),
        ]

    def _found(self, request: gr.Request, at: int, values: Sequence[Any]) -> tuple[int, Page]:
        """The page and its number: the last one where there are fewer by now."""
        owner, asked = self._desk.owner(request), query(*values)
        found = self._gallery.page(owner, asked, page=(at := max(0, at)), size=SIZE)
        last = max(0, (found.total - 1) // SIZE)
        return (at, found) if at <= last else (last, self._gallery.page(owner, asked, page=last, size=SIZE))


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
    tasks = [(task_name(task), task) for task in TASKS]
    models = [row.name for row in catalog.specs()]
    small = {"min_width": 150, "scale": 1, "value": ""}
    search = gr.Textbox(
        label=label("Search"), placeholder=label("Words of the prompt"), scale=2, min_width=160, elem_id="words"
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


def _count(total: int, say: Say) -> str:
    return "" if not total else say("1 clip") if total == 1 else say("{n} clips", n=total)

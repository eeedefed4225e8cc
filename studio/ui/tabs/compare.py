"""Compare: two to four clips locked in time, and below them what differs in how they were made and what was measured.

?tab=compare&clips=ID,ID&view=wipe opens a comparison; only whose clips these are sees them. Files that are added are
made again by the house, are not kept, and cannot be linked to.
"""

import os
from pathlib import Path
from typing import Any

import gradio as gr

from pipelines.errors import StudioError
from studio import measures
from studio.gallery import Gallery
from studio.studio import Studio
from studio.ui.cards import Cards, card, connect
from studio.ui.comparison import MOST, Compare, Sheet
from studio.ui.desk import FAST, QUIET, SENT, Desk
from studio.ui.form import sentence
from studio.ui.guests import Guest, admit
from studio.ui.lineup import compared, staged
from studio.ui.post import tab_id
from studio.ui.words import label, say_to

NAME = "Compare"
ACTS = ("compare",)
EMPTY = "Your takes appear here; choose two to four and press Compare."
KINDS = [".mp4", ".mov", ".webm", ".mkv", ".png", ".jpg", ".jpeg", ".webp"]


def draw(page: gr.Blocks, studio: Studio, desk: Desk) -> None:
    """Draws the tab into `page`, which is being built, and listens for the act `compare`."""
    table = _Table(studio, desk)
    takes = Cards(layout="strip", empty=EMPTY, elem_id="candidates")
    with gr.Row(elem_id="bring"):
        add = gr.UploadButton(label("Add a file"), file_types=KINDS, size="sm", scale=0, min_width=140)
        table.weigh.render()
    table.sheet.render()
    slow = {"concurrency_limit": 1, "show_progress_on": [table.weigh], "api_visibility": "private"}
    desk.order.change(table.ordered, [desk.order, table.chosen], table.shown, **FAST)
    table.sheet.drop(table.without, table.chosen, table.shown, **FAST)
    table.weigh.click(table.measured, table.chosen, [table.sheet, table.weigh], **slow)
    add.upload(table.brought, [add, table.chosen], table.shown, concurrency_limit=2, **QUIET)
    page.load(table.linked, None, [*table.shown, desk.tabs], **SENT)

    def load(request: gr.Request) -> list[dict[str, Any]]:
        return [card(entry) for entry in studio.gallery.recent(desk.owner(request))]

    desk.welcome(load, [takes])  # gradio tells nobody of a tab that an order has opened
    desk.retaken(load, None, takes, **FAST)
    connect(takes, studio.gallery, desk, load=load)


class _Table:
    """What lies on the table: `chosen` holds ids of clips and Guests; every answer is what `shown` shows of them."""

    def __init__(self, studio: Studio, desk: Desk):
        self._gallery, self._settings, self._desk = studio.gallery, studio.settings, desk
        self.stage = Compare(elem_id="compared")
        self.weigh = gr.Button(label("Measure"), size="sm", scale=0, min_width=140, visible=False, render=False)
        self.sheet = Sheet(elem_id="differences", render=False)
        self.chosen = gr.State([])
        self.shown = [self.chosen, self.stage, self.sheet, self.weigh]

    def ordered(self, order: Any, names: Any, request: gr.Request) -> list[Any]:
        """Cards: several replace what is here, one joins it."""
        new = order.get("clips") or [order["clip"]]
        kept = [name for name in names if name not in new] if len(new) == 1 else []
        return self._show([*kept[1 - MOST :], *new], request)

    def without(self, event: gr.EventData, names: Any, request: gr.Request) -> list[Any]:
        """One column is taken away."""
        number = event._data.get("number") if isinstance(event._data, dict) else None
        return self._show([name for at, name in enumerate(names) if at != number], request)

    def brought(self, path: str, names: Any, request: gr.Request) -> list[Any]:
        """A file joins."""
        try:
            return self._show([*names[1 - MOST :], admit(Path(path), self._settings)], request)
        except StudioError as error:
            raise sentence(error, request) from error
        finally:
            os.unlink(path)  # the house has its own copy

    def measured(self, names: Any, request: gr.Request) -> list[Any]:
        """The table with measured facts."""
        try:
            for _, path in lineup(self._gallery, self._desk.owner(request), names):
                measures.measure(path)
        except StudioError as error:
            raise sentence(error, request) from error
        return self._show(names, request)[2:]

    def linked(self, request: gr.Request) -> list[Any]:
        """What the address of the page asks for."""
        link = request.query_params
        if link.get("tab") != tab_id(NAME) or "clips" not in link:
            return [gr.skip()] * (len(self.shown) + 1)
        asked = str(link["clips"]).split(",")[:MOST]
        shown = self._show(asked, request, str(link.get("view", "side")))
        if lacks := len(asked) - len(shown[0]):
            gr.Warning(say_to(request)("Not yours, or deleted: {n} of the clips of this link", n=lacks))
        return [*shown, gr.Tabs(selected=tab_id(NAME))]

    def _show(self, names: list[Any], request: gr.Request, view: str = "side") -> list[Any]:
        here = lineup(self._gallery, self._desk.owner(request), names)
        clips, facts = [each for each, _ in here], [measures.kept(path) for _, path in here]
        left = [each if isinstance(each, Guest) else each.id for each in clips]
        return [left, staged(clips, view), compared(clips, facts, say_to(request)), gr.Button(visible=None in facts)]


def lineup(gallery: Gallery, owner: str, names: list[Any]) -> list[tuple[Any, Path]]:
    """The clips of this owner and the guests among `names`, four at most, each with its file."""
    found = []
    for name in names[:MOST]:
        each = name if isinstance(name, Guest) else gallery.get(name, owner)
        path = name.path if isinstance(name, Guest) else gallery.path(name, owner, "clip")
        if each is not None and path is not None:
            found.append((each, path))
    return found

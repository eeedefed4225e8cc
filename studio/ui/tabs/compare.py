"""Compare: two to four clips locked in time, and below them what differs in how they were made.

?tab=compare&clips=ID,ID&view=wipe opens a comparison; only whose clips these are sees them.
"""

from typing import Any

import gradio as gr

from studio.gallery import Entry
from studio.studio import Studio
from studio.ui.cards import Cards, card, connect
from studio.ui.comparison import MOST, Compare, Sheet, rows
from studio.ui.desk import FAST, Desk, tab_id
from studio.ui.details import told

NAME = "Compare"
ACTS = ("compare",)
EMPTY = "Your takes appear here; choose two to four and press Compare."


def draw(page: gr.Blocks, studio: Studio, desk: Desk) -> None:
    """Draws the tab into `page`, which is being built, and listens for the act `compare`."""
    stage = Compare(elem_id="compared")
    takes = Cards(layout="strip", closed=desk.closed(), empty=EMPTY, elem_id="candidates")
    sheet = Sheet(elem_id="differences")
    chosen = gr.State([])
    shown = [chosen, stage, sheet]

    def show(names: list[str], owner: str, view: str = "side") -> list[Any]:
        found = [studio.gallery.get(name, owner) for name in names[:MOST]]
        entries = [entry for entry in found if entry is not None]
        return [[entry.id for entry in entries], staged(entries, view), compared(entries)]

    def ordered(order: Any, names: Any, request: gr.Request) -> list[Any]:
        if order["act"] not in ACTS:
            return [gr.skip()] * len(shown)
        new = order.get("clips") or [order["clip"]]
        kept = [name for name in names if name not in new] if len(new) == 1 else []
        return show([*kept[-(MOST - 1) :], *new], desk.owner(request))

    def drop(event: gr.EventData, names: Any, request: gr.Request) -> list[Any]:
        number = event._data.get("number") if isinstance(event._data, dict) else None
        return show([name for at, name in enumerate(names) if at != number], desk.owner(request))

    def load(request: gr.Request) -> list[dict[str, Any]]:
        return [card(entry) for entry in studio.gallery.recent(desk.owner(request))]

    def follow(request: gr.Request) -> list[Any]:
        link = request.query_params
        if link.get("tab") != tab_id(NAME) or "clips" not in link:
            return [gr.skip()] * (len(shown) + 1)
        names = str(link["clips"]).split(",")
        return [*show(names, desk.owner(request), str(link.get("view", "side"))), gr.Tabs(selected=tab_id(NAME))]

    desk.order.change(ordered, [desk.order, chosen], shown, **FAST)
    sheet.drop(drop, chosen, shown, **FAST)
    gr.on([page.load, desk.tabs.change], load, None, takes, **FAST)
    page.load(follow, None, [*shown, desk.tabs], **FAST)
    connect(takes, studio.gallery, desk, load=load, inputs=[])


def staged(entries: list[Entry], view: str) -> dict[str, Any] | None:
    """What the stage shows of these clips."""
    if not entries:
        return None
    clips = [
        {
            "id": entry.id,
            "src": f"media/{entry.id}/clip",
            "poster": f"media/{entry.id}/poster",
            "kind": entry.kind,
            "label": entry.prompt or entry.task,
        }
        for entry in entries
    ]
    return {"clips": clips, "fps": max(entry.fps for entry in entries), "view": view}


def compared(entries: list[Entry]) -> dict[str, Any] | None:
    """The table of what was asked for and what came of it."""
    if not entries:
        return None
    columns = [{"label": entry.prompt or entry.task, "poster": f"media/{entry.id}/poster"} for entry in entries]
    return {"columns": columns, "rows": rows([{"Prompt": entry.prompt, **told(entry)} for entry in entries])}

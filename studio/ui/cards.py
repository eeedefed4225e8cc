"""Clips as cards, the same everywhere: a grid or a filmstrip. What is typed into prompts reaches the page as text only.

`Cards` shows plain dicts made by `card`; `connect` ties star, tag, delete, undo and archive to the gallery.
"""

import html
from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from pipelines.errors import BadRequest, StudioError
from studio.gallery import Entry, Gallery
from studio.ui.desk import SENT, Desk
from studio.ui.element import Element
from studio.ui.form import refusal
from studio.ui.words import say_to

SUFFIXES = {"clip": ".mp4", "still": ".png", "sound": ".wav"}


class Cards(Element):
    """value: a list of cards, or {"cards": [...], "undo": {"token", "clips"}} after something was deleted.

    `layout` is "grid" or "strip"; `empty` is said when there is no card. Events, each with `gr.EventData`:
    `act` {"act", "clip", "clips"} for `desk.send`, `open` {"clip"}, `keep` {"act", "clips", ...} for `connect`.
    """

    markup = "cards.html"
    scripts = ("acts.js", "cards.js")
    styles = ("acts.css", "cards.css")

    def __init__(self, value: Any = None, *, layout: str = "grid", empty: str = "", **look: Any):
        super().__init__(value, given={"layout": layout, "empty": empty}, **look)


class Acts(Element):
    """The acts of a card in a row, for the one clip that is shown. value: a card or None. Events: those of `Cards`."""

    markup = "acts.html"
    scripts = ("acts.js", "act_bar.js")
    styles = ("acts.css",)


def card(entry: Entry) -> dict[str, Any]:
    """What a card shows of a clip: plain data, with addresses relative to the page."""
    return {
        "id": entry.id,
        "src": f"media/{entry.id}/clip",
        "poster": f"media/{entry.id}/poster",
        "file": f"rushes-{entry.id[:12]}{SUFFIXES[entry.kind]}",
        "kind": entry.kind,
        "prompt": entry.prompt or entry.task,
        "model": entry.model,
        "size": f"{entry.width} x {entry.height}" if entry.width else "",
        "seconds": entry.seconds,
        "created": entry.created,
        "starred": entry.starred,
        "tags": list(entry.tags),
    }


def connect(
    cards: Cards,
    gallery: Gallery,
    desk: Desk,
    *,
    load: Callable[..., Any],
    inputs: Sequence[Any] = (),
    acts: Acts | None = None,
    beside: Sequence[Any] = (),
) -> None:
    """Makes the buttons of the cards, and of `acts` beside them, work.

    `load(request, *inputs)` gives what there is to show after a change: the cards; or a list of them and of what stands
    `beside` them, if something does.
    """

    def keep(event: gr.EventData, request: gr.Request, *values: Any) -> Any:
        asked = event._data if isinstance(event._data, dict) else {}
        try:
            undo = changed(gallery, desk.owner(request), asked)
        except StudioError as error:
            # No gr.Error, after which nothing is shown: that the cards here are old may be why, so there are new ones.
            gr.Warning(html.escape(refusal(error, say_to(request))), duration=12)
            undo = None
        now, *rest = load(request, *values) if beside else [load(request, *values)]
        shown = {"cards": now, "undo": undo} if undo else now
        return [shown, *rest] if beside else shown  # gradio takes a list for the value of an output that is alone

    for source in filter(None, (cards, acts)):
        desk.send(source.act)
        source.keep(keep, inputs, [cards, *beside], trigger_mode="multiple", **SENT)


def changed(gallery: Gallery, owner: str, asked: dict[str, Any]) -> dict[str, Any] | None:
    """Does what a card or the tray asked for; returns what undoes it, if something does. Raises `BadRequest`."""
    act, clips = asked.get("act"), asked.get("clips")
    if not isinstance(clips, list) or not all(isinstance(clip, str) for clip in clips):
        raise BadRequest("clips", "is not a list of clips")
    if act == "delete":
        return {"token": gallery.delete(clips, owner), "clips": clips}
    if act == "undo":
        gallery.undo(str(asked.get("token")), owner)
    elif act == "star":
        for clip in clips:
            gallery.star(clip, owner, asked.get("on") is True)
    elif act == "tag":
        _add_tag(gallery, owner, clips, str(asked.get("tag", "")))
    else:
        raise BadRequest("act", "is nothing that a card can do")
    return None


def _add_tag(gallery: Gallery, owner: str, clips: list[str], tag: str) -> None:
    for clip in clips:
        entry = gallery.get(clip, owner)
        if entry is None:
            raise BadRequest("clip", "there is no such clip; it may have been deleted")
        gallery.tag(clip, owner, {*entry.tags, tag})

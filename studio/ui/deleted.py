"""What was deleted in the last month, at the end of the gallery: each clip can be seen and brought back."""

import html
from collections.abc import Callable
from typing import Any

import gradio as gr

from pipelines.errors import BadRequest
from studio.studio import Studio
from studio.ui.desk import SENT, Desk
from studio.ui.element import Element
from studio.ui.form import refusal
from studio.ui.words import label, say_to


class Deleted(Element):
    """value: a list of {"id", "picture", "says"}. Event `back` with {"clip"}."""

    markup = "deleted.html"
    scripts = ("deleted.js",)
    styles = ("deleted.css",)


def draw(studio: Studio, desk: Desk) -> tuple[Deleted, Callable[[gr.Request], Any], Any]:
    """Draws it, closed. Returns it, what loads it, and the event after which a clip is back in the gallery."""
    with gr.Accordion(label("Deleted"), open=False):
        shown = Deleted([], elem_id="deleted")

    def load(request: gr.Request) -> list[dict[str, Any]]:
        entries = studio.gallery.deleted(desk.owner(request))
        return [
            {"id": each.id, "picture": f"media/{each.id}/deleted", "says": each.prompt or each.task} for each in entries
        ]

    def back(event: gr.EventData, request: gr.Request) -> list[dict[str, Any]]:
        asked = event._data if isinstance(event._data, dict) else {}
        try:
            studio.gallery.restore(asked.get("clip"), desk.owner(request))
        except BadRequest as error:
            gr.Warning(html.escape(refusal(error, say_to(request))))
        return load(request)

    return shown, load, shown.back(back, None, shown, **SENT)

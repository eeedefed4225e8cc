"""The panel beside the grid: one clip large, what was asked for it and what can be done with it."""

import html
import time
from typing import Any

import gradio as gr

from pipelines.errors import BadRequest, StudioError
from studio.gallery import Entry
from studio.studio import Studio
from studio.ui.cards import Acts, Cards, card
from studio.ui.desk import FAST, SENT, Desk
from studio.ui.form import sentence
from studio.ui.parts import PLAIN
from studio.ui.player import Player, film
from studio.ui.words import Say, label, say_to

SAID_ELSEWHERE = {"task", "prompt", "seed", "model", "still", "seconds", "fps", "aspect"}


def draw(studio: Studio, desk: Desk, cards: Cards) -> tuple[Acts, Any]:
    """Draws the panel, closed; a card that is opened opens it.

    Returns the acts of the clip that is shown, and the event of opening, which fails where the clip is gone.
    """
    with gr.Column(scale=3, min_width=330, visible=False, elem_id="details") as panel:
        close = gr.Button(label("Close"), size="sm", elem_id="close")
        player = Player(elem_id="look")
        facts = gr.HTML("", elem_id="facts", **PLAIN)
        acts = Acts(elem_id="acts")
        tags = gr.Textbox(
            label=label("Tags"), info=label("Separated by commas; Enter keeps them."), max_length=400, elem_id="tags"
        )
    opened = gr.State("")
    outputs = [panel, opened, player, facts, acts, tags]

    def look(event: gr.EventData, request: gr.Request) -> list[Any]:
        name = event._data.get("clip") if isinstance(event._data, dict) else None
        entry = studio.gallery.get(name, desk.owner(request))
        if entry is None:
            raise sentence(BadRequest("clip", "there is no such clip; it may have been deleted"), request)
        return _opened(entry, say_to(request))

    def kept(name: Any, request: gr.Request) -> list[Any]:
        gone = studio.gallery.get(name, desk.owner(request)) is None
        return _closed() if gone and name else [gr.skip()] * len(outputs)

    def retag(name: Any, text: Any, request: gr.Request) -> list[str]:
        wanted = [part.strip() for part in str(text).split(",") if part.strip()]
        try:
            studio.gallery.tag(name, desk.owner(request), wanted)
        except (BadRequest, StudioError) as error:
            raise sentence(error, request) from error
        return ", ".join(sorted(wanted))

    looked = cards.open(look, None, outputs, **SENT)
    cards.change(kept, opened, outputs, **FAST)
    close.click(_closed, None, outputs, **FAST)
    tags.submit(retag, [opened, tags], tags, **SENT)
    return acts, looked


def _closed() -> list[Any]:
    return [gr.Column(visible=False), "", None, "", None, ""]


def _opened(entry: Entry, say: Say) -> list[Any]:
    return [
        gr.Column(visible=True),
        entry.id,
        film(entry),
        described(entry, say),
        card(entry),
        ", ".join(entry.tags),
    ]


def described(entry: Entry, say: Say) -> str:
    """Prompt and facts of a clip as HTML."""
    facts = told(entry, say).items()
    rows = "".join(f"<dt>{html.escape(name)}</dt><dd>{html.escape(value)}</dd>" for name, value in facts)
    return f'<p class="what" dir="auto">{html.escape(entry.prompt or entry.task)}</p><dl class="told">{rows}</dl>'


def told(entry: Entry, say: Say) -> dict[str, str]:
    """What there is to say of a clip but its prompt: {name: value} for people."""
    length = {"seconds": f"{entry.seconds:g}", "frames": entry.frames, "fps": entry.fps}
    facts = {
        "Model": entry.model,
        "Seed": str(entry.seed),
        "Length": say("{seconds} s, {frames} frames at {fps} fps", **length) if entry.seconds else say("a still"),
        "Size": f"{entry.width} x {entry.height} ({entry.aspect})" if entry.width else "",
    }
    for name, value in entry.request.items():
        if name not in SAID_ELSEWHERE and value not in ("", None, False):
            facts[name.replace("_", " ").capitalize()] = f"{value:g}" if isinstance(value, float) else str(value)
    facts["Made"] = time.strftime("%d %b %Y, %H:%M", time.localtime(entry.created))
    facts["Took"] = f"{entry.elapsed_s:.0f} s"
    facts["File"] = f"{entry.bytes / 1e6:.1f} MB" if entry.bytes >= 1e6 else f"{-(-entry.bytes // 1000)} kB"
    return {say(name): value for name, value in facts.items() if value}

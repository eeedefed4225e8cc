"""Verify: drop any file, and it says in plain words where it comes from and whether it was changed."""

import html
from pathlib import Path
from typing import Any

import gradio as gr

from pipelines.errors import StudioError
from studio import seal
from studio.studio import Studio
from studio.ui import parts
from studio.ui.desk import QUIET, Desk
from studio.ui.retold import refusal
from studio.ui.words import Say, label, say_to

NAME = "Verify"
ACTS = ("verify",)
TITLE = {
    "valid": "Made here, and not changed",
    "changed": "Changed after it was signed",
    "foreign": "Signed by somebody else",
    "absent": "Not signed",
}
REFUSED = "That cannot be checked"
MARKED = "Made here: its watermark says so"
HIDDEN = ("task", "negative")


def draw(page: gr.Blocks, studio: Studio, desk: Desk) -> None:
    """Draws the tab into `page`, which is being built, and listens for the act `verify`."""
    upload = gr.File(label=label("A film, a picture or a sound"), elem_id="verify-file", height=160)
    told = gr.HTML("", elem_id="verified", **parts.PLAIN)

    def told_of(path: Path, request: gr.Request) -> str:
        say = say_to(request)
        try:
            return shown(look(studio, path, desk.owner(request)), say)
        except StudioError as error:
            return card("refused", say(REFUSED), [refusal(error, say)])

    def dropped(file: Any, request: gr.Request) -> tuple[None, str]:
        path = Path(str(file))
        try:
            return None, told_of(path, request)
        finally:
            path.unlink(missing_ok=True)  # gradio's copy: nothing of what people ask about is kept

    def ordered(order: Any, request: gr.Request) -> Any:
        path = studio.gallery.path(order["clip"], desk.owner(request), "clip")
        return told_of(path, request) if path else gr.skip()

    # Through the queue, which has room for two: reading a file takes a processor for a second or two.
    queued = {"concurrency_limit": 2, "concurrency_id": "verify", **QUIET}
    upload.upload(dropped, upload, [upload, told], **queued)
    desk.order.change(ordered, desk.order, told, **queued)


def look(studio: Studio, path: Path, owner: str) -> dict[str, Any]:
    """The JSON of `verify`, which names a clip of the gallery only to whose it is."""
    return seal.look(path, studio.settings, mine=lambda clip: studio.gallery.get(clip, owner) is not None)


def shown(found: dict[str, Any], say: Say) -> str:
    """What was found, as HTML. Everything in it may be a stranger's."""
    title = MARKED if found["watermark"]["found"] and found["signature"] != "valid" else TITLE[found["signature"]]
    cards = [card(found["signature"], say(title), [say(text) for text in found["says"]])]
    if settings := found["settings"]:
        facts = {str(name): str(value) for name, value in settings.items() if name not in HIDDEN and value != ""}
        cards.append(parts.facts(say("Settings in the file"), facts))
    return f'<div class="about">{"".join(cards)}</div>'


def card(kind: str, title: str, sentences: list[str]) -> str:
    """A heading and what there is to say under it."""
    told = "".join(f"<p>{html.escape(text)}</p>" for text in sentences)
    return f'<section class="card wide {kind}" role="status"><h2>{html.escape(title)}</h2>{told}</section>'

"""A place to drop a file on: the settings in it, and a button that puts them into the form for such a request."""

import html
from pathlib import Path
from typing import Any

import gradio as gr

from pipelines.errors import StudioError
from pipelines.media import foreign
from studio.ui.desk import FAST, QUIET, SENT, Desk
from studio.ui.parts import PLAIN
from studio.ui.retold import refusal
from studio.ui.words import Say, label, say_to

KINDS = [".mp4", ".mov", ".webm", ".mkv", ".png", ".jpg", ".jpeg", ".webp", ".wav"]
SHOWN = ("prompt", "negative", "model", "seed", "seconds", "aspect", "steps", "guidance")


def draw(desk: Desk) -> None:
    """Draws the place, and sends what is found as an order {"act": "reuse", "request"} to the tab of its task."""
    with gr.Row(elem_id="dropped", equal_height=True):
        file = gr.File(label=label("Settings of a file"), file_types=KINDS, height=132, scale=2, min_width=260)
        with gr.Column(scale=3, min_width=260):
            said = gr.HTML(_hint(str), **PLAIN)
            use = gr.Button(label("Use these settings"), visible=False, size="md")
    found = gr.State(None)

    def read(path: str, request: gr.Request) -> list[Any]:
        say = say_to(request)
        try:
            what = foreign.settings_of(Path(path))
        except StudioError as error:
            return [None, None, _refused(refusal(error, say)), gr.Button(visible=False)]  # the box is free for another
        finally:
            Path(path).unlink(missing_ok=True)  # what was dropped is not kept
        return [None, what and what.fields, _told(what, say), gr.Button(visible=what is not None)]

    def order(settings: dict[str, Any], request: gr.Request) -> list[Any]:
        return desk.post.deliver({"act": "reuse", "clip": "", "clips": [], "request": settings}, desk.owner(request))

    def hint(request: gr.Request) -> list[Any]:
        return [_hint(say_to(request)), gr.Button(visible=False)]

    def met(request: gr.Request, shown: str) -> Any:
        return _hint(say_to(request)) if shown == _hint(str) else gr.skip()

    desk.greet(met, [said], [said])
    file.upload(read, file, [file, found, said, use], concurrency_limit=2, **QUIET)
    file.clear(hint, None, [said, use], **FAST)
    use.click(order, found, desk.post.outputs, **SENT)


def _hint(say: Say) -> str:
    text = say("Drop a clip that was made here, or a picture or film of A1111 or ComfyUI, to get its settings back.")
    return f'<p class="hint">{html.escape(text)}</p>'


def _refused(text: str) -> str:
    return f'<p class="notice" role="status">{html.escape(text)}</p>'


def _told(found: foreign.Found | None, say: Say) -> str:
    if found is None:
        return _refused(say("There are no settings in this file; sites and messengers often remove them."))
    settings = {name: found.fields[name] for name in SHOWN if found.fields.get(name) not in (None, "")}
    rows = "".join(
        f"<dt>{html.escape(say(name.capitalize()))}</dt><dd>{html.escape(str(value)[:600])}</dd>"
        for name, value in settings.items()
    )
    notes = "".join(f'<p class="hint">{html.escape(note)}</p>' for note in found.notes)
    made = html.escape(say("Made by {maker}", maker=found.source))
    return f'<p class="what">{made}</p><dl class="told">{rows}</dl>{notes}'

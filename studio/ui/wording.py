"""The words of a form: the prompt, what mini knows as chips, and a longer prompt that can be taken back."""

import asyncio
import html
import random
import time
from collections.abc import AsyncIterator
from typing import Any

import gradio as gr
from starlette.concurrency import run_in_threadpool

from pipelines import catalog
from pipelines.enhance import enhance
from pipelines.errors import StudioError, Unavailable
from pipelines.requests import Rewrite, TextToVideo
from pipelines.spec import ModelSpec, seldom
from studio import shop
from studio.board import CANCELLED, DONE
from studio.jobs import forget
from studio.studio import Studio
from studio.ui import palette, sentences
from studio.ui.desk import FAST, QUIET, Desk
from studio.ui.form import Form
from studio.ui.parts import PLAIN
from studio.ui.retold import retold
from studio.ui.words import Say, label, say_to

KNOWS_WORDS = palette.MINI.name  # the model whose words the palette has
ASKS = {
    "edit": "What becomes different: the coat is red, it snows",
    "video-to-sound": "What is heard; nothing is needed",
    "text-to-sound": "What is heard, where, how close",
}
WAIT_S, LOOK_S = 60.0, 0.1  # for the language model, and between two looks at how it stands
ASK = "Who, doing what, where; how the camera moves"


class Wording:
    """Draws the prompt of a form where the caller stands."""

    def __init__(self, form: Form, name: str):
        self.chips = form.request is TextToVideo
        asks = label(ASKS.get(form.request.task, ASK))
        look = {"elem_id": name, "elem_classes": ["ask-prompt"], "lines": 2, "max_lines": 8, "placeholder": asks}
        self.prompt = form.draw("prompt", **look)
        self._before = gr.State("")
        with gr.Row(elem_classes=["ask-longer"]):
            self._longer = gr.Button(label("Say more"), size="sm", min_width=90, visible=bool(form.model.prompt_style))
            self._undo = gr.Button(label("As it was"), size="sm", min_width=90, visible=False)
        self._author = gr.HTML("", elem_classes=["ask-author"], **PLAIN)
        if self.chips:
            self._strangers = gr.HTML("", elem_id="strangers", **PLAIN)
            self._palette = palette.Palette(palette.seen("", say_to(None)), elem_id="palette")

    def connect(self, model: gr.components.Component, desk: Desk) -> None:
        """Ties it to the picker of the model."""
        changed = [self.prompt, self._before, self._undo, self._author]

        async def longer(prompt: str, model: str, request: gr.Request) -> AsyncIterator[tuple[Any, ...]]:
            async for update in _longer(desk.studio, desk.owner(request), str(prompt), str(model), say_to(request)):
                yield update

        # Through the queue, though it takes no time: gradio shows toasts only for queued events.
        self._longer.click(longer, [self.prompt, model], changed, concurrency_limit=None, **QUIET)
        self._undo.click(lambda before: (before, "", gr.Button(visible=False), ""), self._before, changed, **FAST)
        model.change(lambda name: gr.Button(visible=bool(_row(name).prompt_style)), model, self._longer, **FAST)
        if self.chips:
            told = {"fn": _hints, "inputs": [self.prompt, model], "outputs": [self._strangers, self._palette], **FAST}
            gr.on([self.prompt.change, model.change], **told, trigger_mode="always_last")
            desk.greet(_hints, told["inputs"], told["outputs"])
            self._palette.word(_word, self.prompt, self.prompt, **FAST)
            self._palette.surprise(_surprise, None, self.prompt, **FAST)


def hints(prompt: str, say: Say) -> str:
    """Sentences on the words that mini does not know, and on what it seldom manages, as HTML; empty without any."""
    words = [
        say("{word} (nearest: {near})", word=word, near=near) if near else word
        for word, near in sentences.strangers(prompt)
    ]
    hard = seldom(palette.MINI, prompt)
    told = [say("mini does not know: {words}. It will guess.", words=", ".join(words))] if words else []
    told += [say("mini seldom manages: {words}. It mostly shows a spin.", words=", ".join(hard))] if hard else []
    return "".join(f'<p class="notice" role="status">{html.escape(text)}</p>' for text in told)


def _row(name: Any) -> ModelSpec:
    return catalog.spec(str(name))


async def _longer(
    studio: Studio, owner: str, prompt: str, model: str, say: Say, wait_s: float = WAIT_S
) -> AsyncIterator[tuple[Any, ...]]:
    """The prompt with what is missing in it, and who wrote that; the person reads and changes it, or takes it back,
    before it is used. Meanwhile it cannot be edited, or what is typed would be lost."""
    if not prompt.strip():
        gr.Info(say("Write a few words first."))
        return
    more, said = enhance(prompt, _row(model)), say("Added by rules.")
    if name := "" if studio.settings.space else shop.writer_named():
        waits = say("{name} is writing; the drawer of jobs stops it.", name=name)
        yield gr.Textbox(interactive=False), gr.skip(), gr.skip(), _author(waits)
        try:
            written = await _written(studio, owner, Rewrite(prompt=prompt, model=model), wait_s)
            more, said = (written or prompt), say("Written by {name}, on this machine.", name=name)
        except StudioError as error:
            said = say("Added by rules: {reason}.", reason=retold(str(error), say).rstrip("."))
        if more == prompt:
            yield gr.Textbox(interactive=True), gr.skip(), gr.skip(), ""
    if more == prompt:
        gr.Info(say("There is nothing to add to it."))
        return
    yield gr.Textbox(more, interactive=True), prompt, gr.Button(visible=True), _author(said)


async def _written(studio: Studio, owner: str, asked: Rewrite, wait_s: float) -> str:
    """What the worker's language model writes; nothing if its owner stopped it. Raises `StudioError`."""
    jobs, until = studio.jobs, time.monotonic() + wait_s
    id = await run_in_threadpool(jobs.submit, asked, owner)
    while (job := await run_in_threadpool(jobs.get, id, owner)) and not job.over:
        if time.monotonic() > until:
            await run_in_threadpool(jobs.cancel, id, owner)
            raise Unavailable(f"the language model did not answer in {wait_s:g} s")
        await asyncio.sleep(LOOK_S)
    if job is None or job.state == CANCELLED:
        return ""
    await run_in_threadpool(forget, jobs, id, owner)
    if job.state == DONE:
        return job.message
    raise Unavailable(job.message)


def _author(text: str) -> str:
    return f'<p class="hint" role="status">{html.escape(text)}</p>'


def _surprise() -> str:
    return sentences.surprise(random.Random(), without=palette.MINI.seldom)


def _word(prompt: str, event: gr.EventData) -> Any:
    asked = palette.asked(event._data)
    return sentences.put(prompt, *asked) if asked else gr.skip()


def _hints(request: gr.Request, prompt: str, model: str) -> tuple[str, Any]:
    say = say_to(request)
    if model != KNOWS_WORDS:
        return "", gr.update(visible=False)
    return hints(prompt, say), palette.Palette(palette.seen(prompt, say), visible=True)

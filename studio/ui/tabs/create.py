"""Create: a sentence on the left, the film in the middle, the takes under it.

A click only stores jobs; closing or reloading the page stops nothing, and the page finds them again.
"""

from typing import Any

import gradio as gr

from pipelines import catalog
from pipelines.errors import StudioError
from studio.studio import Studio
from studio.ui.composer import Composer, roll
from studio.ui.desk import FAST, QUIET, Desk
from studio.ui.form import sentence
from studio.ui.stage import Stage
from studio.ui.words import label

NAME = "Create"
ACTS = ("reuse", "remix", "prompt", "seed", "watch", "change")
TO_STAGE = "() => { if (innerWidth < 769) scrollTo({top: 0, behavior: 'smooth'}) }"


def draw(page: gr.Blocks, studio: Studio, desk: Desk) -> None:
    """Draws the tab into `page`, which is being built, and connects it to the jobs and the gallery of `studio`."""
    with gr.Row(elem_id="main", equal_height=False):
        with gr.Column(scale=4, min_width=330, elem_id="composer"):
            composer = Composer(studio.jobs, catalog.spec(studio.settings.model))
        with gr.Column(scale=7, min_width=330, elem_id="theatre"):
            stage = Stage(desk)
    changing = gr.State("")  # the id of the waiting job that the form changes, or nothing
    composer.connect(page, stage.strip.change)
    stage.connect()
    _press(studio, desk, composer, stage, changing)
    _orders(studio, desk, composer, stage, changing)


def _press(studio: Studio, desk: Desk, composer: Composer, stage: Stage, changing: gr.State) -> None:
    """The button: new jobs, or the change of one that waits."""
    form = composer.form

    def start(request: gr.Request, job: str, takes: int, keep: bool, *values: Any) -> tuple[Any, ...]:
        try:
            asked = composer.read(takes, keep, *values)
            ids = _submit(studio, desk.owner(request), asked, job)
        except StudioError as error:
            raise sentence(error) from error
        return ({"job": ids[0], "clip": ""}, gr.skip() if keep else roll(), *_changing(""))

    # Through the queue, though it takes no time: gradio shows the toast of a refusal only for queued events.
    begun = composer.go.click(
        start,
        [changing, composer.takes, composer.keep, *form.inputs],
        [stage.watching, composer.seed, changing, composer.go, composer.leave],
        concurrency_limit=None,
        **QUIET,
    )
    desk.look_after(begun.success(None, js=TO_STAGE, api_visibility="private"))
    composer.leave.click(lambda: _changing(""), None, [changing, composer.go, composer.leave], **FAST)


def _submit(studio: Studio, owner: str, asked: list[Any], job: str) -> list[str]:
    if job:
        studio.jobs.edit(job, owner, asked[0])
        return [job]
    return [studio.jobs.submit(request, owner) for request in asked]


def _orders(studio: Studio, desk: Desk, composer: Composer, stage: Stage, changing: gr.State) -> None:
    """What cards and the drawer ask of this tab."""
    form = composer.form

    def order(given: dict[str, Any], request: gr.Request) -> list[Any]:
        act, name, owner = given["act"], given["clip"], desk.owner(request)
        rest = [gr.skip()] * 4
        if act in ("reuse", "remix", "prompt", "seed"):
            entry = studio.gallery.get(name, owner)
            asked = given.get("request") or (entry.request if entry else None)  # of a dropped file, or of a clip
            keep = {"reuse": True, "seed": True, "remix": False}.get(act, gr.skip())
            return [gr.skip(), keep, *rest[1:], *composer.fill(asked, act)] if asked else [gr.skip()] * size
        if act == "watch":
            return [{"job": name, "clip": ""}] + [gr.skip()] * (size - 1)
        job = studio.jobs.get(name, owner) if act == "change" else None
        if job is None:
            return [gr.skip()] * size
        return [{"job": name, "clip": ""}, True, *_changing(name), *composer.fill(job.request.to_dict(), "reuse")]

    outputs = [stage.watching, composer.keep, changing, composer.go, composer.leave, *form.inputs]
    size = len(outputs)
    desk.look_after(desk.order.change(order, desk.order, outputs, **FAST))

    def again(watching: dict[str, str], request: gr.Request) -> tuple[Any, Any]:
        owner = desk.owner(request)
        entry = studio.gallery.get(watching["clip"], owner) if watching["clip"] else None
        job = studio.jobs.get(watching["job"], owner) if watching["job"] else None
        if entry is None and job is None:
            return gr.skip(), gr.skip()
        return entry.seed if entry else job.request.seed, True

    composer.again.click(again, stage.watching, [composer.seed, composer.keep], **FAST)


def _changing(job: str) -> tuple[Any, Any, Any]:
    """Which job the form changes, and the two buttons that say so."""
    return job, gr.Button(label("Save the change") if job else label("Generate")), gr.Button(visible=bool(job))

"""Create: a sentence on the left, the film on the right.

A click only stores a job; a timer asks how it is going, so that closing or reloading the page stops nothing.
"""

import html
import secrets
from pathlib import Path
from typing import Any

import gradio as gr

from pipelines import catalog
from pipelines.errors import StudioError
from pipelines.requests import TextToVideo
from studio.runner import Job
from studio.ui import parts
from studio.ui.desk import FAST, QUIET, Desk
from studio.ui.form import Form, sentence

NAME = "Create"
ACTS = ("reuse", "remix", "prompt", "seed")
EXAMPLES = Path(__file__).resolve().parents[3] / "assets" / "examples"
TO_STAGE = "() => { if (innerWidth < 769) scrollTo({top: 0, behavior: 'smooth'}) }"


def draw(page: gr.Blocks, studio: Any, desk: Desk) -> None:
    """Draws the tab into `page`, which is being built, and connects it to the jobs of `studio`."""
    settings, runner = studio.settings, studio.runner
    model = catalog.spec(settings.model)
    reason = catalog.runs_here(model)
    form = Form(TextToVideo, model)
    with gr.Row(elem_id="main", equal_height=False):
        with gr.Column(scale=3, min_width=330, elem_id="composer"):
            go, stop = _composer(form, reason)
        with gr.Column(scale=5, min_width=330):
            stage_html, caption_html = _example()
            stage = gr.HTML(stage_html, elem_id="stage", container=False, padding=False, apply_default_css=False)
            caption = gr.HTML(caption_html, elem_id="caption", container=False, padding=False, apply_default_css=False)
    gr.HTML(parts.theatre(), elem_id="world", container=False, padding=False, apply_default_css=False)
    # The id alone is kept in the browser: whoever has it may watch and stop this job, and nobody can guess it.
    job = gr.BrowserState("", storage_key="rushes-job", secret=secrets.token_hex(16))
    seen = gr.State("")
    timer = gr.Timer(1, active=False)
    outputs = [seen, stage, caption, go, stop, timer]

    def start(*values: Any) -> tuple[str, Any]:
        try:
            return runner.submit(form.read(*values)), gr.Timer(active=True)
        except StudioError as error:
            raise sentence(error) from error

    def poll(name: Any, before: str) -> Any:
        return _view(runner.job(name) if isinstance(name, str) else None, before)

    def cancel(name: Any) -> None:
        if isinstance(name, str):
            runner.cancel(name)

    watch = {"inputs": [job, seen], "outputs": outputs}
    # Through the queue, though it takes no time: gradio shows the toast of a refused request only for queued events.
    begun = go.click(start, form.inputs, [job, timer], concurrency_limit=None, **QUIET).success(poll, **watch, **FAST)
    begun.then(None, js=TO_STAGE, api_visibility="private")
    stop.click(cancel, job, None, **FAST).then(poll, **watch, **FAST)
    timer.tick(poll, **watch, **FAST)
    page.load(poll, **watch, **FAST)  # opened again, the page finds its job


def _composer(form: Form, reason: str | None) -> tuple[gr.Button, gr.Button]:
    form.draw("prompt", elem_id="prompt", placeholder="Who, where, doing what; how the camera moves")
    gr.HTML(parts.ideas(), container=False, padding=False, apply_default_css=False)
    form.draw("aspect", widget=gr.Radio, elem_classes="shapes")
    with gr.Row():
        seconds = form.draw("seconds", step=1, min_width=180, scale=3)
        still = form.draw("still", label="A still picture", container=True, min_width=120, scale=2, elem_id="still")
    with gr.Accordion("More", open=False):
        form.draw_rest()
    still.change(lambda on: gr.Slider(interactive=not on), still, seconds, **FAST)
    if reason is not None:
        gr.HTML(
            f'<p class="notice" role="alert">{html.escape(reason)}</p>',
            container=False,
            padding=False,
            apply_default_css=False,
        )
    go = gr.Button("Generate", variant="primary", size="lg", elem_id="go", interactive=reason is None)
    stop = gr.Button("Stop", variant="secondary", size="lg", elem_id="stop", visible=False)
    gr.HTML('<p class="hint keys">Ctrl + Enter</p>', container=False, padding=False, apply_default_css=False)
    return go, stop


def _view(job: Job | None, before: str) -> Any:
    """What the page shows of a job: (seen, stage, caption, go, stop, timer), or nothing if that is on it already."""
    if job is None:
        return "", gr.skip(), gr.skip(), gr.Button(visible=True), gr.Button(visible=False), gr.Timer(active=False)
    now = f"{job.id} {job.state} {job.fraction:.3f} {job.message} {job.position} {len(job.notes)}"
    if now == before:
        return (gr.skip(),) * 6
    if job.made is not None:
        stage = parts.picture(Path(job.made["clip"]), job.request.prompt)
    else:
        stage = parts.stopped(job) if job.over else parts.working(job)
    running = not job.over
    return (
        now,
        stage,
        parts.caption(job),
        gr.Button(visible=job.over),
        gr.Button(visible=running, interactive=job.cancelled is None),
        gr.Timer(active=running),
    )


def _example() -> tuple[str, str]:
    """Stage and caption when the page opens: a clip that came with the project, if there is one."""
    clips = sorted(EXAMPLES.glob("*.mp4"))
    if not clips:
        return parts.empty(), ""
    said = clips[0].stem.replace("-", " ")
    return parts.picture(clips[0], said), parts.sample(said)

"""The jobs drawer, on every tab: what waits, runs and is done, and what can be done about it."""

import functools
from typing import Any

import gradio as gr

from pipelines.errors import BadRequest, StudioError
from pipelines.requests import Aside, Download, Rewrite
from studio import inputs
from studio.board import CANCELLED, DONE, QUEUED, RUNNING, WAITING, Job
from studio.jobs import Jobs
from studio.studio import Studio
from studio.ui.desk import QUIET, SENT, Desk, fingerprint
from studio.ui.element import Element
from studio.ui.form import sentence, span
from studio.ui.pulse import News
from studio.ui.retold import named, retold
from studio.ui.uploads import uploaded
from studio.ui.words import Say

PHASES = {
    "loading": "getting the model ready",
    "text": "reading the prompt",
    "sampling": "step {step} of {steps}",
    "decoding": "decoding the pictures",
    "export": "saving",
}
ELSEWHERE = ("watch", "change")  # acts that the tab of the job's task does
HERE = ("cancel", "retry", "duplicate", "move", "pause", "resume")
WORDS = {
    "jobs": "Jobs",
    "pause": "Pause",
    "resume": "Go on",
    "close": "Close",
    "none": "Nothing is being made. What you generate waits and runs here, even if you close the page.",
    "bell": "Play a sound when a take is done",
    "card": "Show a notice when the page is in the background",
    "look": "Show on the stage",
    "done": "A take is done",
    "failed": "A take failed",
}
ACTS = {
    "cancel": "Stop",
    "up": "Earlier",
    "down": "Later",
    "change": "Change",
    "duplicate": "Once more",
    "retry": "Try again",
}


class Drawer(Element):
    """value: what `contents` returns. Events: `act` {"act", "job", "ahead"}, `unpack` {"path"} of an uploaded queue."""

    markup = "drawer.html"
    scripts = ("kept.js", "drawer.js")
    styles = ("drawer.css",)


def draw(desk: Desk) -> Drawer:
    """Draws the drawer and its counter where the caller stands, and ties it to the jobs."""
    drawer = Drawer(elem_id="jobs")
    seen = gr.State(0)

    def view(news: News, before: int) -> tuple[Any, Any]:
        value = contents(news)
        now = fingerprint(value)
        return (now, value) if now != before else (gr.skip(), gr.skip())

    def act(event: gr.EventData, request: gr.Request) -> None:
        try:
            obey(desk.studio.jobs, desk.owner(request), event._data if isinstance(event._data, dict) else {})
        except StudioError as error:
            raise sentence(error, request) from error

    def unpack(event: gr.EventData, request: gr.Request) -> None:
        try:
            add_queue(desk.studio, desk.owner(request), event._data if isinstance(event._data, dict) else {})
        except StudioError as error:
            raise sentence(error, request) from error

    desk.watch(view, [seen], [seen, drawer])
    # Through the queue, though it takes no time: gradio shows the toast of a refusal only for queued events.
    desk.look_after(drawer.act(act, None, None, concurrency_limit=None, **QUIET))
    desk.look_after(drawer.unpack(unpack, None, None, concurrency_limit=2, **QUIET))
    drawer.act(desk.post.relay(ELSEWHERE, "job"), None, desk.post.outputs, **SENT)
    return drawer


def obey(jobs: Jobs, owner: str, asked: dict[str, Any]) -> None:
    """Does what the drawer asked for; what is done elsewhere is left alone. Raises `BadRequest`, `Unavailable`."""
    act, job, ahead = asked.get("act"), asked.get("job"), asked.get("ahead")
    if act in ELSEWHERE:
        return
    if act not in HERE:
        raise BadRequest("act", "is nothing that the drawer can do")
    if act in ("pause", "resume"):
        getattr(jobs, act)(owner)
        return
    if not isinstance(job, str) or not isinstance(ahead, str | None):
        raise BadRequest("job", "is not the id of a job")
    if act == "move":
        jobs.move(job, owner, ahead)
    else:
        getattr(jobs, act)(job, owner)


def add_queue(studio: Studio, owner: str, asked: dict[str, Any]) -> list[str]:
    """Adds the jobs of an uploaded queue to an owner's; its media comes in through the door. Raises as `Jobs` does."""
    file = uploaded("queue", asked.get("path"))
    try:
        return studio.jobs.import_queue(file, owner, functools.partial(inputs.take, settings=studio.settings))
    finally:
        file.unlink(missing_ok=True)


def contents(news: News) -> dict[str, Any]:
    """What the drawer shows: plain data."""
    say = news.say
    rows = [row(job, say, news.paused) for job in news.jobs]
    waiting = [each for each in rows if each["state"] in WAITING]
    for each in waiting[:1]:
        each["acts"] = [act for act in each["acts"] if act["act"] != "up"]
    for each in waiting[-1:]:
        each["acts"] = [act for act in each["acts"] if act["act"] != "down"]
    return {"jobs": rows, "paused": news.paused, "words": {key: say(text) for key, text in WORDS.items()}}


def row(job: Job, say: Say, paused: bool = False) -> dict[str, Any]:
    """One job in the drawer."""
    return {
        "id": job.id,
        "state": job.state,
        "title": title(job),
        "note": standing(job, say, paused),
        "fraction": job.fraction,
        "picture": picture(job),
        "acts": [{"act": act, "label": say(ACTS[act])} for act in _acts(job)],
    }


def title(job: Job) -> str:
    """What a job is called: its prompt, or what it makes if it has none; a download by its model."""
    if isinstance(job.request, Download):
        return job.request.model
    return getattr(job.request, "prompt", "") or job.request.task.replace("-", " ").capitalize()


def picture(job: Job) -> str | None:
    """The address of the best picture of a job that there is."""
    if job.clip:
        return f"media/{job.clip}/poster"
    return f"media/{job.id}/preview/{job.preview}" if job.preview and job.state != DONE else None


def standing(job: Job, say: Say, paused: bool = False) -> str:
    """How a job stands, in a few words: phase, step and time left; its place in the queue; or how it ended."""
    if job.state in WAITING:
        return _waiting(job, say, paused)
    if job.state == RUNNING:
        if job.stopping:
            return say("stopping")
        if isinstance(job.request, Download):
            return say("downloading: {far}", far=retold(job.message, say))
        if isinstance(job.request, Rewrite):
            return say("writing a longer prompt")
        words = say(PHASES.get(job.phase, "starting"), step=job.step, steps=job.steps)
        left = span(job.eta_s, say)
        return say("{words}, about {left} left", words=words, left=left) if left else words
    if job.state == DONE:
        return _done(job, say)
    return say("stopped") if job.state == CANCELLED and not job.message else named(job.message, say)


def _done(job: Job, say: Say) -> str:
    if isinstance(job.request, Rewrite):
        return say("written")
    fetched = isinstance(job.request, Download)
    if not fetched and not job.clip:
        return say("its clip was deleted")
    done = say("downloaded") if fetched else say("done in {time}", time=span(job.elapsed_s, say))
    return f"{done}. {retold(job.message, say)}" if job.message else done


def _waiting(job: Job, say: Say, paused: bool) -> str:
    if paused:
        return say("waits: the queue is paused")
    if job.state != QUEUED:
        return say("its model was interrupted; it begins again")
    place = say("next") if job.position == 0 else say("{count} before it", count=job.position)
    left = span(job.eta_s, say)
    return (
        say("waits: {place}, done in about {left}", place=place, left=left)
        if left
        else say("waits: {place}", place=place)
    )


def _acts(job: Job) -> tuple[str, ...]:
    if isinstance(job.request, Aside):
        again = ("retry",) if isinstance(job.request, Download) else ()
        return () if job.state == DONE or job.stopping else again if job.over else ("cancel",)
    if job.state in WAITING:
        return ("cancel", "up", "down", "change", "duplicate")
    if job.state == RUNNING:
        return () if job.stopping else ("cancel", "duplicate")
    return ("duplicate",) if job.state == DONE else ("retry", "duplicate")

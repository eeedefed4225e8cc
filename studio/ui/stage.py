"""What stands beside every form: what is being made or was made, what can be done with it, and the takes before it."""

import functools
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from pipelines.errors import StudioError
from pipelines.media import video
from pipelines.requests import Download, Rewrite
from studio.board import DONE, FAILED, Job
from studio.gallery import Entry
from studio.ui import cards, drawer
from studio.ui.desk import FAST, NOTHING, QUIET, SENT, Desk, fingerprint
from studio.ui.element import Element
from studio.ui.form import sentence, span
from studio.ui.player import Player, film, shown
from studio.ui.pulse import TAKES, News
from studio.ui.retold import retold
from studio.ui.words import Say, say_in

EXAMPLES = Path(__file__).resolve().parents[2] / "assets" / "examples"
FIRST = EXAMPLES / "penguin.mp4"


class Under(Element):
    """value: what `under` returns. Event: `act` {"act", "clip", "job"}."""

    markup = "under.html"
    scripts = ("kept.js", "under.js")
    styles = ("under.css",)


class Stage:
    """Shows what `desk.watching` names."""

    def __init__(self, desk: Desk):
        self._desk = desk
        self._gallery = desk.studio.gallery
        self._seen, self._strip_seen = gr.State(0), gr.State(0)
        self.player = Player(example(), elem_id="stage")
        self.under = Under(say_of_example(say_in("en")), elem_id="under")
        self.acts = cards.Acts(elem_id="stage-acts")
        self.strip = cards.Cards(layout="strip", empty="Your takes will stand here.", elem_id="takes")
        # gradio says "change" of cards that are the same ones too: who then loaded cards of its own would never rest.
        self._known, self._newest = gr.State(0), gr.State("")
        desk.retaken, desk.learned = self._known.change, self._newest.change

    def connect(self) -> None:
        """Ties it to the jobs and to the gallery."""
        desk, watching = self._desk, self._desk.watching
        desk.watch(self._view, [watching, self._seen], [watching, self._seen, self.player, self.under, self.acts])
        told = [self._known, self._newest]
        desk.watch(self._takes, [self._strip_seen], [self._strip_seen, self.strip, *told])
        cards.connect(self.strip, self._gallery, desk, load=self._mine, acts=self.acts, beside=[self._strip_seen])
        self.strip.change(self._heard, self._strip_seen, told, **SENT)
        desk.look_after(self.strip.open(_opened, None, watching, **FAST))
        desk.look_after(self.under.act(self._stop, None, None, concurrency_limit=None, **QUIET))

    def _view(self, news: News, watching: dict[str, str], before: int) -> tuple[Any, ...]:
        """What stands on the stage now: the job or clip that is watched; else the newest; else an example."""
        job, entry = self._subject(news, watching)
        face = None
        if job is not None and job.state != DONE:
            now, value, said = (
                {"job": job.id, "clip": ""},
                working(job, news.say, news.paused),
                under_job(job, news.say),
            )
        elif entry is not None:
            notes = job.notes if job else ()
            now, value = {"job": "", "clip": entry.id}, film(entry)
            said, face = under(entry, notes, news.say), cards.card(entry)
        else:
            now, value, said = NOTHING, example(), say_of_example(news.say)
        seen = fingerprint((value, said, face))
        if seen == before:
            return (gr.skip(),) * 5
        return now, seen, value, said, face

    def _subject(self, news: News, watching: dict[str, str]) -> tuple[Job | None, Entry | None]:
        jobs = {job.id: job for job in news.jobs}
        job = jobs.get(watching["job"])
        if not watching["job"] and not watching["clip"]:
            job = next((each for each in news.jobs if not each.over and not isinstance(each.request, Rewrite)), None)
        if job is not None and not (job.state == DONE and job.clip is None):  # a download shows nothing when it is done
            return job, self._gallery.get(job.clip, news.owner) if job.clip else None
        if watching["clip"] and (entry := self._gallery.get(watching["clip"], news.owner)):
            return next((each for each in news.jobs if each.clip == entry.id), None), entry
        return None, next(iter(news.takes), None)

    def _takes(self, news: News, before: int) -> tuple[Any, ...]:
        value = _cards(news.takes)
        now = fingerprint(value)
        if now == before:
            return (gr.skip(),) * 4
        # Nobody is told of the first: a page that opens asks for everything.
        return now, value, *((gr.skip(), gr.skip()) if before else (now, _newest(news.takes)))

    def _heard(self, seen: int, request: gr.Request) -> tuple[int, str]:
        return seen, _newest(self._gallery.recent(self._desk.owner(request), 1))

    def _mine(self, request: gr.Request) -> list[Any]:
        value = _cards(self._gallery.recent(self._desk.owner(request), TAKES))
        return [value, fingerprint(value)]

    def _stop(self, event: gr.EventData, request: gr.Request) -> None:
        asked = event._data if isinstance(event._data, dict) else {}
        if asked.get("act") not in ("cancel", "retry"):
            return
        try:
            drawer.obey(self._desk.studio.jobs, self._desk.owner(request), asked)
        except StudioError as error:
            raise sentence(error, request) from error


def _cards(takes: Iterable[Entry]) -> list[dict[str, Any]]:
    return [cards.card(entry) for entry in takes]


def _newest(takes: Sequence[Entry]) -> str:
    return takes[0].id if takes else ""


def _opened(event: gr.EventData) -> dict[str, str]:
    clip = event._data.get("clip") if isinstance(event._data, dict) else None
    return {"job": "", "clip": clip if isinstance(clip, str) else ""}


def working(job: Job, say: Say, paused: bool) -> dict[str, Any]:
    """The stage while a job waits or runs, or after it gave no clip; with its latest preview."""
    address = drawer.picture(job)
    value = {"src": address or "", "poster": "", "fps": 0, "frames": 1, "kind": "still" if address else ""}
    value |= {"says": drawer.title(job), "title": drawer.title(job), "note": drawer.standing(job, say, paused)}
    if job.state == FAILED:
        value["title"] = say("Not downloaded" if isinstance(job.request, Download) else "No clip this time")
    if not job.over:
        value["progress"] = job.fraction if job.started and job.fraction else None
    return value


def under_job(job: Job, say: Say) -> dict[str, Any]:
    """What is said under the stage while a job waits or runs, or has failed."""
    act, label = ("retry", "Try again") if job.over else ("cancel", "Stop")
    verbs = [] if job.stopping else [{"act": act, "label": say(label)}]
    return {
        "what": drawer.title(job),
        "facts": _facts(job.request, say),
        "notes": [retold(note, say) for note in job.notes],
        "verbs": verbs,
        "job": job.id,
    }


def under(entry: Entry, notes: tuple[str, ...], say: Say) -> dict[str, Any]:
    """What is said under a take."""
    face = cards.card(entry)
    facts = [entry.model, face["size"], say("seed {seed}", seed=entry.seed)]
    if entry.seconds:
        facts.insert(0, f"{entry.seconds:g} s")
    facts.append(say("made in {time}", time=span(entry.elapsed_s, say)))
    told = [retold(note, say) for note in notes]
    return {"what": face["prompt"], "facts": "  \u00b7  ".join(filter(None, facts)), "notes": told}


def _facts(request: Any, say: Say) -> str:
    if isinstance(request, Download):
        return say("A model of the Hub")
    seconds = getattr(request, "seconds", None)
    length = say("a still") if getattr(request, "still", False) else f"{seconds:g} s" if seconds else ""
    return "  \u00b7  ".join(filter(None, [length, request.model, say("seed {seed}", seed=request.seed)]))


@functools.cache
def example() -> dict[str, Any]:
    """A clip by mini that comes with the project, for a stage that nobody has used yet."""
    poster = f"examples/{FIRST.with_suffix('.webp').name}"
    return shown(src=f"examples/{FIRST.name}", poster=poster, fps=16, frames=0, kind="clip", says=_asked())


def say_of_example(say: Say) -> dict[str, Any]:
    """What is said under the example: what was asked for it, as for any other clip."""
    return {"what": _asked(), "facts": say("An example made by mini.")}


@functools.cache
def _asked() -> str:
    return (video.request_of(FIRST) or {}).get("prompt", "")

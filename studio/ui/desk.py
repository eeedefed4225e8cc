"""What the tabs of one page share: the jobs as they are now, and what is sent from one to another."""

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from pipelines.requests import Download
from studio.people import owner_of
from studio.studio import Studio
from studio.ui import pulse
from studio.ui.post import Post

TO_FORM = "() => dispatchEvent(new Event('ordered'))"  # page.js brings the form that is filled into view
View = tuple[Callable[..., Any], list[Any], list[Any]]  # (view, inputs, outputs): what it returns is what these show
NOTHING = {"job": "", "clip": ""}
QUIET = {"show_progress": "hidden", "api_visibility": "private"}
FAST = {**QUIET, "queue": False}  # for what takes no time: one request, no place in gradio's queue
# For what takes no time but may be refused, or sets a State that others listen to: gradio shows a toast, and tells who
# listens, only for events in its queue.
SENT = {**QUIET, "concurrency_limit": None}


class Desk:
    """`post` brings orders to tabs, and a tab listens to its own with `desk.order.change(...)` while it is drawn.

    `watching` is what stands on the stage: {"job", "clip"}, the id of one of them or neither; `retaken` the event
    after which the takes are not what they were, `learned` the one after which the newest is another, and it is better
    known how long things take; `fetched` changes when a download has ended.
    """

    def __init__(self, studio: Studio, rooms: dict[str, str], makers: dict[str, str]):
        self.studio = studio
        self.watching = gr.State(NOTHING)
        self.retaken: Any = None  # both set by the stage, before any tab is drawn
        self.learned: Any = None
        self.fetched = gr.HTML("", visible="hidden", elem_id="fetched")
        self.tabs = gr.Tabs(elem_id="tabs", render=False)
        self.post = Post(studio, rooms, makers, self.tabs)
        self.tab: gr.Tab | None = None  # the one that is being drawn
        self._pulse = pulse.Pulse("", elem_id="pulse")
        self._views: list[View] = []
        self._greetings: list[View] = []
        self._welcomes: list[View] = []
        self._events: list[Any] = []

    @property
    def order(self) -> gr.State:
        """The last order for the tab that is being drawn."""
        return self.post.boxes[self.tab.id]

    def send(self, trigger: Callable[..., Any]) -> None:
        """Lets an event of cards (`cards.act`), whose data is {"act", "clip"}, become an order and open its tab."""
        sent = trigger(self.post.relay(self.post.rooms, "clip"), None, self.post.outputs, **SENT)
        sent.success(None, js=TO_FORM, api_visibility="private")

    def owner(self, request: gr.Request) -> str:
        """Who asks: whose jobs and clips may be seen."""
        return owner_of(request)

    def watch(self, view: Callable[..., Any], inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
        """`view(news, *inputs)` returns what `outputs` show from now on; it is asked at every look at the jobs."""
        self._views.append((view, list(inputs), list(outputs)))

    def greet(self, view: Callable[..., Any], inputs: Sequence[Any], outputs: Sequence[Any]) -> None:
        """`view(request, *inputs)` returns what `outputs` show when somebody opens the page, and whenever it is better
        known what a click would do. All of them together are one request."""
        self._greetings.append((view, list(inputs), list(outputs)))

    def welcome(self, view: Callable[[gr.Request], Any], outputs: Sequence[Any]) -> None:
        """`view(request)` returns what `outputs` show when somebody opens the page. All of them together are one
        request."""
        self._welcomes.append((view, [], list(outputs)))

    def connect(self, page: gr.Blocks) -> None:
        """Begins to look at the jobs: when the page opens, and at every pulse that tells of something new.

        Once, after all tabs are drawn.
        """
        met = {**_together(self._greetings), "trigger_mode": "always_last", **FAST}
        gr.on([page.load, self.learned, self.fetched.change], **met)
        page.load(**_together(self._welcomes), **FAST)
        self.watch(_ended, [], [self.fetched])
        self.watch(lambda news: news.mark, [], [self._pulse])
        look = {**_together(self._views, lambda request: pulse.news(self.studio, request)), **FAST}
        page.load(**look)
        self._pulse.look(**look)
        for event in self._events:
            event.then(**look)

    def look_after(self, event: Any) -> None:
        """Looks again right after an event, without waiting for the pulse."""
        self._events.append(event)


def _together(views: Sequence[View], about: Callable[[gr.Request], Any] = lambda request: request) -> dict[str, Any]:
    """Several views as one listener; `about` makes of the request what each of them is given first."""

    def met(request: gr.Request, *values: Any) -> list[Any]:
        seen, shown, rest = about(request), [], list(values)
        for view, inputs, outputs in views:
            given, rest = rest[: len(inputs)], rest[len(inputs) :]
            answer = view(seen, *given)
            shown += answer if len(outputs) > 1 else [answer]
        return shown

    inputs = [part for _, given, _ in views for part in given]
    return {"fn": met, "inputs": inputs, "outputs": [part for _, _, shown in views for part in shown]}


def _ended(news: pulse.News) -> str:
    return " ".join(job.id for job in news.jobs if isinstance(job.request, Download) and job.over)


def fingerprint(value: Any) -> int:
    """What a page keeps to know whether what it shows is still so; good while the server runs."""
    return hash(repr(value))

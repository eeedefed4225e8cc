"""What the tabs of one page share: the jobs as they are now, and the act of a clip's card on its way to another tab.

A tab listens with `desk.order.change(...)` and looks at `order["act"]`; it gets the acts that its module has in ACTS.
What was asked for before goes to the tab that asks for such things: the one whose module has its task in MAKES.
"""

import time
from collections.abc import Callable, Collection, Sequence
from typing import Any

import gradio as gr

from pipelines.requests import Download
from studio.people import owner_of
from studio.studio import Studio
from studio.ui import pulse

AGAIN = ("reuse", "remix", "prompt", "seed", "watch", "change")  # about what was asked for: a clip or a job
TO_FORM = "() => dispatchEvent(new Event('ordered'))"  # page.js brings the form that is filled into view
View = tuple[Callable[..., Any], list[Any], list[Any]]  # (view, inputs, outputs): what it returns is what these show
NOTHING = {"job": "", "clip": ""}
NO_ORDER = {"act": "", "clip": "", "clips": [], "n": 0}
QUIET = {"show_progress": "hidden", "api_visibility": "private"}
FAST = {**QUIET, "queue": False}  # for what takes no time: one request, no place in gradio's queue
# For what takes no time but may be refused, or sets a State that others listen to: gradio shows a toast, and tells who
# listens, only for events in its queue.
SENT = {**QUIET, "concurrency_limit": None}


class Desk:
    """`order` holds the last act for the tab that is drawn: {"act", "clip", "clips", "n"}, where `n` is never the same,
    so that the same act twice is a change. Each tab has one of its own: what listens costs the page all it could show.

    `rooms` says which tab takes which act: {act: the tab's name}, `makers` which makes what: {task: the tab's name}.
    `watching` is what stands on the stage: {"job", "clip"}, the id of one of them or neither; `retaken` the event
    after which the takes are not what they were, `learned` the one after which the newest is another, and it is better
    known how long things take; `fetched` changes when a download has ended.
    """

    def __init__(self, studio: Studio, rooms: dict[str, str], makers: dict[str, str]):
        self.studio = studio
        self.rooms = rooms
        self.makers = makers
        self.watching = gr.State(NOTHING)
        self.retaken: Any = None  # both set by the stage, before any tab is drawn
        self.learned: Any = None
        self.fetched = gr.HTML("", visible="hidden", elem_id="fetched")
        self.tabs: gr.Tabs | None = None  # set by the page before anything is drawn
        self.tab: gr.Tab | None = None  # the one that is being drawn
        self._orders = {tab_id(name): gr.State(NO_ORDER) for name in sorted({*rooms.values(), *makers.values()})}
        self._pulse = pulse.Pulse("", elem_id="pulse")
        self._views: list[View] = []
        self._greetings: list[View] = []
        self._welcomes: list[View] = []
        self._events: list[Any] = []

    @property
    def order(self) -> gr.State:
        """The orders for the tab that is being drawn."""
        return self._orders[self.tab.id]

    @property
    def post(self) -> list[Any]:
        """What an order is delivered to: the outputs for what `deliver` returns."""
        return [*self._orders.values(), self.tabs]

    def deliver(self, order: dict[str, Any], owner: str) -> list[Any]:
        """An order brought to the tab that it goes to, which opens."""
        room = tab_id(self.room(order, owner))
        order |= {"n": time.time_ns()}
        opened = gr.Tabs(selected=room) if room in self._orders else gr.skip()
        return [*(order if each == room else gr.skip() for each in self._orders), opened]

    def send(self, trigger: Callable[..., Any]) -> None:
        """Lets an event of cards (`cards.act`), whose data is {"act", "clip"}, become the order and open its tab.

        What an order carries is the act and ids, nothing else.
        """
        sent = trigger(self.relay(self.rooms, "clip"), None, self.post, **SENT)
        sent.success(None, js=TO_FORM, api_visibility="private")

    def relay(self, acts: Collection[str], key: str) -> Callable[..., list[Any]]:
        """A listener for an event that names one of `acts` and, under `key`, the id of what it is about."""

        def post(event: gr.EventData, request: gr.Request) -> list[Any]:
            asked = event._data if isinstance(event._data, dict) else {}
            act, one, several = asked.get("act"), asked.get(key), asked.get("clips", [])
            if act not in acts or not isinstance(one, str) or not isinstance(several, list):
                return [gr.skip()] * len(self.post)
            ids = [each for each in several if isinstance(each, str)] or [one]
            return self.deliver({"act": act, "clip": one, "clips": ids}, self.owner(request))

        return post

    def room(self, order: dict[str, Any], owner: str) -> str:
        """The name of the tab that an order goes to."""
        act = order["act"]
        task = (self.asked(order, owner) or {}).get("task") if act in AGAIN else None
        return self.makers.get(str(task), self.rooms.get(act, ""))

    def asked(self, order: dict[str, Any], owner: str) -> dict[str, Any] | None:
        """The request of the clip or job that an order is about, or of a dropped file; None if there is none."""
        if given := order.get("request"):
            return given
        if job := self.studio.jobs.get(order["clip"], owner):
            return job.request.to_dict()
        entry = self.studio.gallery.get(order["clip"], owner)
        return entry.request if entry else None

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

    def welcome(self, view: Callable[[gr.Request], list[Any]], outputs: Sequence[Any]) -> None:
        """`view(request)` returns what `outputs`, several, show when somebody opens the page. All of them together are
        one request."""
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


def rooms(tabs: Sequence[Any]) -> dict[str, str]:
    """{act: name of the tab} from what the modules of the tabs say they take."""
    return {act: module.NAME for module in tabs for act in getattr(module, "ACTS", ())}


def makers(tabs: Sequence[Any]) -> dict[str, str]:
    """{task: name of the tab} from the kinds of requests that the modules of the tabs make."""
    return {kind.task: module.NAME for module in tabs for kind in getattr(module, "MAKES", ())}


def tab_id(name: str) -> str:
    """The id of a tab in the page's gr.Tabs."""
    return name.lower()


def fingerprint(value: Any) -> int:
    """What a page keeps to know whether what it shows is still so; good while the server runs."""
    return hash(repr(value))

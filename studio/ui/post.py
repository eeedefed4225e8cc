"""The act of a clip's card, or of a job, on its way to another tab.

A tab gets the acts that its module has in ACTS. What was asked for before goes to the tab that asks for such things:
the one whose module has its task in MAKES.
"""

import time
from collections.abc import Callable, Collection, Sequence
from typing import Any

import gradio as gr

from studio.people import owner_of
from studio.studio import Studio

AGAIN = ("reuse", "remix", "prompt", "seed", "watch", "change")  # about what was asked for: a clip or a job
NO_ORDER = {"act": "", "clip": "", "clips": [], "n": 0}


class Post:
    """`boxes` holds the last order of each tab that takes some: {the tab's id: State of {"act", "clip", "clips", "n"}}.

    `n` is never the same, so that the same act twice is a change. Each tab has a box of its own, since a listener costs
    the page as much as it could show. `rooms` says which tab takes which act: {act: the tab's name}, `makers` which
    makes what: {task: the tab's name}.
    """

    def __init__(self, studio: Studio, rooms: dict[str, str], makers: dict[str, str], tabs: gr.Tabs):
        self.rooms = rooms
        self.boxes = {tab_id(name): gr.State(NO_ORDER) for name in sorted({*rooms.values(), *makers.values()})}
        self.outputs = [*self.boxes.values(), tabs]  # of a listener that returns what `deliver` does
        self._studio = studio
        self._makers = makers

    def deliver(self, order: dict[str, Any], owner: str) -> list[Any]:
        """An order brought to the tab that it goes to, which opens."""
        room = tab_id(self.room(order, owner))
        order |= {"n": time.time_ns()}
        opened = gr.Tabs(selected=room) if room in self.boxes else gr.skip()
        return [*(order if each == room else gr.skip() for each in self.boxes), opened]

    def relay(self, acts: Collection[str], key: str) -> Callable[..., list[Any]]:
        """A listener for an event that names one of `acts` and, under `key`, the id of what it is about.

        What an order carries is the act and ids, nothing else.
        """

        def post(event: gr.EventData, request: gr.Request) -> list[Any]:
            asked = event._data if isinstance(event._data, dict) else {}
            act, one, several = asked.get("act"), asked.get(key), asked.get("clips", [])
            if act not in acts or not isinstance(one, str) or not isinstance(several, list):
                return [gr.skip()] * len(self.outputs)
            ids = [each for each in several if isinstance(each, str)] or [one]
            return self.deliver({"act": act, "clip": one, "clips": ids}, owner_of(request))

        return post

    def room(self, order: dict[str, Any], owner: str) -> str:
        """The name of the tab that an order goes to."""
        act = order["act"]
        task = (self.asked(order, owner) or {}).get("task") if act in AGAIN else None
        return self._makers.get(str(task), self.rooms.get(act, ""))

    def asked(self, order: dict[str, Any], owner: str) -> dict[str, Any] | None:
        """The request of the clip or job that an order is about, or of a dropped file; None if there is none."""
        if given := order.get("request"):
            return given
        if job := self._studio.jobs.get(order["clip"], owner):
            return job.request.to_dict()
        entry = self._studio.gallery.get(order["clip"], owner)
        return entry.request if entry else None


def rooms(tabs: Sequence[Any]) -> dict[str, str]:
    """{act: name of the tab} from what the modules of the tabs say they take."""
    return {act: module.NAME for module in tabs for act in getattr(module, "ACTS", ())}


def makers(tabs: Sequence[Any]) -> dict[str, str]:
    """{task: name of the tab} from the kinds of requests that the modules of the tabs make."""
    return {kind.task: module.NAME for module in tabs for kind in getattr(module, "MAKES", ())}


def tab_id(name: str) -> str:
    """The id of a tab in the page's gr.Tabs."""
    return name.lower()

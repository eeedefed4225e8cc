"""What the tabs of one page share: an act of a clip's card travels over the desk to the tab that knows how to do it.

A tab listens with `desk.order.change(...)` and looks at `order["act"]`; it takes the acts that its module has in ACTS.
"""

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

ACTS = ("reuse", "remix", "prompt", "seed", "edit", "sound", "personalize", "extend", "compare", "verify")
QUIET = {"show_progress": "hidden", "api_visibility": "private"}
FAST = {**QUIET, "queue": False}  # for what takes no time: one request, no place in gradio's queue


class Desk:
    """`order` holds the last act: {"act", "clip", "n"}; `n` counts, so that the same act twice is a change twice.

    `rooms` says which tab takes which act: {act: the tab's name}.
    """

    def __init__(self, order: gr.State, tabs: gr.Tabs, rooms: dict[str, str]):
        self.order = order
        self.tabs = tabs
        self.rooms = rooms

    def send(self, trigger: Callable[..., Any], inputs: Any = None) -> None:
        """Lets an event of cards (`cards.act`), whose data is {"act", "clip"}, become the order and open its tab.

        `inputs` is not needed for that; what an order carries is the act and the id of a clip, nothing else.
        """

        def post(order: dict[str, Any], event: gr.EventData) -> tuple[Any, Any]:
            act, clip = event._data.get("act"), event._data.get("clip")
            if act not in self.rooms or not isinstance(clip, str):
                return gr.skip(), gr.skip()
            return {"act": act, "clip": clip, "n": order["n"] + 1}, gr.Tabs(selected=tab_id(self.rooms[act]))

        trigger(post, [self.order], [self.order, self.tabs], **FAST)

    def closed(self) -> list[str]:
        """The acts that no tab of this page takes: cards show them greyed out."""
        return [act for act in ACTS if act not in self.rooms]

    def owner(self, request: gr.Request) -> str:
        """Who asks: whose jobs and clips may be seen."""
        return request.session_hash or ""


def rooms(tabs: Sequence[Any]) -> dict[str, str]:
    """{act: name of the tab} from what the modules of the tabs say they take."""
    return {act: module.NAME for module in tabs for act in getattr(module, "ACTS", ())}


def tab_id(name: str) -> str:
    """The id of a tab in the page's gr.Tabs, also in the address: ?tab=gallery."""
    return name.lower()

"""A blind vote on two clips in the player of Compare: no name, no settings; it opens when both were played.

What keeps it blind is the server's part: random addresses, copies without metadata. Script: assets/ui/vote.js.
"""

from collections.abc import Mapping
from typing import Any

from pipelines.errors import BadRequest
from studio.ui.comparison import CLOCKED
from studio.ui.element import Element

CHOICES = (2, 1, 0, -1, -2, "bad")  # A much better .. B much better, both bad


class Vote(Element):
    """value: see `shown`, or None. Event `vote` with `gr.EventData` {"ballot", "answers": {axis: one of CHOICES}}.

    Keys: those of `Compare`; A and B answer the next question (with Shift: much better), T is no difference, N both
    bad, Enter votes.
    """

    markup = "vote.html"
    scripts = (*CLOCKED, "vote.js")
    styles = ("deck.css", "compare.css", "vote.css")


def shown(ballot: Mapping[str, Any], *, left: str, right: str, fps: int = 24, kind: str = "clip") -> dict[str, Any]:
    """A value for `Vote` from `studio.ballots.Ballot.to_dict()` and the addresses of its two clips.

    `fps` only sets the step from frame to frame, the same for both sides.
    """
    kept = {name: ballot[name] for name in ("prompt", "axes", "done", "total")}
    sides = {"left": {"src": left, "kind": kind}, "right": {"src": right, "kind": kind}}
    return {"ballot": ballot["id"], "fps": fps, **kept, **sides}


def answered(data: Any) -> tuple[str, dict[str, Any]]:
    """Ballot and answers from the event's data. Raises `BadRequest` for what the form cannot send."""
    data = data if isinstance(data, dict) else {}
    ballot, answers = data.get("ballot"), data.get("answers")
    if not isinstance(ballot, str) or not isinstance(answers, dict):
        raise BadRequest("vote", "is not a vote")
    for axis, choice in answers.items():
        if isinstance(choice, bool) or not isinstance(choice, (int, str)) or choice not in CHOICES:
            raise BadRequest("vote", f"has no such answer for {str(axis)[:40]!r}")
    return ballot, dict(answers)

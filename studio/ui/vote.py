"""A blind vote on two clips in the player of Compare: no name, no settings; it opens when both were played.

What keeps it blind is the server's part: random addresses, copies without metadata. Script: assets/ui/vote.js.
"""

from studio.ui.comparison import CLOCKED
from studio.ui.element import Element


class Vote(Element):
    """value: {"id", "left", "right", "fps", "kind", "prompt", "axes": [{"name", "question"}], "done", "total"} or None.

    `left` and `right` are addresses. Event `vote` with {"ballot", "answers": {axis: 2 | 1 | 0 | -1 | -2 | "bad"}}: 2
    says that the left one is much better. Keys: those of `Compare`; A and B answer the next question (with Shift:
    much better), T is no difference, N both bad, Enter votes. `pieces()` puts it on a page without gradio.
    """

    markup = "vote.html"
    scripts = (*CLOCKED, "vote.js")
    styles = ("deck.css", "compare.css", "vote.css")

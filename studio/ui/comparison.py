"""Two to four clips locked in time, and a table of what differs between them (assets/ui/compare.js, sheet.js)."""

from studio.ui.element import Element

MOST = 4
CLOCKED = ("clock.js", "timeline.js", "deck.js", "compare.js")


class Compare(Element):
    """value: {"clips": [{"src" or "file", "poster", "kind", "label", "id"}, ...], "fps", "view"} or None.

    `view` is side, wipe, flip, difference or opacity. Keys: those of `Player`, and M next view, C swap, H hold to flip,
    1 to 4 whose sound (0 none), + - Z zoom, Esc side by side.
    """

    markup = "compare.html"
    scripts = (*CLOCKED, "compare_tab.js")
    styles = ("deck.css", "compare.css")


class Sheet(Element):
    """value: {"columns": [{"label", "poster"}], "rows": [{"name", "values", "note"}]} or None.

    Event `drop` with `gr.EventData` {"number"}: the column to take away.
    """

    markup = "sheet.html"
    scripts = ("sheet.js",)
    styles = ("sheet.css",)

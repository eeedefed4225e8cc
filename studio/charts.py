"""Charts as SVG text for a page: values with their intervals, in the colours of studio.ui.theme. By matplotlib."""

import io
from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

INK, QUIET, LINE, LAMP, DARK = "#383735", "#6d6a64", "#dfdcd6", "#e08a1e", "#8f5210"
LOOK = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 10,
    "text.parse_math": False,  # people name studies and systems; a $ in a name is a $
    "svg.fonttype": "none",  # letters stay letters: small, sharp, and a reader can copy them
    "svg.hashsalt": "rushes",  # the same votes give the same bytes
    "text.color": INK,
    "axes.labelcolor": QUIET,
    "xtick.color": QUIET,
    "ytick.color": INK,
}
ROW, HEAD, FOOT, WIDTH = 0.3, 0.62, 0.55, 8.0  # inches
LEFT, RIGHT = 0.24, 0.98  # shares of the width
LONGEST = 26  # letters of a label


@dataclass(frozen=True, kw_only=True)
class Mark:
    """One line of a chart: a value and its interval. Hollow if it is preliminary, grey if it decides nothing."""

    label: str
    value: float
    low: float
    high: float
    decided: bool
    preliminary: bool = False


@dataclass(frozen=True, kw_only=True)
class Panel:
    """Lines that belong together under a title; `sides` say who is better on the left and on the right."""

    title: str
    marks: Sequence[Mark]
    sides: tuple[str, str] = ("", "")


def intervals(
    panels: Sequence[Panel], *, unit: str, middle: float, limits: tuple[float, float] | None = None, says: str
) -> str:
    """Panels below each other on one scale, as an <svg>; `middle` is drawn as the line where nobody is better.

    `says` is the description for people who cannot see it.
    """
    height = FOOT + sum(HEAD + ROW * len(panel.marks) for panel in panels)
    with matplotlib.rc_context(LOOK):
        figure = Figure(figsize=(WIDTH, height))
        top, first = height, None
        for panel in panels:
            top -= HEAD + ROW * len(panel.marks)
            box = (LEFT, top / height, RIGHT - LEFT, ROW * len(panel.marks) / height)
            first = place = figure.add_axes(box, sharex=first)
            _draw(place, panel, middle)
            place.tick_params(length=0, labelbottom=panel is panels[-1])
        if limits:
            place.set_xlim(*limits)
        place.set_xlabel(unit)
        text = io.StringIO()
        FigureCanvasSVG(figure).print_svg(text, metadata={"Date": None, "Title": says})
    return _inline(text.getvalue())


def _draw(place: matplotlib.axes.Axes, panel: Panel, middle: float) -> None:
    place.axvline(middle, color=QUIET, linewidth=1, zorder=1)
    for row, mark in enumerate(panel.marks):
        colour = DARK if mark.decided else QUIET
        place.plot([mark.low, mark.high], [row, row], color=colour, linewidth=2.2, solid_capstyle="round", zorder=2)
        face = "white" if mark.preliminary else LAMP if mark.decided else QUIET
        place.plot([mark.value], [row], "o", markersize=7, color=colour, markerfacecolor=face, zorder=3)
    place.set_yticks(range(len(panel.marks)), [_short(mark.label) for mark in panel.marks])
    place.set_ylim(len(panel.marks) - 0.5, -0.5)
    place.set_title(panel.title, loc="left", fontsize=11, fontweight="bold", pad=20)
    for text, gap, side in zip(panel.sides, (-6, 6), ("right", "left"), strict=True):
        place.annotate(
            _short(text),
            (middle, 1),
            (gap, 4),
            place.get_xaxis_transform(),
            "offset points",
            ha=side,
            fontsize=9,
            color=QUIET,
        )
    place.grid(axis="x", color=LINE, linewidth=0.6)
    place.set_axisbelow(True)
    for edge in place.spines.values():
        edge.set_visible(False)


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}\u2026"


def _inline(svg: str) -> str:
    """Without the lines that belong to a file of its own, and as wide as the page allows."""
    body = svg[svg.index("<svg") :]
    head, rest = body.split(">", 1)
    words = [word for word in head.split() if not word.startswith(("width=", "height="))]
    return f'{" ".join(words)} role="img">{rest}'

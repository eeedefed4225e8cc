"""Pieces of HTML that only say something. Everything from outside is escaped."""

import html
from collections.abc import Mapping

from studio.ui.words import Say

PLAIN = {"container": False, "padding": False, "apply_default_css": False}  # of a gr.HTML that is only its HTML


def pill(model: str, reason: str | None) -> str:
    """The model of this studio, and whether it can run here."""
    state, said = ("ready", "") if reason is None else ("missing", reason)
    return f'<span class="pill" title="{html.escape(said)}"><i class="dot {state}"></i>{html.escape(model)}</span>'


def person(owner: str, say: Say) -> str:
    """Who is signed in, and the button that ends that."""
    name = html.escape(owner.removeprefix("person:"))
    return (
        f'<form method="post" action="logout"><span title="{name}">{name}</span>'
        f"<button>{html.escape(say('Sign out'))}</button></form>"
    )


def facts(title: str, rows: Mapping[str, str]) -> str:
    """A card of facts: {name: value}."""
    said = "".join(f"<dt>{html.escape(name)}</dt><dd>{html.escape(value)}</dd>" for name, value in rows.items())
    return f'<section class="card"><h2>{html.escape(title)}</h2><dl>{said}</dl></section>'


def table(title: str, names: list[str], rows: list[list[str]]) -> str:
    """A card with a table."""
    head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in names)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return (
        f'<section class="card wide"><h2>{html.escape(title)}</h2><div class="scroller" tabindex="0">'
        f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div></section>"
    )


def lines(title: str, text: str, empty: str) -> str:
    """A card with the end of a log."""
    shown = f'<pre tabindex="0">{html.escape(text)}</pre>' if text else f'<p class="hint">{html.escape(empty)}</p>'
    return f'<section class="card wide"><h2>{html.escape(title)}</h2>{shown}</section>'

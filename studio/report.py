"""The report of a study: one page of HTML that stands alone, prints well, and says how its numbers were made."""

import base64
import html
import time
from pathlib import Path
from typing import Any

from pipelines.media import landing
from studio import charts, verdict
from studio.arena import Arena, Take
from studio.charts import Mark, Panel

SHEET = Path(__file__).resolve().parents[1] / "assets" / "ui" / "report.css"
MOST_PANELS = 10  # pairs that are drawn; the table has all
SAMPLES = 6
Result = dict[str, Any]


def write(arena: Arena, study: str, owner: str | None, path: Path) -> Path:
    """Writes the report as .html, whole or not at all. Raises `BadRequest` ("out") or `Unavailable` if it cannot."""
    landing.check(path, (".html",), "a report")
    text = page(arena, study, owner)
    return landing.whole_or_nothing(path, lambda file: file.write_text(text, encoding="utf-8"))


def page(arena: Arena, study: str, owner: str | None) -> str:
    """The whole page. Everything that people typed is escaped; nothing is loaded from elsewhere."""
    told = verdict.summary(arena, study, owner)
    parts = [_head(told), _rates(told), _strengths(told), _slices(told), _trust(told)]
    if told["rates"]:
        parts.append(_samples(arena, study, owner))
    parts.append(_method(told))
    title = html.escape(told["study"]["title"])
    sheet = SHEET.read_text(encoding="utf-8")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{sheet}</style></head><body><main>{''.join(parts)}</main></body></html>"
    )


def _head(told: Result) -> str:
    study = told["study"]
    facts = (
        f"{study['state']}, {study['answered']} of {study['wanted']} ballots, {study['raters']} raters, "
        f"{study['pairs']} pairs, {time.strftime('%d %B %Y')}"
    )
    lines = "".join(f"<li>{html.escape(line)}</li>" for line in told["headline"])
    return f"<header><p>{html.escape(facts)}</p><h1>{html.escape(study['title'])}</h1><ul>{lines}</ul></header>"


def _pairs(rates: list[Result]) -> dict[tuple[str, str], list[Result]]:
    pairs: dict[tuple[str, str], list[Result]] = {}
    for rate in rates:
        pairs.setdefault((rate["a"], rate["b"]), []).append(rate)
    return pairs


def _mark(rate: Result, label: str, task: str) -> Mark:
    value, low, high = (verdict.shown(rate[name], task) for name in ("net", "low", "high"))
    return Mark(label=label, value=value, low=low, high=high, decided=rate["decided"], preliminary=rate["preliminary"])


def _chart(told: Result, groups: dict[tuple[str, str], list[Result]], label: str, says: str) -> str:
    task = told["study"]["task"]
    order = {axis: place for place, axis in enumerate(told["study"]["axes"])}
    panels = [
        Panel(
            title=f"{a} against {b}",
            marks=[
                _mark(rate, rate[label], task) for rate in sorted(rates, key=lambda rate: order.get(rate[label], 0))
            ],
            sides=(f"{b} better", f"{a} better"),
        )
        for (a, b), rates in list(groups.items())[:MOST_PANELS]
    ]
    plain = told["scale"] == "win rate"
    return charts.intervals(
        panels,
        unit="win rate in %, 50 is a draw" if plain else "net win rate in points",
        middle=50 if plain else 0,
        limits=(0, 100) if plain else (-100, 100),
        says=says,
    )


def _rates(told: Result) -> str:
    if not told["rates"]:
        return ""
    task, axes = told["study"]["task"], told["study"]["axes"]
    rows = "".join(
        f"<tr><td>{html.escape(rate['a'])}</td><td>{html.escape(rate['b'])}</td><td>{html.escape(rate['axis'])}</td>"
        f"<td>{rate['wins']}</td><td>{rate['ties']}</td><td>{rate['losses']}</td>"
        f"<td>{verdict.shown(rate['net'], task):+.1f}</td>"
        f"<td>{verdict.shown(rate['low'], task):+.1f} to {verdict.shown(rate['high'], task):+.1f}</td>"
        f"<td>{_small(rate['p'])}</td><td>{rate['votes']}</td><td>{_remark(rate)}</td></tr>"
        for rate in sorted(told["rates"], key=lambda rate: (rate["a"], rate["b"], axes.index(rate["axis"])))
    )
    chart = _chart(told, _pairs(told["rates"]), "axis", "rates of every pair on every axis")
    return (
        f"<section><h2>Pairs</h2><figure>{chart}<figcaption>Dots: the {told['scale']}; bars: its 95 % interval. "
        "Grey: no difference is shown. Hollow: fewer than 100 votes.</figcaption></figure>"
        "<table><thead><tr><th>A<th>B<th>axis<th>A won<th>tie<th>B won<th>rate<th>95 % interval<th>sign test p"
        f"<th>votes<th>remark</tr></thead><tbody>{rows}</tbody></table></section>"
    )


def _small(p: float) -> str:
    return "&lt; 0.001" if p < 0.001 else f"{p:.3f}"


def _remark(rate: Result) -> str:
    remarks = (["preliminary"] if rate["preliminary"] else []) + ([] if rate["decided"] else ["no difference shown"])
    return ", ".join(remarks)


def _strengths(told: Result) -> str:
    axis = told["study"]["axes"][0]
    rows = told["strengths"][axis]
    if len(rows) < 3:  # two systems are one pair, which says it all
        return ""
    marks = [
        Mark(
            label=f"{row['rank']}. {row['system']}",
            value=row["strength"],
            low=row["low"],
            high=row["high"],
            decided=[other["rank"] for other in rows].count(row["rank"]) == 1,
            preliminary=row["preliminary"],
        )
        for row in rows
    ]
    chart = charts.intervals(
        [Panel(title=axis, marks=marks)], unit="log-odds", middle=0, says="strength of the systems"
    )
    return (
        f"<section><h2>Ranks</h2><figure>{chart}<figcaption>Bradley-Terry strengths with 95 % intervals, ordered by "
        "the lower bound. A rank is one more than the number of systems whose whole interval lies above."
        "</figcaption></figure></section>"
    )


def _slices(told: Result) -> str:
    parts = []
    for by, rates in told["slices"].items():
        if rates:
            chart = _chart(told, _pairs(rates), "part", f"rates by {by}")
            parts.append(f"<h3>By {by}</h3><figure>{chart}</figure>")
    if not parts:
        return ""
    axis = html.escape(told["study"]["axes"][0])
    note = "Slices hold few prompts: look for patterns, not for winners. Intervals are not corrected for their number."
    return f"<section><h2>Where it comes from</h2><p>Axis: {axis}. {note}</p>{''.join(parts)}</section>"


def _trust(told: Result) -> str:
    def number(value: float | None, form: str) -> str:
        return "not measured" if value is None else format(value, form)

    rows = "".join(
        f"<tr><td>{html.escape(axis)}</td><td>{number(told['agreement'][axis], '.2f')}</td>"
        f"<td>{number(told['noise'][axis], '.1f')}</td></tr>"
        for axis in told["study"]["axes"]
    )
    right, shown = (sum(own[name] for own in told["controls"].values()) for name in ("right", "shown"))
    controls = f"{right} of {shown} controls were answered rightly." if shown else "No controls were shown."
    return (
        "<section><h2>How far to trust it</h2><table><thead><tr><th>axis<th>agreement of raters (Krippendorff's alpha)"
        f"<th>rater noise (sigma, points)</tr></thead><tbody>{rows}</tbody></table>"
        f"<p>{controls} Both clips were called bad in {100 * told['bad']:.0f} % of the votes.</p></section>"
    )


def _samples(arena: Arena, study: str, owner: str | None) -> str:
    """The pairs on which raters were clearest, and the most divided one, each with a picture of both clips."""
    axis = arena.study(study, owner).axes[0]
    margins: dict[tuple[str, str, str], list[int]] = {}
    for row in arena.answers(study, owner):
        if row["axis"] == axis and not (row["control"] or row["repeat"]):
            margins.setdefault((row["prompt"], row["a"], row["b"]), []).append(row["margin"])
    mean = {pair: sum(said) / len(said) for pair, said in margins.items()}
    order = sorted(mean, key=lambda pair: (-abs(mean[pair]), pair))
    chosen = order[: SAMPLES - 1] + (order[-1:] if len(order) >= SAMPLES else [])
    takes = {(take.prompt.name, take.system.name): take for take in arena.takes(study, owner)}
    shown = "".join(_sample(arena.folder / study, takes[p, a], takes[p, b], mean[p, a, b]) for p, a, b in chosen)
    return f"<section><h2>Sample pairs</h2>{shown}</section>"


def _sample(folder: Path, a: Take, b: Take, mean: float) -> str:
    sides = "".join(
        f"<figure>{_picture(folder, take)}<figcaption>{html.escape(take.system.name)}</figcaption></figure>"
        for take in (a, b)
    )
    said = "raters were divided" if mean == 0 else f"{(a if mean > 0 else b).system.name} by {abs(mean):.1f} of 2"
    return f'<div class="pair"><p>{html.escape(a.prompt.text)}<br><small>{html.escape(said)}</small></p>{sides}</div>'


def _picture(folder: Path, take: Take) -> str:
    poster = folder / f"{Path(take.file or '').stem}.webp"
    if not poster.is_file():
        return '<span class="none">no picture</span>'
    data = base64.b64encode(poster.read_bytes()).decode()
    return f'<img alt="" src="data:image/webp;base64,{data}">'


def _method(told: Result) -> str:
    study = told["study"]
    lines = (
        "Raters saw two clips of the same prompt, encoded alike, without names; sides were drawn by the seed "
        f"{study['seed']}. They could answer after both had played: A or B much or slightly better, tie, both bad. "
        "Much and slightly count alike, both bad is a tie.",
        "An item is a prompt and two systems; the answer that most of its raters gave decides it. "
        "The net win rate is the share of items won less the share lost, in points from -100 to 100 (Movie Gen, 2024); "
        "edits are rated by the plain win rate, where 50 is a draw.",
        "Intervals: 95 %, by drawing prompts again 2,000 times (cluster bootstrap, widened for few prompts after "
        "Hesterberg 2015). They hold the luck of prompts, not that of seeds: each prompt has one clip of each system.",
        "Strengths: Bradley-Terry with one virtual drawn game between every two systems; intervals by the sandwich "
        "estimate clustered by prompt. Rater noise: from pairs that the same rater was shown twice, sides swapped.",
        "Fewer than 100 votes are called preliminary.",
    )
    return f"<section><h2>Method</h2>{''.join(f'<p>{line}</p>' for line in lines)}</section>"

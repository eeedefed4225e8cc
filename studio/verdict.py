"""What a study says: its votes through pipelines.evaluation.netwin, as plain data; and the files that keep them."""

import importlib.metadata
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from pipelines.evaluation import netwin
from pipelines.media import landing
from studio.arena import Arena, Study

# Movie Gen rates edits by a plain win rate, where 50 is a draw, and everything else by the net win rate.
PLAIN_WIN_RATE = ("edit",)
Result = dict[str, Any]


def frame(rows: list[Result]) -> pd.DataFrame:
    """The votes of a study as netwin reads them, without its controls."""
    table = pd.DataFrame(rows, columns=list(rows[0]) if rows else [*netwin.COLUMNS, "repeat", "control", "bad"])
    return table[table["control"] == 0]


def summary(arena: Arena, study: str, owner: str | None) -> Result:
    """Everything that a report shows, as plain data: rates per axis, strengths, slices, noise, agreement, controls."""
    kept = arena.study(study, owner)
    rows = arena.answers(study, owner)
    votes = frame(rows)
    first = votes[votes["axis"] == kept.axes[0]]
    rates = netwin.rates(votes) if rows else []
    return {
        "study": {**arena.status(study, owner), "task": kept.task, "axes": list(kept.axes), "seed": kept.seed},
        "scale": "win rate" if kept.task in PLAIN_WIN_RATE else "net win rate",
        "rates": _each(rates),
        "strengths": {axis: _each(netwin.strengths(votes[votes["axis"] == axis])) for axis in kept.axes},
        "slices": {by: _each(netwin.slices(first, by)) for by in ("concept", "motion")} if rows else {},
        "noise": {axis: netwin.rater_noise(votes[votes["axis"] == axis]) for axis in kept.axes},
        "agreement": {axis: netwin.agreement(votes[votes["axis"] == axis]) for axis in kept.axes},
        "bad": float(first["bad"].mean()) if len(first) else 0.0,
        "controls": _controls(rows, kept),
        "headline": headline([rate for rate in rates if rate.axis == kept.axes[0]], kept),
    }


def _each(rows: list[Any]) -> list[Result]:
    return [asdict(row) | ({"decided": row.decided} if isinstance(row, netwin.Rate) else {}) for row in rows]


def headline(rates: list[netwin.Rate], study: Study) -> list[str]:
    """One sentence for each pair; none calls a side better whose interval holds a draw."""
    return [_sentence(rate, study) for rate in rates] or ["Nobody has voted yet."]


def _sentence(rate: netwin.Rate, study: Study) -> str:
    value, low, high = (shown(number, study.task) for number in (rate.net, rate.low, rate.high))
    figures = f"{value:+.1f} (95 % interval {low:+.1f} to {high:+.1f})"
    if study.task in PLAIN_WIN_RATE:
        figures = f"{value:.1f} % (95 % interval {low:.1f} to {high:.1f}, a draw is 50)"
    early = f" Preliminary: fewer than {netwin.PRELIMINARY} votes." if rate.preliminary else ""
    counted = f"{figures}, votes: {rate.votes}, prompts: {rate.wins + rate.ties + rate.losses}.{early}"
    if not rate.decided:
        return f"Between {rate.a} and {rate.b} no difference is shown: {counted}"
    better, worse = (rate.a, rate.b) if rate.net > 0 else (rate.b, rate.a)
    return f"{better} is preferred to {worse}: {counted}"


def shown(net: float, task: str) -> float:
    """A net win rate as the study's task reports it."""
    return 50 + net / 2 if task in PLAIN_WIN_RATE else net


def _controls(rows: list[Result], study: Study) -> dict[str, dict[str, int]]:
    """For each rater, how many controls were shown and how many were answered rightly; text match tells most."""
    axis = "text match" if "text match" in study.axes else study.axes[0]
    passed: dict[str, dict[str, int]] = {}
    for row in rows:
        if row["control"] and row["axis"] == axis:
            own = passed.setdefault(row["rater"], {"shown": 0, "right": 0})
            own["shown"] += 1
            own["right"] += row["margin"] > 0
    return passed


def export(arena: Arena, study: str, owner: str | None, path: Path) -> Path:
    """Writes every vote with seeds, settings hashes and the studio's version, as .csv, .json or .parquet.

    The .json also holds the prompts and the settings themselves, so that the study can be made again.
    Whole or not at all. Raises `BadRequest` ("out") for another ending or a file that is there, `Unavailable` if there
    is no room.
    """
    landing.check(path, tuple(WRITERS), "the votes of a study")
    kept = arena.study(study, owner)
    rows = [{"study": study, "version": version(), **row} for row in arena.answers(study, owner)]
    plan = _plan(arena, kept)
    return landing.whole_or_nothing(path, lambda file: WRITERS[file.suffix](file, rows, plan))


def _plan(arena: Arena, study: Study) -> Result:
    takes = arena.takes(study.id, None)
    return {
        "version": version(),
        "study": {key: value for key, value in asdict(study).items() if key not in ("link", "owner")},
        "systems": [
            {"name": system.name, "settings": system.settings, "hash": system.hash}
            for system in {take.system.name: take.system for take in takes}.values()
        ],
        "prompts": [asdict(prompt) for prompt in {take.prompt.name: take.prompt for take in takes}.values()],
        "takes": [{"system": take.system.name, "prompt": take.prompt.name, "seed": take.seed} for take in takes],
    }


def version() -> str:
    """The studio's own, or "source" where it was never installed."""
    try:
        return importlib.metadata.version("rushes")
    except importlib.metadata.PackageNotFoundError:
        return "source"


def _json(path: Path, rows: list[Result], plan: Result) -> None:
    path.write_text(json.dumps({**plan, "votes": rows}, indent=1, ensure_ascii=False), encoding="utf-8")


WRITERS: dict[str, Callable[[Path, list[Result], Result], Any]] = {
    ".csv": lambda path, rows, plan: pd.DataFrame(rows).to_csv(path, index=False),
    ".json": _json,
    ".parquet": lambda path, rows, plan: pd.DataFrame(rows).to_parquet(path, index=False),
}

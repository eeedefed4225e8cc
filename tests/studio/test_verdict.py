"""What a study says: headlines, the report, and the files that keep the votes."""

import itertools
import json
import re
import sys
import time

import pandas as pd
import pytest

from pipelines.errors import BadRequest, Unavailable
from pipelines.evaluation.voters import Voters
from studio import charts, report, verdict
from studio.arena import Arena, Plan, Prompt, System
from studio.charts import Mark, Panel
from studio.db import Database

ME = "browser:me"
NASTY = "<script>alert(1)</script> & co"


def test_names_in_a_chart_are_names_and_no_mathematics():
    mark = Mark(label="a$ or b$", value=0.5, low=0.4, high=0.6, decided=True)
    panel = Panel(title=r"what does $\frac$ cost?", marks=[mark], sides=("$x$", "$^$"))
    drawn = charts.intervals([panel], unit="$", middle=0.5, says="a chart")
    assert all(text in drawn for text in (panel.title, mark.label, *panel.sides))


@pytest.fixture
def arena(tmp_path):
    database = Database(tmp_path / "rushes.db")
    yield Arena(database, tmp_path / "studies")
    database.close()


def voted(arena: Arena, voters: Voters, *, prompts: int, axes: tuple[str, ...], task: str = "text-to-video") -> str:
    """A study with the votes of raters whose preference is known, written straight into the tables."""
    names = tuple(f"system {number}" for number in range(len(voters.strengths)))
    suite = tuple(
        Prompt(
            name=f"{n}", text=f"{NASTY} {n}", concept=("people;hands", "places")[n % 2], motion=("low", "high")[n % 2]
        )
        for n in range(prompts)
    )
    systems = tuple(System(name=name, settings={"steps": len(name)}) for name in names)
    study = arena.create(Plan(title=NASTY, prompts=suite, systems=systems, axes=axes, task=task, controls=0.0), ME)
    for take in arena.takes(study, ME):
        arena.fill(take.id, f"{take.id}.mp4", fps=16, still=False, seed=take.id)
    arena.open(study, ME)
    with arena.database.write() as tables:
        pairs = {
            (row["prompt"], row["a"], row["b"]): row["id"]
            for row in tables.execute(
                "SELECT pairs.id, prompts.name AS prompt, x.name AS a, y.name AS b FROM pairs"
                " JOIN prompts ON prompts.id = pairs.prompt JOIN takes AS p ON p.id = pairs.a JOIN takes AS q"
                " ON q.id = pairs.b JOIN systems AS x ON x.id = p.system JOIN systems AS y ON y.id = q.system"
            )
        }
        known = tables.execute("SELECT coalesce(max(id), 0) FROM raters").fetchone()[0] + 1
        tables.executemany(
            "INSERT INTO raters VALUES (?, ?, ?, 0)", [(n + known, study, f"r{n}") for n in range(voters.raters)]
        )
        studies = [voters.study(prompts, seed) for seed in range(len(axes))]
        ballots, votes = [], []
        for number, rows in enumerate(zip(*(table.itertuples() for table in studies), strict=True)):
            first = rows[0]
            pair, name = pairs[str(first.prompt), first.a, first.b], f"{study} b{number}"
            ballots.append((name, pair, first.rater + known, f"{study} l{number}", f"{study} r{number}", float(number)))
            votes += [(name, axis, row.outcome) for axis, row in zip(axes, rows, strict=True)]
        tables.executemany("INSERT INTO ballots VALUES (?, ?, ?, 0, 0, ?, ?, 1, 1, 0, ?)", ballots)
        tables.executemany("INSERT INTO votes VALUES (?, ?, ?, 0)", votes)
    return study


def test_ten_thousand_votes_are_reported_in_less_than_five_times_the_time_of_a_tenth(arena):
    axes = ("overall", "text match", "realness", "aesthetics")
    few, many = (voted(arena, Voters(), prompts=prompts, axes=axes) for prompts in (28, 279))
    assert len(arena.answers(many, ME)) == 279 * 3 * 3 * 4 > 10_000
    report.page(arena, few, ME)  # fonts and imports are found once
    seconds = []
    for study in (few, many):
        start = time.process_time()  # other work on the machine does not count
        page = report.page(arena, study, ME)
        seconds.append(time.process_time() - start)
    assert seconds[1] < 5 * seconds[0], seconds
    assert page.count("<svg") >= 4 and len(page) < 1_000_000


def test_a_clear_difference_is_said_and_an_unclear_one_is_not(arena):
    study = voted(arena, Voters(strengths=(1.0, 0.0, 0.0), luck=0.0), prompts=60, axes=("overall",))
    first, second, third = verdict.summary(arena, study, ME)["headline"]
    assert first.startswith("system 0 is preferred to system 1: +")
    assert second.startswith("system 0 is preferred to system 2: +")
    assert third.startswith("Between system 1 and system 2 no difference is shown")
    assert "Preliminary" not in first and "votes: 180, prompts: 60." in first


def test_few_votes_are_called_preliminary_and_none_a_beginning(arena):
    study = voted(arena, Voters(strengths=(2.0, 0.0), raters=1), prompts=20, axes=("overall",))
    told = verdict.summary(arena, study, ME)
    assert "Preliminary: fewer than 100 votes" in told["headline"][0]
    empty = arena.create(
        Plan(title="empty", prompts=(Prompt(name="a", text="b"),), systems=(System(name="x"), System(name="y"))), ME
    )
    assert verdict.summary(arena, empty, ME)["headline"] == ["Nobody has voted yet."]
    assert "Nobody has voted yet." in report.page(arena, empty, ME)


def test_edits_are_rated_by_the_plain_win_rate(arena):
    study = voted(arena, Voters(strengths=(1.0, 0.0)), prompts=50, axes=("overall",), task="edit")
    told = verdict.summary(arena, study, ME)
    (rate,) = told["rates"]
    assert told["scale"] == "win rate" and f"{50 + rate['net'] / 2:.1f} %" in told["headline"][0]
    json.dumps(told)


def test_a_report_stands_alone_and_runs_nothing_that_people_typed(arena, tmp_path):
    study = voted(arena, Voters(), prompts=30, axes=("overall", "realness"))
    path = report.write(arena, study, ME, tmp_path / "report.html")
    page = path.read_text(encoding="utf-8")
    assert "<script" not in page and "&lt;script&gt;" in page
    links = set(re.findall(r'(?:src|href)="([^"]*)', page))
    assert all(link.startswith(("#", "data:")) for link in links)
    for word in ("Method", "Sample pairs", "By concept", "people", "system 2", "Krippendorff"):
        assert word in page
    with pytest.raises(BadRequest, match="already exists"):
        report.write(arena, study, ME, path)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no rlimits there")
def test_what_the_disk_has_no_room_for_is_not_there_at_all(arena, tmp_path):
    import resource

    study = voted(arena, Voters(), prompts=12, axes=("overall", "realness"))
    most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8 << 10, most[1]))
    try:
        for write, name in ((report.write, "a.html"), (verdict.export, "a.csv"), (verdict.export, "a.json")):
            with pytest.raises(Unavailable, match="There is no room for"):
                write(arena, study, ME, tmp_path / name)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, most)
    assert not list(tmp_path.glob("a.*")) and not list(tmp_path.glob(".*.part"))


def test_every_file_holds_every_vote_with_seeds_and_settings(arena, tmp_path):
    study = voted(arena, Voters(), prompts=12, axes=("overall", "realness"))
    tables = {}
    for suffix, read in ((".csv", pd.read_csv), (".parquet", pd.read_parquet)):
        tables[suffix] = read(verdict.export(arena, study, ME, tmp_path / f"votes{suffix}"))
    told = json.loads(verdict.export(arena, study, ME, tmp_path / "votes.json").read_text(encoding="utf-8"))
    tables[".json"] = pd.DataFrame(told["votes"])
    for one, other in itertools.pairwise(tables.values()):
        assert len(one) == 12 * 3 * 3 * 2 and list(one.columns) == list(other.columns)
        assert (one["margin"] == other["margin"]).all() and (one["settings_a"] == other["settings_a"]).all()
    assert {"seed_a", "seed_b", "settings_a", "settings_b", "rater", "version"} <= set(tables[".csv"].columns)
    assert [system["name"] for system in told["systems"]] == ["system 0", "system 1", "system 2"]
    assert told["prompts"][0]["text"] == f"{NASTY} 0" and "link" not in told["study"]


@pytest.mark.parametrize("name", ["votes.xlsx", "taken.csv"])
def test_a_file_that_cannot_be_is_refused(arena, tmp_path, name):
    (tmp_path / "taken.csv").write_text("mine")
    study = voted(arena, Voters(), prompts=2, axes=("overall",))
    with pytest.raises(BadRequest):
        verdict.export(arena, study, ME, tmp_path / name)
    assert (tmp_path / "taken.csv").read_text() == "mine"

"""Studies and ballots: who sees what, who may, and that a vote is kept exactly once."""

import collections
import concurrent.futures
import itertools

import pytest

from pipelines.errors import BadRequest
from studio.arena import BY_TASK, FILM, Arena, Plan, Prompt, System
from studio.ballots import Ballots
from studio.db import Database

ME = "browser:me"
PROMPTS = tuple(Prompt(name=f"p{n}", text=f"a fox number {n}", concept="animals", motion="low") for n in range(6))
SYSTEMS = (
    System(name="fast", settings={"model": "mini", "steps": 10}),
    System(name="fine", settings={"model": "mini", "steps": 50}),
    System(name="other"),
)


@pytest.fixture
def arena(tmp_path):
    database = Database(tmp_path / "rushes.db")
    yield Arena(database, tmp_path / "studies")
    database.close()


def opened(arena: Arena, **changes) -> str:
    """A study whose takes are small files that say which take they are."""
    study = arena.create(Plan(**{"title": "mine", "prompts": PROMPTS, "systems": SYSTEMS, "raters": 2, **changes}), ME)
    (arena.folder / study).mkdir(parents=True)
    for take in arena.takes(study, ME):
        (arena.folder / study / f"{take.id}.mp4").write_text(f"{take.prompt.name} {take.system.name}")
        arena.fill(take.id, f"{take.id}.mp4", fps=16, still=False, seed=take.id)
    arena.open(study, ME)
    return study


def link_of(arena: Arena, study: str) -> str:
    return arena.study(study, ME).link


def shown(ballots: Ballots, ballot, rater: str) -> tuple[str, str]:
    """What the files on the left and on the right of a ballot say; opening them unlocks the vote."""
    return tuple(ballots.media(name, rater).read_text() for name in (ballot.left, ballot.right))


def same(answer, axes=FILM) -> dict:
    return dict.fromkeys(axes, answer)


def vote_all(arena: Arena, link: str, rater: str, answer=lambda left, right: 1) -> int:
    """Votes until nothing is left; how many ballots that were."""
    ballots, count = Ballots(arena), 0
    while ballot := ballots.next(link, rater):
        assert ballots.cast(link, rater, ballot.id, same(answer(*shown(ballots, ballot, rater))))
        count += 1
    return count


def test_a_study_is_a_draft_then_open_then_closed(arena):
    study = arena.create(Plan(title="mine", prompts=PROMPTS, systems=SYSTEMS), ME)
    link = link_of(arena, study)
    assert arena.status(study, ME)["state"] == "draft" and arena.status(study, ME)["takes"] == 18
    with pytest.raises(BadRequest, match="no prompt yet"):
        arena.open(study, ME)
    with pytest.raises(BadRequest, match="has not begun"):
        Ballots(arena).next(link, "a")
    second = opened(arena)
    assert arena.status(second, ME)["pairs"] == 18 and arena.open(second, ME) == 18
    arena.close(second, ME)
    with pytest.raises(BadRequest, match="closed"):
        Ballots(arena).next(link_of(arena, second), "a")
    assert [kept.id for kept in arena.studies(ME)] == [second, study] and arena.studies("browser:you") == []


@pytest.mark.parametrize("call", ["study", "takes", "open", "close", "status", "answers"])
def test_a_study_is_its_owners_alone(arena, call):
    study = opened(arena)
    with pytest.raises(BadRequest, match="no study"):
        getattr(arena, call)(study, "browser:you")
    getattr(arena, call)(study, None)


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("title", {"title": " "}),
        ("task", {"task": "dance"}),
        ("axes", {"axes": ("overall", "shoe size")}),
        ("systems", {"systems": SYSTEMS[:1]}),
        ("systems", {"systems": (SYSTEMS[0], SYSTEMS[0])}),
        ("prompts", {"prompts": ()}),
        ("prompts", {"prompts": (Prompt(name="p", text=" "),)}),
        ("raters", {"raters": 0}),
        ("repeats", {"repeats": 0.9}),
    ],
)
def test_a_plan_that_cannot_be_is_refused_by_name(field, changes):
    with pytest.raises(BadRequest) as refused:
        Plan(**{"title": "mine", "prompts": PROMPTS, "systems": SYSTEMS, **changes})
    assert refused.value.field == field


def test_the_axes_follow_the_task():
    assert Plan(title="mine", prompts=PROMPTS, systems=SYSTEMS, task="edit").axes == BY_TASK["edit"]


def test_every_pair_is_voted_equally_often_and_both_sides_are_shown(arena):
    study = opened(arena, repeats=0.0, controls=0.0)
    for rater in ("a", "b", "c", "d"):
        vote_all(arena, link_of(arena, study), rater)
    rows = [row for row in arena.answers(study, ME) if row["axis"] == "overall"]
    pairs = collections.Counter((row["prompt"], row["a"], row["b"]) for row in rows)
    assert len(pairs) == 18 and set(pairs.values()) == {2}
    assert 8 < sum(row["swapped"] for row in rows) < 28
    assert arena.status(study, ME)["done"] == 1.0


def test_an_answer_about_left_and_right_is_kept_as_one_about_the_systems(arena):
    study = opened(arena)
    vote_all(
        arena, link_of(arena, study), "a", lambda left, right: 2 if "fine" in left else -2 if "fine" in right else 0
    )
    rows = [row for row in arena.answers(study, ME) if not row["control"]]
    assert {row["margin"] for row in rows if row["b"] == "fine"} == {-2}
    assert {row["margin"] for row in rows if row["a"] == "fine"} == {2}
    assert {row["margin"] for row in rows if "fine" not in (row["a"], row["b"])} == {0}


def test_answers_carry_seeds_settings_and_tags(arena):
    study = opened(arena, repeats=0.0, controls=0.0)
    vote_all(arena, link_of(arena, study), "a")
    row = next(row for row in arena.answers(study, ME) if (row["a"], row["b"]) == ("fast", "fine"))
    assert row["settings_a"] == SYSTEMS[0].hash != row["settings_b"] == SYSTEMS[1].hash
    assert row["seed_a"] != row["seed_b"] and (row["concept"], row["motion"]) == ("animals", "low")
    assert row["rater"] == "rater 1"


def test_opening_again_with_more_clips_keeps_the_share_of_controls(arena):
    study = opened(arena, controls=0.5)
    again = arena.open(study, ME)
    with arena.database.read() as tables:
        count = "SELECT count(*) FROM pairs WHERE study = ? AND control"
        before = tables.execute(count, (study,)).fetchone()[0]
    assert arena.open(study, ME) == again and 0 < before <= again / 2
    with arena.database.write() as tables:
        tables.execute("UPDATE takes SET file = NULL WHERE prompt = (SELECT max(prompt) FROM takes)")
    arena.open(study, ME)
    with arena.database.read() as tables:
        assert tables.execute(count, (study,)).fetchone()[0] == before


def test_repeats_come_with_sides_swapped_and_controls_against_another_prompt(arena):
    study = opened(arena, repeats=0.3, controls=0.2, raters=4)
    for rater in "abcd":
        vote_all(arena, link_of(arena, study), rater, lambda left, right: 0)
    rows = [row for row in arena.answers(study, ME) if row["axis"] == "overall"]
    repeats = [row for row in rows if row["repeat"]]
    assert repeats and any(row["control"] for row in rows)
    for row in repeats:
        first = [
            other for other in rows if all(other[key] == row[key] for key in ("prompt", "a", "b", "rater", "control"))
        ]
        assert sorted(other["swapped"] for other in first) == [0, 1]


def test_a_reload_shows_the_same_ballot_and_an_abandoned_one_is_not_lost(arena):
    study = opened(arena)
    ballots, link = Ballots(arena), link_of(arena, study)
    first = ballots.next(link, "a")
    assert ballots.next(link, "a") == first and ballots.next(link, "b").id != first.id


def test_a_vote_is_kept_once_and_only_by_whom_it_was_drawn_for(arena):
    study = opened(arena)
    ballots, link = Ballots(arena), link_of(arena, study)
    ballot = ballots.next(link, "a")
    with pytest.raises(BadRequest, match="both clips were played"):
        ballots.cast(link, "a", ballot.id, same(1))
    assert ballots.media(ballot.left, "b") is None and ballots.media("nothing", "a") is None
    shown(ballots, ballot, "a")
    with pytest.raises(BadRequest, match="not yours"):
        ballots.cast(link, "b", ballot.id, same(1))
    for wrong in ({}, same(3), same(True), same("good"), same(1.0), {**same(1), "overall": None}):
        with pytest.raises(BadRequest):
            ballots.cast(link, "a", ballot.id, wrong)
    assert arena.status(study, ME)["raters"] == 0, "who has only opened the link"
    assert ballots.cast(link, "a", ballot.id, same("bad")) is True
    assert arena.status(study, ME)["raters"] == 1
    assert ballots.cast(link, "a", ballot.id, same(-2)) is False
    assert [(row["margin"], row["bad"]) for row in arena.answers(study, ME)] == [(0, 1)] * len(FILM)


def test_a_vote_that_comes_after_the_closing_is_refused_and_earlier_ones_stay(arena):
    study = opened(arena)
    ballots, link = Ballots(arena), link_of(arena, study)
    shown(ballots, first := ballots.next(link, "a"), "a")
    ballots.cast(link, "a", first.id, same(1))
    shown(ballots, second := ballots.next(link, "a"), "a")
    arena.close(study, ME)
    with pytest.raises(BadRequest, match="closed"):
        ballots.cast(link, "a", second.id, same(1))
    assert len(arena.answers(study, ME)) == len(FILM)


def test_nothing_that_a_browser_gets_names_a_system(arena):
    study = opened(arena)
    ballot = Ballots(arena).next(link_of(arena, study), "a")
    told = str(ballot.to_dict())
    for secret in ("fast", "fine", "other", "mini", study, *(system.hash for system in SYSTEMS), ".mp4"):
        assert secret not in told


def test_raters_who_vote_at_once_lose_and_double_nothing(arena):
    study = opened(arena, raters=20, repeats=0.1)
    link = link_of(arena, study)
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        counts = list(pool.map(lambda number: vote_all(arena, link, f"r{number}"), range(20)))
    rows = arena.answers(study, ME)
    assert len(rows) == sum(counts) * len(FILM)
    keys = collections.Counter(
        (row["prompt"], row["a"], row["b"], row["rater"], row["repeat"], row["axis"], row["control"]) for row in rows
    )
    assert set(keys.values()) == {1}
    assert collections.Counter(
        (row["prompt"], row["a"], row["b"]) for row in rows if not (row["repeat"] or row["control"])
    ) == {
        (prompt.name, a.name, b.name): 20 * len(FILM)
        for prompt in PROMPTS
        for a, b in itertools.combinations(SYSTEMS, 2)
    }

"""Statistics of votes: the paper's figures, textbook figures, and voters whose preference is known."""

import numpy as np
import pandas as pd
import pytest

from pipelines.evaluation import netwin
from pipelines.evaluation.voters import Voters, coverage


def ballots(rows: list[tuple]) -> pd.DataFrame:
    """Votes on one axis from rows of (prompt, a, b, rater, outcome[, repeat])."""
    full = [(*row, 0)[:6] for row in rows]
    return pd.DataFrame(full, columns=["prompt", "a", "b", "rater", "outcome", "repeat"]).assign(axis="overall")


def test_net_win_rate_is_wins_less_losses():
    assert netwin.net_win_rate(67, 18, 15) == 52.0  # the captions of section 3.3: 67 % against 15 %
    assert netwin.net_win_rate(0, 5, 0) == 0 and netwin.net_win_rate(3, 0, 0) == 100
    for edited in (89.29, 70.23, 44.66):  # Movie Gen Edit's win rates, without ties
        assert netwin.net_win_rate(edited, 0, 100 - edited) == pytest.approx(2 * edited - 100)


def test_most_raters_decide_an_item_and_a_draw_among_them_is_a_tie():
    rows = [("one", "x", "y", rater, outcome) for rater, outcome in enumerate((1, 1, -1))]
    rows += [("two", "x", "y", rater, outcome) for rater, outcome in enumerate((1, 0, -1))]
    rows += [("three", "y", "x", rater, outcome) for rater, outcome in enumerate((1, 1, 0))]  # the sides are turned
    items = netwin.majority(ballots(rows)).set_index("prompt")["outcome"]
    assert dict(items) == {"one": 1, "two": 0, "three": -1}
    (rate,) = netwin.rates(ballots(rows))
    assert (rate.a, rate.b, rate.wins, rate.ties, rate.losses, rate.votes) == ("x", "y", 1, 1, 1, 9)
    assert rate.net == 0 and rate.preliminary and not rate.decided


def test_a_repeated_answer_is_noise_and_no_second_vote():
    rows = [("one", "x", "y", "r", 1, 0), ("one", "x", "y", "r", -1, 1), ("one", "x", "y", "r", -1, 2)]
    (rate,) = netwin.rates(ballots(rows))
    assert (rate.wins, rate.votes) == (1, 1)
    assert netwin.rater_noise(ballots(rows)) == pytest.approx(100 * np.std([1, -1, -1], ddof=1))
    assert netwin.rater_noise(ballots(rows[:1])) is None
    third = [(prompt, "x", "z", rater, outcome, repeat) for prompt, _, _, rater, outcome, repeat in rows]
    both = netwin.rater_noise(ballots([*rows, *third]))
    assert both == pytest.approx(netwin.rater_noise(ballots(rows))), "a rate is of one pair, however many there are"


def test_rater_noise_foretells_how_a_repeated_annotation_scatters():
    voters = Voters(strengths=(0.2, 0.0), raters=1, luck=0.0)
    runs = [voters.study(400, seed).assign(repeat=seed) for seed in range(60)]
    foretold = netwin.rater_noise(pd.concat(runs[:4]))
    seen = np.std([100 * run["outcome"].mean() for run in runs], ddof=1)
    assert foretold == pytest.approx(seen, rel=0.25)


def test_the_sign_test_is_the_exact_binomial():
    assert netwin.sign_test(9, 1) == pytest.approx(22 / 1024)
    assert netwin.sign_test(0, 0) == 1.0 and netwin.sign_test(5, 5) == 1.0


def test_agreement_is_krippendorffs_alpha():
    """Krippendorff's example of four coders and twelve units (Computing alpha, 2011), ordinal: 0.815."""
    table = [
        "1 2 3 3 2 1 4 1 2 . . .",
        "1 2 3 3 2 2 4 1 2 5 . 3",
        ". 3 3 3 2 3 4 2 2 5 1 .",
        "1 2 3 3 2 4 4 1 2 5 1 .",
    ]
    rows = [
        (unit, "x", "y", coder, int(value))
        for coder, line in enumerate(table)
        for unit, value in enumerate(line.split())
        if value != "."
    ]
    assert netwin.agreement(ballots(rows)) == pytest.approx(0.815, abs=0.001)
    assert netwin.agreement(ballots(rows[:1])) is None


def test_prompts_that_all_agree_still_leave_doubt():
    low, high = netwin.interval(np.ones(10), np.ones(10))
    assert high == 100 and 30 < low < 45  # Clopper and Pearson: 69.15 % at least
    assert netwin.interval(np.zeros(10), np.ones(10)) == pytest.approx((-30.85, 30.85), abs=0.01)


def test_raters_of_one_prompt_are_no_independent_evidence():
    few = [(prompt, "x", "y", rater, 1 if prompt % 3 else -1) for prompt in range(12) for rater in range(50)]
    many = [(prompt, "x", "y", 0, 1 if prompt % 3 else -1) for prompt in range(12)]
    assert netwin.rates(ballots(few))[0].low == netwin.rates(ballots(many))[0].low
    few_bt, many_bt = (netwin.strengths(ballots(rows))[0] for rows in (few, many))
    assert few_bt.high - few_bt.low > 0.8 * (many_bt.high - many_bt.low)


def test_strengths_are_the_log_odds_of_a_known_table():
    rows = [(prompt, "x", "y", 0, 1 if prompt % 4 else -1) for prompt in range(4000)]
    best, worst = netwin.strengths(ballots(rows))
    assert (best.system, worst.system) == ("x", "y") and (best.rank, worst.rank) == (1, 2)
    assert best.strength - worst.strength == pytest.approx(np.log(3), abs=0.01)


def test_systems_that_overlap_share_a_rank_and_one_that_never_lost_stays_finite():
    near = Voters(strengths=(0.02, 0.0, -3.0)).study(40, seed=1)
    ranks = {row.system: row.rank for row in netwin.strengths(near)}
    assert ranks == {"system 0": 1, "system 1": 1, "system 2": 3}
    never = netwin.strengths(ballots([(prompt, "x", "y", 0, 1) for prompt in range(30)]))
    assert never[0].system == "x" and np.isfinite(never[0].strength)
    assert netwin.strengths(ballots([]).astype({"outcome": float})) == []


def test_slices_count_a_prompt_in_each_of_its_tags():
    votes = ballots([("one", "x", "y", 0, 1), ("two", "x", "y", 0, -1), ("three", "x", "y", 0, 1)])
    votes["concept"] = votes["prompt"].map({"one": "people; physics", "two": "physics", "three": ""})
    assert {rate.part: (rate.net, rate.wins + rate.losses) for rate in netwin.slices(votes, "concept")} == {
        "people": (100.0, 1),
        "physics": (0.0, 2),
    }


def test_fewer_than_a_hundred_votes_are_preliminary():
    voters = Voters(strengths=(1.0, 0.0), raters=3)
    assert netwin.rates(voters.study(33, seed=0))[0].preliminary
    assert not netwin.rates(voters.study(34, seed=0))[0].preliminary


@pytest.mark.parametrize("voters", [Voters(), Voters(strengths=(0.4, -0.4), luck=1.0, raters=1)])
def test_the_intervals_hold_the_truth_of_voters_whose_preference_is_known(voters):
    held = coverage(voters, studies=40, prompts=40)  # 200 studies: python -m pipelines.evaluation.voters
    assert 90 <= held["net_win_rate"] <= 99 and 90 <= held["bradley_terry"] <= 99

"""The statistics of blind votes: net win rates, their intervals, rater noise, agreement, strengths. Numbers only.

Votes are a pandas frame, one row per answer: `prompt`, `a`, `b` (systems), `axis`, `rater`, `outcome` (1: a is better,
0: neither, -1: b is better); where known `repeat` (0 for a first answer), `concept` (tags joined by ;) and `motion`.
"""

import math
from dataclasses import dataclass

import choix
import numpy as np
import pandas as pd
from scipy import stats

PRELIMINARY = 100  # votes; fewer are shown, but as a beginning
RESAMPLES = 2000
PRIOR = 1.0  # virtual drawn games between every two systems: keeps strengths finite when one never loses
COLUMNS = ("prompt", "a", "b", "axis", "rater", "outcome")
ITEM = ["axis", "a", "b", "prompt"]


@dataclass(frozen=True, kw_only=True)
class Rate:
    """Net win rate of `a` over `b` on one axis in points, -100 to 100, with its 95 % interval.

    wins, ties and losses count items (a prompt, decided by the majority of its raters); `p` is the sign test's.
    `part` is the slice that it is of, or "".
    """

    axis: str
    a: str
    b: str
    part: str
    wins: int
    ties: int
    losses: int
    votes: int
    net: float
    low: float
    high: float
    p: float
    preliminary: bool

    @property
    def decided(self) -> bool:
        """Whether the interval leaves zero out: otherwise neither side may be called better."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True, kw_only=True)
class Strength:
    """Bradley-Terry strength of a system in log-odds against the average system, with its 95 % interval.

    `rank` is one more than the number of systems whose whole interval lies above.
    """

    system: str
    strength: float
    low: float
    high: float
    rank: int
    votes: int
    preliminary: bool


def net_win_rate(wins: float, ties: float, losses: float) -> float:
    """Win% - loss% in points, -100 to 100; a tie counts for neither (Movie Gen, section 3.5)."""
    return 100 * (wins - losses) / (wins + ties + losses)


def sign_test(wins: int, losses: int) -> float:
    """Two-sided p-value of as many wins if both sides were equal; ties say nothing (exact binomial, scipy)."""
    return float(stats.binomtest(wins, wins + losses).pvalue) if wins + losses else 1.0


def oriented(votes: pd.DataFrame) -> pd.DataFrame:
    """The same votes with `a` before `b` in the alphabet, so that both sides of a pair are counted together."""
    missing = [name for name in COLUMNS if name not in votes]
    assert not missing, f"votes have no {missing}"
    turned = votes["a"] > votes["b"]
    one = votes.assign(
        a=votes["a"].where(~turned, votes["b"]),
        b=votes["b"].where(~turned, votes["a"]),
        outcome=votes["outcome"].where(~turned, -votes["outcome"]),
    )
    return one.assign(repeat=0) if "repeat" not in one else one


def majority(votes: pd.DataFrame) -> pd.DataFrame:
    """One row per axis, pair and prompt: the outcome that most raters gave, 0 where no outcome leads; and `votes`.

    Only first answers count. Movie Gen takes three raters, six for realness and aesthetics.
    """
    first = oriented(votes).query("repeat == 0")
    marks = pd.DataFrame({name: first["outcome"] == side for name, side in (("won", 1), ("tied", 0), ("lost", -1))})
    counts = marks.groupby([first[name] for name in ITEM], sort=True).sum().reset_index()
    won = counts["won"] > counts[["tied", "lost"]].max(axis=1)
    lost = counts["lost"] > counts[["won", "tied"]].max(axis=1)
    every = counts[["won", "tied", "lost"]].sum(axis=1)
    return counts[ITEM].assign(outcome=won.astype(int) - lost.astype(int), votes=every)


def rates(votes: pd.DataFrame, *, part: str = "") -> list[Rate]:
    """The net win rate of every pair on every axis, in alphabetical order."""
    items = majority(votes)
    return [_rate(axis, a, b, part, rows) for (axis, a, b), rows in items.groupby(["axis", "a", "b"], sort=True)]


def slices(votes: pd.DataFrame, by: str) -> list[Rate]:
    """The same for each value of the column `by` ("concept" or "motion"); a prompt with several tags counts in each."""
    each = votes.assign(**{by: votes[by].fillna("").str.split(";")}).explode(by)
    groups = each.groupby(each[by].str.strip(), sort=True)
    return [rate for part, rows in groups if part for rate in rates(rows, part=str(part))]


def _rate(axis: str, a: str, b: str, part: str, items: pd.DataFrame) -> Rate:
    wins, ties, losses = (int((items["outcome"] == side).sum()) for side in (1, 0, -1))
    votes = int(items["votes"].sum())
    per_prompt = items.groupby("prompt")["outcome"].agg(["sum", "count"]).to_numpy(float)  # (prompts, 2)
    low, high = interval(per_prompt[:, 0], per_prompt[:, 1])
    return Rate(
        axis=str(axis),
        a=str(a),
        b=str(b),
        part=part,
        wins=wins,
        ties=ties,
        losses=losses,
        votes=votes,
        net=net_win_rate(wins, ties, losses),
        low=low,
        high=high,
        p=sign_test(wins, losses),
        preliminary=votes < PRELIMINARY,
    )


def interval(sums: np.ndarray, counts: np.ndarray) -> tuple[float, float]:
    """95 % interval in points of 100 * sum(sums) / sum(counts), when whole prompts are drawn again (cluster bootstrap).

    `sums` and `counts` (prompts,): outcomes added up and items of each prompt. Percentiles are widened as Student's t
    asks for few prompts (Hesterberg 2015, "What teachers should know about the bootstrap", section 4.3). Where all
    prompts agree nothing varies; then Clopper and Pearson bound the share of prompts that would disagree.
    """
    means, prompts = sums / counts, len(sums)
    if np.all(means == means[0]):
        agree = stats.binomtest(prompts, prompts).proportion_ci().low
        spread = [100 * float(means[0] * agree + side * (1 - agree)) for side in (-1, 1)]
        return max(-100.0, spread[0]), min(100.0, spread[1])
    drawn = stats.bootstrap(
        (sums, counts),
        lambda x, n, axis=-1: 100 * x.sum(axis) / n.sum(axis),
        paired=True,
        vectorized=True,
        method="percentile",
        n_resamples=RESAMPLES,
        confidence_level=_widened(prompts),
        rng=np.random.default_rng(0),
    ).confidence_interval
    return float(drawn.low), float(drawn.high)


def _widened(count: int) -> float:
    tail = stats.norm.cdf(-math.sqrt(count / (count - 1)) * stats.t.ppf(0.975, count - 1))
    return min(1 - 2 * float(tail), 1 - 1e-9)


def rater_noise(votes: pd.DataFrame) -> float | None:
    """Sigma of a net win rate in points if the same raters answered the same pairs again; None without repeats.

    From how much a rater's answers to one question differ, for a rate that counts every first vote on a pair of
    systems, of which there are as many as on a pair in the mean. It holds nothing of the luck of prompts and seeds.
    """
    turned = oriented(votes)
    own = turned.groupby([*ITEM, "rater"])["outcome"].agg(["count", "var"]).query("count > 1")
    if own.empty:
        return None
    degrees = own["count"] - 1
    pooled = (own["var"] * degrees).sum() / degrees.sum()
    return 100 * math.sqrt(pooled / turned.query("repeat == 0").groupby(["axis", "a", "b"]).size().mean())


def agreement(votes: pd.DataFrame) -> float | None:
    """Krippendorff's alpha (ordinal) of first answers: 1 full agreement, 0 chance; None where nothing can differ.

    By coincidences, as in Krippendorff, "Computing Krippendorff's alpha-reliability" (2011), section E.
    """
    first = oriented(votes).query("repeat == 0")
    item = first.groupby(ITEM, sort=False).ngroup()
    counts = pd.crosstab(item, first["outcome"]).to_numpy(float)  # (items, outcomes), outcomes in order
    raters = counts.sum(axis=1)
    counts, raters = counts[raters > 1], raters[raters > 1]
    shares = counts / (raters - 1)[:, None]
    pairs = counts.T @ shares - np.diag(shares.sum(axis=0))  # (outcomes, outcomes)
    totals = pairs.sum(axis=0)
    ranks = np.cumsum(totals) - totals / 2
    apart = (ranks[:, None] - ranks[None, :]) ** 2
    expected = totals @ apart @ totals
    return float(1 - (totals.sum() - 1) * (pairs * apart).sum() / expected) if expected > 0 else None


def strengths(votes: pd.DataFrame) -> list[Strength]:
    """Bradley-Terry strengths of all systems, best lower bound first; a tie is half a win on each side.

    The fit is choix's; intervals are the sandwich of Liang and Zeger (1986) clustered by prompt, on Student's t.
    """
    first = oriented(votes).query("repeat == 0")
    systems = sorted({*first["a"], *first["b"]})
    if len(systems) < 2:
        return []
    wins = _wins(first, systems)  # (prompts, systems, systems)
    fitted = fit(wins.sum(axis=0))
    half = _errors(wins, fitted) * stats.t.ppf(0.975, max(1, len(wins) - 1))
    low, high = fitted - half, fitted + half
    played = [int(((first["a"] == name) | (first["b"] == name)).sum()) for name in systems]
    rows = [
        Strength(
            system=name,
            strength=float(fitted[i]),
            low=float(low[i]),
            high=float(high[i]),
            rank=1 + int((low > high[i]).sum()),
            votes=played[i],
            preliminary=played[i] < PRELIMINARY,
        )
        for i, name in enumerate(systems)
    ]
    return sorted(rows, key=lambda row: -row.low)


def _wins(votes: pd.DataFrame, systems: list[str]) -> np.ndarray:
    """(prompts, systems, systems): how often the row beat the column on each prompt."""
    prompts, names = pd.factorize(votes["prompt"])
    a, b = (pd.Categorical(votes[side], categories=systems).codes for side in ("a", "b"))
    wins = np.zeros((len(names), len(systems), len(systems)))
    share = (votes["outcome"].to_numpy() + 1) / 2
    np.add.at(wins, (prompts, a, b), share)
    np.add.at(wins, (prompts, b, a), 1 - share)
    return wins


def fit(wins: np.ndarray) -> np.ndarray:
    """Log strengths (systems,) with mean 0 from `wins` (systems, systems), how often the row beat the column."""
    shrunk = wins + PRIOR / 2
    np.fill_diagonal(shrunk, 0)
    return choix.ilsr_pairwise_dense(shrunk)


def _errors(wins: np.ndarray, fitted: np.ndarray) -> np.ndarray:
    """Standard errors (systems,) of `fitted`: information inverted around the scatter of the prompts' scores."""
    games = wins + wins.transpose(0, 2, 1)
    chance = 1 / (1 + np.exp(fitted[None, :] - fitted[:, None]))
    scores = (wins - games * chance).sum(axis=2)  # (prompts, systems)
    weight = (games.sum(axis=0) + PRIOR) * chance * (1 - chance)
    np.fill_diagonal(weight, 0)
    inverse = np.linalg.pinv(np.diag(weight.sum(axis=1)) - weight)
    prompts = len(wins)
    scatter = scores.T @ scores * (prompts / max(1, prompts - 1))
    return np.sqrt(np.diag(inverse @ scatter @ inverse))

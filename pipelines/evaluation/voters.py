"""Raters whose preference is known, to see whether the intervals of netwin hold what they promise.

`python -m pipelines.evaluation.voters --studies 200` prints how often they do.
"""

import argparse
import json
from dataclasses import dataclass

import numpy as np
import pandas as pd

from pipelines.evaluation import netwin

CONCEPTS, MOTIONS = ("people", "animals", "places"), ("low", "medium", "high")
CROWD = 300_000  # prompts that stand for all prompts: their luck is 0.15 points


@dataclass(frozen=True, kw_only=True)
class Voters:
    """Systems of known strength (log-odds), prompts that favour one or another, raters who sometimes see a tie.

    A rater's answer follows Davidson's (1970) extension of Bradley-Terry: odds of a tie are `ties` times the geometric
    mean of both sides'. `luck` is the spread of a system's strength over prompts.
    """

    strengths: tuple[float, ...] = (0.5, 0.1, -0.3)
    luck: float = 0.6
    ties: float = 0.6
    raters: int = 3

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """Every two systems, the first before the second."""
        return [(a, b) for a in range(len(self.strengths)) for b in range(a + 1, len(self.strengths))]

    def answers(self, prompts: int, rng: np.random.Generator) -> np.ndarray:
        """Outcomes (pairs, prompts, raters) in -1, 0, 1."""
        level = np.asarray(self.strengths) + self.luck * rng.standard_normal((prompts, len(self.strengths)))
        a, b = (level[:, [pair[side] for pair in self.pairs]].T for side in (0, 1))  # (pairs, prompts)
        odds = np.stack([np.exp(b), self.ties * np.exp((a + b) / 2), np.exp(a)])
        bounds = np.cumsum(odds / odds.sum(axis=0), axis=0)[..., None]
        drawn = rng.random((*a.shape, self.raters))
        return (drawn > bounds[0]).astype(int) + (drawn > bounds[1]) - 1

    def study(self, prompts: int, seed: int) -> pd.DataFrame:
        """The votes of one study on so many prompts."""
        outcome = self.answers(prompts, np.random.default_rng(seed))
        pair, prompt, rater = (index.ravel() for index in np.indices(outcome.shape))
        names = np.array([f"system {number}" for number in range(len(self.strengths))])
        sides = np.array(self.pairs)[pair]
        return pd.DataFrame(
            {
                "prompt": prompt,
                "a": names[sides[:, 0]],
                "b": names[sides[:, 1]],
                "axis": "overall",
                "rater": rater,
                "outcome": outcome.ravel(),
                "concept": np.array(CONCEPTS)[prompt % len(CONCEPTS)],
                "motion": np.array(MOTIONS)[prompt // len(CONCEPTS) % len(MOTIONS)],
            }
        )

    def truth(self) -> tuple[np.ndarray, np.ndarray]:
        """Net win rates (pairs,) in points and strengths (systems,) if all prompts were rated."""
        outcome = self.answers(CROWD, np.random.default_rng(2**40))
        counts = np.stack([(outcome == side).sum(axis=2) for side in (-1, 0, 1)])  # (3, pairs, prompts)
        lost, won = (counts[side] > np.delete(counts, side, axis=0).max(axis=0) for side in (0, 2))
        wins = np.zeros((len(self.strengths),) * 2)
        for (a, b), share in zip(self.pairs, (outcome.mean(axis=(1, 2)) + 1) / 2, strict=True):
            wins[a, b], wins[b, a] = share * CROWD, (1 - share) * CROWD
        return 100 * (won.mean(axis=1) - lost.mean(axis=1)), netwin.fit(wins)


def coverage(voters: Voters, *, studies: int, prompts: int) -> dict[str, float]:
    """The percentage of 95 % intervals, over all studies and pairs or systems, that hold the truth."""
    nets, strengths = voters.truth()
    held_rates, held_strengths = [], []
    for seed in range(studies):
        votes = voters.study(prompts, seed)
        rates = netwin.rates(votes)
        held_rates += [rate.low <= net <= rate.high for rate, net in zip(rates, nets, strict=True)]
        rows = sorted(netwin.strengths(votes), key=lambda row: row.system)
        held_strengths += [row.low <= truth <= row.high for row, truth in zip(rows, strengths, strict=True)]
    return {"net_win_rate": 100 * float(np.mean(held_rates)), "bradley_terry": 100 * float(np.mean(held_strengths))}


def main() -> None:
    """Prints how often the truth was held, as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=200)
    parser.add_argument("--prompts", type=int, default=60, help="in each study; three systems, three raters")
    options = parser.parse_args()
    held = coverage(Voters(), studies=options.studies, prompts=options.prompts)
    print(json.dumps({"studies": options.studies, "prompts": options.prompts, **held}))


if __name__ == "__main__":
    main()

"""The attacks, a few of each: the whole counts are in the changelog and come from the module itself."""

from pathlib import Path

import numpy as np

from pipelines.evaluation import provenance


def test_no_tampering_passes(tmp_path: Path):
    figures = provenance.tamper(tmp_path, trials=40, seed=1)
    assert figures["caught"] == 40, figures
    assert set(figures["states"]["flip"]) == set(figures["states"]["edit"]) == {"changed"}
    assert figures["states"]["remux"] == {"absent": 10}


def test_damaged_files_are_refused_or_become_files_of_the_house(tmp_path: Path):
    figures = provenance.fuzz(tmp_path, trials=11, seed=1)
    assert figures["files"] == 11 and figures["slowest_s"] < 20
    assert figures["refused"] + figures.get("normalised", 0) == 11


def test_damage_is_the_same_for_the_same_seed():
    first, second = (provenance.damaged(bytearray(2_000), np.random.default_rng(5)) for _ in range(2))
    assert first == second != bytes(2_000)

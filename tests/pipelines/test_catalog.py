"""The table of models answers without loading one, and refuses with what would work."""

import subprocess
import sys
from dataclasses import replace

import pytest

from pipelines import catalog
from pipelines.errors import BadRequest, Unavailable
from pipelines.hub import rows
from pipelines.requests import TextToVideo


def test_mini_is_the_first_row_and_comes_with_the_project():
    mini = catalog.specs()[0]
    assert mini.name == TextToVideo(prompt="a panda").model == "mini"
    assert mini.download_bytes == 0
    assert mini.licence == "Apache-2.0"


def test_names_are_unique_and_builders_are_named_by_strings():
    names = [row.name for row in catalog.specs()]
    assert len(set(names)) == len(names)
    for row in catalog.specs():
        module, function = row.build.split(":")
        assert module.startswith("pipelines.")
        assert function.isidentifier()


def test_an_unknown_name_is_answered_with_the_nearest_one():
    with pytest.raises(BadRequest, match="did you mean mini\\?"):
        catalog.spec("minni")
    with pytest.raises(BadRequest, match="there is: mini"):
        catalog.spec("zzz")


def test_a_model_that_cannot_work_is_not_in_the_table_and_says_why():
    with pytest.raises(BadRequest, match="consisid is not available: reads faces with files that are no safetensors"):
        catalog.spec("consisid")
    assert not rows.NOT_AVAILABLE.keys() & {row.name for row in catalog.specs()}


@pytest.mark.parametrize("seconds", [1, 16])
def test_mini_accepts_what_it_offers(seconds: int):
    for aspect in catalog.spec("mini").aspects:
        catalog.check(TextToVideo(prompt="a panda", seconds=seconds, aspect=aspect))


def test_mini_refuses_another_frame_rate_and_says_which_it_makes():
    with pytest.raises(BadRequest, match="makes 16 frames per second, not 24") as caught:
        catalog.check(TextToVideo(prompt="a panda", fps=24))
    assert caught.value.field == "fps"


def test_asking_for_an_unknown_model_is_refused_before_anything_is_loaded():
    with pytest.raises(BadRequest):
        catalog.load("maxi")
    with pytest.raises(BadRequest):
        catalog.check(TextToVideo(prompt="a panda", model="maxi"))


def test_a_wanted_model_that_does_not_exist_is_refused_and_not_replaced():
    with pytest.raises(BadRequest, match="there is no model 'minni'; did you mean mini"):
        catalog.usual("text-to-video", "minni")


def test_a_model_without_weights_says_what_is_missing():
    row = replace(catalog.spec("mini"), weights="assets/weights/never-trained")
    reason = catalog.runs_here(row)
    assert reason is not None and "assets/weights/never-trained" in reason and "\n" not in reason
    half = replace(catalog.spec("mini"), files=(*catalog.spec("mini").files, "another.safetensors"))
    assert "no another.safetensors in" in catalog.runs_here(half), "every file counts, not any"


def test_loading_a_model_without_weights_is_refused():
    if catalog.runs_here(catalog.spec("mini")) is None:
        pytest.skip("mini's weights are here")
    with pytest.raises(Unavailable, match="weights of mini are missing"):
        catalog.load("mini")


def test_reading_the_table_loads_no_model_code():
    code = (
        "import sys; from pipelines import catalog; [catalog.runs_here(row) for row in catalog.specs()];"
        "sys.exit(any(name in sys.modules for name in ('torch', 'pipelines.moviegen')))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=catalog.ROOT, check=False).returncode == 0

"""The clips that come with the project are those that the table says, and small."""

import pytest

from pipelines.evaluation.examples import EXAMPLES, FOLDER
from pipelines.media import video


@pytest.mark.parametrize(("name", "request_"), EXAMPLES.items(), ids=EXAMPLES)
def test_an_example_says_what_was_asked_for_it(name, request_):
    clip = FOLDER / f"{name}.mp4"
    assert video.request_of(clip) == request_.to_dict()
    assert clip.stat().st_size < 200_000 and clip.with_suffix(".webp").is_file()


def test_there_is_no_other_clip():
    assert {path.stem for path in FOLDER.glob("*.mp4")} == set(EXAMPLES)

"""A request checks itself, travels as plain data, and comes back the same."""

import json
import pickle
from pathlib import PurePosixPath
from typing import Any

import pytest

from pipelines.errors import BadRequest
from pipelines.requests import ASPECTS, LONGEST_PROMPT, EditVideo, TextToVideo, request_from_dict

ASKED = TextToVideo(prompt="a red panda", seconds=2.5, aspect="16:9", seed=3)


def test_a_request_survives_json_and_pickling():
    assert request_from_dict(json.loads(ASKED.to_json())) == ASKED
    assert pickle.loads(pickle.dumps(ASKED)) == ASKED


@pytest.mark.parametrize(("seconds", "fps"), [(1.05, 24), (1.05, 30), (15.99, 60), (2.3, 16)])
def test_the_length_that_is_proposed_is_accepted(seconds, fps):
    with pytest.raises(BadRequest, match="not a whole number of frames") as refused:
        TextToVideo(prompt="a panda", seconds=seconds, fps=fps)
    proposed = float(str(refused.value).split("; ")[1].split()[0])
    assert TextToVideo(prompt="a panda", seconds=proposed, fps=fps).frames == int(seconds * fps)


def test_a_still_may_have_any_seconds():
    assert TextToVideo(prompt="a panda", still=True, seconds=1.03).frames == 1


def test_frames_follow_from_seconds_and_rate():
    assert ASKED.frames == 40
    assert TextToVideo(prompt="a panda", seconds=16).frames == 256
    assert TextToVideo(prompt="a panda", still=True).frames == 1


def test_a_whole_number_is_accepted_where_a_fraction_is():
    request = TextToVideo(prompt="a panda", seconds=4)
    assert type(request.seconds) is float


def test_what_was_taken_in_is_named_by_the_field_that_asks_for_it():
    film = f"inputs/{'0' * 64}.mp4"
    asked = EditVideo(prompt="it snows", video=film, mask="/tmp/mask.png")
    assert asked.references() == {"video": film}
    assert asked.located(PurePosixPath("/data")).video == f"/data/{film}"


@pytest.mark.parametrize("aspect", ASPECTS)
def test_every_aspect_can_be_asked_for(aspect: str):
    assert TextToVideo(prompt="a panda", aspect=aspect).aspect == aspect


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("prompt", ""),
        ("prompt", " \n"),
        ("prompt", "x" * (LONGEST_PROMPT + 1)),
        ("prompt", "caf\udce9"),
        ("prompt", 5),
        ("negative", "x" * 10_000),
        ("aspect", "2:1"),
        ("aspect", None),
        ("seconds", 0),
        ("seconds", 17),
        ("seconds", float("nan")),
        ("seconds", 1.03),
        ("seconds", "4"),
        ("fps", 0),
        ("fps", 16.0),
        ("steps", 0),
        ("steps", 1001),
        ("guidance", -1.0),
        ("guidance", float("inf")),
        ("seed", 1.5),
        ("seed", True),
        ("seed", -1),
        ("seed", 10**400),
        ("seed", -(10**400)),
        ("steps", 10**400),
        ("seconds", 10**400),
        ("still", 1),
        ("model", 3),
    ],
)
def test_a_bad_value_is_refused_by_its_name_in_one_sentence(field: str, value: Any):
    with pytest.raises(BadRequest) as caught:
        TextToVideo(**{"prompt": "a panda", field: value})
    assert caught.value.field == field
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [("seed", 2**31, "0 and 2147483647, got 2147483648"), ("seconds", 16.0000001, "1 and 16, got 16.0000001")],
)
def test_a_number_that_is_refused_is_said_as_it_was_given(field: str, value: Any, says: str):
    with pytest.raises(BadRequest, match=f"{field}: must be between {says}"):
        TextToVideo(**{"prompt": "a panda", field: value})


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ([], "request"),
        ("text", "request"),
        ({}, "task"),
        ({"task": "paint"}, "task"),
        ({"task": ["text-to-video"]}, "task"),
        ({"task": "text-to-video", "prompt": "a panda", "colour": "red"}, "colour"),
        ({"task": "text-to-video"}, "prompt"),
    ],
)
def test_the_parser_refuses_what_is_not_a_request(data: Any, field: str):
    with pytest.raises(BadRequest) as caught:
        request_from_dict(data)
    assert caught.value.field == field


def test_parsing_leaves_the_data_as_it_was():
    data = ASKED.to_dict()
    request_from_dict(data)
    assert data == ASKED.to_dict()

"""A face needs a stated right, and there is no way around saying it."""

from dataclasses import dataclass
from typing import ClassVar

import pytest

from pipelines.consent import STATEMENTS, Consented
from pipelines.errors import BadRequest
from pipelines.requests import Request, knob


@dataclass(frozen=True, kw_only=True)
class WithAFace(Consented, Request):
    """The smallest request that takes a face."""

    task: ClassVar[str] = "with-a-face"
    face: str = knob("", "Face")


@pytest.mark.parametrize("said", STATEMENTS)
def test_a_stated_right_is_in_the_request_and_so_in_the_signature(said: str):
    request = WithAFace(face="inputs/a.png", consent=said)
    assert request.to_dict()["consent"] == said and f'"consent": "{said}"' in request.to_json()


@pytest.mark.parametrize(
    "said", [{}, {"consent": ""}, {"consent": None}, {"consent": True}, {"consent": "yes"}, {"consent": ["permission"]}]
)
def test_what_is_not_said_is_refused_with_what_can_be_said(said: dict):
    with pytest.raises(BadRequest, match="by what right") as caught:
        WithAFace(face="inputs/a.png", **said)
    assert caught.value.field == "consent"
    assert all(name in caught.value.message for name in STATEMENTS)

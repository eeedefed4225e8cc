"""Errors are sentences for people, and they cross process borders."""

import pickle

import pytest

from pipelines.errors import BadRequest, Cancelled, StudioError, Unavailable, need
from pipelines.progress import part, silent


@pytest.mark.parametrize("error", [BadRequest("seconds", "is too long"), Unavailable("no card"), Cancelled("stopped")])
def test_an_error_survives_pickling(error: StudioError):
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)
    assert vars(again) == vars(error)


def test_a_bad_request_names_its_field_first():
    assert str(BadRequest("seconds", "is too long")) == "seconds: is too long"


def test_a_missing_package_is_named_with_the_line_that_installs_it():
    need("numpy", pip="numpy")
    with pytest.raises(Unavailable, match="pip install 'rushes\\[hub\\]'"):
        need("no_such_package_anywhere", pip="'rushes[hub]'")


def test_a_part_of_the_work_reports_its_share_of_the_bar():
    seen: list[tuple[float, str]] = []
    stage = part(lambda fraction, message: seen.append((fraction, message)), 0.5, 0.75)
    for fraction in (0.0, 0.5, 1.0):
        stage(fraction, "decoding")
    assert seen == [(0.5, "decoding"), (0.625, "decoding"), (0.75, "decoding")]
    silent(0.5, "nobody listens")


def test_stopping_passes_through_a_part():
    def stop(fraction: float, message: str) -> None:
        raise Cancelled

    with pytest.raises(Cancelled):
        part(stop, 0.0, 1.0)(0.1, "step")

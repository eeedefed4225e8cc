"""What the driver says of the cards, and what torch was built for, without a card."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipelines import device
from tests.conftest import ROOT

GB = 10**9


def test_a_card_that_is_lost_is_none(pretend_driver: Callable[..., Any]):
    driver = pretend_driver(24 * GB, None, 8 * GB)
    assert [card.total_bytes for card in device.cards_of(driver)] == [24 * GB, 8 * GB]
    assert device.cards_of(pretend_driver()) == ()


@pytest.mark.parametrize(
    ("said", "seen"),
    [(None, [24, 8]), ("", []), ("-1", []), ("1", [8]), ("1, 0", [8, 24]), ("1,7,0", [8]), ("GPU-8932f937", [24, 8])],
)
def test_only_the_cards_that_cuda_may_use_count(pretend_driver: Callable[..., Any], said: str | None, seen: list[int]):
    found = device.cards_of(pretend_driver(24 * GB, 8 * GB), said)
    assert [card.total_bytes // GB for card in found] == seen


def test_what_torch_was_built_for_is_read_as_torch_says():
    torch = pytest.importorskip("torch")
    assert device.torch_has_cuda() == (torch.version.cuda is not None)


def test_a_card_that_only_emulates_bfloat16_computes_in_float32(turing: Path):
    command = [sys.executable, "-c", "from pipelines import device; print(device.dtype('cuda'))"]
    env = os.environ | {"PYTHONPATH": str(turing)}
    assert subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=True).stdout == "float32\n"

"""The bench counts and compares; it asserts nothing about the speed of a machine."""

import time

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from pipelines.evaluation.bench import WORDS, forward_flops, ours, seconds_of, theirs, tokens_of
from pipelines.moviegen.presets import TRANSFORMER

TINY, LATENTS = TRANSFORMER["tiny"], (2, 8, 8)


def test_flops_agree_with_torchs_own_counter() -> None:
    work = ours(TINY, torch.float32, LATENTS)
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:  # the fused one is not counted
        work()
    expected = forward_flops(TINY, tokens=tokens_of(LATENTS), words=WORDS)
    assert counter.get_total_flops() == pytest.approx(expected, rel=0.02)  # it also counts the timestep's network


def test_the_slower_work_is_found_slower() -> None:
    times = seconds_of({"long": lambda: time.sleep(0.004), "short": lambda: time.sleep(0.001)}, rounds=3, least=0.01)
    assert times["long"] > times["short"]


def test_diffusers_wan_is_built_to_the_same_size() -> None:
    pytest.importorskip("diffusers")
    assert theirs(TINY, torch.float32, LATENTS)()[0].shape == (1, TINY.latents, *LATENTS)

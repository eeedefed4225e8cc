"""The training loop: resume, averages, plateau, and the same loss on two processes as on one."""

import json
import os
import subprocess
import sys

import pytest
import torch
from torch import nn

from pipelines.training.loop import Plan, Plateau, Run, averaged, follow

TWO = """
import json, os, sys, time, torch
from pathlib import Path
from pipelines.moviegen import flow, presets
from pipelines.moviegen.nn.text import Text
from pipelines.moviegen.nn.transformer import VideoTransformer
from pipelines.training import loop as loops
from pipelines.training.loop import Plan, Run, join, whole

rank, folder = join(), Path(sys.argv[1])
count = int(os.environ.get("WORLD_SIZE", 1))
torch.manual_seed(0)
model = VideoTransformer(presets.TRANSFORMER["tiny"])
plan = Plan(minutes=9, rate=1e-2, steps=3)
adam = lambda m: [torch.optim.AdamW(m.parameters(), lr=1e-2, fused=True)]
run = Run(model, adam, plan, folder)
losses = []

def loss():
    draw = torch.Generator().manual_seed(run.step)
    z, states = torch.randn(4, 8, 1, 4, 4, generator=draw), torch.randn(4, 5, 384, generator=draw)
    x0, t = torch.randn(4, 8, 1, 4, 4, generator=draw), flow.logit_normal(4, draw)
    mine = slice(rank * 4 // count, (rank + 1) * 4 // count)
    xt, v = flow.interpolate(x0[mine], z[mine], t[mine])
    text = Text(states=states[mine], mask=torch.ones(len(xt), 5, dtype=torch.bool))
    value = (run.model(xt, t[mine], (text,)) - v).square().mean()
    losses.append(value.item())
    return value

run.train(loss)
total = sum(p.double().sum().item() for p in whole(run.model).values())
model, clock = VideoTransformer(presets.TRANSFORMER["tiny"]), time.monotonic
time.monotonic = lambda: (1 + rank) * clock()  # the second process's clock is fast
loops.CHECKPOINT_SECONDS = 0.4
run = Run(model, adam, Plan(minutes=0.02, rate=1e-2), folder / "clock")
run.train(loss)
(folder / f"rank{rank}.json").write_text(json.dumps([losses[:3], total, run.step, run.elapsed]))
"""


def rising(model, optimise, plan, folder):
    run = Run(model, optimise, plan, folder)
    x, y = torch.randn(16, 4, generator=torch.Generator().manual_seed(1)), torch.zeros(16, 1)
    run.train(lambda: (run.model(x) - y).square().mean())
    return run


def adam(model):
    return [torch.optim.AdamW(model.parameters(), lr=1e-2, fused=True)]


def test_a_run_that_was_stopped_goes_on_as_if_it_had_not(tmp_path):
    def model():
        torch.manual_seed(0)
        return nn.Linear(4, 1)

    plan = {"minutes": 1e6, "rate": 1e-2, "cooldown": 0.0, "warmup": 1}
    whole = rising(model(), adam, Plan(**plan, steps=6), tmp_path / "whole")
    rising(model(), adam, Plan(**plan, steps=3), tmp_path / "parts")
    parts = rising(model(), adam, Plan(**plan, steps=6), tmp_path / "parts")
    assert parts.step == whole.step == 6
    for ours, theirs in ((parts.model, whole.model), (parts.average, whole.average)):
        assert torch.allclose(ours.weight, theirs.weight, atol=1e-7)


def test_the_clock_ends_a_run(tmp_path):
    assert rising(nn.Linear(4, 1), adam, Plan(minutes=0, rate=1e-2), tmp_path).step == 0


def test_a_gradient_that_is_not_finite_changes_nothing(tmp_path):
    model = nn.Linear(4, 1)
    before = model.weight.detach().clone()
    run = Run(model, adam, Plan(minutes=1, rate=1.0, steps=1), tmp_path)
    run.train(lambda: run.model(torch.full((1, 4), float("inf"))).sum())
    assert torch.equal(run.model.weight, before)


def test_the_average_follows_slowly():
    model = nn.Linear(1, 1)
    average = averaged(model)
    with torch.no_grad():
        model.weight += 1
    before = average.weight.clone()
    follow(average, model, decay=0.9, step=10_000)
    assert torch.allclose(average.weight - before, torch.tensor(0.1))


@pytest.mark.parametrize("losses", [(1.0, 0.9, 0.9, 0.8999), (-27.0, -28.0, -28.0, -28.01)])
def test_the_rate_is_halved_on_a_plateau_of_either_sign(losses):
    plateau = Plateau(patience=2)
    for loss in losses:
        plateau.see(loss)
    assert plateau.factor == 0.5 and plateau.best == losses[1]


@pytest.mark.slow
def test_two_processes_with_fsdp_reach_the_loss_of_one(tmp_path):
    script = tmp_path / "two.py"
    script.write_text(TWO)
    env = {**os.environ, "PYTHONPATH": os.getcwd(), "OMP_NUM_THREADS": "1"}
    (tmp_path / "one").mkdir(), (tmp_path / "both").mkdir()
    subprocess.run([sys.executable, script, tmp_path / "one"], env=env, check=True)
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--standalone"]
    run = {"env": env, "capture_output": True, "text": True, "timeout": 300}
    done = subprocess.run([*launch, script, tmp_path / "both"], **run, check=False)
    assert done.returncode == 0, done.stderr
    alone, total, *_ = json.loads((tmp_path / "one/rank0.json").read_text())
    (first, together, *ended), (second, _, *too) = (
        json.loads((tmp_path / f"both/rank{i}.json").read_text()) for i in range(2)
    )
    assert [(a + b) / 2 for a, b in zip(first, second, strict=True)] == pytest.approx(alone, rel=1e-4)
    assert together == pytest.approx(total, rel=1e-3, abs=1e-2)
    assert ended == too and ended[0] > 0, "both save and end at the same step, whatever their clocks say"

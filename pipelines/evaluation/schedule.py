"""How far fewer steps lead away from 1000 linear ones, from the same noise, in latent space.

Movie Gen, section 3.4.2, asserts that 50 linear-quadratic steps nearly equal 250 linear ones; here it is measured.
"""

import time
from typing import Any

import torch
from torch import Tensor

from pipelines.catalog import load
from pipelines.evaluation import questions, report
from pipelines.evaluation.metrics import bootstrap
from pipelines.evaluation.options import Options
from pipelines.moviegen import flow
from pipelines.moviegen.text_to_video import TextToVideoPipeline
from pipelines.progress import Progress, part, silent

REFERENCE = 1000
SCHEDULES: dict[str, Tensor] = {
    **{f"linear-{steps}": flow.linear(steps) for steps in (25, 50, 100, 250)},
    "linear-quadratic-50 of 250": flow.linear_quadratic(50, 250),
    "linear-quadratic-50 of 1000": flow.linear_quadratic(50, 1000),
}


def schedule(options: Options) -> dict[str, Any]:
    """{"schedules": {name: {"mean", "low", "high", "n"}}} of e(S) = |x_S - x_1000| / |x_1000| over a few prompts.

    `options.clips` prompts (default 4) of held-out triples, clips of `options.seconds` (default 1; 0 for stills).
    """
    if options.out:
        report.open_folder(options.out, "schedule.json")
    begun = time.monotonic()
    pipeline: TextToVideoPipeline = load(options.model)
    seconds = 1.0 if options.seconds is None else options.seconds
    asked = questions.held_out(options.clips or 4, seed=options.seed, seconds=max(seconds, 1.0))
    found: dict[str, list[float]] = {name: [] for name in SCHEDULES}
    for i, question in enumerate(asked):
        request = question.request(model=options.model, steps=None, guidance=options.guidance, still=seconds == 0)
        velocity, x0 = pipeline.velocity(pipeline.condition(request), request.guidance), pipeline.noise(request)
        progress = part(options.progress, i / len(asked), (i + 1) / len(asked))
        for name, error in errors(velocity, x0, progress).items():
            found[name].append(round(error, 5))
    result = {
        "schedules": {name: bootstrap(values) for name, values in found.items()},
        "errors": found,
        "prompts": [question.prompt for question in asked],
        "seeds": [question.seed for question in asked],
        "seconds": seconds,
        "reference": f"linear-{REFERENCE}",
        "guidance": request.guidance,
        "machine": report.machine(),
        "elapsed_s": round(time.monotonic() - begun, 1),
    }
    if options.out:
        report.write_json(result, options.out / "schedule.json")
    return result


def errors(velocity: flow.Velocity, x0: Tensor, progress: Progress = silent) -> dict[str, float]:
    """Schedule -> relative distance of its end from that of 1000 linear steps, all from noise x0."""
    counts = [REFERENCE, *(len(times) - 1 for times in SCHEDULES.values())]
    total, done = sum(counts), REFERENCE
    truth = flow.sample(velocity, x0, flow.linear(REFERENCE), part(progress, 0, REFERENCE / total))
    found = {}
    for name, times in SCHEDULES.items():
        steps = len(times) - 1
        x = flow.sample(velocity, x0, times, part(progress, done / total, (done + steps) / total))
        found[name] = float(torch.linalg.vector_norm(x - truth) / torch.linalg.vector_norm(truth))
        done += steps
    return found

"""Flow matching on straight paths (Movie Gen, section 3.1.2). Time t runs from noise (t = 0) to data (t = 1).

x0  noise          x1  data          xt  the path between them          v  velocity, dx/dt
Everything here works on any shape; only the batch axis B comes first.
"""

import math
from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor

from pipelines.progress import Progress, silent

SIGMA_MIN = 1e-5
FINISH = 0.7  # from here sampling goes to the end at once, see `finished`

Velocity = Callable[[Tensor, Tensor], Tensor]  # (x, t) -> v, with the conditions closed over
Watcher = Callable[[int, Tensor], None]  # (steps done, estimate of x1)


def interpolate(x0: Tensor, x1: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """The path's point xt and its velocity v, of the shape of x1. t (B,) in [0, 1]."""
    t = t.reshape(-1, *[1] * (x1.ndim - 1))
    xt = t * x1 + (1 - (1 - SIGMA_MIN) * t) * x0
    return xt, x1 - (1 - SIGMA_MIN) * x0


def logit_normal(
    count: int, generator: torch.Generator | None = None, *, mean: float = 0.0, device: torch.device | None = None
) -> Tensor:
    """(count,) times in (0, 1), denser around the logistic of `mean`: the logistic of a normal of deviation 1.

    One from each of `count` equally likely parts of the distribution, in random order: a batch has early and late ones.
    """
    order = torch.randperm(count, generator=generator, device=device)
    part = order + torch.rand(count, generator=generator, device=device)
    return torch.sigmoid(mean + torch.special.ndtri((part / count).clamp(1e-6, 1 - 1e-6)))


def loss(
    velocity: Velocity,
    x1: Tensor,
    generator: torch.Generator | None = None,
    *,
    mean: float = 0.0,
    weight: Tensor | None = None,
) -> Tensor:
    """Mean squared error of the velocity at a random time of the path from fresh noise to each x1 (B, ...).

    `weight`, of mean one and broadcast to x1, says what counts how much.
    """
    where = generator.device if generator else x1.device
    x0 = torch.randn(x1.shape, generator=generator, device=where).to(x1)
    t = logit_normal(len(x1), generator, mean=mean, device=where).to(x1)
    xt, v = interpolate(x0, x1, t)
    error = (velocity(xt, t).float() - v).square()
    return (error if weight is None else error * weight).mean()


def linear(steps: int) -> Tensor:
    """(steps + 1,) times from 0 to 1, evenly spaced."""
    return torch.linspace(0, 1, steps + 1, dtype=torch.float64)


def linear_quadratic(steps: int, emulate: int = 250) -> Tensor:
    """(steps + 1,) times: the first half as an `emulate`-step linear schedule, the rest quadratic up to 1.

    Movie Gen, section 3.4.2. The quadratic part starts with the linear part's slope, so its step sizes only grow.
    With at least `emulate` steps there is nothing to skip and the schedule is linear.
    """
    if steps >= emulate:
        return linear(steps)
    first = steps // 2
    i = torch.arange(steps + 1, dtype=torch.float64)
    late = (i - first).clamp(min=0) / max(1, steps - first)
    return i / emulate + (1 - steps / emulate) * late**2


def finished(times: Tensor) -> Tensor:
    """`times` squeezed so that they end at FINISH, then 1.

    What a velocity points at is the mean of the data that may have led here. By FINISH it is known what the picture
    shows; a network that is small still errs in each of many later steps, which is seen as grain. The mean has none.
    """
    return torch.cat([FINISH * times, times.new_ones(1)])


def guided(velocity: Velocity, guidance: float, until: float = math.inf) -> Velocity:
    """Classifier-free guidance as a velocity. `velocity` answers for a batch of two halves: prompt, then no prompt.

    From the time `until` on it is the prompt's alone.
    """

    def combined(x: Tensor, t: Tensor) -> Tensor:
        prompt, null = velocity(torch.cat([x, x]), torch.cat([t, t])).float().chunk(2)
        weight = torch.where(t < until, guidance, 1.0).float()
        return torch.lerp(null, prompt, weight.reshape(-1, *[1] * (x.ndim - 1)))

    return combined


@torch.no_grad()
def sample(
    velocity: Velocity, x: Tensor, times: Tensor, progress: Progress = silent, watch: Watcher | None = None
) -> Tensor:
    """Euler steps from noise x along `times`, increasing. Returns x at the last time.

    `progress` is called before every step and may raise `Cancelled`; `watch` sees the estimate of x1 after each.
    """
    steps = len(times) - 1
    for i, (t, after) in enumerate(pairwise(times.tolist())):
        progress(i / steps, f"step {i + 1} of {steps}")
        v = velocity(x, torch.full((len(x),), t, device=x.device)).float()
        x = x + (after - t) * v
        if watch:
            watch(i + 1, x + (1 - after) * v)
    return x

"""Flow matching: facts that are known on paper."""

import pytest
import torch

from pipelines.errors import Cancelled
from pipelines.moviegen import flow
from pipelines.moviegen.text_to_video import EMULATED


def test_the_path_runs_from_noise_to_data():
    x0, x1 = torch.randn(2, 5, 3)
    assert torch.equal(flow.interpolate(x0, x1, torch.zeros(5))[0], x0)
    assert torch.allclose(flow.interpolate(x0, x1, torch.ones(5))[0], x1, atol=10 * flow.SIGMA_MIN)


def test_the_velocity_is_the_derivative_of_the_path():
    x0, x1, t, step = torch.randn(4, 3).double(), torch.randn(4, 3).double(), torch.rand(4).double(), 1e-3
    ahead, here = flow.interpolate(x0, x1, t + step)[0], flow.interpolate(x0, x1, t)[0]
    assert torch.allclose((ahead - here) / step, flow.interpolate(x0, x1, t)[1])


def test_times_are_logit_normal_with_the_quantiles_of_the_paper():
    t = flow.logit_normal(200_000, torch.Generator().manual_seed(0))
    expected = torch.tensor([0.217, 0.337, 0.5, 0.663, 0.783])
    assert torch.allclose(t.quantile(torch.tensor([0.1, 0.25, 0.5, 0.75, 0.9])), expected, atol=0.005)


def test_what_has_no_weight_does_not_count():
    x1, weight = torch.randn(4, 2, 6), torch.tensor([0.0, 2.0])[:, None]

    def answer(wrong: float):
        """The true velocity x1 - x0, taken from the path; `wrong` in the first channel."""
        return lambda xt, t: (x1 - xt) / (1 - t).reshape(-1, 1, 1) + wrong * torch.tensor([1.0, 0.0])[:, None]

    assert flow.loss(answer(9.0), x1, weight=weight) < 1e-4 < flow.loss(answer(9.0), x1)


def test_every_batch_has_early_and_late_times():
    for seed in range(20):
        t = flow.logit_normal(4, torch.Generator().manual_seed(seed)).sort().values
        assert t[0] < 0.338 < t[1] < 0.5 < t[2] < 0.663 < t[3]  # the quartiles of the paper's distribution


@pytest.mark.parametrize("steps", [1, 2, 3, 10, 50, 249, 250, 1000])
def test_the_schedule_starts_at_noise_ends_at_data_and_never_turns_back(steps):
    t = flow.linear_quadratic(steps)
    assert len(t) == steps + 1 and t[0] == 0 and t[-1] == pytest.approx(1) and bool((t.diff() > 0).all())


def test_the_first_half_of_50_steps_is_that_of_250_linear_steps():
    assert torch.allclose(flow.linear_quadratic(50)[:26], flow.linear(250)[:26])


def test_the_schedule_has_the_values_of_its_smooth_form():
    t = flow.linear_quadratic(50, 1000)
    assert t[[10, 25, 26, 30, 40, 49]].tolist() == pytest.approx([0.010, 0.025, 0.0275, 0.068, 0.382, 0.9245], abs=5e-4)


def test_step_sizes_only_grow():
    assert bool((flow.linear_quadratic(50).diff().diff() > -1e-12).all())


def test_sampling_a_straight_flow_is_exact():
    x0, x1 = torch.randn(2, 3), torch.randn(2, 3)
    sampled = flow.sample(lambda x, t: x1 - x0, x0, flow.linear_quadratic(7))
    assert torch.allclose(sampled, x1, atol=1e-5)


def test_the_watcher_sees_the_data_of_a_straight_flow_at_every_step():
    x0, x1, seen = torch.randn(2, 3), torch.randn(2, 3), []
    flow.sample(lambda x, t: x1 - x0, x0, flow.linear(4), watch=lambda done, guess: seen.append((done, guess)))
    assert [done for done, _ in seen] == [1, 2, 3, 4]
    assert all(torch.allclose(guess, x1, atol=1e-5) for _, guess in seen)


def test_guidance_leads_away_from_the_null_half():
    velocity = flow.guided(lambda x, t: torch.cat([x[:1] + 1, x[1:]]), guidance=3.0)
    assert torch.allclose(velocity(torch.zeros(1, 2), torch.zeros(1)), torch.full((1, 2), 3.0))


def test_guidance_ends_for_each_of_a_batch_at_its_time():
    velocity = flow.guided(lambda x, t: torch.cat([x[:2] + 1, x[2:]]), guidance=3.0, until=0.5)
    assert velocity(torch.zeros(2, 1), torch.tensor([0.5, 0.4])).flatten().tolist() == [1, 3]


@pytest.mark.parametrize("steps", [1, 2, 50, 200])
def test_sampling_has_the_asked_steps_and_ends_with_one_from_finish_to_data(steps):
    t = flow.finished(flow.linear_quadratic(steps - 1, 125))
    assert len(t) == steps + 1 and t[0] == 0 and bool((t.diff() > 0).all())
    assert t[-2:].tolist() == pytest.approx([flow.FINISH if steps > 1 else 0, 1])


def test_up_to_finish_the_first_steps_are_those_of_250_linear_ones():
    assert torch.allclose(flow.finished(flow.linear_quadratic(49, EMULATED))[:25], flow.linear(250)[:25])


def test_the_last_step_leads_to_the_mean_of_the_data():
    """Of two points, -1 and 1, as likely as each other: where neither is nearer, their mean."""

    def velocity(x, t):  # the exact one, with x1 = tanh(t x / (1 - t)^2) expected
        return (torch.tanh(t * x / (1 - t).square()) - x) / (1 - t)

    end = flow.sample(velocity, torch.tensor([[0.0, 0.3, 1.0]]), flow.finished(flow.linear(9)))
    nothing, little, much = end[0].tolist()
    assert nothing == 0 < little < much < 1  # without the mean they would be 0, 1 and 1


def test_cancelling_stops_between_steps():
    steps = []

    def stop(fraction, message):
        if len(steps) == 3:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        flow.sample(lambda x, t: steps.append(t) or x, torch.zeros(1, 1), flow.linear(50), stop)
    assert len(steps) == 3

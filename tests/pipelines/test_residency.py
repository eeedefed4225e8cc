"""One model on the device at a time, whoever asks and whatever goes wrong."""

import threading
import time
from typing import Any

import pytest

from pipelines import device
from pipelines.errors import Unavailable
from pipelines.residency import Residency


class Workshop:
    """Builds pretend models and remembers how often."""

    def __init__(self, model: type):
        self.model = model
        self.built: list[str] = []

    def __call__(self, name: str) -> Any:
        if name == "broken":
            raise Unavailable("broken is broken")
        self.built.append(name)
        return self.model(name)


@pytest.fixture
def workshop(pretend_model: type) -> Workshop:
    return Workshop(pretend_model)


def use(residency: Residency, *names: str) -> list[Any]:
    models = []
    for name in names:
        with residency.hold(name) as model:
            assert model.place == "cuda"
            models.append(model)
    return models


def test_a_model_is_built_once_and_stays(workshop: Workshop):
    first, second = use(Residency(workshop, "cuda"), "a", "a")
    assert first is second
    assert workshop.built == ["a"]


def test_the_next_model_sends_the_last_one_to_main_memory(workshop: Workshop):
    a, b = use(Residency(workshop, "cuda"), "a", "b")
    assert (a.place, b.place) == ("cpu", "cuda")


def test_two_models_in_turn_are_built_once_each(workshop: Workshop):
    use(Residency(workshop, "cuda", parked=1), "a", "b", "a", "b")
    assert workshop.built == ["a", "b"]


def test_the_oldest_that_waits_makes_room(workshop: Workshop):
    use(Residency(workshop, "cuda", parked=1), "a", "b", "c", "a")
    assert workshop.built == ["a", "b", "c", "a"]


def test_without_room_to_wait_models_are_built_again(workshop: Workshop):
    use(Residency(workshop, "cuda", parked=0), "a", "b", "a")
    assert workshop.built == ["a", "b", "a"]


def test_a_model_that_cannot_be_built_leaves_the_device_free(workshop: Workshop):
    residency = Residency(workshop, "cuda")
    use(residency, "a")
    with pytest.raises(Unavailable), residency.hold("broken"):
        pass
    use(residency, "a", "b")
    assert workshop.built == ["a", "b"]


def test_work_that_fails_gives_the_device_back(workshop: Workshop):
    residency = Residency(workshop, "cuda")
    with pytest.raises(ValueError), residency.hold("a"):
        raise ValueError
    use(residency, "b")


def test_dropping_forgets_every_model(workshop: Workshop):
    residency = Residency(workshop, "cuda")
    use(residency, "a", "b")
    residency.drop()
    use(residency, "a", "b")
    assert workshop.built == ["a", "b", "a", "b"]


def test_two_threads_never_hold_a_model_together(workshop: Workshop):
    residency = Residency(workshop, "cuda")
    inside: list[str] = []
    most: list[int] = []

    def work(name: str) -> None:
        for _ in range(10):
            with residency.hold(name):
                inside.append(name)
                time.sleep(0.001)
                most.append(len(inside))
                inside.remove(name)

    threads = [threading.Thread(target=work, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert max(most) == 1


def test_a_real_network_is_moved_to_the_real_device():
    import torch

    here = device.find()
    residency = Residency(lambda name: torch.nn.Linear(2, 2), here.kind)
    with residency.hold("line") as model:
        assert next(model.parameters()).device.type == here.kind
        assert here.free_bytes > 0 and here.label


def test_the_processor_computes_in_bfloat16_only_where_it_can():
    import torch

    fast = torch.cpu._is_avx512_bf16_supported()
    assert device.dtype("cpu") is (torch.bfloat16 if fast else torch.float32)
    assert device.dtype("mps") is torch.float32
    with device.autocast("cpu", convolutions=True):
        assert torch.is_autocast_enabled("cpu") == (fast and torch.cpu._is_amx_tile_supported())
    assert device.free_memory() > 2**20

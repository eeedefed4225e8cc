"""What the studio costs on top of diffusers, and whether memory comes back: python -m pipelines.evaluation.hub

On tiny random-weight models of every family (see `pipelines.hub.tiny`), on the processor; times of one run only
compare with each other. A tiny step takes a few milliseconds, so that a real model's share is far smaller.
"""

import argparse
import gc
import json
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pipelines import catalog, spec
from pipelines.clip import Clip
from pipelines.errors import Cancelled
from pipelines.hub import tiny, watch
from pipelines.hub.families import FAMILIES
from pipelines.hub.hush import hushed
from pipelines.hub.order import order
from pipelines.media import export
from pipelines.requests import TASKS, Request, TextToVideo
from pipelines.residency import Residency

SEED = 0


class Films:
    """Requests for every task of every tiny model, with files to give them."""

    def __init__(self, folder: Path):
        rng = np.random.default_rng(SEED)
        frames = rng.integers(0, 255, (9, 32, 32, 3), dtype=np.uint8)
        film = export.save(Clip(frames=frames, fps=8, origin=TextToVideo(prompt="noise")), folder / "a.mp4")
        picture = export.picture(frames[0], folder / "a.png")
        self._files = {"video": str(film), "image": str(picture), "face": str(picture)}

    def request(self, name: str, task: str, **changes: Any) -> Request:
        """About a second long: what the model recommends, and a file for each field that must have one."""
        row, kind = catalog.spec(name), TASKS[task]
        given = {field: path for field, path in self._files.items() if field in kind.media_fields()}
        if "prompt" in kind.__dataclass_fields__:
            given["prompt"] = "a cat"
        if "seconds" in kind.__dataclass_fields__:
            given["seconds"] = 1.0
        if "consent" in kind.__dataclass_fields__:
            given["consent"] = "fictional"
        return kind(**spec.defaults(row, kind) | given | changes)

    def every(self) -> list[tuple[str, str]]:
        """(model, task) of all of them."""
        rows = [row for row in catalog.specs() if row.name.startswith("tiny-")]
        return [(row.name, task) for row in rows for task in row.tasks]


def overhead(films: Films, *, rounds: int, seconds: float) -> dict[str, dict[str, float]]:
    """What our path adds to the bare call with the same arguments, as a share of the latter, in two ways.

    "own" is the time of our own code (all of the call outside diffusers, and our hooks inside it) over the rest of the
    same call: the median of some calls, which is quiet. "turns" is our call over the bare one, the least of each: it
    counts also what torch spends on having hooks, but two calls on a shared machine differ by a fifth for no reason.
    """
    found = {}
    torch.set_num_threads(1)  # threads that wait for each other burn time
    for name, task in films.every():
        pipeline = catalog.load(name).to("cpu")
        request = films.request(name, task, **({} if task == "upscale" else {"steps": 4}))
        pipe = pipeline._pipe(FAMILIES[pipeline.row.family][task])
        ours, bare = _in_turns(
            lambda p=pipeline, r=request: p(r),
            lambda p=pipeline, q=pipe, r=request: _bare(p, q, r),
            rounds=rounds,
            seconds=seconds,
        )
        own = statistics.median(_own_share(pipeline, pipe, request) for _ in range(max(3, rounds)))
        found[f"{name} {task}"] = {"own": own, "turns": ours / bare - 1, "bare_s": bare}
        print(f"{name} {task}: own {own:.1%}, turns {ours / bare - 1:+.1%}", file=sys.stderr, flush=True)
    return found


class _Inside:
    """A pipeline of diffusers that counts the time inside its calls. Everything else is the pipeline's own."""

    def __init__(self, pipe: Any):
        self._pipe, self.taken = pipe, 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pipe, name)

    def __call__(self, **arguments: Any) -> Any:
        begun = time.thread_time()
        try:
            return self._pipe(**arguments)
        finally:
            self.taken += time.thread_time() - begun


def _own_share(pipeline: Any, pipe: Any, request: Request) -> float:
    """Our code's seconds over diffusers', in one call. Reading the files and making the arguments is in both."""
    inside, name, hooks = _Inside(pipe), type(pipe).__name__, [0.0]
    watches = watch._Ticker.watches

    def timed(ticker: Any) -> Any:
        for module, call in watches(ticker):
            yield module, _clocked(call, hooks)

    pipeline._pipes[name], watch._Ticker.watches = inside, timed
    try:
        begun = time.thread_time()
        pipeline(request)
        whole = time.thread_time() - begun
    finally:
        pipeline._pipes[name], watch._Ticker.watches = pipe, watches
    begun = time.thread_time()
    with hushed():
        pipeline._family.arguments(order(request, pipeline.row, pipe))
    shared = time.thread_time() - begun
    theirs = inside.taken - hooks[0] + shared
    return max(0.0, whole - theirs) / theirs


def _clocked(call: Callable[..., None], taken: list[float]) -> Callable[..., None]:
    def timed(*given: Any) -> None:
        begun = time.thread_time()
        call(*given)
        taken[0] += time.thread_time() - begun

    return timed


def _bare(pipeline: Any, pipe: Any, request: Request) -> None:
    """What a script would do: the same arguments, read from the same files, and the call."""
    with torch.no_grad(), hushed():
        pipe(**pipeline._family.arguments(order(request, pipeline.row, pipe)))


def _in_turns(
    one: Callable[[], object], other: Callable[[], object], *, rounds: int, seconds: float
) -> tuple[float, float]:
    """The least processor seconds of each: others that use the machine hardly count. Who goes first changes."""
    pair: list[tuple[Callable[[], object], list[float]]] = [(one, []), (other, [])]
    until = time.monotonic() + seconds
    while len(pair[0][1]) <= rounds or time.monotonic() < until:  # the first of them warms up
        for work, taken in pair if len(pair[0][1]) % 2 else reversed(pair):
            begun = time.process_time()
            work()
            taken.append(time.process_time() - begun)
    return min(pair[0][1][1:]), min(pair[1][1][1:])


def cancels(films: Films, *, count: int) -> dict[str, float]:
    """Stops at random moments, each followed by a whole clip; the numbers that stay alive afterwards."""
    chance = random.Random(SEED)
    every = films.every()
    loaded = {name: catalog.load(name).to("cpu") for name in dict(every)}
    first = {pair: _calls(loaded[pair[0]], films.request(*pair)) for pair in every}
    held = _held()
    failed = 0
    for _ in range(count):
        pair = chance.choice(every)
        left = chance.randrange(first[pair])
        try:
            loaded[pair[0]](films.request(*pair), _Fuse(left))
        except Cancelled:
            pass
        else:
            failed += 1
        loaded[pair[0]](films.request(*pair))
    return {"cancelled": count - failed, "not_cancelled": failed, "growth": _held() / held - 1}


class _Fuse:
    """A Progress that cancels after so many calls."""

    def __init__(self, left: int):
        self.left = left

    def __call__(self, fraction: float, message: str) -> None:
        if not self.left:
            raise Cancelled("stopped")
        self.left -= 1


def _calls(pipeline: Any, request: Request) -> int:
    heard: list[str] = []
    pipeline(request, lambda _, message: heard.append(message))
    return len(heard)


def turns(films: Films, *, count: int) -> dict[str, float]:
    """Two models in turn, each a clip: the numbers alive and the memory of the process, after against before."""
    models = Residency(catalog.load, "cpu", parked=0)
    names = ("tiny-wan", "tiny-ltx")

    def both() -> None:
        for name in names:
            with models.hold(name) as pipeline:
                pipeline(films.request(name, "text-to-video"))

    for _ in range(5):
        both()
    held, resident = _held(), _resident()
    for _ in range(count):
        both()
    return {"turns": count, "growth": _held() / held - 1, "growth_of_process": _resident() / resident - 1}


def _held() -> int:
    """Bytes of all tensors that are alive."""
    gc.collect()
    alive = {id(item): item for item in gc.get_objects() if type(item) in (torch.Tensor, torch.nn.Parameter)}
    return sum(item.numel() * item.element_size() for item in alive.values())


def _resident() -> int:
    """Bytes of main memory of this process."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def measure(*, rounds: int, seconds: float, count: int, alternations: int, only: list[str]) -> dict[str, Any]:
    """All figures, or those of `only`."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ["RUSHES_MODELS"] = str(tiny.register(folder))
        films = Films(folder)
        found: dict[str, Any] = {}
        if "overhead" in only:
            shares = overhead(films, rounds=rounds, seconds=seconds)
            found["overhead"] = {
                "own_median": statistics.median(share["own"] for share in shares.values()),
                "own_most": max(share["own"] for share in shares.values()),
                "each": shares,
            }
        if "cancels" in only:
            found["cancels"] = cancels(films, count=count)
        if "turns" in only:
            found["turns"] = turns(films, count=alternations)
        return found


def main() -> None:
    """Prints one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.0, help="of each model and task, at least")
    parser.add_argument("--cancels", type=int, default=100)
    parser.add_argument("--turns", type=int, default=50)
    parser.add_argument("--only", nargs="*", default=["overhead", "cancels", "turns"])
    given = parser.parse_args()
    shared = {"rounds": given.rounds, "seconds": given.seconds, "only": given.only}
    print(json.dumps(measure(**shared, count=given.cancels, alternations=given.turns), indent=1))


if __name__ == "__main__":
    main()

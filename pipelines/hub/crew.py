"""One clip by several cards: each holds the whole model and computes a share of the tokens of every step (Ulysses).

The first card's process is the studio's own; it starts one more for each other card. Shown exact on two processes
without a card; with NVIDIA's cards and their NCCL, and with offloading beside it, it could not be run here.
"""

import multiprocessing
import shutil
import tempfile
import weakref
from datetime import timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Self

import torch
import torch.distributed as dist
from diffusers import ContextParallelConfig, ParallelConfig, WanTransformer3DModel
from diffusers.hooks.context_parallel import apply_context_parallel, remove_context_parallel
from diffusers.models._modeling_parallel import ContextParallelInput

from pipelines.clip import Clip
from pipelines.errors import Cancelled, StudioError, Unavailable
from pipelines.hub import speed
from pipelines.progress import Progress, silent
from pipelines.requests import Request
from pipelines.spec import ModelSpec

PATIENCE = timedelta(minutes=5)  # for the slowest card, in reading a prompt or in a step
BACKENDS = {"cuda": "cpu:gloo,cuda:nccl", "cpu": "gloo"}
DECODING = "decoding"  # only the first card decodes
LOST = "{name}: a card stopped while a clip was made; the next clip starts them all anew"


class Crew:
    """The call that one card has, by `row.cards` of them. Only one thread may use it at a time."""

    def __init__(self, leader: Any):
        self.row: ModelSpec = leader.row
        self.notes: list[str] = []
        self._leader = leader
        self._others: list[tuple[Any, Connection]] = []
        self._meetings: list[Path] = []
        self._kind = "cpu"
        self._ending = weakref.finalize(
            self, _end, self._others, self._meetings, leader.first
        )  # also when it is only let go

    def to(self, kind: str) -> Self:
        """On to the cards, or back to main memory ("cpu"), where only one copy stays."""
        self.end()
        self._leader.to(kind)
        self._kind = kind
        return self

    def __call__(self, request: Request, progress: Progress = silent, preview: Any = None) -> Clip:
        """The clip that was asked for. When a person stops, all cards stop at the same step."""
        in_step = False
        try:
            if not self._others:
                self.start()
            for _, line in self._others:
                line.send(request)
            clip = self._leader.make(request, Beat(progress))
            in_step = True
            return clip
        except Cancelled:
            in_step = True
            raise
        except torch.OutOfMemoryError as error:
            raise Unavailable(
                f"{self.row.name} ran out of memory on a card; a shorter or smaller clip may fit"
            ) from error
        except (RuntimeError, OSError) as error:
            raise Unavailable(LOST.format(name=self.row.name)) from error
        finally:
            if not in_step:  # the others wait for a step that never comes
                self.end()

    def start(self) -> None:
        """Starts the other processes, joins them, and shares out the work."""
        self._meetings.append(Path(tempfile.mkdtemp(prefix="rushes-")))
        where = self._meetings[-1] / "place"
        spawn = multiprocessing.get_context("spawn")
        for rank in range(1, self.row.cards):
            ours, theirs = spawn.Pipe()
            given = (rank, where, self.row, self._kind, theirs)
            process = spawn.Process(target=_member, args=given, daemon=True, name=f"card {rank}")
            process.start()
            self._others.append((process, ours))
        _join(where, 0, self.row.cards, self._kind)
        share(self._leader.first, self.row.cards, self._kind)

    def end(self) -> None:
        """Stops the other processes; the first has the whole work again."""
        _end(self._others, self._meetings, self._leader.first)


class Beat:
    """A Progress that tells every process at every step before decoding whether the person has stopped."""

    def __init__(self, progress: Progress | None):
        self._progress = progress  # None: this process listens

    def __call__(self, fraction: float, message: str) -> None:
        if self._progress is None and message == DECODING:
            raise Cancelled("the first card decodes")
        stopped: Cancelled | None = None
        try:
            if self._progress is not None:
                self._progress(fraction, message)
        except Cancelled as error:
            stopped = error
        if message != DECODING:
            flag = torch.tensor([stopped is not None])
            dist.broadcast(flag, 0)
            if flag.item() and stopped is None:
                raise Cancelled("the first card was stopped")
        if stopped is not None:
            raise stopped


def share(pipe: Any, count: int, kind: str) -> None:
    """Every transformer of the pipeline computes its share of the tokens, and has all of them at its end.

    diffusers' `enable_parallelism` does the same, but divides by the number of cards, which is 0 without one (0.42.1).
    """
    mesh = dist.device_mesh.init_device_mesh(kind, (1, count), mesh_dim_names=("ring", "ulysses"))
    for part in speed.transformers(pipe):
        config = ContextParallelConfig(ulysses_degree=count, ulysses_anything=True, mesh=mesh)
        whole = ParallelConfig(context_parallel_config=config)
        whole.setup(dist.get_rank(), count, torch.device(kind, dist.get_rank() if kind == "cuda" else None), mesh=mesh)
        _tell_attention(part, whole)
        apply_context_parallel(part, config, _plan(part))


def unshare(pipe: Any) -> None:
    """Takes back what `share` did."""
    for part in speed.transformers(pipe):
        _tell_attention(part, None)
        remove_context_parallel(part, _plan(part))


def _plan(part: torch.nn.Module) -> dict[str, Any]:
    """What is split where: diffusers' own plan for Wan; VACE has none: the same, and its hints' first block."""
    if part._cp_plan is not None:
        return part._cp_plan
    tokens = ContextParallelInput(split_dim=1, expected_dims=3)
    plan = {name: cut for name, cut in WanTransformer3DModel._cp_plan.items() if name}
    return plan | {"vace_blocks.0": {"hidden_states": tokens, "control_hidden_states": tokens}}


def _tell_attention(part: torch.nn.Module, config: ParallelConfig | None) -> None:
    for module in part.modules():
        if hasattr(processor := getattr(module, "processor", None), "_parallel_config"):
            processor._parallel_config = config


def _end(others: list[tuple[Any, Connection]], meetings: list[Path], pipe: Any) -> None:
    """Stops the other processes and takes the work back, if there are any."""
    if not others:
        return
    for process, line in others:
        process.kill()
        process.join()
        line.close()
    others.clear()
    if dist.is_initialized():
        unshare(pipe)
        dist.destroy_process_group()
    shutil.rmtree(meetings.pop())


def _join(where: Path, rank: int, count: int, kind: str) -> None:
    dist.init_process_group(
        BACKENDS[kind], init_method=where.as_uri(), rank=rank, world_size=count, timeout=PATIENCE
    )  # fmt: skip


def _member(rank: int, where: Path, row: ModelSpec, kind: str, line: Connection) -> None:
    """A process for one more card: it does every step with the first one and leaves the decoding to it."""
    from pipelines.hub import common

    if kind == "cuda":
        torch.cuda.set_device(rank)
    leader = common.HubPipeline(row, common.read(row)).to(kind)
    _join(where, rank, row.cards, kind)
    share(leader.first, row.cards, kind)
    while True:
        request = line.recv()
        try:
            leader.make(request, Beat(None))
        except StudioError:
            continue

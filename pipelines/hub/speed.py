"""What makes a model faster: the attention kernel, chosen once per process, step caches, compiled blocks, LoRAs."""

import functools
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch

from pipelines.errors import BadRequest, need
from pipelines.hub import caches, loras
from pipelines.requests import Request
from pipelines.spec import ModelSpec

EXPERTS: dict[str, dict[str, bool]] = {"high": {}, "low": {"load_into_transformer_2": True}}


def transformers(pipe: Any) -> list[torch.nn.Module]:
    """The network that makes the steps, or the two that share them."""
    found = (getattr(pipe, name, None) for name in ("transformer", "transformer_2"))
    return [part for part in found if part is not None]


@contextmanager
def hastened(pipe: Any, request: Request, row: ModelSpec, kind: str) -> Iterator[None]:
    """Inside, the pipeline has what the request asks for; afterwards it is as before."""
    with ExitStack() as stack:
        if getattr(request, "faster", False):
            stack.enter_context(_cached(pipe, row, request.steps))
        if getattr(request, "lora", ""):
            stack.enter_context(_dressed(pipe, row, request.lora))
        if kind == "cuda":
            _attend(pipe, row)
        yield


@contextmanager
def _cached(pipe: Any, row: ModelSpec, steps: int) -> Iterator[None]:
    parts = transformers(pipe)
    for part in parts:
        part.enable_cache(caches.config(row, steps))
    try:
        yield
    finally:
        for part in parts:
            part.disable_cache()


@contextmanager
def _dressed(pipe: Any, row: ModelSpec, text: str) -> Iterator[None]:
    """The LoRAs of a request on the model. Raises `BadRequest` for an unknown one, `Unavailable` without peft."""
    need("peft", "peft==0.21.2")
    chosen = loras.chosen(row.family, text)
    names = [f"lora_{number}" for number in range(len(chosen))]
    try:
        for name, (lora, _) in zip(names, chosen, strict=True):
            _wear(pipe, lora, name, row)
        pipe.set_adapters(names, adapter_weights=[strength for _, strength in chosen])
        yield
    finally:
        pipe.unload_lora_weights()


def _wear(pipe: Any, lora: loras.Lora, name: str, row: ModelSpec) -> None:
    """One file on the model. What its header does not tell, like the size of the model, comes out here."""
    wearer = loras.expert(lora) if getattr(pipe, "transformer_2", None) is not None else "high"
    try:
        for expert, how in EXPERTS.items():
            if wearer in (expert, ""):
                pipe.load_lora_weights(lora.file, adapter_name=name, **how)
    except (RuntimeError, ValueError, KeyError, OSError) as error:
        raise BadRequest("lora", f"{lora.name} does not fit {row.name}; it may be for another size of it") from error


def compile_blocks(pipe: Any, **how: Any) -> None:
    """torch.compile of the blocks that repeat, which takes a fraction of the time of the whole network.

    The first clip of each size waits for it. Breaks in the graph are let through: offloading and caches make them.
    """
    for part in transformers(pipe):
        part.compile_repeated_blocks(**how)


def _attend(pipe: Any, row: ModelSpec) -> None:
    backend = best_attention()
    if row.cards > 1 and backend == "xformers":  # it gives no sums that could be joined
        backend = "native"
    for part in transformers(pipe):
        if hasattr(part, "set_attention_backend"):
            part.set_attention_backend(backend)


@functools.cache
def best_attention() -> str:
    """The attention kernel of this process: the first that computes a small product right on this card.

    Chosen once: diffusers 0.42.1 lets a choice for one model leak into all others (its issue 14249).
    """
    from diffusers.models.attention_dispatch import dispatch_attention_fn

    q = torch.randn(1, 64, 2, 64, device="cuda", dtype=torch.bfloat16)
    for name in ("_native_cudnn", "xformers"):
        try:
            out = dispatch_attention_fn(q, q, q, backend=name)
        except (RuntimeError, ImportError, ValueError, NotImplementedError):
            continue
        if torch.allclose(out, dispatch_attention_fn(q, q, q, backend="native"), atol=2e-2):
            return name
    return "native"

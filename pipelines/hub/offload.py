"""Where the weights are while a model works, by how much room the card has."""

from typing import Any

import torch
from diffusers.hooks import apply_group_offloading

from pipelines.hub import speed
from pipelines.spec import LEVELS, ModelSpec, memory

MARGIN = 0.92  # of the free memory: the rest is CUDA's own and fragments
WORDS = {
    "whole": "with the whole model on the card",
    "parts": "with one part of the model on the card at a time",
    "blocks": "with a few blocks of the model on the card at a time",
    "layers": "with one layer of the model on the card at a time, which is slow",
}
TRIED = "The card's memory ran out; trying again {level}."
TOO_LARGE = (
    "{name} ran out of memory on this card; a shorter or smaller clip may fit, or close what else uses the card."
)
TILED_BELOW = "whole"  # decode in tiles at every other level


def choose(row: ModelSpec, free_bytes: int) -> str:
    """The fastest level that fits into the free memory; the last one if none does, since figures are estimates."""
    fitting = [level for level in LEVELS if memory(row, level) <= free_bytes * MARGIN]
    return fitting[0] if fitting else LEVELS[-1]


def below(level: str) -> str | None:
    """The next level, which needs less memory; None after the last."""
    rest = LEVELS[LEVELS.index(level) + 1 :]
    return rest[0] if rest else None


def place(pipe: Any, level: str, *, kind: str, row: ModelSpec) -> None:
    """Puts the parts where the level has them, after undoing what was there before."""
    _release(pipe)
    _tile(pipe, level != TILED_BELOW)
    if row.precision == "fp8" and kind != "cpu":
        _shrink(pipe)
    if level == "whole":
        pipe.to(kind)
    else:
        pipe.to("cpu")
        _PLACE[level](pipe, kind)


def _shrink(pipe: Any) -> None:
    """Casts the networks that make the steps, once: what is cast stays so. Before they move, or they may not fit."""
    for network in speed.transformers(pipe):
        if torch.float8_e4m3fn not in {weight.dtype for weight in network.parameters()}:
            network.enable_layerwise_casting(storage_dtype=torch.float8_e4m3fn, compute_dtype=network.dtype)


def _release(pipe: Any) -> None:
    """Takes off what a level has put on the parts; diffusers itself forgets its own hooks of blocks here."""
    pipe.remove_all_hooks()
    for part in pipe.components.values():
        for module in part.modules() if isinstance(part, torch.nn.Module) else ():
            hooks = getattr(module, "_diffusers_hook", None)
            for name in _OF_BLOCKS if hooks is not None else ():
                hooks.remove_hook(name, recurse=False)


def _blocks(pipe: Any, kind: str) -> None:
    """Block by block, for the networks of the steps the next one copied while the last one computes.

    Autoencoders stay on the card: the hooks are on `forward`, and what is called is their `decode`. Text encoders come
    layer by layer, since diffusers 0.42.1 finds no blocks in transformers' networks. What is small comes whole.
    """
    for name, part in pipe.components.items():
        if not isinstance(part, torch.nn.Module):
            continue
        if hasattr(part, "decode"):
            part.to(kind)
            continue
        ahead = kind == "cuda" and name.startswith("transformer")
        apply_group_offloading(
            part,
            onload_device=torch.device(kind),
            offload_device=torch.device("cpu"),
            offload_type="leaf_level" if name.startswith("text_encoder") else "block_level",
            num_blocks_per_group=1,
            use_stream=ahead,
            low_cpu_mem_usage=ahead,
        )


def _tile(pipe: Any, on: bool) -> None:
    """Decoding in tiles needs far less memory, and joins them by blending."""
    vae = getattr(pipe, "vae", None)
    if hasattr(vae, "use_tiling"):  # all have the methods, which raise without it
        vae.enable_tiling() if on else vae.disable_tiling()


_OF_BLOCKS = ("group_offloading", "lazy_prefetch_group_offloading", "layer_execution_tracker")
_PLACE = {
    "parts": lambda pipe, kind: pipe.enable_model_cpu_offload(device=kind),
    "blocks": _blocks,
    "layers": lambda pipe, kind: pipe.enable_sequential_cpu_offload(device=kind),
}

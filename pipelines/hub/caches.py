"""Step caches: what "faster" is for each family, and why. Plain data; diffusers is imported when a clip is made.

Settings are the papers' cautious ones; what they cost in quality on real weights could not be measured here (no card).
"""

from dataclasses import dataclass
from typing import Any

from pipelines.spec import ModelSpec

FIRST_BLOCK = 0.08  # how little the first block may have changed for the rest of a step to be taken from the last one
TAYLOR_EVERY, TAYLOR_BEGINS, TAYLOR_ENDS = 3, 4, 2  # a whole step of three, not in the first four and the last two


NAMES = {"first-block": "FirstBlock", "taylor": "TaylorSeer"}


@dataclass(frozen=True, kw_only=True)
class Cache:
    """`kind` is a function below; `ends` are the layers whose output is foretold while all `blocks` are left out."""

    kind: str
    why: str
    blocks: str = ""
    ends: tuple[str, ...] = ()


_WAN = Cache(kind="first-block", why="it skips whole blocks, adapts to the clip, and keeps one residual in memory")
CACHES: dict[str, Cache] = {
    "wan": _WAN,
    "lucy": _WAN,
    "ltx": _WAN,
    # The hints of VACE are added between the blocks: a cache of the blocks would add them twice.
    "vace": Cache(
        kind="taylor", why="only the last layer is foretold", blocks=r"(vace_)?blocks\.\d+", ends=("proj_out",)
    ),
    # diffusers 0.42.1 does not know the blocks of these two, and LTX-2 has two streams.
    "ltx2": Cache(
        kind="taylor", why="pictures and sound are foretold together", blocks=r"transformer_blocks\.\d+",
        ends=("proj_out", "audio_proj_out"),
    ),
    "hunyuan": Cache(
        kind="taylor", why="only the last layer is foretold", blocks=r"transformer_blocks\.\d+", ends=("proj_out",)
    ),
}  # fmt: skip
NONE = {
    "anyflow": "it makes a clip in a few steps, which leave nothing to reuse",
    "stable_audio": "diffusers has no step cache for its transformer",
    "longcat_audio": "diffusers has no step cache for its transformer",
    "ace_step": "it makes a sound in a few steps, which leave nothing to reuse",
    "ltx_upscaler": "it has no steps",
    "moviegen": "its steps are few and short",
    "remote": "the provider decides how it is made",
}
# What else diffusers 0.42.1 has, and why no family has it (read in its code, and run where a processor can).
NOT_OFFERED = {
    "PyramidAttentionBroadcastConfig": "one memory for both passes of a guided step: the second gets the first's",
    "FasterCacheConfig": "wants both passes of a guided step in one batch, which Wan and LTX-2 do not make",
    "SeaCacheConfig": "reads Wan's latents only in WanPipeline, not from a first frame or a clip",
    "TextKVCacheConfig": "for the transformer of Nucleus only",
}


def refusal(row: ModelSpec) -> str | None:
    """None if the row can be hurried, or why not, as half a sentence."""
    if "faster" in row.free:
        return None
    if row.cards > 1:
        return "each of its cards would decide for itself what to reuse"
    return NONE.get(row.family, f"it makes a clip in {row.steps} steps, which leave nothing to reuse")


def about(row: ModelSpec) -> str:
    """What "faster" does for the row and why, or why it has none, for people."""
    why = refusal(row)
    if why is not None:
        return f"no: {why}"
    if row.mag_ratios:
        return "MagCache: with the ratios of these very weights"
    cache = CACHES[row.family]
    return f"{NAMES[cache.kind]}: {cache.why}"


def config(row: ModelSpec, steps: int) -> Any:
    """What `enable_cache` of the row's transformers takes, for a clip of so many steps."""
    cache = CACHES[row.family]
    if row.mag_ratios:
        from diffusers import MagCacheConfig

        return MagCacheConfig(mag_ratios=list(row.mag_ratios), num_inference_steps=steps)
    return _first_block() if cache.kind == "first-block" else _taylor(cache, steps)


def magnitudes_fit(row: ModelSpec) -> bool:
    """Whether MagCache may take the place of the family's cache: it counts steps, so two experts would confuse it."""
    return CACHES.get(row.family) is _WAN and "transformer_2" not in dict(row.parts)


def _first_block() -> Any:
    from diffusers import FirstBlockCacheConfig

    return FirstBlockCacheConfig(threshold=FIRST_BLOCK)


def _taylor(cache: Cache, steps: int) -> Any:
    """Foretells the end of the network, not each of its layers, whose outputs would not fit on any card."""
    import torch
    from diffusers import TaylorSeerCacheConfig

    return TaylorSeerCacheConfig(
        cache_interval=TAYLOR_EVERY,
        disable_cache_before_step=TAYLOR_BEGINS,
        disable_cache_after_step=max(TAYLOR_BEGINS, steps - TAYLOR_ENDS),
        max_order=1,
        taylor_factors_dtype=torch.float32,
        skip_predict_identifiers=[cache.blocks],
        cache_identifiers=list(cache.ends),
    )

"""LTX-Video: words, or a first and last frame. Sides are multiples of 32, frames 8k + 1."""

from typing import Any

from diffusers.pipelines.ltx.pipeline_ltx_condition import LTXVideoCondition

from pipelines.hub.order import Order
from pipelines.hub.wan import result

__all__ = ["FLOAT32", "arguments", "result"]
FLOAT32 = ()
DECODING = {"decode_timestep": 0.05, "decode_noise_scale": 0.025}  # diffusers' documentation of LTX-Video 0.9.1 on


def arguments(order: Order) -> dict[str, Any]:
    """What LTXPipeline or LTXConditionPipeline is called with."""
    given = order.film() | {"frame_rate": order.fps}
    if order.pipe.vae.config.timestep_conditioning:
        given |= DECODING
    if order.request.task == "image-to-video":
        conditions = [LTXVideoCondition(image=order.picture("image"), frame_index=0)]
        if order.request.last:
            conditions.append(LTXVideoCondition(image=order.picture("last"), frame_index=order.frames - 1))
        return given | {"conditions": conditions}
    return given

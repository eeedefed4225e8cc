"""LTX-2.x: pictures and sound together; frames as conditions; an instruction; or only the sound for a clip.

A whole clip as a condition of full strength keeps every picture as it is, so that only sound is made.
"""

from typing import Any

from diffusers.pipelines.ltx2.pipeline_ltx2_condition import LTX2VideoCondition
from diffusers.pipelines.ltx2.pipeline_ltx2_ic_lora import LTX2ReferenceCondition
from diffusers.pipelines.ltx2.utils import DISTILLED_SIGMA_VALUES

from pipelines.hub.order import Order, Result

FLOAT32 = ()
UNGUIDED = {  # one pass for each step: what distilled weights need; STG is neutral at 0
    **{f"{kind}guidance_scale": 1.0 for kind in ("", "audio_")},
    **{f"{kind}stg_scale": 0.0 for kind in ("", "audio_")},
    **{f"{kind}modality_scale": 1.0 for kind in ("", "audio_")},
    **{f"{kind}guidance_rescale": 0.0 for kind in ("", "audio_")},
    "spatio_temporal_guidance_blocks": None,
}
GUIDED_BLOCK = 28  # the vendor's choice, of 48


def arguments(order: Order) -> dict[str, Any]:
    """What LTX2Pipeline, LTX2ConditionPipeline or LTX2InContextPipeline is called with."""
    request = order.request
    given = order.film() | {"frame_rate": float(order.fps)} | _guidance(order)
    if request.task == "image-to-video":
        conditions = [LTX2VideoCondition(frames=order.picture("image"), index=0, strength=1.0)]
        if request.last:
            conditions.append(LTX2VideoCondition(frames=order.picture("last"), index=-1, strength=1.0))
        return given | {"conditions": conditions}
    if request.task == "video-to-sound":
        return given | {"conditions": [LTX2VideoCondition(frames=order.clip(), index=0, strength=1.0)]}
    if request.task == "edit":
        return given | {"reference_conditions": [LTX2ReferenceCondition(frames=order.clip(), strength=1.0)]}
    return given


def _guidance(order: Order) -> dict[str, Any]:
    if order.request.guidance == 1.0:
        exact = order.request.steps == len(DISTILLED_SIGMA_VALUES)
        return UNGUIDED | ({"sigmas": DISTILLED_SIGMA_VALUES} if exact else {})
    last = order.pipe.transformer.config.num_layers - 1
    return {"spatio_temporal_guidance_blocks": [min(GUIDED_BLOCK, last)]}


def result(output: Any, order: Order) -> Result:
    """The first film with its sound."""
    return Result(
        frames=output.frames[0], audio=output.audio[0], rate=order.pipe.vocoder.config.output_sampling_rate
    )  # fmt: skip

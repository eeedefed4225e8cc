"""Wan 2.1 and 2.2: words, a first (and last) frame, or a clip to repaint. The autoencoder needs float32."""

import math
from typing import Any

from pipelines.errors import BadRequest
from pipelines.hub.order import Order, Result

FLOAT32 = ("vae", "image_encoder")


def arguments(order: Order) -> dict[str, Any]:
    """What WanPipeline, WanImageToVideoPipeline or WanVideoToVideoPipeline is called with."""
    given = film(order)
    if order.request.task == "image-to-video":
        last = {"last_image": order.picture("last")} if order.request.last else {}
        return given | {"image": order.picture("image")} | last
    if order.request.task == "edit":
        if int(order.request.steps * order.request.strength) < 1:
            least = f"{math.ceil(100 / order.request.steps) / 100:g}"
            raise BadRequest(
                "strength", f"leaves no step of {order.request.steps}; {least} is the least, or more steps"
            )
        del given["num_frames"]
        return given | {"video": order.clip(), "strength": order.request.strength}
    return given


def film(order: Order) -> dict[str, Any]:
    """What all films of Wan share. The steps of the pipeline are shifted as the row says for the size."""
    scheduler, given = order.pipe.scheduler, order.film()
    shift = dict(order.row.shifts).get(min(order.width, order.height))
    if shift is not None and "flow_shift" in scheduler.config:
        order.pipe.scheduler = scheduler.from_config(scheduler.config, flow_shift=shift)
    if order.pipe.config.get("boundary_ratio") is not None:  # it has two experts
        given["guidance_scale_2"] = given["guidance_scale"] * order.row.second_guidance
    return given


def result(output: Any, order: Order) -> Result:
    """The first film of the batch."""
    return Result(frames=output.frames[0])

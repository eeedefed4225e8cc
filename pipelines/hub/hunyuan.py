"""HunyuanVideo 1.5: words, or a first frame. Its guidance is a part of the pipeline, not an argument."""

from typing import Any

from pipelines.hub.order import Order
from pipelines.hub.wan import result

__all__ = ["FLOAT32", "arguments", "result"]
FLOAT32 = ()


def arguments(order: Order) -> dict[str, Any]:
    """What HunyuanVideo15Pipeline or HunyuanVideo15ImageToVideoPipeline is called with."""
    given = order.film()
    guidance = given.pop("guidance_scale")
    order.pipe.guider = order.pipe.guider.new(guidance_scale=guidance)
    if order.request.task == "image-to-video":  # its size is that of the picture
        del given["height"], given["width"]
        return given | {"image": order.picture("image")}
    return given

"""The latent upsampler of LTX-Video: doubles the sides of any clip by way of its latents."""

from typing import Any

import numpy as np
from PIL import Image

from pipelines.errors import BadRequest
from pipelines.hub.order import Order, Result

FLOAT32 = ()
FACTOR, MULTIPLE = 2, 32


def arguments(order: Order) -> dict[str, Any]:
    """What LTXLatentUpsamplePipeline is called with: the clip, its edges repeated to whole multiples of 32 pixels."""
    if order.request.factor != FACTOR:
        raise BadRequest("factor", f"{order.row.name} doubles the sides, it cannot make them {order.request.factor}x")
    clip = order.source.frames
    high, wide = (-side % MULTIPLE for side in clip.shape[1:3])
    clip = np.pad(clip, ((0, order.frames - len(clip)), (0, high), (0, wide), (0, 0)), mode="edge")
    return {
        "video": [Image.fromarray(frame) for frame in clip],
        "height": clip.shape[1],
        "width": clip.shape[2],
        "generator": order.generator(),
        "output_type": "np",
    }


def result(output: Any, order: Order) -> Result:
    """Without the edges that were added."""
    return Result(frames=output.frames[0][:, : order.height, : order.width])

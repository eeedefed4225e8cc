"""Wan VACE: one model for references, first and last frames, and what is white in a mask.

A reference is put on white at the clip's size, so it should be cropped to the face or the thing.
"""

from typing import Any

from PIL import Image

from pipelines.hub.order import Order, Pictures, Result
from pipelines.hub.wan import FLOAT32, film

__all__ = ["FLOAT32", "arguments", "result"]
UNKNOWN = (128, 128, 128)  # the grey of a frame that is to be invented


def arguments(order: Order) -> dict[str, Any]:
    """What WanVACEPipeline is called with."""
    given, request = film(order), order.request
    if request.task == "personalize":
        return given | {"reference_images": [order.portrait("face")]}
    if request.task == "edit":
        return given | {"video": order.clip(), "mask": order.mask()}
    if request.task == "image-to-video":
        return given | _ends(order)
    return given


def result(output: Any, order: Order) -> Result:
    """The first film of the batch, which ends where `_ends` has put the last frame."""
    return Result(frames=output.frames[0][: order.wanted])


def _ends(order: Order) -> dict[str, Pictures]:
    """A film of grey whose first and maybe last frame are given."""
    size = (order.width, order.height)
    film = [Image.new("RGB", size, UNKNOWN)] * order.frames
    mask = [Image.new("L", size, 255)] * order.frames
    black = Image.new("L", size, 0)
    film[0], mask[0] = order.picture("image"), black
    if order.request.last:
        film[order.wanted - 1], mask[order.wanted - 1] = order.picture("last"), black
    return {"video": film, "mask": mask}

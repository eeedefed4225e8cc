"""Lucy Edit: a clip and an instruction. The length is the clip's own; the pipeline ignores any other."""

from typing import Any

from pipelines.hub.order import Order
from pipelines.hub.wan import FLOAT32, result

__all__ = ["FLOAT32", "arguments", "result"]


def arguments(order: Order) -> dict[str, Any]:
    """What LucyEditPipeline is called with."""
    return order.film() | {"video": order.clip()}

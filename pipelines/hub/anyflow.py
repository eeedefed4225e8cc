"""AnyFlow: Wan 2.1 distilled to a few steps."""

from typing import Any

from pipelines.hub.order import Order
from pipelines.hub.wan import FLOAT32, result

__all__ = ["FLOAT32", "arguments", "result"]


def arguments(order: Order) -> dict[str, Any]:
    """What AnyFlowPipeline is called with."""
    return order.film()

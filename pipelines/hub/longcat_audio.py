"""LongCat AudioDiT: effects and ambience, mono."""

from typing import Any

from pipelines.hub.order import Order, Result

FLOAT32 = ()


def arguments(order: Order) -> dict[str, Any]:
    """What LongCatAudioDiTPipeline is called with."""
    return order.sampling() | {"audio_duration_s": order.request.seconds, "output_type": "pt"}


def result(output: Any, order: Order) -> Result:
    """The first sound of the batch."""
    return Result(audio=output.audios[0], rate=order.pipe.sample_rate)

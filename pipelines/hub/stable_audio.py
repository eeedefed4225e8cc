"""Stable Audio Open: stereo sound from words."""

from typing import Any

from pipelines.hub.order import Order, Result

FLOAT32 = ()


def arguments(order: Order) -> dict[str, Any]:
    """What StableAudioPipeline is called with."""
    return order.sampling() | {"audio_end_in_s": order.request.seconds}


def result(output: Any, order: Order) -> Result:
    """The first sound of the batch."""
    return Result(audio=output.audios[0], rate=order.pipe.vae.sampling_rate)

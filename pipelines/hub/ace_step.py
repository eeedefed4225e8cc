"""ACE-Step: music in stereo at 48 kHz, with lyrics if there are any."""

from typing import Any

from pipelines.hub.order import Order, Result

FLOAT32 = ()


def arguments(order: Order) -> dict[str, Any]:
    """What AceStepPipeline is called with; it knows no negative prompt."""
    given = order.sampling() | {"audio_duration": order.request.seconds, "lyrics": order.request.lyrics}
    del given["negative_prompt"]
    return given


def result(output: Any, order: Order) -> Result:
    """The first sound of the batch."""
    return Result(audio=output.audios[0], rate=order.pipe.sample_rate)

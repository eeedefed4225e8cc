"""Progress and cancel for any pipeline of diffusers: hooks before the parts that do the work.

diffusers' own way differs between pipelines, is missing in many, and still decodes after it was told to stop.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn

from pipelines.progress import Progress

READING, STEPPING, DECODING = 0.02, 0.05, 0.88  # where reading the prompt, the steps and the decoding begin
DENOISERS = ("transformer", "transformer_2", "unet", "latent_upsampler")
DECODERS = ("vae", "audio_vae", "vocoder")
READERS = ("text_encoder", "text_encoder_2", "image_encoder", "connectors", "condition_encoder")


@contextmanager
def watched(pipe: Any, progress: Progress, *, decodes: int = 1) -> Iterator[None]:
    """Inside, `progress` hears of each step and each block of the decoder, and what it raises stops the work there.

    `decodes` is how many times the decoder is called. In the end nothing of a clip stays behind in the pipeline.
    """
    ticker = _Ticker(pipe, progress, decodes)
    hooks = [module.register_forward_pre_hook(call) for module, call in ticker.watches()]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
        _forget(pipe)


class _Ticker:
    """Turns calls of parts into fractions that never fall."""

    def __init__(self, pipe: Any, progress: Progress, decodes: int):
        self.pipe, self.progress, self.decodes = pipe, progress, decodes
        self.highest = 0.0
        self.steps = self.decoded = 0

    def watches(self) -> Iterator[tuple[nn.Module, Callable[..., None]]]:
        """Each module to watch with what to do before it runs."""
        for names, call in ((READERS, self.read), (DENOISERS, self.step)):
            for name in names:
                if isinstance(part := getattr(self.pipe, name, None), nn.Module):
                    yield part, call
        for part in (getattr(self.pipe, name, None) for name in DECODERS):
            decoder = getattr(part, "decoder", part)
            if isinstance(decoder, nn.Module):
                yield decoder, self.decode
                yield from ((block, self.still_there) for block in blocks(decoder))
            if isinstance(encoder := getattr(part, "encoder", None), nn.Module):
                yield encoder, self.still_there

    def read(self, *_: Any) -> None:
        self._say(READING, "reading the prompt")

    def step(self, *_: Any) -> None:
        done, total = self._count()
        self.steps += 1
        self._say(STEPPING + (DECODING - STEPPING) * done / total, f"step {done + 1} of {total}")

    def _count(self) -> tuple[int, int]:
        """Steps done and steps in all; a clip that is repainted begins in the middle of the scheduler's list."""
        scheduler = getattr(self.pipe, "scheduler", None)
        listed = len(getattr(scheduler, "timesteps", ())) or 1
        total = min(getattr(self.pipe, "_num_timesteps", None) or listed, listed)
        skipped = listed - total
        if hasattr(scheduler, "step_index"):
            done = (scheduler.step_index or skipped) - skipped
        else:  # a scheduler that keeps no count: one call is one step
            done = self.steps
        return min(max(done, 0), total - 1), total

    def decode(self, *_: Any) -> None:
        self._say(DECODING + (1 - DECODING) * min(1, self.decoded / max(1, self.decodes)), "decoding")
        self.decoded += 1

    def still_there(self, *_: Any) -> None:
        self.progress(self.highest, "decoding" if self.decoded else "reading the clip")

    def _say(self, fraction: float, message: str) -> None:
        self.highest = max(self.highest, fraction)
        self.progress(self.highest, message)


def blocks(decoder: nn.Module) -> Iterator[nn.Module]:
    """The children of a decoder, and of its lists: what runs one after the other."""
    for child in decoder.children():
        if isinstance(child, nn.ModuleList):
            yield from child
        else:
            yield child


def _forget(pipe: Any) -> None:
    """Offload hooks back in place; caches, the sampler's last steps and the autoencoder's frames dropped."""
    pipe.maybe_free_model_hooks()
    scheduler = getattr(pipe, "scheduler", None)
    if hasattr(scheduler, "model_outputs"):
        scheduler.model_outputs = [None] * len(scheduler.model_outputs)
        scheduler.last_sample = None
    if hasattr(getattr(pipe, "vae", None), "clear_cache"):
        pipe.vae.clear_cache()

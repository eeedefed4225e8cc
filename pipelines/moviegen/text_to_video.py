"""A sentence to a clip: read the text, sample latents by flow matching, decode them tile by tile.

A still is a clip of one frame. The same request gives the same frames on the same machine.
"""

import math
from collections.abc import Callable
from typing import Self

import numpy as np
import torch
from einops import rearrange
from torch import Tensor

from pipelines import device, vocabulary
from pipelines.clip import Clip
from pipelines.moviegen import checkpoint, flow, tiling
from pipelines.moviegen.nn.tae import TAE
from pipelines.moviegen.nn.text import MiniLM
from pipelines.moviegen.nn.transformer import Condition, VideoTransformer
from pipelines.moviegen.reading import READ, Reading
from pipelines.progress import Progress, part, silent
from pipelines.requests import TextToVideo

Preview = Callable[[np.ndarray], None]
PREVIEW_EVERY = 5  # steps
EMULATED = round(250 * flow.FINISH)  # linear steps that the schedule stands for: the paper's 250, up to FINISH


def build(name: str) -> "TextToVideoPipeline":
    """What the catalog names: the pipeline of a preset, with its weights from `assets/weights`."""
    return TextToVideoPipeline(
        checkpoint.load_text(), checkpoint.load_transformer(name), checkpoint.load_tae(name)
    )  # fmt: skip


class TextToVideoPipeline:
    """Text encoder, transformer and autoencoder, together on one device."""

    def __init__(self, text: MiniLM, transformer: VideoTransformer, tae: TAE):
        self.text, self.transformer, self.tae = text, transformer, tae
        self.reading = Reading(text)
        self.device = "cpu"

    def to(self, kind: str) -> Self:
        """Moves transformer and autoencoder; the small text encoder stays on the processor."""
        self.transformer.to(kind)
        self.tae.to(kind)
        self.device = kind
        return self

    @torch.no_grad()
    def __call__(self, request: TextToVideo, progress: Progress = silent, preview: Preview | None = None) -> Clip:
        """The clip that was asked for. `progress` may raise `Cancelled` at every step and tile.

        `preview` gets a picture (H, W, 3) uint8 of the clip as it is guessed so far, every few steps.
        """
        progress(0.0, "reading the prompt")
        condition = self.condition(request)
        x0 = self.noise(request)
        watch = (lambda done, x1: self._show(done, x1, preview)) if preview else None
        # the last step, to the mean, is not guided: that would lead away from it
        velocity = self.velocity(condition, request.guidance, until=flow.FINISH)
        times = flow.finished(flow.linear_quadratic(request.steps - 1, EMULATED))
        with device.autocast(self.device):  # around all steps: the weights are made narrow once
            x1 = flow.sample(velocity, x0, times, part(progress, 0.02, 0.85), watch)
        frames = self.decode(x1, request.frames, part(progress, 0.85, 1.0))
        return Clip(frames=frames, fps=request.fps, origin=request)

    def condition(self, request: TextToVideo) -> Condition:
        """The prompt and, below it, what guidance leads away from: the negative prompt, or no text at all."""
        kind = "Still." if request.still else f"FPS-{request.fps}."  # how the captions of training begin
        negative = f"{kind} {request.negative}" if request.negative.strip() else ""
        text = self.text([f"{kind} {self.reading.known(request.prompt)}", negative])
        with device.autocast(self.device):
            return self.transformer.condition(text.to(self.device))

    def noise(self, request: TextToVideo) -> Tensor:
        """x0 (1, C, T', H', W') from the request's seed, the same on every device."""
        width, height = vocabulary.ASPECT_SIZES[request.aspect]
        shape = self.tae.config.latent_shape(request.frames, height, width)
        return torch.randn(1, *shape, generator=torch.Generator().manual_seed(request.seed)).to(self.device)

    def velocity(self, condition: Condition, guidance: float, until: float = math.inf) -> flow.Velocity:
        """The velocity of one clip, guided until a time, prompt and negative in one batch of two."""

        def velocity(x: Tensor, t: Tensor) -> Tensor:
            with device.autocast(self.device):
                return self.transformer(x, t, condition)

        return flow.guided(velocity, guidance, until)

    def decode(self, x1: Tensor, frames: int, progress: Progress = silent) -> np.ndarray:
        """x1 (1, C, T', H', W') -> the first `frames` frames (T, H, W, 3) uint8."""
        parts = [pictures(part) for part in tiling.decode(self.tae, x1, progress)]
        return np.concatenate(parts)[:frames]

    def unknown(self, prompt: str) -> list[tuple[str, str | None]]:
        """Words of a prompt that mini was never shown, each with the name that it is read as, if it is."""
        return [(one.words, one.near if one.axis in READ else None) for one in self.reading.strangers(prompt)]

    def _show(self, done: int, x1: Tensor, preview: Preview) -> None:
        if done % PREVIEW_EVERY == 0:
            middle = x1.shape[2] // 2
            preview(pictures(tiling.decode_whole(self.tae, x1[:, :, middle : middle + 1]))[0])


def pictures(x: Tensor) -> np.ndarray:
    """(1, 3, T, H, W) in [-1, 1] -> (T, H, W, 3) uint8."""
    levels = ((x.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    return rearrange(levels, "1 c t h w -> t h w c").cpu().numpy()

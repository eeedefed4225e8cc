"""The video transformer: noisy latents, a time and a text to a velocity (Movie Gen, section 3.1.3).

LLaMa3's block with three changes: cross-attention to the text between self-attention and feed-forward, modulation by
the timestep, full bidirectional attention. A still is a clip of one latent frame.

B batch, C latent channels, T' H' W' latents, N = T' H' W' / 4 tokens, D width, S text tokens.
"""

from dataclasses import dataclass

import torch
from einops import rearrange
from huggingface_hub import PyTorchModelHubMixin
from torch import Tensor, nn

from pipelines.moviegen.nn.layers import CrossAttention, Positions, RMSNorm, SelfAttention, SwiGLU, Timestep
from pipelines.moviegen.nn.prior import Prior
from pipelines.moviegen.nn.text import Text

PATCH = 2


@dataclass(frozen=True, kw_only=True)
class TransformerConfig:
    """`text` lists the widths of the text encoders that are read; `longest` and `side` size the position tables.

    With `prior` the network only adds to a linear estimate of the velocity (nn/prior.py); the paper's has none.
    """

    latents: int
    width: int
    depth: int
    heads: int
    hidden: int
    text: tuple[int, ...]
    longest: int = 32
    side: int = 12
    prior: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", tuple(self.text))  # a list when read back from JSON


@dataclass(frozen=True, kw_only=True)
class Condition:
    """A text as the blocks read it: token states (B, S, D), or already their keys and values, and the mask."""

    blocks: list[Tensor | tuple[Tensor, Tensor]]
    mask: Tensor


class Block(nn.Module):
    """Self-attention, cross-attention, feed-forward. The timestep scales, shifts and gates the first and the last."""

    def __init__(self, config: TransformerConfig):
        super().__init__()
        width = config.width
        self.norm1, self.norm2, self.norm3 = (RMSNorm(width) for _ in range(3))
        self.attention = SelfAttention(width, config.heads)
        self.text = CrossAttention(width, config.heads)
        self.feed = SwiGLU(width, config.hidden)
        self.table = nn.Parameter(torch.zeros(6, width))

    def forward(self, x: Tensor, modulation: Tensor, text: Tensor | tuple[Tensor, Tensor], mask: Tensor) -> Tensor:
        shift1, scale1, gate1, shift2, scale2, gate2 = (modulation + self.table).unsqueeze(2).unbind(1)  # (B, 1, D)
        x = torch.addcmul(x, gate1, self.attention(torch.addcmul(shift1, self.norm1(x), 1 + scale1)))
        x = x + self.text(self.norm2(x), text, mask)
        return torch.addcmul(x, gate2, self.feed(torch.addcmul(shift2, self.norm3(x), 1 + scale2)))


class VideoTransformer(nn.Module, PyTorchModelHubMixin, library_name="rushes", license="apache-2.0"):
    """v = model(x, t, condition): x (B, C, T', H', W'), t (B,) in [0, 1] from noise to data, v like x."""

    def __init__(self, config: TransformerConfig):
        super().__init__()
        config = config if isinstance(config, TransformerConfig) else TransformerConfig(**config)
        self.config = config
        width, patch = config.width, config.latents * PATCH**2
        self.prior = Prior(patch) if config.prior else None
        self.embed = nn.Linear(patch, width)
        self.positions = Positions(width, time=config.longest, height=config.side, columns=config.side)
        self.timestep = Timestep(width)
        self.modulation = nn.Sequential(nn.SiLU(), nn.Linear(width, 6 * width))
        self.texts = nn.ModuleList(nn.Sequential(nn.Linear(size, width), nn.LayerNorm(width)) for size in config.text)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.depth))
        self.norm = RMSNorm(width)
        self.final = nn.Sequential(nn.SiLU(), nn.Linear(width, 2 * width))
        self.out = nn.Linear(width, patch)
        self._begin()

    def condition(self, *texts: Text) -> Condition:
        """Keys and values of every block for one text per encoder: they need neither x nor t, so make them once."""
        read = self._read(texts)
        states = zip(self.blocks, read.blocks, strict=True)
        return Condition(blocks=[block.text.context(text) for block, text in states], mask=read.mask)

    def forward(self, x: Tensor, t: Tensor, condition: Condition | tuple[Text, ...]) -> Tensor:
        if not isinstance(condition, Condition):
            condition = self._read(condition)
        frames, h, w = x.shape[2], x.shape[3] // PATCH, x.shape[4] // PATCH
        tokens = patches(x)  # (B, N, P)
        if self.prior:
            tokens, linear, missed = self.prior.split(tokens, t)
        x = self.embed(tokens.to(x.dtype))  # (B, N, D)
        positions = self.positions(frames, h, w)  # (N, D)
        moment = self.timestep(t)  # (B, D)
        modulation = rearrange(self.modulation(moment), "b (k d) -> b k d", k=6)
        for block, text in zip(self.blocks, condition.blocks, strict=True):
            x = block(x + positions, modulation, text, condition.mask)
        shift, scale = self.final(moment).unsqueeze(1).chunk(2, dim=-1)  # (B, 1, D)
        v = self.out(torch.addcmul(shift, self.norm(x), 1 + scale))  # (B, N, P)
        if self.prior:
            v = self.prior.join(linear + missed * v).to(v.dtype)
        return latents(v, frames, h, w)

    def _read(self, texts: tuple[Text, ...]) -> Condition:
        """The texts projected to the model's width and joined along the tokens, the same for every block."""
        states = torch.cat([read(text.states) for read, text in zip(self.texts, texts, strict=True)], dim=1)
        mask = torch.cat([text.mask for text in texts], dim=1)  # (B, S)
        return Condition(blocks=[states] * len(self.blocks), mask=mask[:, None, None])

    def _begin(self) -> None:
        """Zero where a block should start without influence, gates half open: faster than DiT's all-zero start."""
        width = self.config.width
        for layer in (self.out, self.modulation[1], self.final[1], *(block.text.out for block in self.blocks)):
            nn.init.zeros_(layer.weight)
        for layer in (self.out, self.modulation[1], self.final[1]):
            nn.init.zeros_(layer.bias)
        with torch.no_grad():
            gates = self.modulation[1].bias.view(6, width)
            gates[2] = gates[5] = 0.5


def patches(x: Tensor) -> Tensor:
    """Latents (B, C, T', H', W') -> tokens (B, N, 4 C)."""
    return rearrange(x, "b c t (h p) (w q) -> b (t h w) (c p q)", p=PATCH, q=PATCH)


def latents(tokens: Tensor, frames: int, h: int, w: int) -> Tensor:
    """Tokens (B, N, 4 C) of so many frames, rows and columns -> latents (B, C, T', H', W')."""
    return rearrange(tokens, "b (t h w) (c p q) -> b c t (h p) (w q)", t=frames, h=h, w=w, p=PATCH, q=PATCH)

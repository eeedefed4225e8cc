"""Pieces that our transformers share: norms, SwiGLU, attention, the timestep and the factorised positions.

B batch, N tokens, D width, S text tokens, H heads, T' H' W' positions in time and space.
"""

import math
from typing import Any

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

EPSILON = 1e-6


class _RMS(torch.autograd.Function):
    """x / rms(x) * weight with its derivative written out: torch's own backward on a CPU is many times slower."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor) -> Tensor:
        # No wide copy of x is made, and nothing of its size twice: that takes a quarter to a half of the time.
        length = torch.linalg.vector_norm(x, dim=-1, keepdim=True, dtype=torch.float32)
        scale = torch.rsqrt(length.square() / x.shape[-1] + EPSILON)
        ctx.save_for_backward(x, weight, scale)
        return (x * scale).mul_(weight).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        x, weight, scale = ctx.saved_tensors
        normal, wide = x * scale, gradient.float()
        inner = wide * weight
        mean = torch.linalg.vecdot(inner, normal)[..., None] / x.shape[-1]
        for_x = torch.addcmul(inner, normal, mean, value=-1) * scale
        return for_x.to(x.dtype), (wide * normal).flatten(0, -2).sum(0).to(weight.dtype)


class RMSNorm(nn.Module):
    """Root-mean-square norm over the last axis, computed in fp32, returned in the dtype of x."""

    def __init__(self, width: int):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        if x.is_cuda or torch.compiler.is_compiling():
            return F.rms_norm(x.float(), self.weight.shape, self.weight, EPSILON).to(x.dtype)
        return _RMS.apply(x, self.weight)


class SwiGLU(nn.Module):
    """Feed-forward layer of LLaMa3: down(silu(gate(x)) * up(x)), gate and up in one matrix."""

    def __init__(self, width: int, hidden: int):
        super().__init__()
        self.up = nn.Linear(width, 2 * hidden, bias=False)
        self.down = nn.Linear(hidden, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        gate, value = self.up(x).chunk(2, dim=-1)
        return self.down(F.silu(gate).mul_(value))  # in place: half the time on a processor


class SelfAttention(nn.Module):
    """Full bidirectional attention, with RMS-normalised queries and keys for stability in bf16."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.norm_q, self.norm_k = (RMSNorm(width // heads) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = rearrange(self.qkv(x), "b n (k h d) -> k b h n d", k=3, h=self.heads)
        x = F.scaled_dot_product_attention(self.norm_q(q), self.norm_k(k), v)
        return self.out(rearrange(x, "b h n d -> b n (h d)"))  # (B, N, D)


class CrossAttention(nn.Module):
    """Reads the text. Keys and values depend on nothing else, so a sampler computes them once (`context`)."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.q = nn.Linear(width, width, bias=False)
        self.kv = nn.Linear(width, 2 * width, bias=False)
        self.out = nn.Linear(width, width, bias=False)
        self.norm_q, self.norm_k = (RMSNorm(width // heads) for _ in range(2))

    def context(self, text: Tensor) -> tuple[Tensor, Tensor]:
        """text (B, S, D) -> keys and values, (B, H, S, d) each."""
        k, v = rearrange(self.kv(text), "b s (k h d) -> k b h s d", k=2, h=self.heads)
        return self.norm_k(k), v

    def forward(self, x: Tensor, text: Tensor | tuple[Tensor, Tensor], mask: Tensor) -> Tensor:
        """x (B, N, D); text (B, S, D), or its keys and values; mask (B, 1, 1, S), True where there is a word."""
        q = rearrange(self.q(x), "b n (h d) -> b h n d", h=self.heads)
        k, v = text if isinstance(text, tuple) else self.context(text)
        x = F.scaled_dot_product_attention(self.norm_q(q), k, v, attn_mask=mask)
        return self.out(rearrange(x, "b h n d -> b n (h d)"))  # (B, N, D)


class Timestep(nn.Module):
    """t (B,) in [0, 1] -> (B, D): sines of 1000 t, then a small network."""

    def __init__(self, width: int, sines: int = 256):
        super().__init__()
        self.sines = sines
        self.mlp = nn.Sequential(nn.Linear(sines, width), nn.SiLU(), nn.Linear(width, width))

    def forward(self, t: Tensor) -> Tensor:
        half = self.sines // 2
        rates = torch.exp(-math.log(10_000) * torch.arange(half, device=t.device) / half)
        angles = 1000 * t.float()[:, None] * rates
        return self.mlp(torch.cat([angles.cos(), angles.sin()], dim=-1).to(self.mlp[0].weight.dtype))


class Positions(nn.Module):
    """Factorised learnable positions: one table for time, one for rows, one for columns, summed (Movie Gen, 3.1.3).

    The tables start as rotated sines of amplitude 0.5: with the usual 0.02 the model paints textures before places.
    """

    def __init__(self, width: int, *, time: int, height: int, columns: int):
        super().__init__()
        self.time, self.height, self.columns = (
            nn.Parameter(_sines(length, width, seed)) for seed, length in enumerate((time, height, columns))
        )

    def forward(self, t: int, h: int, w: int) -> Tensor:
        """(t * h * w, D). Raises an assertion for more positions than the tables hold."""
        assert t <= len(self.time) and h <= len(self.height) and w <= len(self.columns), (t, h, w)
        table = self.time[:t, None, None] + self.height[:h, None] + self.columns[:w]  # (t, h, w, D)
        return rearrange(table, "t h w d -> (t h w) d")


def _sines(length: int, width: int, seed: int) -> Tensor:
    if torch.get_default_device().type == "meta":
        return torch.empty(length, width)
    generator = torch.Generator().manual_seed(seed)
    rates = torch.exp(-math.log(4 * length) * torch.arange(width // 2) / (width // 2))
    angles = torch.arange(length)[:, None] * rates + 2 * math.pi * torch.rand(width // 2, generator=generator)
    rotation = torch.linalg.qr(torch.randn(width, width, generator=generator))[0]
    return 0.5 * torch.cat([angles.sin(), angles.cos()], dim=-1) @ rotation

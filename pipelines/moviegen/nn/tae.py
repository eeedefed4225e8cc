"""Temporal autoencoder: pictures in time to a small grid of latents and back (Movie Gen, section 3.1.1).

An image autoencoder whose every 2-D convolution is followed by a 1-D one over time. The 1-D kernels begin as
the identity, so an inflated image autoencoder starts as exactly itself. Any number of frames goes in, one included.

B batch, C channels, T H W pixels, T' H' W' latents.
"""

import dataclasses
import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One resolution: `width` channels, `blocks` residual blocks (`extra` more in the decoder), then its divisors."""

    width: int
    blocks: int
    extra: int = 0
    space: int = 1
    time: int = 1


@dataclass(frozen=True, kw_only=True)
class TAEConfig:
    """`stem` x `stem` pixels become channels first; `stages` go from fine to coarse, the last has no divisors.

    `attention` layers at the coarsest resolution; `refine` channels of the head at full size, or none. With `fold`,
    frames become channels and back, instead of the paper's convolution with a stride and repetition: the two halves of
    a pair then differ from the first step on, where repetition has to tell them apart by their neighbours.
    """

    latents: int
    stem: int
    stages: tuple[Stage, ...]
    attention: int = 0
    refine: int = 0
    fold: bool = False

    def __post_init__(self) -> None:
        stages = tuple(stage if isinstance(stage, Stage) else Stage(**stage) for stage in self.stages)
        object.__setattr__(self, "stages", stages)  # plain dicts when read back from JSON
        assert stages[-1].space == stages[-1].time == 1, "the last stage is the latents' own"

    @property
    def space(self) -> int:
        """Pixels per latent, along each side."""
        return self.stem * math.prod(stage.space for stage in self.stages)

    @property
    def time(self) -> int:
        """Frames per latent frame."""
        return math.prod(stage.time for stage in self.stages)

    def latent_shape(self, frames: int, height: int, width: int) -> tuple[int, int, int, int]:
        """(C, T', H', W') of a clip. The last latent frame of a clip may stand for fewer frames than the others."""
        assert height % self.space == 0 and width % self.space == 0, (height, width, self.space)
        return self.latents, -(-frames // self.time), height // self.space, width // self.space


class Space(nn.Conv2d):
    """A 2-D convolution of every frame. (B, C, T, H, W) -> (B, C', T, H, W), or half the size with stride 2."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1):
        super().__init__(inputs, outputs, kernel, stride, padding=kernel // 2)
        nn.init.normal_(self.weight, std=(inputs * kernel**2) ** -0.5)  # keeps the variance of what flows past blocks
        nn.init.zeros_(self.bias)

    def forward(self, x: Tensor) -> Tensor:
        y = super().forward(rearrange(x, "b c t h w -> (b t) c h w"))
        return rearrange(y, "(b t) c h w -> b c t h w", b=len(x))


class Time(nn.Conv3d):
    """A 1-D convolution over time, kernel 3, symmetric replicate padding, the identity at first.

    With stride 2 it keeps every second frame at first: T -> ceil(T / 2).
    """

    def __init__(self, channels: int, stride: int = 1):
        super().__init__(channels, channels, (3, 1, 1), (stride, 1, 1), padding=(1, 0, 0))
        nn.init.zeros_(self.bias)
        with torch.no_grad():
            self.weight.zero_()[:, :, 1, 0, 0] = torch.eye(channels)

    def forward(self, x: Tensor) -> Tensor:
        stride, (before, _, after) = self.stride[0], self.weight.unbind(2)
        # A frame's places side by side make it a 2-D convolution, for which every device has good code. It pads with
        # zeros; the two edges are mended, cheaper than a padded copy.
        line = rearrange(x, "b c t h w -> b c t (h w)")
        y = F.conv2d(line, self.weight[..., 0], self.bias, (stride, 1), (1, 0))
        y = rearrange(y, "b c t (h w) -> b c t h w", h=x.shape[3])
        y[:, :, 0] += F.conv2d(x[:, :, 0], before)
        if (x.shape[2] - 1) % stride == 0:
            y[:, :, -1] += F.conv2d(x[:, :, -1], after)
        return y


class Norm(nn.GroupNorm):
    """Group norm of each frame by itself: a frame's statistics never depend on how many others there are."""

    def __init__(self, channels: int):
        super().__init__(math.gcd(channels, 32) if channels >= 128 else 8, channels, eps=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        y = super().forward(rearrange(x, "b c t h w -> (b t) c h w"))
        return rearrange(y, "(b t) c h w -> b c t h w", b=len(x))


class Block(nn.Module):
    """Residual block, each convolution followed by its twin over time."""

    def __init__(self, width: int):
        super().__init__()
        self.norm1, self.space1, self.time1 = Norm(width), Space(width, width), Time(width)
        self.norm2, self.space2, self.time2 = Norm(width), Space(width, width), Time(width)
        nn.init.zeros_(self.space2.weight)
        nn.init.zeros_(self.space2.bias)

    def forward(self, x: Tensor) -> Tensor:
        h = self.time1(self.space1(F.silu(self.norm1(x))))
        return x + self.time2(self.space2(F.silu(self.norm2(h))))


class Attention(nn.Module):
    """One head of self-attention over each frame, then one over each place's history (2.5-D, as the convolutions)."""

    def __init__(self, width: int):
        super().__init__()
        self.norm = Norm(width)
        self.space, self.time = (
            nn.ModuleDict({"qkv": nn.Linear(width, 3 * width), "out": nn.Linear(width, width)}) for _ in range(2)
        )
        nn.init.zeros_(self.time["out"].weight)  # no influence of other frames when inflated
        nn.init.zeros_(self.time["out"].bias)

    def forward(self, x: Tensor) -> Tensor:
        b, h = len(x), x.shape[3]
        x = x + rearrange(
            self._attend(self.space, rearrange(self.norm(x), "b c t h w -> (b t) (h w) c")),
            "(b t) (h w) c -> b c t h w", b=b, h=h,
        )  # fmt: skip
        return x + rearrange(
            self._attend(self.time, rearrange(self.norm(x), "b c t h w -> (b h w) t c")),
            "(b h w) t c -> b c t h w", b=b, h=h,
        )  # fmt: skip

    @staticmethod
    def _attend(layer: nn.ModuleDict, x: Tensor) -> Tensor:
        q, k, v = layer["qkv"](x).chunk(3, dim=-1)
        return layer["out"](F.scaled_dot_product_attention(q, k, v))


class Fold(nn.Module):
    """`times` frames side by side as channels: (B, C, T, H, W) -> (B, times * C, ceil(T / times), H, W)."""

    def __init__(self, times: int):
        super().__init__()
        self.times = times

    def forward(self, x: Tensor) -> Tensor:
        if missing := -x.shape[2] % self.times:
            x = torch.cat([x, x[:, :, -1:].expand(-1, -1, missing, -1, -1)], dim=2)
        return rearrange(x, "b c (t k) h w -> b (k c) t h w", k=self.times)


class Down(nn.Module):
    """Leaves a stage: fewer frames first, because it is cheaper, then fewer pixels and the next stage's width."""

    def __init__(self, stage: Stage, width: int, fold: bool):
        super().__init__()
        self.time = Fold(stage.time) if fold else Time(stage.width, stride=stage.time)
        self.space = Space(stage.width * (stage.time if fold else 1), width, stride=stage.space)

    def forward(self, x: Tensor) -> Tensor:
        return self.space(self.time(x))


class Up(nn.Module):
    """Enters a stage from the coarser one: more pixels by depth-to-space, more frames likewise or by repetition."""

    def __init__(self, width: int, stage: Stage, fold: bool):
        super().__init__()
        self.factor, self.folded = stage.space, stage.time if fold else 1
        self.repeated = stage.time // self.folded
        self.space = Space(width, self.folded * stage.width * stage.space**2)
        self.time = Time(stage.width)

    def forward(self, x: Tensor) -> Tensor:
        x, f = self.space(x), self.factor
        x = rearrange(x, "b (k c p q) t h w -> b c (t k) (h p) (w q)", k=self.folded, p=f, q=f)
        x = x.contiguous(memory_format=torch.channels_last_3d)
        return self.time(x.repeat_interleave(self.repeated, dim=2) if self.repeated > 1 else x)


class Refine(nn.Module):
    """A light residual head at full size that smooths the edges which depth-to-space leaves. Zero at first."""

    def __init__(self, width: int):
        super().__init__()
        self.inner, self.outer = Space(3, width), Space(width, 3)
        nn.init.zeros_(self.outer.weight)
        nn.init.zeros_(self.outer.bias)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.outer(F.silu(self.inner(x)))


class TAE(nn.Module):
    """x (B, 3, T, H, W) in [-1, 1] <-> z (B, C, T', H', W') of about unit variance per channel.

    Nothing but convolutions lies between pixels, latents and pixels outside the blocks, which begin as the identity: it
    starts as a linear autoencoder. With a norm before latents and pixels, as is usual, it had not learned colours
    after 840 steps.

    T' = ceil(T / time); `decode` gives time * T' frames and callers drop the surplus at the end.
    """

    def __init__(self, config: TAEConfig):
        super().__init__()
        self.config = config
        stages, last = config.stages, config.stages[-1].width
        widths = [stage.width for stage in stages] + [last]
        encoder: list[nn.Module] = [Space(3 * config.stem**2, stages[0].width, kernel=1 if config.stem > 1 else 3)]
        for i, stage in enumerate(stages):
            encoder += [Block(stage.width) for _ in range(stage.blocks)]
            if i + 1 < len(stages):
                encoder.append(Down(stage, widths[i + 1], config.fold))
        encoder += [Attention(last) for _ in range(config.attention)]
        self.encoder = nn.Sequential(*encoder, Space(last, 2 * config.latents))
        decoder: list[nn.Module] = [Space(config.latents, last), *(Attention(last) for _ in range(config.attention))]
        for i, stage in reversed(list(enumerate(stages))):
            if i + 1 < len(stages):
                decoder.append(Up(widths[i + 1], stage, config.fold))
            decoder += [Block(stage.width) for _ in range(stage.blocks + stage.extra)]
        first = stages[0].width
        self.decoder = nn.Sequential(*decoder, Space(first, 3 * config.stem**2))
        self.refine = Refine(config.refine) if config.refine else nn.Identity()
        self.register_buffer("mean", torch.zeros(config.latents))
        self.register_buffer("deviation", torch.ones(config.latents))

    def posterior(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance of the latents, not normalised, each (B, C, T', H', W'). For training."""
        p = self.config.stem
        x = rearrange(x, "b c t (h p) (w q) -> b (c p q) t h w", p=p, q=p)
        mean, log_variance = self.encoder(x.contiguous(memory_format=torch.channels_last_3d)).chunk(2, dim=1)
        return mean, log_variance.clamp(-20, 5)

    def pixels(self, latents: Tensor) -> Tensor:
        """Latents that are not normalised -> x. For training."""
        p = self.config.stem
        x = self.decoder(latents.contiguous(memory_format=torch.channels_last_3d))
        return self.refine(rearrange(x, "b (c p q) t h w -> b c t (h p) (w q)", p=p, q=p))

    def encode(self, x: Tensor) -> Tensor:
        """x (B, 3, T, H, W) -> z (B, C, T', H', W'), the posterior's mean, normalised by measured statistics."""
        return (self.posterior(x)[0] - _wide(self.mean)) / _wide(self.deviation)

    def decode(self, z: Tensor) -> Tensor:
        """z (B, C, T', H', W') -> x (B, 3, time * T', H, W)."""
        return self.pixels(z * _wide(self.deviation) + _wide(self.mean))


def channels_last(model: nn.Module) -> nn.Module:
    """The model itself, its convolutions in the layout in which a processor is twice as fast."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Conv3d):
            wide = isinstance(module, nn.Conv3d)
            module.to(memory_format=torch.channels_last_3d if wide else torch.channels_last)
    return model


def image_autoencoder(config: TAEConfig) -> TAE:
    """The image autoencoder that a TAE is inflated from: no convolution over time, one frame at a time."""
    stages = tuple(dataclasses.replace(stage, time=1) for stage in config.stages)
    model = TAE(dataclasses.replace(config, stages=stages))
    for module in list(model.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, Time):
                setattr(module, name, nn.Identity())
    return model


def inflate(image: dict[str, Tensor], config: TAEConfig) -> TAE:
    """A TAE with an image autoencoder's weights, otherwise still the identity: over time and when it refines."""
    model = TAE(config)
    shapes = {name: weight.shape for name, weight in model.state_dict().items()}
    missing = model.load_state_dict({name: _widened(w, shapes[name]) for name, w in image.items()}, strict=False)
    later = all(".time" in key or key.startswith("refine.") for key in missing.missing_keys)
    assert later and not missing.unexpected_keys, missing
    return model


def _widened(weight: Tensor, shape: torch.Size) -> Tensor:
    """Weights for one frame -> for the `shape[0]` or `shape[1]` channels of several frames that are all alike."""
    outputs, inputs = (wide // narrow for wide, narrow in zip((*shape, 1)[:2], (*weight.shape, 1)[:2], strict=True))
    return weight.repeat((outputs, inputs, 1, 1, 1)[: weight.ndim]) / inputs


def _wide(statistic: Tensor) -> Tensor:
    return rearrange(statistic, "c -> c 1 1 1")

"""Decoding (and encoding) long clips in tiles of time, so that memory does not grow with their length.

Movie Gen, section 3.1.1: tiles of 32 frames, encoded without overlap, decoded with an overlap of half a tile that is
blended by a linear ramp. The paper prints the ramp for the later tile; here the earlier one fades out.

Convolutions are in bfloat16 where the device is fast in it; what comes out is float32.

B batch, C channels, T H W pixels, T' H' W' latents.
"""

from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor

from pipelines import device
from pipelines.moviegen.nn.tae import TAE
from pipelines.progress import Progress, silent

TILE, OVERLAP = 4, 2  # latent frames


def encode(tae: TAE, x: Tensor, tile: int = TILE) -> Tensor:
    """x (B, 3, T, H, W) -> z (B, C, T', H', W'), `tile` latent frames at a time."""
    return torch.cat([encode_whole(tae, part) for part in x.split(tile * tae.config.time, dim=2)], dim=2)


def encode_whole(tae: TAE, x: Tensor) -> Tensor:
    """x (B, 3, T, H, W) -> z (B, C, T', H', W'), all at once."""
    with device.autocast(x.device.type, convolutions=True):
        return tae.encode(x).float()


def decode_whole(tae: TAE, z: Tensor) -> Tensor:
    """z (B, C, T', H', W') -> x (B, 3, T' * time, H, W), all at once."""
    with device.autocast(z.device.type, convolutions=True):
        return tae.decode(z).float()


def decode(tae: TAE, z: Tensor, progress: Progress = silent) -> Iterator[Tensor]:
    """z (B, C, T', H', W') -> the clip's frames in order, in parts (B, 3, t, H, W) that together have T' * time frames.

    Only one tile is in memory. `progress` may raise `Cancelled` between tiles.
    """
    yield from blended(partial(decode_whole, tae), z, factor=tae.config.time, progress=progress)


def blended(
    decode_tile: Callable[[Tensor], Tensor], z: Tensor, *, factor: int, tile: int = TILE, overlap: int = OVERLAP,
    progress: Progress = silent,
) -> Iterator[Tensor]:  # fmt: skip
    """Decodes overlapping tiles of z along axis 2 and joins them; each latent frame becomes `factor` frames."""
    length, hop = z.shape[2], tile - overlap
    starts = range(0, max(1, length - overlap), hop)
    tail: Tensor | None = None
    for i, start in enumerate(starts):
        progress(i / len(starts), "decoding")
        part = decode_tile(z[:, :, start : start + tile])
        if tail is not None:
            shared = tail.shape[2]
            ramp = ((torch.arange(shared) + 0.5) / shared).reshape(-1, 1, 1).to(part)
            part = torch.cat([torch.lerp(tail, part[:, :, :shared], ramp), part[:, :, shared:]], dim=2)
        last = i + 1 == len(starts)
        kept = part.shape[2] if last else hop * factor
        yield part[:, :, :kept]
        tail = part[:, :, kept:]

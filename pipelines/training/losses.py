"""What the autoencoder is trained on: reconstruction, the divergence of its posterior, and the outlier penalty."""

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor


def reconstruction(y: Tensor, x: Tensor) -> Tensor:
    """Distance of pictures y to x, both (B, 3, T, H, W): absolute, squared, of edges over space and time, and coarse.

    All but the square are absolute values of something linear, so the difference is taken once.
    """
    d = y - x
    edges = sum((d.diff(dim=dim).abs().mean() for dim in (2, 3, 4) if d.shape[dim] > 1), start=d.new_zeros(()))
    coarse = F.avg_pool2d(rearrange(d, "b c t h w -> (b t) c h w"), 4).abs().mean()
    return d.abs().mean() + 5 * d.square().mean() + 0.5 * edges + coarse


def divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """Kullback-Leibler divergence of the posterior from a standard normal, in nats per latent number."""
    return 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).mean()


def outlier_penalty(z: Tensor, r: float = 3.0) -> Tensor:
    """Outlier penalty loss in the channel-norm form (Movie Gen, section 3.1.1): 0 unless a place stands out.

    z (B, C, T', H', W'); each latent frame counts as a picture. A place is punished for the part of its distance
    from the frame's mean latent, over channels, that exceeds r standard deviations (the norm of those of all channels).
    """
    z = rearrange(z, "b c t h w -> (b t) (h w) c")
    distance = torch.linalg.vector_norm(z - z.mean(dim=1, keepdim=True), dim=-1)
    allowed = r * torch.linalg.vector_norm(z.std(dim=1), dim=-1, keepdim=True)
    return F.relu(distance - allowed).mean()

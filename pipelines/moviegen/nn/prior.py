"""What is known of a velocity before any network has learned: the answer for a Gaussian with the data's covariance.

B batch, N tokens, P numbers of a token.
"""

import torch
from torch import Tensor, nn

LEAST = 1e-4  # variance of a component that hardly varies


class Prior(nn.Module):
    """Leaves to the network what a linear estimate of the velocity misses, in a measure of about one.

    A token's component of variance s, in the basis of the data's covariance, has on the path at time t the variance
    V = s t^2 + (1 - t)^2. The best linear estimate of its velocity is xt (s t - (1 - t)) / V, and what that misses
    has variance s / V. This is the preconditioning of Karras et al. (2022, section 5) for straight paths and for each
    component by itself; with one variance for all, tokens of many numbers fill a narrow network with noise
    (Li and He 2025). Until measured, every component has variance 1.
    """

    def __init__(self, numbers: int):
        super().__init__()
        self.register_buffer("basis", torch.eye(numbers))
        self.register_buffer("variance", torch.ones(numbers))

    @torch.no_grad()
    def measure(self, tokens: Tensor) -> None:
        """Takes basis and variances from data, tokens (count, P), of mean zero."""
        variance, basis = torch.linalg.eigh(tokens.T @ tokens / len(tokens))
        self.variance.copy_(variance.clamp(min=LEAST))
        self.basis.copy_(basis)

    def split(self, x: Tensor, t: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """xt (B, N, P), t (B,) -> what the network reads, the linear estimate, the scale of what it misses, in fp32.

        All three are in the basis, the first of unit variance; (B, N, P), (B, N, P) and (B, 1, P).
        """
        with torch.autocast(x.device.type, enabled=False):
            x = x.float() @ self.basis.float()  # (B, N, P)
        t, s = t.float()[:, None, None], self.variance.float()
        total = s * t**2 + (1 - t) ** 2  # (B, 1, P)
        return x * total.rsqrt(), x * ((s * t - (1 - t)) / total), (s / total).sqrt()

    def join(self, velocity: Tensor) -> Tensor:
        """A velocity in the basis (B, N, P) -> of tokens."""
        with torch.autocast(velocity.device.type, enabled=False):
            return velocity @ self.basis.float().T

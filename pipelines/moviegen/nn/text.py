"""Text encoders. mini reads the token states of all-MiniLM-L6-v2; the paper's three exist as configurations.

B prompts, S tokens, D width.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from pipelines.errors import BadRequest


@dataclass(frozen=True, kw_only=True)
class Text:
    """What a prompt says: token states (B, S, D) and which of them are words (B, S), True, and which filling."""

    states: Tensor
    mask: Tensor

    def to(self, device: str) -> "Text":
        return Text(states=self.states.to(device), mask=self.mask.to(device))


@dataclass(frozen=True, kw_only=True)
class MiniLMConfig:
    """Sizes of all-MiniLM-L6-v2, a six-layer BERT (Hugging Face, sentence-transformers)."""

    words: int = 30_522
    width: int = 384
    depth: int = 6
    heads: int = 12
    hidden: int = 1536
    longest: int = 512


class Layer(nn.Module):
    """One BERT layer; its modules carry the names that the published weights use."""

    def __init__(self, config: MiniLMConfig):
        super().__init__()
        width, self.heads = config.width, config.heads
        self.attention = nn.ModuleDict({
            "self": nn.ModuleDict({name: nn.Linear(width, width) for name in ("query", "key", "value")}),
            "output": nn.ModuleDict({"dense": nn.Linear(width, width), "LayerNorm": nn.LayerNorm(width, eps=1e-12)}),
        })  # fmt: skip
        self.intermediate = nn.ModuleDict({"dense": nn.Linear(width, config.hidden)})
        self.output = nn.ModuleDict(
            {"dense": nn.Linear(config.hidden, width), "LayerNorm": nn.LayerNorm(width, eps=1e-12)}
        )

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        parts, out = self.attention["self"], self.attention["output"]
        q, k, v = (
            rearrange(parts[name](x), "b s (h d) -> b h s d", h=self.heads) for name in ("query", "key", "value")
        )
        h = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        x = out["LayerNorm"](x + out["dense"](rearrange(h, "b h s d -> b s (h d)")))  # (B, S, D)
        h = self.output["dense"](F.gelu(self.intermediate["dense"](x)))
        return self.output["LayerNorm"](x + h)


class MiniLM(nn.Module):
    """Prompts to token states. `tokenize` gives the token ids of one prompt, with its first and last marks."""

    def __init__(self, config: MiniLMConfig, tokenize: Callable[[str], list[int]]):
        super().__init__()
        self.config, self.tokenize = config, tokenize
        self.embeddings = nn.ModuleDict({
            "word_embeddings": nn.Embedding(config.words, config.width),
            "position_embeddings": nn.Embedding(config.longest, config.width),
            "token_type_embeddings": nn.Embedding(2, config.width),
            "LayerNorm": nn.LayerNorm(config.width, eps=1e-12),
        })  # fmt: skip
        self.encoder = nn.ModuleDict({"layer": nn.ModuleList(Layer(config) for _ in range(config.depth))})

    @torch.no_grad()
    def forward(self, prompts: list[str]) -> Text:
        """Raises `BadRequest` for a prompt of more tokens than the encoder has positions."""
        ids = [self.tokenize(prompt) for prompt in prompts]
        longest = max(map(len, ids))
        if longest > self.config.longest:
            raise BadRequest("prompt", f"is {longest} tokens long; {self.config.longest} is the most")
        tokens = torch.tensor([row + [0] * (longest - len(row)) for row in ids])  # (B, S)
        mask = torch.tensor([[True] * len(row) + [False] * (longest - len(row)) for row in ids])
        return self.read(tokens, mask)

    @torch.no_grad()
    def read(self, tokens: Tensor, mask: Tensor) -> Text:
        """Token ids (B, S), filled up to S where the mask (B, S) is False."""
        parts = self.embeddings
        device = parts["word_embeddings"].weight.device
        tokens, mask = tokens.to(device), mask.to(device)
        x = parts["word_embeddings"](tokens) + parts["position_embeddings"].weight[: tokens.shape[1]]
        x = parts["LayerNorm"](x + parts["token_type_embeddings"].weight[0])
        for layer in self.encoder["layer"]:
            x = layer(x, mask[:, None, None])
        return Text(states=x, mask=mask)

    def sentence(self, prompts: list[str]) -> Tensor:
        """(B, D) unit vectors, the mean of the token states: near when the meanings are."""
        text = self(prompts)
        weights = text.mask[..., None].float()
        return F.normalize((text.states * weights).sum(1) / weights.sum(1), dim=-1)


# The three encoders of the paper (section 3.1.4), as transformers' class and configuration. Sizes: MindSpore's
# re-implementation of Movie Gen and the models' own cards; the paper's text does not print them.
PAPER_ENCODERS: dict[str, tuple[str, dict[str, Any]]] = {
    "ul2": (
        "T5EncoderModel",
        {"d_model": 4096, "d_ff": 16384, "d_kv": 256, "num_heads": 16, "num_layers": 32, "vocab_size": 32128,
         "feed_forward_proj": "gated-silu"},
    ),
    "metaclip": (
        "CLIPTextModel",
        {"hidden_size": 1280, "intermediate_size": 5120, "num_hidden_layers": 32, "num_attention_heads": 20,
         "max_position_embeddings": 256, "vocab_size": 49408},
    ),
    "byt5": (
        "T5EncoderModel",
        {"d_model": 1472, "d_ff": 3584, "d_kv": 64, "num_heads": 6, "num_layers": 12, "vocab_size": 384,
         "feed_forward_proj": "gated-gelu"},
    ),
}  # fmt: skip


def paper_encoder(name: str) -> nn.Module:
    """One of the paper's text encoders, without weights. Build it on the meta device: UL2 has 9 B parameters."""
    import transformers

    model, sizes = PAPER_ENCODERS[name]
    cls = getattr(transformers, model)
    return cls(cls.config_class(**sizes))

"""Tokenizers and text encoders of a few kilobytes, made in memory: nothing is fetched."""

import string
from typing import Any

import transformers as t
from torch import nn

WIDTH = 32  # of the text encoders: the transformers read vectors of this length
LETTERS = string.ascii_letters + string.digits + string.punctuation


def words() -> t.T5Tokenizer:
    """A tokenizer whose tokens are the letters."""
    pieces = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), ("\u2581", -2.0)]
    pieces += [(letter, -3.0 - place / 1000) for place, letter in enumerate(LETTERS)]
    return t.T5Tokenizer(vocab=pieces, extra_ids=0, model_max_length=25)


def t5(tokenizer: Any, kind: str = "T5", **changes: int) -> nn.Module:
    """A text encoder of two layers: T5 or UMT5."""
    config = getattr(t, f"{kind}Config")(
        **{"vocab_size": len(tokenizer), "d_model": WIDTH, **changes}, d_kv=8, d_ff=37, num_layers=2, num_heads=4,
        relative_attention_num_buckets=8, dropout_rate=0.0, decoder_start_token_id=0,
    )  # fmt: skip
    return getattr(t, f"{kind}EncoderModel")(config).eval()

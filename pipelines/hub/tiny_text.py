"""Tokenizers and text encoders of a few kilobytes, made in memory: nothing is fetched."""

import string
from pathlib import Path
from typing import Any

import tokenizers
import torch
import transformers as t
from tokenizers import decoders, models, pre_tokenizers
from torch import nn

from pipelines.hub.hush import hushed

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


def talker(folder: Path, template: str = "{% for turn in messages %}{{ turn.content }}\n{% endfor %}") -> Path:
    """A causal language model of a few kilobytes with random weights, whose tokens are bytes; it says nonsense."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {letter: place for place, letter in enumerate(["<end>", *alphabet])}
    reader = tokenizers.Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    reader.pre_tokenizer, reader.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    torch.manual_seed(0)
    config = t.Qwen3Config(
        vocab_size=len(vocabulary), hidden_size=WIDTH, intermediate_size=32, num_hidden_layers=2, head_dim=16,
        num_attention_heads=2, num_key_value_heads=1, eos_token_id=0, pad_token_id=0, bos_token_id=None,
    )  # fmt: skip
    with hushed():
        tokenizer = t.PreTrainedTokenizerFast(tokenizer_object=reader, eos_token="<end>", pad_token="<end>")
        tokenizer.chat_template = template
        tokenizer.save_pretrained(folder)
        t.Qwen3ForCausalLM(config).eval().save_pretrained(folder)
    return folder

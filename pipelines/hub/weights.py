"""Weights that are smaller than bfloat16: made so while they are read, or read from GGUF files.

Only the transformers are touched: they are most of a model and forgive it. On CUDA none of this could be run here; on
the processor torchao's "ao-int8" and GGUF are tested, bitsandbytes needs a card.
"""

from pathlib import Path
from typing import Any

import diffusers
import torch

from pipelines.errors import BadRequest, Unavailable, need
from pipelines.hub import presence
from pipelines.spec import ModelSpec

SLOTS = ("transformer", "transformer_2")


def arguments(row: ModelSpec, index: dict[str, Any], folder: Path, fast: torch.dtype) -> dict[str, Any]:
    """What from_pretrained needs beyond the folder. Raises `Unavailable` with the pip line of a missing package."""
    for package, pip in presence.packages_of(row):
        need(package, pip)
    parts = [name for name in SLOTS if (presence.components(index).get(name) or [None])[0]]
    if row.gguf:
        return _from_files(row, index, folder, fast)
    if row.precision in ("bf16", "fp8"):
        return {}
    if row.precision in ("int8", "nf4") and not torch.cuda.is_available():
        raise Unavailable(f"{row.name} is kept in {row.precision}, which needs an NVIDIA card")
    config = diffusers.PipelineQuantizationConfig(quant_mapping={part: _config(row.precision, fast) for part in parts})
    return {"quantization_config": config}


def _from_files(row: ModelSpec, index: dict[str, Any], folder: Path, fast: torch.dtype) -> dict[str, Any]:
    """The transformers of the row's GGUF files. Raises `BadRequest` for a file that is of another network."""
    found = {}
    for part, file in zip(SLOTS, row.gguf, strict=False):
        kind = getattr(diffusers, index[part][1])
        config = diffusers.GGUFQuantizationConfig(compute_dtype=fast)
        try:
            found[part] = kind.from_single_file(
                file, config=str(folder), subfolder=part, quantization_config=config, dtype=fast, local_files_only=True
            ).eval()
        except (ValueError, KeyError, OSError, RuntimeError) as error:
            raise BadRequest("gguf", f"{file} cannot be read as the {part} of {row.name}") from error
    return found


def _config(precision: str, fast: torch.dtype) -> Any:
    if precision in _TORCHAO:
        from torchao import quantization

        return diffusers.TorchAoConfig(getattr(quantization, _TORCHAO[precision])())
    return diffusers.BitsAndBytesConfig(**bits(precision, fast))


def bits(precision: str, fast: torch.dtype) -> dict[str, Any]:
    """What bitsandbytes is told: "int8" or "nf4", computed with in `fast`; unsaid, nf4 computes in float32."""
    if precision == "int8":
        return {"load_in_8bit": True}
    return {"load_in_4bit": True, "bnb_4bit_quant_type": "nf4", "bnb_4bit_compute_dtype": fast}


_TORCHAO = {"ao-int8": "Int8WeightOnlyConfig", "ao-fp8": "Float8WeightOnlyConfig"}

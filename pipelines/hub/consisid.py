"""ConsisID: a clip with the identity of a face. Reading the face needs packages of its own (insightface and others)."""

import functools
from pathlib import Path
from typing import Any

import numpy as np
import torch

from pipelines.errors import need
from pipelines.hub import presence
from pipelines.hub.order import Order
from pipelines.hub.wan import result

__all__ = ["FLOAT32", "arguments", "result"]
FLOAT32 = ()


def arguments(order: Order) -> dict[str, Any]:
    """What ConsisIDPipeline is called with."""
    return order.film() | identity(order)


def identity(order: Order) -> dict[str, Any]:
    """What the face looks like, as vectors. Raises `Unavailable` without the packages that read faces."""
    for package, pip in order.row.needs:
        need(package, pip)
    from diffusers.pipelines.consisid.consisid_utils import process_face_embeddings_infer

    dtype, device = order.pipe.transformer.dtype, order.pipe._execution_device
    one, clip, two, mean, std, main = _readers(presence.folder(order.row), str(device), dtype)
    picture = np.asarray(order.portrait("face"))
    condition, hidden, aligned, points = process_face_embeddings_infer(
        one, clip, two, mean, std, main, device, dtype, picture, is_align_face=True
    )
    return {"image": aligned, "id_cond": condition, "id_vit_hidden": hidden, "kps_cond": points}


@functools.lru_cache(maxsize=1)
def _readers(folder: Path, device: str, dtype: torch.dtype) -> tuple[Any, ...]:
    from diffusers.pipelines.consisid.consisid_utils import prepare_face_models

    return prepare_face_models(str(folder), device, dtype)

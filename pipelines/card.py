"""The card beside a file of weights: JSON with their SHA-256, the network's configuration, facts of the training.

The hash proves the weights; nothing proves the card, so what does not fit is taken for damage to it.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipelines.errors import Unavailable

ROOT = Path(__file__).resolve().parents[1]
# What a configuration that no network has ends in, while that network is built or filled.
UNFIT = (TypeError, ValueError, LookupError, AttributeError, ArithmeticError, RuntimeError)


def read(path: Path) -> dict[str, Any]:
    """The card at `path`, with a text "sha256" and an object "config". Raises `Unavailable` if it is damaged."""
    with fitting(path):
        found = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(found["sha256"], str) or not isinstance(found["config"], dict):
            raise TypeError("sha256 must be text and config an object")
    return found


@contextmanager
def fitting(path: Path) -> Iterator[None]:
    """For what is made from the card at `path`. Raises `Unavailable` with the command that gets it back."""
    try:
        yield
    except (OSError, *UNFIT) as error:
        raise Unavailable(f"the card {path} is missing or damaged; get it again with: {remedy(path)}") from error


def remedy(path: Path) -> str:
    """The command that brings back a file of the project."""
    return f"git checkout -- {path.relative_to(ROOT) if path.is_relative_to(ROOT) else path}"

"""Whether a model of the Hub is here and can run here. Answers at once: no network, no torch, no diffusers."""

import json
import os
import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pipelines import device
from pipelines.errors import Unavailable, need
from pipelines.spec import ModelSpec, memory

INDEX = "model_index.json"
COMMIT = re.compile(r"[0-9a-f]{40}")
LEVELS_DEEP = 4  # of folders in a model: a tokenizer of a processor of a part is at the third
GB = 1_000_000_000
_BITS, _AO = ("bitsandbytes", "bitsandbytes==0.50.2"), ("torchao", "torchao==0.18.0")
OF_PRECISION = {"int8": (_BITS,), "nf4": (_BITS,), "ao-int8": (_AO,), "ao-fp8": (_AO,)}
TORCH = "https://pytorch.org/get-started/locally"
OF_GGUF = (("gguf", "gguf==0.19.0"),)


def reason(row: ModelSpec) -> str | None:
    """None if the row can run now, or one sentence on what is missing, the hardest to change first."""
    return _device(row) or _packages(row) or _weights(row)


def folder(row: ModelSpec) -> Path | None:
    """Where the weights are: a folder of the person's own, or the snapshot in the Hub's cache. None: nowhere."""
    if Path(row.repo).is_absolute():
        return Path(row.repo)
    found = commit(row)
    snapshot = repository(row.repo) / "snapshots" / (found or "none")
    return snapshot if snapshot.is_dir() else None


def commit(row: ModelSpec) -> str | None:
    """The commit that is loaded: the pinned one, else the one that was fetched for this row, else the cache's main.

    Other programs move the cache's main; what was fetched for a row stays its own until it is fetched anew.
    """
    if row.revision and COMMIT.fullmatch(row.revision):
        return row.revision
    for ref in (_record(row), repository(row.repo) / "refs" / "main"):
        if ref.is_file() and (ref.parent.name != "refs" or row.revision is None):
            return ref.read_text(encoding="ascii", errors="replace").strip()
    return None


def record(row: ModelSpec, fetched: str) -> None:
    """Writes down the commit that was fetched for a row, beside the Hub's own references."""
    refs = [_record(row)] if row.revision else [_record(row), repository(row.repo) / "refs" / "main"]
    for ref in refs:
        ref.parent.mkdir(parents=True, exist_ok=True)
        ref.write_text(fetched, encoding="ascii")


def _record(row: ModelSpec) -> Path:
    return repository(row.repo) / "refs" / "rushes" / quote(row.name, safe="")


def repository(repo: str) -> Path:
    """The folder of a repository in the Hub's cache, which other programs share."""
    from huggingface_hub import constants

    cache = os.environ.get("HF_HUB_CACHE") or constants.HF_HUB_CACHE
    return Path(cache) / f"models--{repo.replace('/', '--')}"


def main_snapshot(place: Path) -> Path | None:
    """The newest snapshot of a repository in the cache, given its folder; None if nothing was fetched."""
    main = place / "refs" / "main"
    return place / "snapshots" / main.read_text(encoding="ascii", errors="replace").strip() if main.is_file() else None


def repositories() -> dict[str, Path]:
    """Name -> folder of every repository in the Hub's cache."""
    return {name_of(place): place for place in sorted(repository("x/x").parent.glob("models--*"))}


def name_of(place: Path) -> str:
    """owner/name of a repository, given its folder in the cache."""
    return place.name.removeprefix("models--").replace("--", "/")


def downloaded(row: ModelSpec) -> bool:
    """Whether every file that the model's own index asks for is here."""
    place = folder(row)
    if place is None or not (place / INDEX).is_file():
        return False
    index = json_object(place / INDEX)
    parts = {name: kind for name, (library, kind) in components(index).items() if library}
    if row.gguf:  # instead of the transformer's weights
        parts = {name: kind for name, kind in parts.items() if not name.startswith("transformer")}
    whole = (_part_is_whole(place / name, str(kind)) for name, kind in parts.items())
    return bool(index) and all(Path(file).is_file() for file in row.gguf) and all(whole)


def own_code(folder: Path) -> Path | None:
    """A file of a model that is code, or that names some for transformers to run (`auto_map`); None: it has none."""
    files = (file for depth in range(LEVELS_DEEP) for file in sorted(folder.glob("*/" * depth + "*")))
    return next((file for file in files if file.suffix == ".py" or _names_code(file)), None)


def _names_code(file: Path) -> bool:
    """Whether a configuration has the key at any depth. One that cannot be read has none: nobody else can read it."""
    keys: list[str] = []
    if file.match("*config*.json"):
        with suppress(OSError, ValueError, RecursionError):
            text = file.read_text(encoding="utf-8")
            json.loads(text, object_pairs_hook=lambda pairs: keys.extend(key for key, _ in pairs))
    return "auto_map" in keys


def packages_of(row: ModelSpec) -> tuple[tuple[str, str], ...]:
    """What the row's kind of weights needs beside the packages of its family: (name to import, what to give to pip)."""
    return (*OF_PRECISION.get(row.precision, ()), *(OF_GGUF if row.gguf else ()))


def offline() -> bool:
    """Whether the person has forbidden the network to everything of the Hub."""
    return os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE")


def json_object(file: Path) -> dict[str, Any]:
    """The object in a JSON file; empty for a file that is not there, or damaged, or holds something else."""
    try:
        found = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def components(index: dict[str, Any]) -> dict[str, list[Any]]:
    """Name -> [library, class] of every part in a model_index.json; both are None for a part that is left out."""
    return {name: value for name, value in index.items() if isinstance(value, list) and len(value) == 2}


def _part_is_whole(part: Path, kind: str) -> bool:
    if not part.is_dir():  # LongCat's pipeline names its scheduler in the index and does not save it
        return kind.endswith("Scheduler")
    if indexes := [json_object(file).get("weight_map") for file in part.glob("*.safetensors.index.json")]:
        return all(
            isinstance(shards, dict) and all((part / str(shard)).exists() for shard in shards.values())
            for shards in indexes
        )
    return not (part / "config.json").exists() or any(file.exists() for file in part.glob("*.safetensors"))


def _device(row: ModelSpec) -> str | None:
    if "cpu" in row.devices or "cuda" not in row.devices:  # what torch finds is asked before the model is loaded
        return None
    return no_card(row, device.cards(), cuda=device.torch_has_cuda())


def no_card(row: ModelSpec, cards: Sequence[device.Card], *, cuda: bool) -> str | None:
    """None if a row that needs a card can work on these, given whether torch was built for CUDA; or why not."""
    least = memory(row, "layers")
    if not cards:
        return f"{row.name} needs an NVIDIA card with {least / GB:.0f} GB of memory or more; this machine has none"
    if not cuda:
        return f"{row.name} needs a torch that is built for CUDA, which the one here is not; get one as {TORCH} says"
    if len(cards) < row.cards:
        return f"{row.name} shares its work among {row.cards} cards; this machine has {len(cards)}"
    best = max(card.total_bytes for card in cards)
    if best < least:
        return f"{row.name} needs {least / GB:.0f} GB of memory on the card; the largest here has {best / GB:.0f} GB"
    return None


def _packages(row: ModelSpec) -> str | None:
    for package, pip in (*row.needs, *packages_of(row)):
        try:
            need(package, pip)
        except Unavailable as error:
            return str(error)
    return None


def _weights(row: ModelSpec) -> str | None:
    gone = [file for file in row.gguf if not Path(file).is_file()]
    if gone:
        return f"{row.name} reads its weights from {gone[0]}, which is not there"
    if downloaded(row):
        return None
    if Path(row.repo).is_absolute():
        return f"{row.name} is not whole: {row.repo} lacks files that its {INDEX} names"
    return (
        f"{row.name} is not downloaded (about {row.download_bytes / GB:.0f} GB); "
        f"get it with: python -m studio models download {row.name}"
    )

"""This studio's name on what it makes, and what it says of files that people bring back."""

import json
from pathlib import Path
from typing import Any

from pipelines import catalog
from pipelines.media import keys, verify
from pipelines.media.provenance import Record, Source
from pipelines.requests import Request
from studio.settings import Settings


def record(settings: Settings, clip: str, request: Request, *, sources: tuple[Source, ...] = ()) -> Record:
    """What `export.save` writes into the clip with this id. Makes the studio's keys on first use."""
    return Record(identity=keys.read(settings.keys), clip=clip, weights=weights(request.model), sources=sources)


def look(path: Path, settings: Settings) -> dict[str, Any]:
    """The JSON of `verify`, seen from this studio. Raises as `pipelines.media.verify.look` does."""
    verify.check(path)  # before keys are made for a file that is not there
    return verify.look(path, keys.read(settings.keys), clip_of=lambda number: _clip(settings.clips, number))


def weights(model: str) -> dict[str, str]:
    """{part of the model: SHA-256 of its weights}, from the cards beside them; empty where there are none."""
    row = catalog.spec(model)
    if row.weights is None:
        return {}
    cards = sorted((catalog.ROOT / row.weights).glob("*.json"))
    return {card.stem: json.loads(card.read_text(encoding="utf-8"))["sha256"] for card in cards}


def _clip(folder: Path, number: int) -> str | None:
    """The id of the clip whose watermark has this number: it is the first eight digits of the id."""
    return next((path.name for path in folder.glob(f"{number:08x}*")), None)

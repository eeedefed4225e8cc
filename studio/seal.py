"""This studio's name on what it makes, and what it says of files that people bring back."""

from collections.abc import Callable
from pathlib import Path, PurePath
from typing import Any

from pipelines import card, catalog, safety
from pipelines.errors import Unavailable
from pipelines.media import keys
from pipelines.media.provenance import Record, Source
from pipelines.requests import Request
from studio.settings import Settings


def record(settings: Settings, clip: str, request: Request) -> Record:
    """What `export.save` writes into the clip with this id. Makes the studio's keys on first use."""
    return Record(
        identity=_identity(settings),
        clip=clip,
        weights=weights(request.model),
        sources=tuple(
            Source(role=field, sha256=PurePath(reference).stem, path=settings.data / reference)
            for field, reference in request.references().items()
        ),
    )


def look(path: Path, settings: Settings, *, mine: Callable[[str], bool] = lambda clip: True) -> dict[str, Any]:
    """The JSON of `verify`, seen from this studio, which names a clip of its gallery only if that is `mine`.

    Raises as `pipelines.media.verify.look` does.
    """
    from pipelines.media import verify  # brings scipy and OpenCV; the server starts without them

    verify.check(path)  # before keys are made for a file that is not there
    return verify.look(path, _identity(settings), clip_of=lambda number: _clip(settings.clips, number, mine))


def policy(settings: Settings) -> safety.Policy | None:
    """The rules that requests and pictures must keep here, if any. Raises `Unavailable` without the classifier."""
    if not settings.checked:
        return None
    safety.ready()
    return safety.default()


def weights(model: str) -> dict[str, str]:
    """{part of the model: SHA-256 of its weights}, from their cards; empty without any. Raises `Unavailable`."""
    row = catalog.spec(model)
    if row.weights is None:
        return {}
    paths = sorted((catalog.ROOT / row.weights).glob("*.json"))
    return {path.stem: card.read(path)["sha256"] for path in paths}


def _identity(settings: Settings) -> keys.Identity:
    """A host's own must be there: to make one in its place would sign with a name that nobody has chosen."""
    if settings.own_keys and not settings.own_keys.is_dir():
        raise Unavailable(f"RUSHES_KEYS names {settings.own_keys}, and that is not a folder that exists")
    return keys.read(settings.keys)


def _clip(folder: Path, number: int, mine: Callable[[str], bool]) -> str | None:
    """The id of the clip whose watermark has this number: it is the first eight digits of the id."""
    return next((path.name for path in folder.glob(f"{number:08x}*") if mine(path.name)), None)

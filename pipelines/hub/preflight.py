"""What a person should know before the click: licence, bytes to fetch, room on disk and card, time, what happens."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from pipelines import catalog, device
from pipelines.hub import presence
from pipelines.requests import Request
from pipelines.spec import LEVELS, ModelSpec, memory

GB = 1e9
KEPT_FREE = 1 << 30  # bytes of the disk that a model may not take


@dataclass(frozen=True, kw_only=True)
class Facts:
    """Everything is of this moment. `seconds` is None until this machine has made something like it.

    `level` is how the model would be placed on the card, None without one. `says` is for the button.
    """

    downloaded: bool
    fetch_bytes: int
    disk_free: int
    card_needed: int
    card_free: int
    level: str | None
    seconds: float | None
    licence: str
    forbids: str
    gated: bool
    reason: str | None
    says: str
    offline: bool

    @property
    def fetches(self) -> bool:
        """Whether the click would download: the weights are all that is missing."""
        return bool(self.fetch_bytes) and (self.reason is None or "not downloaded" in self.reason)

    @property
    def room(self) -> bool:
        """Whether what is to be fetched finds room on the disk."""
        return self.fetch_bytes + KEPT_FREE <= self.disk_free or not self.fetch_bytes


def facts(row: ModelSpec, request: Request | None = None, *, measured_s: float | None = None) -> Facts:
    """Answers at once: no network, no torch. `measured_s` is what such a clip took on this machine before."""
    here = not row.repo or row.remote or presence.downloaded(row)
    free = max((card.free_bytes for card in device.cards()), default=0)
    level = next((level for level in LEVELS if memory(row, level) <= free), LEVELS[-1]) if free else None
    fetch = 0 if here else max(0, row.download_bytes - _already(row))
    reason = catalog.runs_here(row)
    return Facts(
        downloaded=here,
        fetch_bytes=fetch,
        disk_free=shutil.disk_usage(_existing(presence.repository(row.repo or "none"))).free,
        card_needed=memory(row, level or LEVELS[0]),
        card_free=free,
        level=level,
        seconds=measured_s,
        licence=row.licence,
        forbids=row.forbids,
        gated=row.gated,
        reason=reason,
        says=_says(fetch, reason, request, measured_s),
        offline=presence.offline(),
    )


def terms(row: ModelSpec) -> list[str]:
    """The sentences to read before a download."""
    said = [f"{row.name} is under the licence {row.licence}."]
    if row.forbids:
        said.append(row.forbids)
    if row.gated:
        said.append(f"Its owner asks you to accept the licence first: https://huggingface.co/{row.repo}")
    said.append(f"About {row.download_bytes / GB:.0f} GB, from https://huggingface.co/{row.repo}")
    return said


def _says(fetch: int, reason: str | None, request: Request | None, measured_s: float | None) -> str:
    """What the button would do."""
    if fetch and (reason is None or "not downloaded" in reason):
        return f"Download {fetch / GB:.1f} GB"
    if reason is not None:
        return "Cannot run here"
    if request is None or measured_s is None:
        return "Generate"
    return f"Generate (about {measured_s / 60:.0f} min)" if measured_s > 90 else f"Generate (about {measured_s:.0f} s)"


def _already(row: ModelSpec) -> int:
    return sum(file.stat().st_size for file in (presence.repository(row.repo) / "blobs").glob("*") if file.is_file())


def _existing(path: Path) -> Path:
    """The folder itself, or the nearest one above it that exists."""
    return next(place for place in (path, *path.parents) if place.exists())

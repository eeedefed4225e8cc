"""What the stage and the table of Compare show of clips from the gallery and of files that were brought."""

from collections.abc import Sequence
from typing import Any

from studio.gallery import Entry
from studio.ui.details import told
from studio.ui.guests import Guest
from studio.ui.words import Say

Each = Entry | Guest
Facts = list[dict[str, Any]] | None
LONG = 120  # characters of a prompt that the head of a column does not show whole


def staged(clips: Sequence[Each], view: str) -> dict[str, Any] | None:
    """The value of `Compare`."""
    if not clips:
        return None
    fps = max(clip.fps for clip in clips)
    return {"clips": [_on_stage(clip) for clip in clips], "fps": fps, "view": view}


def compared(clips: Sequence[Each], facts: Sequence[Facts], say: Say) -> dict[str, Any] | None:
    """The value of `Sheet`: what was asked for, what came of it, and what was measured (None: not yet)."""
    if not clips:
        return None
    asked = [_asked(clip, say) for clip in clips]
    measured = [
        {fact["name"]: f"{fact['value']:.4g} {fact['unit']}".strip() for fact in known or []} for known in facts
    ]
    notes = {fact["name"]: f"{fact['says']} ({fact['source']})" for known in facts for fact in known or []}
    columns = [{"label": _title(clip), "poster": _poster(clip)} for clip in clips]
    return {"columns": columns, "rows": [*_rows(asked, {}), *_rows(measured, notes)]}


def _rows(columns: Sequence[dict[str, str]], notes: dict[str, str]) -> list[dict[str, Any]]:
    names = dict.fromkeys(name for column in columns for name in column)
    return [
        {"name": name, "values": [column.get(name, "-") for column in columns], "note": notes.get(name, "")}
        for name in names
    ]


def _asked(clip: Each, say: Say) -> dict[str, str]:
    if isinstance(clip, Entry):
        whole = {say("Prompt"): clip.prompt} if len(clip.prompt) > LONG else {}
        return whole | told(clip, say)
    return {say("Size"): f"{clip.width} x {clip.height}", say("Frames per second"): str(clip.fps)} if clip.width else {}


def _on_stage(clip: Each) -> dict[str, Any]:
    if isinstance(clip, Guest):
        file = {"path": str(clip.path), "meta": {"_type": "gradio.FileData"}}
        return {"file": file, "kind": clip.kind, "label": clip.name}
    address = f"media/{clip.id}"
    return {
        "id": clip.id,
        "src": f"{address}/clip",
        "poster": f"{address}/poster",
        "kind": clip.kind,
        "label": _title(clip),
    }


def _title(clip: Each) -> str:
    return clip.name if isinstance(clip, Guest) else clip.prompt or clip.task


def _poster(clip: Each) -> str:
    return "" if isinstance(clip, Guest) else f"media/{clip.id}/poster"

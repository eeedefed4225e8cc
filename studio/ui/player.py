"""The stage: shows one clip, still or sound, frame by frame if somebody wants to. Its script is assets/ui/player.js."""

from typing import Any

from studio.gallery import Entry
from studio.ui.element import Element


class Player(Element):
    """value: {"src", "poster", "fps", "frames", "kind": "clip" | "still" | "sound", "says"} or None for an empty stage.

    `title`, `note` and `progress` (0 to 1, None while unknown) may be added while something is being made: they are
    shown over the picture. Keys: Space, J K L, arrows (with Shift a second), I O X for the part to loop, R M F.
    """

    markup = "player.html"
    scripts = ("clock.js", "timeline.js", "deck.js", "player.js")
    styles = ("deck.css", "player.css")


def shown(*, src: str, poster: str, fps: int, frames: int, kind: str, says: str) -> dict[str, Any]:
    """A value for `Player`. Addresses are relative to the page; `says` describes it to who cannot see it."""
    return {"src": src, "poster": poster, "fps": fps, "frames": frames, "kind": kind, "says": says}


def film(entry: Entry) -> dict[str, Any]:
    """A clip of the gallery, for `Player`."""
    return shown(
        src=f"media/{entry.id}/clip",
        poster=f"media/{entry.id}/poster",
        fps=entry.fps,
        frames=entry.frames,
        kind=entry.kind,
        says=entry.prompt or entry.task,
    )

"""What mini knows, as words that build a sentence; its script is assets/ui/palette.js."""

from typing import Any

from pipelines import catalog, vocabulary
from studio.ui.element import Element
from studio.ui.words import Say

MINI = next(row for row in catalog.MODELS if row.name == "mini")  # whatever models.json holds
TITLES = {
    "thing": "Who",
    "action": "Does",
    "place": "Where",
    "light": "Light",
    "weather": "Weather",
    "camera": "Camera",
    "style": "Style",
    "colour": "Colour",
}


class Palette(Element):
    """value: what `seen` returns. Events: `word` {"axis", "name"} for `sentences.put`, `surprise`."""

    markup = "palette.html"
    scripts = ("palette.js",)
    styles = ("palette.css",)

    def __init__(self, value: Any = None, **look: Any):
        axes = {axis: list((vocabulary.AXES | {"colour": vocabulary.COLOURS})[axis]) for axis in TITLES}
        super().__init__(value, axes=axes, seldom=list(MINI.seldom), **look)


def seen(prompt: str, say: Say) -> dict[str, Any]:
    """The words that mini finds in a prompt, and the titles in the visitor's language."""
    said = vocabulary.read(prompt)
    titles = {axis: say(title) for axis, title in TITLES.items()}
    titles |= {"surprise": say("Surprise me"), "seldom": say("mini seldom manages this")}
    return {"said": said, "titles": titles, "colour": said.get("thing") in vocabulary.COLOURED}


def asked(data: Any) -> tuple[str, str] | None:
    """(axis, name) of a click, or None for what no click sends."""
    if not isinstance(data, dict):
        return None
    axis, name = data.get("axis"), data.get("name")
    known = (vocabulary.AXES | {"colour": vocabulary.COLOURS}).get(axis, ()) if isinstance(axis, str) else ()
    return (axis, name) if name in known else None

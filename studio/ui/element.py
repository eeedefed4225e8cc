"""A part of the page of our own: markup, style and script are plain files in assets/ui, joined here with no build step.

gradio evaluates both templates as JavaScript, so nothing from outside may reach them: the markup is static, and the
script fills it in with `textContent`. `props.value` in the script is what Python gave; what returns is not believed.
"""

import functools
import json
import re
from pathlib import Path
from typing import Any

import gradio as gr

from studio.ui.words import FRENCH

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "ui"
MANNERS = "manners.js"  # what every script may use
INCLUDE = re.compile(r"<!--(\w+\.html)-->")  # one markup inside another


class Element(gr.HTML):
    """Base of our components: `scripts` and `styles` name files of assets/ui, `markup` one; in this order.

    The value is plain data for the script, or None; `given` is plain data that stays, under that name in the script
    (gradio loses other props of a component that it mounts late). An event is any name passed to `trigger`.
    Sentences in markup and script that assets/words knows are said in the visitor's language.
    """

    markup: str
    scripts: tuple[str, ...]
    styles: tuple[str, ...]

    def __init__(self, value: Any = None, *, given: dict[str, Any] | None = None, **look: Any):
        markup, style, script = self.pieces(given)
        super().__init__(
            value,
            html_template=markup,
            css_template=style,
            js_on_load=script,
            apply_default_css=False,
            container=False,
            padding=False,
            **look,
        )

    @classmethod
    def pieces(cls, given: dict[str, Any] | None = None) -> tuple[str, str, str]:
        """Markup, style and script, for gradio or for a page without it.

        The style wants to stand inside `#some-id { ... }`; the script is the body of a function of
        (element, trigger, props, watch), where `watch(name, callback)` calls back when `props[name]` has changed.
        """
        markup, script = _read(cls.markup), "\n".join(map(_read, cls.scripts))
        said = {english: french for english, french in FRENCH.items() if english in markup or english in script}
        given = {**(given or {}), "words": said | _french(given or {})}
        style = "".join(_read(name) for name in cls.styles)
        return markup, style, f"const given = {json.dumps(given)};\n{_read(MANNERS)}\nlocalise(element);\n{script}"

    def get_config(self) -> dict[str, Any]:
        """What the page is told: data alone.

        gradio takes an argument whose name stands in the script for an event and puts its listener here; whoever opens
        the page then gets a copy made of all that hangs on that, which is the whole studio.
        """
        return {name: value for name, value in super().get_config().items() if not callable(value)}

    def preprocess(self, payload: Any) -> None:
        """What a browser says its value is counts for nothing; events carry what people do."""

    def postprocess(self, value: Any) -> Any:
        """The value as it is: plain data, which the script takes apart."""
        return value

    def get_block_name(self) -> str:
        """What gradio's page knows it as."""
        return "html"


def _french(given: dict[str, Any]) -> dict[str, str]:
    """The French of the sentences among these values."""
    values = [each for value in given.values() for each in (value.values() if isinstance(value, dict) else [value])]
    return {text: FRENCH[text] for text in values if isinstance(text, str) and text in FRENCH}


@functools.cache
def _read(name: str) -> str:
    text = (FOLDER / name).read_text(encoding="utf-8")
    return INCLUDE.sub(lambda found: _read(found[1]), text)

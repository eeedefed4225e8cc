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

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "ui"
INCLUDE = re.compile(r"<!--(\w+\.html)-->")  # one markup inside another


class Element(gr.HTML):
    """Base of our components: `scripts` and `styles` name files of assets/ui, `markup` one; in this order.

    The value is plain data for the script, or None; `given` is plain data that stays, under that name in the script
    (gradio loses other props of a component that it mounts late). An event is any name passed to `trigger`.
    """

    markup: str
    scripts: tuple[str, ...]
    styles: tuple[str, ...]

    def __init__(self, value: Any = None, *, given: dict[str, Any] | None = None, **look: Any):
        super().__init__(
            value,
            html_template=_read(self.markup),
            css_template="".join(_read(name) for name in self.styles),
            js_on_load="\n".join([f"const given = {json.dumps(given or {})};", *map(_read, self.scripts)]),
            apply_default_css=False,
            container=False,
            padding=False,
            **look,
        )

    def preprocess(self, payload: Any) -> None:
        """What a browser says its value is counts for nothing; events carry what people do."""

    def postprocess(self, value: Any) -> Any:
        """The value as it is: plain data, which the script takes apart."""
        return value

    def get_block_name(self) -> str:
        """What gradio's page knows it as."""
        return "html"


@functools.cache
def _read(name: str) -> str:
    text = (FOLDER / name).read_text(encoding="utf-8")
    return INCLUDE.sub(lambda found: _read(found[1]), text)

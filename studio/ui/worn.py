"""The LoRA files of a request as a list to choose from, each with its strength; the form keeps them as one text."""

from typing import Any

import gradio as gr

from pipelines import catalog
from pipelines.errors import BadRequest
from studio import shop
from studio.ui.desk import FAST
from studio.ui.form import Form
from studio.ui.words import Say, label, say_to

USUAL, STEP = 1.0, 0.05
NONE = "There are none yet: put one into {folder}, or python -m studio models add-lora"


class Worn:
    """Draws the list where the caller stands; a next line appears below each that is chosen."""

    def __init__(self, form: Form):
        self._text = form.draw("lora")
        self._rows: list[gr.Row] = []
        self._inputs: list[Any] = []  # a name and a strength for each line
        with gr.Column(visible="lora" in form.model.free, elem_classes=["worn"]) as self._all:
            for number in range(shop.MOST_LORAS):
                with gr.Row(visible=number == 0) as row:
                    which = gr.Dropdown([("", "")], value="", label=label("LoRA"), min_width=150, scale=2)
                    look = {"label": label("Strength"), "step": STEP, "min_width": 150, "scale": 1}
                    strength = gr.Slider(-shop.STRONGEST, shop.STRONGEST, USUAL, **look)
                self._inputs += [which, strength]
                self._rows.append(row)

    def connect(self, model: gr.components.Component, opened: Any) -> None:
        """Ties it to the form's text, which other parts of the page may fill, to the picker of the model, and to the
        event after which it is seen: what lies in the folder by then is there to choose."""
        outputs = [self._all, *self._rows, *self._inputs]
        given = [self._text, model]
        for part in self._inputs:
            part.input(joined, self._inputs, self._text, trigger_mode="always_last", **FAST)
        changes = [self._text.change, model.change, opened]
        gr.on(changes, shown, given, outputs, trigger_mode="always_last", **FAST)


def joined(*values: Any) -> str:
    """Names and strengths, one after the other, as the text of a request."""
    pairs = zip(values[::2], values[1::2], strict=True)
    return shop.lora_text([(str(name), float(strength)) for name, strength in pairs if name])


def shown(request: gr.Request, text: Any, model: Any) -> list[Any]:
    """Updates of the whole, of each line, and of each name and strength. A text that nobody can read shows none."""
    row, say = catalog.spec(str(model)), say_to(request)
    try:
        picked = shop.lora_parts(str(text))
    except BadRequest:
        picked = []
    names = [*shop.loras_for(row), *(name for name, _ in picked)]  # one of another studio is refused at the click
    lines = [gr.Row(visible=number <= len(picked)) for number in range(shop.MOST_LORAS)]
    parts: list[Any] = []
    for number in range(shop.MOST_LORAS):
        name, strength = picked[number] if number < len(picked) else ("", USUAL)
        parts += [_choice(names, name, say), gr.Slider(value=strength, visible=bool(name))]
    return [gr.Column(visible="lora" in row.free), *lines, *parts]


def _choice(names: list[str], name: str, say: Say) -> gr.Dropdown:
    info = None if names else say(NONE, folder=str(shop.lora_folder()))
    choices = [(say("none"), ""), *((each, each) for each in dict.fromkeys(names))]
    return gr.Dropdown(choices=choices, value=name, info=info)

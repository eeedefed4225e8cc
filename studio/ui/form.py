"""A request drawn as widgets and read back: a new field of the request is a new widget here, with no line changed."""

import dataclasses
import html
import secrets
from typing import Any

import gradio as gr

from pipelines import spec as table
from pipelines.errors import BadRequest
from pipelines.requests import Request
from pipelines.spec import ModelSpec

INFO = {
    "seed": "Empty: a new one every time. The same seed gives the same clip.",
    "negative": "What should not be seen.",
    "steps": "More is slower and finer.",
    "guidance": "How closely to follow the prompt.",
}


class Form:
    """The widgets of one request for one model. `draw` puts them where the caller stands, `draw_rest` what is left.

    What the model leaves no choice about is not drawn and keeps its only value.
    """

    def __init__(self, request: type[Request], model: ModelSpec):
        self.request = request
        self.fields = {spec.name: spec for spec in dataclasses.fields(request)}
        self.widgets: dict[str, gr.components.Component] = {}
        self.fixed: dict[str, Any] = {"model": model.name}
        self.choices = table.choices(model, request)
        self.fixed |= {name: options[0] for name, options in self.choices.items() if len(options) == 1}

    def draw(self, name: str, **look: Any) -> gr.components.Component:
        """Draws one field here; `look` overrides what its type suggests (`widget` the class)."""
        self.widgets[name] = self._widget(self.fields[name], look)
        return self.widgets[name]

    def draw_rest(self) -> None:
        """Draws every field that is neither drawn nor fixed, in the order of the request."""
        for name in self.fields:
            if name not in self.widgets and name not in self.fixed:
                self.draw(name)

    @property
    def inputs(self) -> list[gr.components.Component]:
        """What an event listener takes as inputs, for `read`."""
        return list(self.widgets.values())

    def read(self, *values: Any) -> Request:
        """The values of `inputs` as a request; an empty seed is drawn. Raises `gr.Error` with the sentence."""
        given = {**dict(zip(self.widgets, values, strict=True)), **self.fixed}
        if given.get("seed") is None:
            given["seed"] = secrets.randbelow(2**31)
        try:
            return self.request(**given)
        except BadRequest as error:
            raise sentence(error) from error

    def _widget(self, spec: dataclasses.Field, look: dict[str, Any]) -> gr.components.Component:
        rules = spec.metadata
        look = {"label": rules["label"], "info": INFO.get(spec.name), **look}
        options = self.choices.get(spec.name) or rules.get("choices")
        if options:
            return look.pop("widget", gr.Dropdown)(list(options), value=spec.default, **look)
        if spec.type is bool:
            return gr.Checkbox(spec.default, **look)
        if spec.name == "seed":
            return gr.Number(None, precision=0, **look)
        if spec.type in (int, float):
            step = {"step": 1 if spec.type is int else 0.5}
            return gr.Slider(rules["low"], rules["high"], spec.default, **step | look)
        return gr.Textbox(spec.default, **{"lines": rules.get("lines", 1), "max_length": rules["longest"]} | look)


def sentence(error: Exception) -> gr.Error:
    """An error of ours as a toast. Toasts are HTML, and the sentence may quote what somebody typed."""
    return gr.Error(html.escape(str(error)), title="That does not work", duration=12, print_exception=False)

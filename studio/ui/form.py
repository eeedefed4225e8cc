"""A request drawn as widgets and read back: a new field of the request is a new widget here, with no line changed."""

import dataclasses
import html
from typing import Any

import gradio as gr

from pipelines import catalog
from pipelines.requests import Request
from pipelines.spec import OPTIONAL, ModelSpec, choices, defaults
from studio.ui.retold import refusal
from studio.ui.words import Say, label, say_to

INFO = {
    "negative": "What should not be seen.",
    "steps": "More is slower and finer.",
    "guidance": "How closely to follow the prompt.",
}
QUALITIES = {"Draft": 0.25, "Good": 0.5, "Best": 1.0}  # of the steps that the model's makers recommend
FEW = 12  # steps: a model that needs no more has one quality only


class Form:
    """The widgets of one request. `draw` puts them where the caller stands, `draw_rest` what is left.

    It opens with one model and can `show` another. What a model leaves no choice about is hidden and keeps its value.
    """

    def __init__(self, request: type[Request], model: ModelSpec):
        self.request = request
        self.model = model
        self.fields = {spec.name: spec for spec in dataclasses.fields(request)}
        self.widgets: dict[str, gr.components.Component] = {}

    def draw(self, name: str, **look: Any) -> gr.components.Component:
        """Draws one field here; `look` overrides what its type suggests (`widget` the class)."""
        self.widgets[name] = self._widget(self.fields[name], look)
        return self.widgets[name]

    def draw_rest(self) -> None:
        """Draws every field that is not drawn yet, in the order of the request."""
        for name in self.fields:
            if name not in self.widgets:
                self.draw(name)

    @property
    def inputs(self) -> list[gr.components.Component]:
        """What an event listener takes as inputs, for `read`."""
        return list(self.widgets.values())

    def given(self, *values: Any) -> dict[str, Any]:
        """The values of `inputs` by the names of the fields."""
        return dict(zip(self.widgets, values, strict=True))

    def read(self, *values: Any) -> Request:
        """The values of `inputs` as a request. Raises `BadRequest`; `gr.Error` is `sentence` of it."""
        given = self.given(*values)
        row = catalog.spec(str(given.get("model", self.model.name)))
        given |= {name: options[0] for name, options in choices(row, self.request).items() if len(options) == 1}
        return self.request(**given)

    def show(self, model: ModelSpec, values: dict[str, Any]) -> list[dict[str, Any]]:
        """Updates of `inputs`: the limits of a model, and new values for some fields."""
        limits = choices(model, self.request)
        return [self._update(name, model, limits.get(name), values) for name in self.widgets]

    def only(self, name: str, value: Any) -> list[dict[str, Any]]:
        """Updates of `inputs` that change one field and leave the others; none for a value that is missing."""
        return [gr.update(value=value) if each == name and value is not None else gr.skip() for each in self.widgets]

    def _update(self, name: str, model: ModelSpec, options: tuple[Any, ...] | None, values: dict[str, Any]) -> Any:
        update = {"value": values[name]} if name in values else {}
        if name in (*self.request.media_fields(), "lora"):  # never seen: `brought` and `worn` show what it refers to
            pass
        elif name in OPTIONAL:  # there with one value, or free
            update["visible"] = options is None
        elif options is not None:
            update |= {"visible": len(options) > 1, "choices": list(options)}
        if options is not None:
            update.setdefault("value", options[0])
        if name == "seconds":
            update["maximum"] = longest(model)
        return gr.update(**update) if update else gr.skip()

    def _widget(self, spec: dataclasses.Field, look: dict[str, Any]) -> gr.components.Component:
        rules = spec.metadata
        info = INFO.get(spec.name)
        look = {"label": label(rules["label"]), "info": label(info) if info else None, **look}
        options = choices(self.model, self.request).get(spec.name)
        if options is not None:
            look["visible"] = len(options) > 1
        listed = None if spec.name in OPTIONAL else options or rules.get("choices")
        default = defaults(self.model, self.request).get(spec.name, spec.default)
        if "media" in rules or spec.name == "lora":
            return gr.Textbox(default, label=look["label"], visible=False)
        if spec.type is bool:
            return gr.Checkbox(default, **look)
        if listed := look.pop("choices", listed):
            return look.pop("widget", gr.Dropdown)(list(listed), value=None if default == "" else default, **look)
        if spec.name == "seed":
            return gr.Number(0, precision=0, **look)
        if spec.type in (int, float):
            high = longest(self.model) if spec.name == "seconds" else rules["high"]
            step = 1 if spec.type is int else 0.05 if high <= 1 else 0.5
            return gr.Slider(rules["low"], high, default, **{"step": step} | look)
        return gr.Textbox(default, **{"lines": rules.get("lines", 1), "max_length": rules.get("longest")} | look)


def longest(model: ModelSpec) -> int:
    """The longest clip or sound of a model in whole seconds."""
    return max(1, model.longest_frames // max(model.fps) if model.sizes else int(model.longest_s))


def qualities(steps: int) -> dict[str, int]:
    """Steps by quality in a person's words; one quality for a model that needs few."""
    if steps <= FEW:
        return {"Best": steps}
    return {name: round(steps * share) for name, share in QUALITIES.items()}


def span(seconds: float | None, say: Say) -> str:
    """A time as people say it: "8 s", "2 min"; nothing while it is not known."""
    if seconds is None:
        return ""
    if seconds < 90:
        return say("{count} s", count=max(1, round(seconds)))
    return say("{count} min", count=round(seconds / 60))


def sentence(error: Exception, request: gr.Request | None) -> gr.Error:
    """An error of ours as a toast in the visitor's language. Toasts are HTML, and it may quote what somebody typed.

    It has no title: gradio 6 heads every toast by its kind, whatever is given, and studio.css says it better.
    """
    return gr.Error(html.escape(refusal(error, say_to(request))), duration=12, print_exception=False)

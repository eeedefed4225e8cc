"""The left side of the Create tab: what is wanted, in a person's words, with its cost before the click."""

import dataclasses
import html
import random
import secrets
from typing import Any

import gradio as gr

from pipelines import catalog
from pipelines.errors import StudioError
from pipelines.requests import Request, TextToVideo
from pipelines.spec import ModelSpec, defaults
from studio.jobs import Jobs
from studio.ui import palette, sentences
from studio.ui.desk import FAST
from studio.ui.form import Form, longest, qualities, span
from studio.ui.parts import PLAIN
from studio.ui.words import Say, label, say_to

SEEDS = 2**31
TAKES = (1, 2, 3, 4)
KNOWS_WORDS = "mini"  # the model whose words the palette has


class Composer:
    """The form of a request with what belongs to a click: how many takes, whether the seed is kept, the button."""

    def __init__(self, jobs: Jobs, model: ModelSpec):
        self._jobs = jobs
        self._model = model
        self.form = Form(TextToVideo, model)
        self._models = [row for row in catalog.specs() if TextToVideo.task in row.tasks]
        self._draw_words()
        self._draw_shape()
        self._draw_takes()
        with gr.Accordion(label("More"), open=False, elem_id="more"):
            self.form.draw_rest()
        with gr.Column(elem_id="press"):
            self._warning = gr.HTML(_cannot(model), elem_id="cannot", **PLAIN)
            with gr.Row(elem_id="buttons"):
                self.go = gr.Button(label("Generate"), variant="primary", size="lg", elem_id="go")
                self.leave = gr.Button(label("Do not change it"), size="lg", elem_id="leave", visible=False)
            self._cost = gr.HTML("", elem_id="cost", **PLAIN)

    def _draw_words(self) -> None:
        self.prompt = self.form.draw(
            "prompt",
            elem_id="prompt",
            lines=2,
            max_lines=8,
            placeholder=label("Who, doing what, where; how the camera moves"),
        )
        self._strangers = gr.HTML("", elem_id="strangers", **PLAIN)
        self._palette = palette.Palette(palette.seen("", say_to(None)), elem_id="palette")

    def _draw_shape(self) -> None:
        self.form.draw("aspect", widget=gr.Radio, elem_id="shape")
        with gr.Row(elem_classes="pair"):
            self._seconds = self.form.draw("seconds", step=1, min_width=180, scale=3)
            self._still = self.form.draw(
                "still", label=label("A still picture"), min_width=120, scale=2, elem_id="still"
            )
        self._quality = gr.Radio(
            label=label("Quality"), choices=_qualities(self._model), value=self._model.steps, elem_id="quality"
        )

    def _draw_takes(self) -> None:
        names = [(_named(row), row.name) for row in self._models]
        with gr.Row(elem_classes="pair"):
            self._picker = self.form.draw("model", choices=names, elem_id="model", min_width=150, scale=1)
            self.takes = gr.Radio(TAKES, value=1, label=label("Takes"), min_width=150, scale=1, elem_id="count")
        with gr.Row(elem_id="seeds", equal_height=False):
            self.seed = self.form.draw("seed", elem_id="seed", min_width=130, minimum=0, maximum=SEEDS - 1)
            self._dice = gr.Button(label("Roll"), size="sm", min_width=60, elem_id="dice")
            self.again = gr.Button(label("As on stage"), size="sm", min_width=100, elem_id="again")
            self.keep = gr.Checkbox(False, label=label("Keep"), container=False, min_width=70, elem_id="keep")

    def connect(self, page: gr.Blocks, learned: Any) -> None:
        """Ties the widgets to one another. `learned`: the event after which times are better known."""
        form = self.form
        steps = form.widgets["steps"]
        hints = {
            "fn": self._hints,
            "inputs": [self.prompt, self._picker],
            "outputs": [self._strangers, self._palette],
            **FAST,
        }
        self.prompt.change(**hints, trigger_mode="always_last")
        self._palette.word(self._word, self.prompt, self.prompt, **FAST)
        self._palette.surprise(lambda: sentences.surprise(random.Random()), None, self.prompt, **FAST)
        shown = [*form.inputs, self._warning, self.go]
        self._picker.input(self._other_model, form.inputs, shown, **FAST).then(**hints)
        self._still.change(lambda on: gr.Slider(interactive=not on), self._still, self._seconds, **FAST)
        self._quality.input(lambda chosen: chosen, self._quality, steps, **FAST)
        self._dice.click(roll, None, self.seed, **FAST)
        page.load(roll, None, self.seed, **FAST)
        sources = [form.widgets[name] for name in ("model", "aspect", "seconds", "still", "steps", "fps")]
        cost = {"fn": self._price, "inputs": [self.takes, *form.inputs], "outputs": [self._quality, self._cost], **FAST}
        changes = [widget.change for widget in (*sources, self.takes)]
        gr.on([*changes, learned, page.load], **cost, trigger_mode="always_last")
        page.load(**hints)

    def read(self, takes: int, keep: bool, *values: Any) -> list[Request]:
        """One request for each take: the first with the seed of the form, the others with the next ones if it is kept,
        else with any. Raises `BadRequest`."""
        asked = self.form.read(*values)
        others = range(1, takes if takes in TAKES else 1)
        seeds = [(asked.seed + i) % SEEDS if keep is True else secrets.randbelow(SEEDS) for i in others]
        return [asked, *(dataclasses.replace(asked, seed=seed) for seed in seeds)]

    def fill(self, asked: dict[str, Any], act: str) -> list[Any]:
        """Updates of the form's inputs from the request of a clip: all of it, all but the seed, or one field."""
        if act in ("prompt", "seed"):
            return self.form.only(act, asked.get(act))
        values = {name: value for name, value in asked.items() if name in self.form.fields}
        if act == "remix":
            values.pop("seed", None)
        try:
            row = catalog.spec(str(values.get("model", "")))
        except StudioError:  # a model of another studio
            row = self._model
            values["model"] = row.name
        return self.form.show(row, values)

    def _word(self, prompt: str, event: gr.EventData) -> Any:
        asked = palette.asked(event._data)
        return sentences.put(prompt, *asked) if asked else gr.skip()

    def _hints(self, prompt: str, model: str, request: gr.Request) -> tuple[str, Any]:
        say = say_to(request)
        if model != KNOWS_WORDS:
            return "", gr.update(visible=False)
        return strangers(prompt, say), palette.Palette(palette.seen(prompt, say), visible=True)

    def _other_model(self, *values: Any) -> list[Any]:
        """What its makers recommend; the shape and the length stay if it can make them."""
        given = self.form.given(*values)
        row = catalog.spec(given["model"])
        better = defaults(row, TextToVideo) | {"seconds": min(given["seconds"], longest(row))}
        if given["aspect"] in row.aspects:
            better["aspect"] = given["aspect"]
        return [*self.form.show(row, better), _cannot(row), gr.Button(interactive=catalog.runs_here(row) is None)]

    def _price(self, request: gr.Request, takes: int, *values: Any) -> tuple[Any, str]:
        """What each quality costs in time, and what the click does, before it."""
        say = say_to(request)
        given = self.form.given(*values)
        row = catalog.spec(given["model"])
        times = {steps: self._time(values, steps) for steps in {*qualities(row.steps).values(), given["steps"]}}
        names = [(_priced(say(name), times[steps], say), steps) for name, steps in qualities(row.steps).items()]
        chosen = given["steps"] if given["steps"] in dict(map(reversed, names)) else None
        whole = span((times[given["steps"]] or 0) * takes or None, say)
        said = say("about {time}", time=whole) if whole else say("the first take shows how long it takes")
        cost = f'<p class="hint">{html.escape(said)} <kbd>Ctrl</kbd> <kbd>Enter</kbd></p>'
        return gr.Radio(choices=names, value=chosen, visible=len(names) > 1), cost

    def _time(self, values: tuple[Any, ...], steps: int) -> float | None:
        given = self.form.given(*values) | {"prompt": "any", "seed": 0, "steps": steps}
        try:
            return self._jobs.estimate(self.form.read(*given.values()))
        except StudioError:
            return None


def roll() -> int:
    """A seed that nobody has chosen."""
    return secrets.randbelow(SEEDS)


def strangers(prompt: str, say: Say) -> str:
    """A sentence on the words that mini does not know, as HTML; empty if it knows them all."""
    found = sentences.strangers(prompt)
    if not found:
        return ""
    words = [say("{word} (nearest: {near})", word=word, near=near) if near else word for word, near in found]
    text = say("mini does not know: {words}. It will guess.", words=", ".join(words))
    return f'<p class="notice" role="status">{html.escape(text)}</p>'


def _cannot(row: ModelSpec) -> str:
    reason = catalog.runs_here(row)
    return f'<p class="notice" role="alert">{html.escape(reason)}</p>' if reason else ""


def _named(row: ModelSpec) -> str:
    return row.name if catalog.runs_here(row) is None else f"{row.name} \u00b7 cannot run here"


def _qualities(row: ModelSpec) -> list[tuple[str, int]]:
    return list(qualities(row.steps).items())


def _priced(name: str, seconds: float | None, say: Say) -> str:
    return f"{name} \u00b7 {span(seconds, say)}" if seconds else name

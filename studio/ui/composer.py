"""The form of one kind of request: what is wanted, in a person's words, with its cost before the click."""

import dataclasses
import secrets
from typing import Any

import gradio as gr

from pipelines import catalog
from pipelines.consent import STATEMENTS
from pipelines.errors import StudioError
from pipelines.requests import Request, TextToVideo, any_file
from pipelines.spec import OPTIONAL, ModelSpec, defaults
from studio import pace, shop
from studio.people import owner_of
from studio.studio import Studio
from studio.ui import outlook
from studio.ui.brought import Brought
from studio.ui.desk import FAST, Desk
from studio.ui.form import Form, longest, qualities, span
from studio.ui.parts import PLAIN
from studio.ui.wording import Wording
from studio.ui.words import Say, label, say_to
from studio.ui.worn import Worn

SEEDS = 2**31
TAKES = (1, 2, 3, 4)
SETTINGS = ("model", "seconds", "steps", "fps", *pace.SHAPE)  # a form that opens has them as they were last
PRICED = (*SETTINGS, "video")  # what the time for a clip depends on


class Composer:
    """A form with what belongs to a click: how many takes, whether the seed is kept, the button."""

    def __init__(self, studio: Studio, kind: type[Request]):
        self.kind = kind
        self._studio = studio
        self._model = catalog.spec(catalog.usual(kind.task, studio.settings.model))
        self.form = Form(kind, self._model)
        self.files: list[Brought] = []
        self.changing = gr.State("")  # the id of the waiting job that the form changes, or nothing
        self._draw_files()
        self.wording = Wording(self.form, self._id("prompt")) if "prompt" in self.form.fields else None
        self._draw_shape()
        self._draw_takes()
        with gr.Accordion(label("More"), open=False, visible=self._worded, elem_classes=["ask-more"]) as self._more:
            for name in kind.media_fields():
                if name not in self.form.widgets:
                    self.files.append(Brought(self.form, name, studio))
            self.worn = Worn(self.form) if "lora" in self.form.fields else None
            self.form.draw_rest()
        self._draw_press()

    @property
    def outputs(self) -> list[Any]:
        """What `fill` and `take` update."""
        files = [each.zone for each in self.files]
        return [self.keep, self.changing, self.go, self.leave, *self.form.inputs, *files]

    @property
    def _worded(self) -> bool:
        """Whether words decide what comes out, so that another seed gives another take."""
        return "prompt" in self.form.fields

    def _id(self, name: str) -> str:
        """The id of a widget; those of Create have no prefix."""
        return name if self.kind is TextToVideo else f"{self.kind.task}-{name}"

    def _look(self, name: str) -> dict[str, Any]:
        return {"elem_id": self._id(name), "elem_classes": [f"ask-{name}"]}

    def _draw_files(self) -> None:
        rules = {name: self.form.fields[name].metadata for name in self.kind.media_fields()}
        for name in (name for name in rules if not rules[name].get("advanced")):
            self.files.append(Brought(self.form, name, self._studio))
        if "consent" in self.form.fields:
            said = [(sentence, name) for name, sentence in STATEMENTS.items()]
            self.form.draw("consent", widget=gr.Radio, choices=said, **self._look("consent"))

    def _draw_shape(self) -> None:
        fields = self.form.fields
        if "aspect" in fields:
            self.form.draw("aspect", widget=gr.Radio, **self._look("shape"))
        with gr.Row(elem_classes=["pair"]):
            if "seconds" in fields:
                self._seconds = self.form.draw("seconds", step=1, min_width=180, scale=3)
            if "still" in fields:
                look = {"label": label("A still picture"), "min_width": 120, "scale": 2, **self._look("still")}
                self._still = self.form.draw("still", **look)
            if "factor" in fields:
                self.form.draw("factor", **self._look("factor"))
        steps = qualities(self._model.steps) if "steps" in fields else {}
        chosen = self._model.steps if steps else None
        self._quality = gr.Radio(
            list(steps.items()), value=chosen, label=label("Quality"), visible=len(steps) > 1, **self._look("quality")
        )

    def _draw_takes(self) -> None:
        names = [(outlook.named(row), row.name) for row in self._able()]
        with gr.Row(elem_classes=["pair"]):
            look = {"choices": names, "min_width": 240, "scale": 2, **self._look("model")}  # with why it cannot run
            self._picker = self.form.draw("model", **look)
            look = {"label": label("Takes"), "min_width": 150, "scale": 1, "visible": self._worded}
            self.takes = gr.Radio(TAKES, value=1, **look, **self._look("count"))
        with gr.Row(equal_height=False, visible=self._worded, **self._look("seeds")):
            self.seed = self.form.draw("seed", min_width=130, minimum=0, maximum=SEEDS - 1, **self._look("seed"))
            self._dice = gr.Button(label("Roll"), size="sm", min_width=60, **self._look("dice"))
            self.again = gr.Button(label("As on stage"), size="sm", min_width=100, **self._look("again"))
            look = {"label": label("Keep"), "container": False, "min_width": 70}
            self.keep = gr.Checkbox(False, **look, **self._look("keep"))

    def _draw_press(self) -> None:
        with gr.Column(**self._look("press")):
            self._obstacle = gr.HTML("", **self._look("cannot"), **PLAIN)
            with gr.Row(elem_classes=["ask-buttons"]):
                self.go = gr.Button(label("Generate"), variant="primary", size="lg", **self._look("go"))
                look = {"size": "lg", "visible": False, **self._look("leave")}
                self.leave = gr.Button(label("Do not change it"), **look)
            self._cost = gr.HTML("", **self._look("cost"), **PLAIN)

    def connect(self, desk: Desk) -> None:
        """Ties the widgets to one another and to the page."""
        form = self.form
        if self.wording:
            self.wording.connect(self._picker, desk)
        if self.worn:
            self.worn.connect(self._picker, self._more.expand)
        zones = [each.zone for each in self.files]
        self._picker.input(self._other_model, form.inputs, [*form.inputs, *zones], **FAST)
        if "still" in form.fields:
            self._still.change(lambda on: gr.Slider(interactive=not on), self._still, self._seconds, **FAST)
        if "steps" in form.fields:
            self._quality.input(lambda chosen: chosen, self._quality, form.widgets["steps"], **FAST)
        self._dice.click(roll, None, self.seed, **FAST)
        changes = [form.widgets[name].change for name in PRICED if name in form.widgets]
        asked = [self.changing, self.takes, *form.inputs]
        shown = [self._quality, self._obstacle, self.go, self._cost]
        gr.on([*changes, self.takes.change], self._price, asked, shown, trigger_mode="always_last", **FAST)
        desk.greet(self._price, asked, shown)
        desk.greet(self._named, [], [self._picker, *self._stated])
        desk.welcome(self._opened, [*form.inputs, *zones])

    def read(self, takes: int, keep: bool, *values: Any) -> list[Request]:
        """One request for each take: the first with the seed of the form, the others with the next ones if it is kept,
        else with any. Raises `BadRequest`."""
        asked = self.form.read(*values)
        others = range(1, takes if takes in TAKES else 1)
        seeds = [(asked.seed + i) % SEEDS if keep is True else secrets.randbelow(SEEDS) for i in others]
        return [asked, *(dataclasses.replace(asked, seed=seed) for seed in seeds)]

    def fill(self, asked: dict[str, Any], act: str, *, job: str = "") -> list[Any]:
        """Updates of `outputs` from a request of its reader's own: all of it, all but the seed, or one field.

        `job`: the form changes this waiting job from now on.
        """
        keep = {"remix": False, "prompt": gr.skip()}.get(act, True)
        head = [keep, *changed(job)] if act == "change" else [keep, *[gr.skip()] * 3]
        if act in ("prompt", "seed"):
            return [*head, *self.form.only(act, asked.get(act)), *[gr.skip()] * len(self.files)]
        values = {name: value for name, value in asked.items() if name in self.form.fields}
        if act == "remix":
            values.pop("seed", None)
        row = self._row(values.get("model"))
        there = {each.name: each.shown(values) for each in self.files}
        values |= {"model": row.name} | {name: "" for name, shown in there.items() if shown is None}
        files = [each.update(row, value=there[each.name]) for each in self.files]
        return [*head, *self.form.show(row, values), *files]

    def take(self, reference: str, shown: dict[str, Any]) -> list[Any]:
        """Updates of `outputs` that give the form its first file."""
        first = self.files[0]
        head, rest = [gr.skip()] * 4, [gr.skip()] * (len(self.files) - 1)
        return [*head, *self.form.only(first.name, reference), gr.update(value=shown), *rest]

    def row(self, *values: Any) -> ModelSpec:
        """The model that the form names now. Raises `BadRequest`."""
        return catalog.spec(str(self.form.given(*values)["model"]))

    def _able(self) -> list[ModelSpec]:
        return [row for row in catalog.specs() if self.kind.task in row.tasks]

    def _row(self, name: Any) -> ModelSpec:
        """The model of that name, or the usual one for a model of another studio."""
        return next((row for row in self._able() if row.name == name), self._model)

    @property
    def _stated(self) -> list[Any]:
        return [self.form.widgets["consent"]] if "consent" in self.form.widgets else []

    def _named(self, request: gr.Request) -> Any:
        """What can run here by now, and the statements, in the visitor's language."""
        say = say_to(request)
        models = gr.Dropdown(choices=[(outlook.named(row, say), row.name) for row in self._able()])
        stated = [gr.Radio(choices=[(say(text), name) for name, text in STATEMENTS.items()])] * len(self._stated)
        return [models, *stated] if stated else models

    def _opened(self, request: gr.Request) -> list[Any]:
        """A seed, and the settings of the visitor's last click here."""
        row, values = self._before(owner_of(request))
        return [*self.form.show(row, values | {"seed": roll()}), *(each.update(row) for each in self.files)]

    def _before(self, owner: str) -> tuple[ModelSpec, dict[str, Any]]:
        """The model and the settings of the owner's last job of this kind; the usual ones if there is none."""
        last = self._studio.jobs.last(owner, self.kind.task)
        row = self._row(last and last.model)
        kept = last.to_dict() if last and last.model == row.name else {}
        return row, defaults(row, self.kind) | {name: kept[name] for name in SETTINGS if name in kept}

    def _other_model(self, *values: Any) -> list[Any]:
        """What its makers recommend; the shape and the length stay if it can make them."""
        given, row = self.form.given(*values), self.row(*values)
        better = defaults(row, self.kind)
        if "seconds" in given:
            better["seconds"] = min(given["seconds"], longest(row))
        if given.get("aspect") in row.aspects:
            better["aspect"] = given["aspect"]
        return [*self.form.show(row, better), *(each.update(row) for each in self.files)]

    def _price(self, request: gr.Request, job: str, takes: int, *values: Any) -> tuple[Any, ...]:
        """What each quality costs in time, and what the click does, before it."""
        say, given, row = say_to(request), self.form.given(*values), self.row(*values)
        steps = qualities(row.steps) if "steps" in given else {}
        wanted = given.get("steps", 1)
        times = {count: self._time(values, count) for count in {*steps.values(), wanted}}
        names = [(_priced(say(name), times[count], say), count) for name, count in steps.items()]
        chosen = wanted if wanted in steps.values() else None
        facts = shop.outlook(row, measured_s=times[wanted])
        text = say("Save the change") if job else outlook.says(facts, say)
        return (
            gr.Radio(choices=names, value=chosen, visible=len(names) > 1),
            outlook.obstacle(row, facts, self.kind.task, say),
            gr.Button(text, interactive=outlook.possible(facts)),
            outlook.told(row, facts, say, takes=takes),
        )

    def _time(self, values: tuple[Any, ...], steps: int) -> float | None:
        given = self.form.given(*values) | {"seed": 0}
        files = [each for each in self.files if each.name not in OPTIONAL]
        given |= {each.name: given[each.name] or any_file(each.media) for each in files}
        for name, value in {"prompt": "any", "steps": steps, "consent": "fictional"}.items():
            given |= {name: value} if name in given else {}
        try:
            return self._studio.jobs.estimate(self.form.read(*given.values()))
        except StudioError:
            return None


def roll() -> int:
    """A seed that nobody has chosen."""
    return secrets.randbelow(SEEDS)


def changed(job: str) -> tuple[Any, Any, Any]:
    """Values of `changing`, `go` and `leave`: which job the form changes, and the two buttons that say so."""
    return job, gr.Button(label("Save the change") if job else label("Generate")), gr.Button(visible=bool(job))


def _priced(name: str, seconds: float | None, say: Say) -> str:
    return f"{name} \u00b7 {span(seconds, say)}" if seconds else name

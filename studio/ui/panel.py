"""A tab that makes something: a form for each kind of request it knows, and what cards and the drawer ask of it.

Create, Animate, Personalise, Edit and Sound are rows of this; the stage beside them is one for all.
"""

from collections.abc import Mapping
from typing import Any

import gradio as gr

from pipelines.errors import BadRequest, StudioError
from pipelines.requests import EditVideo, ImageToVideo, Personalize, Request, Upscale, VideoToSound
from studio import inputs, shop
from studio.jobs import submit_all
from studio.ui.composer import Composer, changed, roll
from studio.ui.desk import FAST, QUIET, Desk
from studio.ui.form import sentence
from studio.ui.post import AGAIN
from studio.ui.words import say_to

# What a card's act makes of its clip.
BRINGS: dict[str, type[Request]] = {
    "edit": EditVideo,
    "sound": VideoToSound,
    "personalize": Personalize,
    "extend": ImageToVideo,
    "upscale": Upscale,
}
TO_STAGE = "() => { if (innerWidth < 769) scrollTo({top: 0, behavior: 'smooth'}) }"
Kinds = Mapping[type[Request], str]


class Panel:
    """`kinds` says what each kind is called where there are several."""

    def __init__(self, desk: Desk, name: str, kinds: Kinds):
        self._desk, self._kinds = desk, kinds
        self._composers: dict[str, Composer] = {}
        self._columns: dict[str, gr.Column] = {}
        with gr.Column(elem_classes=["composer"]):
            first, *others = [kind.task for kind in kinds]
            choices = [(said, kind.task) for kind, said in kinds.items()]
            look = {"show_label": False, "container": False, "visible": bool(others), "elem_classes": ["ask-kind"]}
            self._switch = gr.Radio(choices, value=first, label=name, **look)
            for kind in kinds:
                with gr.Column(visible=kind.task == first, elem_classes=["asks"]) as self._columns[kind.task]:
                    self._composers[kind.task] = Composer(desk.studio, kind)
        self._connect()

    def _connect(self) -> None:
        desk = self._desk
        if len(self._kinds) > 1:
            self._switch.input(self._shown, self._switch, list(self._columns.values()), **FAST)
            desk.greet(self._said, [], [self._switch])
        for composer in self._composers.values():
            composer.connect(desk)
            self._press(composer)
            composer.again.click(self._again, desk.watching, [composer.seed, composer.keep], **FAST)
        outputs = [part for composer in self._composers.values() for part in composer.outputs]
        shown = [desk.watching, self._switch, *self._columns.values(), *outputs]
        # Through the queue: an order may bring a clip, which takes a moment, and may be refused in a toast.
        desk.look_after(desk.order.change(self._order, desk.order, shown, concurrency_limit=2, **QUIET))

    def _press(self, composer: Composer) -> None:
        """The button: new jobs, or the change of one that waits, or the model's download."""
        desk = self._desk

        def start(request: gr.Request, job: str, takes: int, keep: bool, *values: Any) -> tuple[Any, ...]:
            owner = desk.owner(request)
            try:
                row = composer.row(*values)
                if not job and shop.outlook(row).fetches:
                    ids, seed = [shop.order(desk.studio, row.name, owner)], gr.skip()
                else:
                    ids = self._submit(owner, composer.read(takes, keep, *values), job)
                    seed = gr.skip() if keep else roll()
            except StudioError as error:
                raise sentence(error, request) from error
            return {"job": ids[0], "clip": ""}, seed, *(changed("") if job else [gr.skip()] * 3)

        # Through the queue, though it takes no time: gradio shows the toast of a refusal only for queued events.
        begun = composer.go.click(
            start,
            [composer.changing, composer.takes, composer.keep, *composer.form.inputs],
            [desk.watching, composer.seed, composer.changing, composer.go, composer.leave],
            concurrency_limit=None,
            **QUIET,
        )
        desk.look_after(begun.success(None, js=TO_STAGE, api_visibility="private"))
        left = [composer.changing, composer.go, composer.leave]
        composer.leave.click(lambda: changed(""), None, left, **FAST)

    def _submit(self, owner: str, asked: list[Request], job: str) -> list[str]:
        jobs = self._desk.studio.jobs
        if job:
            jobs.edit(job, owner, asked[0])
            return [job]
        return submit_all(jobs, asked, owner)

    def _order(self, order: dict[str, Any], request: gr.Request) -> list[Any]:
        """What a card or the drawer has asked of this tab."""
        act, owner = order["act"], self._desk.owner(request)
        try:
            if act in AGAIN:
                return self._repeat(order, owner)
            if BRINGS.get(act) in self._kinds:
                return self._bring(order, owner)
        except StudioError as error:
            raise sentence(error, request) from error
        return self._all(gr.skip(), None, [])

    def _repeat(self, order: dict[str, Any], owner: str) -> list[Any]:
        """What was asked for before, in the form again or only on the stage."""
        act, asked = order["act"], self._desk.post.asked(order, owner) or {}
        watching = {"job": order["clip"], "clip": ""} if act in ("watch", "change") else gr.skip()
        task = asked.get("task", next(iter(self._composers)))
        if act == "watch" or not asked or task not in self._composers:
            return self._all(watching, None, [])
        if "request" in order:  # of a dropped file: whose the files are that it names, nobody knows
            asked = {name: value for name, value in asked.items() if not str(value).startswith(f"{inputs.FOLDER}/")}
        job = order["clip"] if act == "change" else ""
        return self._all(watching, task, self._composers[task].fill(asked, act, job=job))

    def _bring(self, order: dict[str, Any], owner: str) -> list[Any]:
        """A clip of the gallery as the first file of a form."""
        gallery, kind = self._desk.studio.gallery, BRINGS[order["act"]]
        entry, path = gallery.get(order["clip"], owner), gallery.path(order["clip"], owner, "clip")
        if entry is None or path is None:
            raise BadRequest("clip", "there is no such clip; it may have been deleted")
        composer = self._composers[kind.task]
        return self._all(gr.skip(), kind.task, composer.take(*composer.files[0].of_clip(entry, path, owner)))

    def _all(self, watching: Any, task: str | None, filled: list[Any]) -> list[Any]:
        """The updates of everything, of which one form changes."""
        switched = [gr.skip()] * (1 + len(self._columns)) if task is None else [task, *self._shown(task)]
        forms = []
        for each, composer in self._composers.items():
            forms += filled if each == task else [gr.skip()] * len(composer.outputs)
        return [watching, *switched, *forms]

    def _shown(self, task: str) -> list[Any]:
        return [gr.Column(visible=each == task) for each in self._columns]

    def _said(self, request: gr.Request) -> Any:
        say = say_to(request)
        return gr.Radio(choices=[(say(text), kind.task) for kind, text in self._kinds.items()])

    def _again(self, watching: dict[str, str], request: gr.Request) -> tuple[Any, Any]:
        """The seed of what stands on the stage."""
        studio, owner = self._desk.studio, self._desk.owner(request)
        entry = studio.gallery.get(watching["clip"], owner) if watching["clip"] else None
        job = studio.jobs.get(watching["job"], owner) if watching["job"] else None
        if entry is None and job is None:
            return gr.skip(), gr.skip()
        return entry.seed if entry else job.request.seed, True

"""The models of this machine, for its owner alone: download one, remove one, add one's own, allow those of others."""

import html
from argparse import Namespace
from collections.abc import Callable
from typing import Any

import gradio as gr

from pipelines import catalog
from pipelines.errors import BadRequest, StudioError
from pipelines.spec import ModelSpec
from studio import shop
from studio.ui import outlook
from studio.ui.desk import FAST, QUIET, Desk
from studio.ui.form import sentence
from studio.ui.parts import PLAIN
from studio.ui.retold import retold
from studio.ui.words import Say, label, say_to

WARNING = (
    "Whoever runs them receives your prompt and the pictures you give, and may charge your account. "
    "Nothing goes there unless you choose such a model."
)
WRITER = (
    "The folder of a causal language model with a chat template; off for rules alone; nothing for Qwen3 0.6B or "
    "Qwen2.5 0.5B if they are in the Hub's cache (hf download Qwen/Qwen3-0.6B). It works on the processor."
)


class Models:
    """Widgets that stand where the caller does and are seen by the owner of the machine only."""

    def __init__(self, desk: Desk):
        self._desk, self._studio = desk, desk.studio
        with gr.Column(visible=False, elem_classes=["keeping"]) as self._all:
            self._draw_one()
            self._draw_own()
            self._draw_remote()
            self._draw_writer()
        self._shown = [self._all, self._which, self._fetch, self._remove, self._facts, self._remote, self._writer]
        self._does(self._fetch.click, self._downloaded, [self._which])
        self._does(self._remove.click, self._removed, [self._which])
        self._does(self._add.click, self._added, self._own)
        self._does(self._writer.submit, self._written_by, [self._writer])
        self._does(self._remote.input, self._switched, [self._remote])
        gr.on([desk.tab.select, desk.fetched.change], self._came, self._which, self._shown, **FAST)
        self._which.input(self._chosen, self._which, [self._fetch, self._remove, self._facts], **FAST)

    def _draw_one(self) -> None:
        with gr.Row(equal_height=False):
            self._which = gr.Dropdown([], label=label("Look after models"), scale=3, min_width=240)
            self._fetch = gr.Button(label("Download it"), scale=1, min_width=120, interactive=False)
            self._remove = gr.Button(label("Remove it"), variant="stop", scale=1, min_width=120, interactive=False)
        self._facts = gr.HTML("", elem_id="model-facts", **PLAIN)

    def _draw_own(self) -> None:
        with gr.Accordion(label("Add one of your own"), open=False), gr.Row(equal_height=False):
            name = gr.Textbox(label=label("Name"), max_length=80, min_width=140)
            repo = gr.Textbox(label=label("A folder, or owner/name on the Hub"), max_length=400, min_width=220, scale=2)
            rows = [("", ""), *((row.name, row.name) for row in catalog.specs() if row.repo and not row.remote)]
            like = gr.Dropdown(rows, value="", label=label("Like"), min_width=160)
            self._add = gr.Button(label("Add it"), min_width=100)
        self._own = [name, repo, like]

    def _draw_remote(self) -> None:
        look = {"label": label("Models on other people's machines"), "info": label(WARNING)}
        self._remote = gr.Checkbox(False, **look)

    def _draw_writer(self) -> None:
        look = {"label": label("Who makes prompts longer"), "info": label(WRITER), "max_length": 400}
        self._writer = gr.Textbox("", **look)

    def _does(self, event: Any, act: Callable[..., str], inputs: list[Any]) -> None:
        """Lets an event do `act(say, owner, *values)`, whose sentence is shown; strangers are refused."""

        def done(request: gr.Request, *values: Any) -> None:
            owner = self._desk.owner(request)
            try:
                if not self._studio.people.is_admin(owner):
                    raise BadRequest("models", "only the owner of this machine looks after them")
                gr.Info(html.escape(act(say_to(request), owner, *values)), duration=8)
            except StudioError as error:
                raise sentence(error, request) from error

        # Through the queue: gradio shows toasts only for queued events.
        begun = event(done, inputs, None, concurrency_limit=1, **QUIET)
        self._desk.look_after(begun.then(self._came, self._which, self._shown, **FAST))

    def _downloaded(self, say: Say, owner: str, name: Any) -> str:
        shop.order(self._studio, str(name), owner)
        return say("{name} is being downloaded; the drawer of jobs says how far.", name=name)

    def _removed(self, say: Say, owner: str, name: Any) -> str:
        freed = shop.remove(Namespace(name=str(name)), self._studio.settings)["freed_bytes"]
        return say("{name} was removed; {size} are free again.", name=name, size=outlook.gigabytes(freed, say))

    def _added(self, say: Say, owner: str, name: Any, repo: Any, like: Any) -> str:
        asked = {"name": str(name).strip(), "repo": str(repo).strip(), "like": like or None}
        given = Namespace(**dict.fromkeys(("precision", "second", "cards", "compiled")), **asked)
        shop.add(given, self._studio.settings)
        return say("{name} is in the list now.", name=given.name)

    def _written_by(self, say: Say, owner: str, folder: Any) -> str:
        told = shop.writer(Namespace(folder=str(folder).strip() or "auto"), self._studio.settings)
        return say("{name} makes prompts longer now.", name=say("rules") if not told["folder"] else told["writer"])

    def _switched(self, say: Say, owner: str, on: Any) -> str:
        shop.remote(Namespace(state="on" if on is True else "off"), self._studio.settings)
        return say("These models are allowed now.") if on is True else say("These models are forbidden now.")

    def _came(self, name: Any, request: gr.Request) -> list[Any]:
        """Everything as it is now; nothing for who is not the owner of the machine."""
        if not self._studio.people.is_admin(self._desk.owner(request)):
            return [gr.Column(visible=False), *[gr.skip()] * 6]
        say, rows = say_to(request), keepable()
        names = [(outlook.named(row, say), row.name) for row in rows]
        name = name if name in {row.name for row in rows} else None
        picker, on = gr.Dropdown(choices=names, value=name), shop.remote_on()
        return [gr.Column(visible=True), picker, *self._chosen(name, request), on, shop.writer_folder()]

    def _chosen(self, name: Any, request: gr.Request) -> list[Any]:
        say = say_to(request)
        row = next((row for row in keepable() if row.name == name), None)
        if row is None:
            hint = html.escape(say("Choose a model to see what it is and what its licence says."))
            return [gr.Button(interactive=False), gr.Button(interactive=False), f'<p class="hint">{hint}</p>']
        facts = shop.outlook(row)
        wanted = not facts.downloaded and facts.room and not facts.offline
        said = f'<p class="hint">{html.escape(retold(row.about, say))}</p>{outlook.known(row, facts, say)}'
        fetch = say("Download {size}", size=outlook.gigabytes(facts.fetch_bytes, say)) if wanted else say("Download it")
        if facts.reason is not None:
            said += f'<p class="notice">{html.escape(retold(facts.reason, say))}</p>'
        own = row.source == "your own"
        if facts.downloaded and not own and (others := shop.readers(row)):
            names = ", ".join(other.name for other in others)
            stays = say("What {names} reads of it stays when it is removed.", names=names)
            said += f'<p class="hint">{html.escape(stays)}</p>'
        return [gr.Button(fetch, interactive=wanted), gr.Button(interactive=own or facts.downloaded), said]


def keepable() -> list[ModelSpec]:
    """The rows whose weights are on this machine or can be."""
    return [row for row in catalog.specs() if row.repo and not row.remote]

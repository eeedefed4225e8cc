"""Studies: which of several models or folders of clips is better, settled by people who do not know which is which.

A study is created here, its link is passed on, and what came out is read here. Voting itself: studio.ui.voting.
"""

import html
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import gradio as gr

from pipelines import vocabulary
from pipelines.errors import BadRequest, StudioError
from pipelines.requests import TASKS, request_from_dict
from studio import prompts, takes
from studio.arena import BY_TASK, MOST_SYSTEMS, Plan, Prompt, System
from studio.people import owner_of
from studio.studio import Studio
from studio.ui.desk import FAST, QUIET, SENT, Desk
from studio.ui.form import sentence, span
from studio.ui.parts import PLAIN
from studio.ui.pulse import News
from studio.ui.results import whose
from studio.ui.retold import CALLED, refusal, retold, task_name
from studio.ui.wording import KNOWS_WORDS
from studio.ui.words import Say, label, say_to

NAME = "Studies"
LISTS = [".txt", ".csv", ".jsonl", ".parquet"]
FIELDS = ("model", "steps", "guidance", "seconds")
ZIP = "Clips instead of systems: a zip of SYSTEM/PROMPT.mp4, where PROMPT is its name, its text or its line (0001)"
TABLE = 6  # its place among the widgets of the form
PRICED = (1, 2, 4, 5, TABLE, 7)  # and of those on which it depends what is made
SUITE = "theatre"  # whose words mini knows, which the rows name
ROWS = [["25 steps", "mini", 25, 4.0, 2.0], ["50 steps", "mini", 50, 4.0, 2.0]]
FAR = "clips: {ready} of {takes}, ballots: {answered} of {wanted}, raters: {raters}"
COUNTED = ("ready", "takes", "answered", "wanted", "raters")
SLOW = {"concurrency_limit": 2, "show_progress": "minimal", "api_visibility": "private"}
NONE = "No study yet. Create one: the same prompts, two or more systems, a link for the raters."


def draw(page: gr.Blocks, studio: Studio, desk: Desk) -> None:
    """Draws the tab into `page`, which is being built."""
    with gr.Row(elem_id="studies", equal_height=False):
        with gr.Column(scale=5, min_width=330):
            kept = _Kept(studio, desk)
        with gr.Column(scale=6, min_width=330):
            asked, make = _form()
            costs = gr.HTML("", elem_id="study-cost", **PLAIN)

    def create(request: gr.Request, progress: gr.Progress = gr.Progress(), *values: Any) -> Any:
        with _sentences(request):
            study = created(studio, desk.owner(request), values, progress, say_to(request))
        return kept.choices(request, study)

    def price(request: gr.Request, *values: Any) -> str:
        say = say_to(request)
        try:
            said = cost(studio, values, say)
        except StudioError as error:
            said = refusal(error, say)
        return f'<p class="hint">{html.escape(said)}</p>'

    made = make.click(create, asked, kept.chosen, show_progress_on=make, **SLOW)
    made.then(kept.look, kept.chosen, kept.shown, **FAST)
    kept.connect()
    changes = [desk.tab.select, *(asked[place].change for place in PRICED)]
    gr.on(changes, price, asked, costs, trigger_mode="always_last", **FAST)
    # Once, and not with the greetings, which come again: the rows may have been edited by then.
    page.load(_rows, None, asked[TABLE], **FAST)


class _Kept:
    """The studies that there are: which one is looked at, how far it is, and what can be done with it."""

    def __init__(self, studio: Studio, desk: Desk):
        self._studio, self._desk = studio, desk
        self.chosen = gr.Dropdown([], label=label("Study"), elem_id="study")
        verdict = gr.HTML(_hint(str), elem_id="verdict", **PLAIN)
        with gr.Row():
            look = {"size": "md", "interactive": False}  # until there is a study for which it makes sense
            self._opening = gr.Button(label("Take in finished clips and open"), min_width=240, scale=2, **look)
            closing = gr.Button(label("Close the vote"), min_width=120, elem_id="closing", **look)
            leaving = gr.Button(label("Discard the draft"), min_width=240, elem_id="leaving", **look)
        self._close, closed = _sure(closing, "Close it for good: nobody can vote any more")
        self._leave, left = _sure(leaving, "Discard it for good, and stop its jobs")
        self._draft = gr.State("")  # which grows while one looks
        self.shown = [verdict, self._opening, closing, leaving, closed, left, self._draft]

    def connect(self) -> None:
        """Ties the buttons to the studies, and the list to the tab."""
        arena, chosen = self._studio.arena, self.chosen
        events = [
            self._desk.tab.select(self.choices, chosen, chosen, **FAST),
            self._opening.click(self._then(self._open), chosen, chosen, show_progress_on=self._opening, **SLOW),
            self._close.click(self._then(lambda _, *study: arena.close(*study)), chosen, chosen, **SENT),
            self._leave.click(self._then(lambda _, *study: takes.discard(arena, *study)), chosen, chosen, **SENT),
        ]
        for event in events:
            event.then(self.look, chosen, self.shown, **FAST)
        chosen.input(self.look, chosen, self.shown, **QUIET)
        self._desk.watch(self._follow, [self._draft], self.shown[:1])

    def choices(self, request: gr.Request, select: Any = None) -> Any:
        """The list, in which `select` or the newest is chosen."""
        say, kept = say_to(request), self._studio.arena.studies(whose(self._studio, owner_of(request)))
        names = [(f"{study.title} ({say(study.state)})", study.id) for study in kept]
        known = [study.id for study in kept]
        return gr.Dropdown(names, value=select if select in known else next(iter(known), None))

    def look(self, request: gr.Request, study: Any) -> list[Any]:
        """What is shown of the one that is chosen."""
        say, owner, state = say_to(request), whose(self._studio, owner_of(request)), ""
        with _sentences(request):
            said = told(self._studio, study, owner, say, request.headers.get("referer", "")) if study else _hint(say)
            state = self._studio.arena.study(study, owner).state if study else ""
        able = [gr.Button(interactive=state in fit) for fit in (("draft", "open"), ("open",), ("draft",))]
        return [said, *able, gr.Row(visible=False), gr.Row(visible=False), study if state == "draft" else ""]

    def _follow(self, news: News, draft: str) -> Any:
        """How far a draft is by now."""
        try:
            return told(self._studio, draft, whose(self._studio, news.owner), news.say) if draft else gr.skip()
        except StudioError:  # discarded in another window
            return gr.skip()

    def _then(self, act: Callable[[gr.Request, Any, str | None], Any]) -> Callable[..., Any]:
        """Does something to a study and draws the list anew."""

        def handler(request: gr.Request, study: Any) -> Any:
            with _sentences(request):
                act(request, study, whose(self._studio, owner_of(request)))
            return self.choices(request, study)

        return handler

    def _open(self, request: gr.Request, study: Any, owner: str | None) -> None:
        studio = self._studio
        studio.arena.study(study, owner)
        for failed in takes.collect(studio.arena, studio.jobs, studio.gallery, study)[:3]:
            gr.Warning(html.escape(retold(failed, say_to(request))))
        studio.arena.open(study, owner)


def _sure(button: gr.Button, does: str) -> tuple[gr.Button, gr.Row]:
    """For what cannot be taken back: the button asks first. Returns the one that does it, and the row to hide."""
    with gr.Row(visible=False) as row:
        yes = gr.Button(label(does), variant="stop", size="md", min_width=240, scale=2)
        no = gr.Button(label("Not now"), size="md", min_width=120)
    button.click(lambda: gr.Row(visible=True), None, row, **FAST)
    no.click(lambda: gr.Row(visible=False), None, row, **FAST)
    return yes, row


def _form() -> tuple[list[Any], gr.Button]:
    """The widgets of a new study, in the order in which `created` takes them, and the button."""
    suites = [(name.capitalize(), name) for name in prompts.suites()]
    with gr.Group():
        title = gr.Textbox(label=label("Question"), placeholder="25 or 50 steps?", max_length=80)
        with gr.Row():
            suite = gr.Dropdown(suites, value=SUITE, label=label("Prompts"), min_width=140)
            count = gr.Number(12, label=label("How many of them"), precision=0, minimum=1, maximum=2000, min_width=100)
            raters = gr.Number(
                3, label=label("Raters for each pair"), precision=0, minimum=1, maximum=100, min_width=100
            )
        tasks = [(task_name(task), task) for task in BY_TASK]
        task = gr.Dropdown(tasks, value=tasks[0][1], label=label("What is asked about"))
    table = gr.Dataframe(
        ROWS,
        headers=_heads(str),
        datatype=["str", "str", "number", "number", "number"],
        type="array",
        row_count=2,
        column_count=1 + len(FIELDS),
        label=label("Systems that the studio runs"),
        interactive=True,
    )
    with gr.Accordion(label("Bring your own prompts or clips"), open=False):
        own = gr.File(label=label("A list of prompts: .txt, .csv, .jsonl, .parquet"), file_types=LISTS, height=130)
        clips = gr.File(label=label(ZIP), file_types=[".zip"], height=130)
    make = gr.Button(label("Create the study"), variant="primary")
    return [title, suite, count, raters, own, task, table, clips], make


def cost(studio: Studio, values: Any, say: Say) -> str:
    """What a study from these values of the form makes, and how long that takes if it is known. Raises as `created`."""
    _, suite, count, _, own, task, table, archive = values
    if archive:
        return ""
    if task not in TASKS:
        raise takes.unordered(str(task))
    texts = [prompt.text for prompt in _prompts(suite, own)[: int(count or 1)]]
    asked = [request_from_dict({"task": task, **system.settings, "prompt": "x"}) for system in _systems(table)]
    each = [studio.jobs.estimate(request) for request in asked]
    lines = [say("Clips to make: {count}.", count=len(texts) * len(asked))]
    if each and None not in each:
        lines += [say("That takes about {time}.", time=span(len(texts) * sum(filter(None, each)), say))]
    elif each:
        lines += [say("The first ones show how long it takes.")]
    strange = sum(bool(vocabulary.unknown_words(text)) for text in texts)
    if strange and any(request.model == KNOWS_WORDS for request in asked):
        lines += [say("Prompts with words that mini does not know: {count}. It will guess.", count=strange)]
    return " ".join(lines)


def _prompts(suite: Any, own: Any) -> tuple[Prompt, ...]:
    if own is None and suite not in prompts.suites():
        raise BadRequest("prompts", f"must be one of {', '.join(prompts.suites())}")
    return prompts.read(Path(own)) if own else prompts.find(suite)


def created(studio: Studio, owner: str, values: Any, progress: Any, say: Say) -> str:
    """A new study from the form's values; its clips are taken in or ordered. Raises as the stores do."""
    title, suite, count, raters, own, task, table, archive = values
    suite_of = _prompts(suite, own)
    with tempfile.TemporaryDirectory(prefix="rushes-") as folder:
        folders = takes.unpack(Path(archive), Path(folder)) if archive else {}
        systems = tuple(System(name=name) for name in folders) or _systems(table)
        plan = Plan(
            title=str(title),
            prompts=suite_of[: int(count or 1)] if not archive else suite_of,
            systems=systems,
            task=str(task),
            raters=int(raters or 0),
        )
        if folders:
            takes.enough(folders, plan.prompts)
        with takes.begun(studio.arena, plan, owner) as study:
            missing = takes.from_folders(
                studio.arena, study, owner, folders=folders, progress=progress, checked=studio.settings.checked
            )
            ordered = takes.order(studio.arena, studio.jobs, study, owner)
            if folders:
                studio.arena.open(study, owner)
    waits = say("{count} clips are being made; open the study when they are done.", count=ordered)
    said = waits if ordered else say("People can vote now.")
    gr.Info(f"{said} {say('{count} clips were not in the zip.', count=len(missing))}" if missing else said)
    return study


def _systems(table: Any) -> tuple[System, ...]:
    rows = [row for row in (table or [])[:MOST_SYSTEMS] if row and str(row[0]).strip()]
    return tuple(System(name=str(row[0]).strip(), settings=_settings(row[1:])) for row in rows)


def _settings(cells: list[Any]) -> dict[str, Any]:
    """What stands in a row; an empty cell leaves the field to the model."""
    given = {name: cell for name, cell in zip(FIELDS, cells, strict=False) if cell not in ("", None) and cell == cell}
    if "steps" in given:
        try:
            whole = float(given["steps"])
        except ValueError as error:
            raise BadRequest("steps", f"{str(given['steps'])[:40]!r} is no number") from error
        given["steps"] = int(whole) if whole.is_integer() else whole
    return given


def _heads(say: Say) -> list[str]:
    return [say(CALLED[name]) for name in ("name", *FIELDS)]


def _rows(request: gr.Request) -> dict[str, Any]:
    return {"headers": _heads(say_to(request)), "data": ROWS}


def _hint(say: Say) -> str:
    return f'<p class="hint">{html.escape(say(NONE))}</p>'


def told(studio: Studio, study: str, owner: str | None, say: Say, page: str = "") -> str:
    """How far a study is, its link, and what it says so far, as HTML with everything escaped. `page`: the address
    under which the browser has the studio."""
    status = studio.arena.status(study, owner)
    state, far = status["state"], say(FAR, **{name: status[name] for name in COUNTED})
    done = status["ready"] / status["takes"] if state == "draft" else status["done"]
    lines = [
        f"<p><strong>{html.escape(say(state))}</strong>, {html.escape(far)}</p>",
        f'<progress max="1" value="{done:.3f}"></progress>',
    ]
    if state == "open":
        link = html.escape(urljoin(page, status["link"].removeprefix("/")))
        passed, copy = html.escape(say("Pass this on:")), html.escape(say("Copy"))
        lines += [
            f'<p>{passed} <a href="{link}" target="_blank" rel="noopener">{link}</a>'
            f'<button type="button" data-copy="{link}">{copy}</button></p>'
        ]
    if status["answered"]:
        from studio import verdict  # brings scipy and choix; the page is built without them

        heads = verdict.summary(studio.arena, study, owner)["headline"]
        lines += [f"<ul>{''.join(f'<li>{html.escape(retold(line, say))}</li>' for line in heads)}</ul>"]
        files = ("report", "votes.csv", "votes.json", "votes.parquet")
        lines += [
            " ".join(f'<a href="studies/{study}/{name}" target="_blank" rel="noopener">{name}</a>' for name in files)
        ]
    return f'<div class="card">{"".join(lines)}</div>'


@contextmanager
def _sentences(request: gr.Request) -> Iterator[None]:
    """What people can put right becomes a toast."""
    try:
        yield
    except StudioError as error:
        raise sentence(error, request) from error

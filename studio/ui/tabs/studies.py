"""Studies: which of several models or folders of clips is better, settled by people who do not know which is which.

A study is created here, its link is passed on, and what came out is read here. Voting itself: studio.ui.voting.
"""

import functools
import html
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gradio as gr

from pipelines.errors import BadRequest, StudioError
from studio import prompts, takes
from studio.arena import BY_TASK, MOST_SYSTEMS, Plan, System
from studio.studio import Studio
from studio.ui.desk import FAST, QUIET, SENT, Desk
from studio.ui.form import sentence
from studio.ui.parts import PLAIN
from studio.ui.results import whose
from studio.ui.retold import CALLED, retold
from studio.ui.words import Say, label, say_to

NAME = "Studies"
LISTS = [".txt", ".csv", ".jsonl", ".parquet"]
FIELDS = ("model", "steps", "guidance", "seconds")
ZIP = "Clips instead of systems: a zip of SYSTEM/PROMPT.mp4, where PROMPT is its name, its text or its line (0001)"
TABLE = 6  # its place among the widgets of the form
ROWS = [["25 steps", "mini", 25, 4.0, 2.0], ["50 steps", "mini", 50, 4.0, 2.0]]
FAR = "{ready} of {takes} clips, {answered} of {wanted} ballots, raters: {raters}"
NONE = "No study yet. Create one: the same prompts, two or more systems, a link for the raters."


def draw(page: gr.Blocks, studio: Studio, desk: Desk) -> None:
    """Draws the tab into `page`, which is being built."""
    with gr.Row(elem_id="studies", equal_height=False):
        with gr.Column(scale=5, min_width=330):
            chosen = gr.Dropdown([], label=label("Study"), elem_id="study")
            shown = gr.HTML(_hint(str), elem_id="verdict", **PLAIN)
            with gr.Row():
                look = {"size": "md", "interactive": False}  # until there is a study for which it makes sense
                opening = gr.Button(label("Take in finished clips and open"), min_width=240, scale=2, **look)
                closing = gr.Button(label("Close the vote"), min_width=120, elem_id="closing", **look)
                leaving = gr.Button(label("Discard the draft"), min_width=240, elem_id="leaving", **look)
        with gr.Column(scale=6, min_width=330):
            asked, make = _form()

    def choices(request: gr.Request, select: Any = None) -> Any:
        say, kept = say_to(request), studio.arena.studies(whose(studio, request))
        names = [(f"{study.title} ({say(study.state)})", study.id) for study in kept]
        known = [study.id for study in kept]
        value = select if select in known else next(iter(known), None)
        return gr.Dropdown(names, value=value)

    def look(request: gr.Request, study: Any) -> list[Any]:
        say, owner = say_to(request), whose(studio, request)
        with _sentences(request):
            state = studio.arena.study(study, owner).state if study else ""
            said = told(studio, study, owner, say) if study else _hint(say)
        return [said, *(gr.Button(interactive=state in fit) for fit in (("draft", "open"), ("open",), ("draft",)))]

    def create(request: gr.Request, progress: gr.Progress = gr.Progress(), *values: Any) -> Any:
        with _sentences(request):
            study = created(studio, desk.owner(request), values, progress, say_to(request))
        return choices(request, study)

    def then(act: Callable[[gr.Request, Any, str | None], Any]) -> Callable[..., Any]:
        """Does something to a study and draws the list anew."""

        def handler(request: gr.Request, study: Any) -> Any:
            with _sentences(request):
                act(request, study, whose(studio, request))
            return choices(request, study)

        return handler

    outputs = [shown, opening, closing, leaving]
    slow = {"outputs": chosen, "concurrency_limit": 2, "show_progress": "minimal", "api_visibility": "private"}
    events = [
        desk.tab.select(choices, chosen, chosen, **FAST),
        make.click(create, asked, show_progress_on=make, **slow),
        opening.click(then(functools.partial(_open, studio)), chosen, show_progress_on=opening, **slow),
        closing.click(then(lambda _, *study: studio.arena.close(*study)), chosen, chosen, **SENT),
        leaving.click(then(lambda _, *study: takes.discard(studio.arena, *study)), chosen, chosen, **SENT),
    ]
    for event in events:
        event.then(look, chosen, outputs, **FAST)
    chosen.input(look, chosen, outputs, **QUIET)
    # Once, and not with the greetings, which come again: the rows may have been edited by then.
    page.load(_rows, None, asked[TABLE], **FAST)


def _open(studio: Studio, request: gr.Request, study: Any, owner: str | None) -> None:
    studio.arena.study(study, owner)
    for failed in takes.collect(studio.arena, studio.jobs, studio.gallery, study)[:3]:
        gr.Warning(html.escape(retold(failed, say_to(request))))
    studio.arena.open(study, owner)


def _form() -> tuple[list[Any], gr.Button]:
    """The widgets of a new study, in the order in which `created` takes them, and the button."""
    suites = prompts.suites()
    with gr.Group():
        title = gr.Textbox(label=label("Question"), placeholder="25 or 50 steps?", max_length=80)
        with gr.Row():
            suite = gr.Dropdown(suites, value=suites[0], label=label("Prompts"), min_width=140)
            count = gr.Number(12, label=label("How many of them"), precision=0, minimum=1, maximum=2000, min_width=100)
            raters = gr.Number(
                3, label=label("Raters for each pair"), precision=0, minimum=1, maximum=100, min_width=100
            )
        task = gr.Dropdown(list(BY_TASK), value=next(iter(BY_TASK)), label=label("What is asked about"))
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


def created(studio: Studio, owner: str, values: Any, progress: Any, say: Say) -> str:
    """A new study from the form's values; its clips are taken in or ordered. Raises as the stores do."""
    title, suite, count, raters, own, task, table, archive = values
    if own is None and suite not in prompts.suites():
        raise BadRequest("prompts", f"must be one of {', '.join(prompts.suites())}")
    suite_of = prompts.read(Path(own)) if own else prompts.find(suite)
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


def told(studio: Studio, study: str, owner: str | None, say: Say) -> str:
    """How far a study is, its link, and what it says so far, as HTML with everything escaped."""
    status = studio.arena.status(study, owner)
    link = status["link"].removeprefix("/")
    far = html.escape(say(FAR, **{name: status[name] for name in ("ready", "takes", "answered", "wanted", "raters")}))
    lines = [
        f"<p><strong>{say(status['state'])}</strong>, {far}</p>",
        f'<progress max="1" value="{status["done"]:.3f}"></progress>',
    ]
    if status["state"] == "open":
        passed = html.escape(say("Pass this on:"))
        lines += [f'<p>{passed} <a href="{link}" target="_blank" rel="noopener">{link}</a></p>']
    if status["answered"]:
        from studio import verdict  # brings scipy and choix; the page is built without them

        heads = verdict.summary(studio.arena, study, owner)["headline"]
        lines += [f"<ul>{''.join(f'<li>{html.escape(line)}</li>' for line in heads)}</ul>"]
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

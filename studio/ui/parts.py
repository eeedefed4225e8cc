"""Pieces of HTML: the stage, what is said under it, the words of the theatre. Everything from outside is escaped."""

import html
import time
from pathlib import Path
from urllib.parse import quote

from pipelines import vocabulary
from pipelines.requests import TextToVideo
from studio.runner import Job
from studio.terminal import remaining

EXAMPLES = (
    "a red panda jumps on a snowy mountain at night, camera zooms in",
    "a blue balloon floats up above the clouds at sunset",
    "an astronaut dances in outer space",
    "a fox moves right in a forest in the rain",
)
AXIS_NAMES = {
    "thing": "Who or what",
    "place": "Where",
    "action": "Does what",
    "camera": "Camera",
    "light": "Light",
    "weather": "Weather",
    "style": "Style",
}


def bar(model: str, reason: str | None) -> str:
    """The line at the top: the name of the studio and whether its model can run here."""
    state, words = ("ready", "runs on this computer") if reason is None else ("missing", "cannot run here")
    return (
        '<header class="bar"><span class="brand">Rushes</span><span class="motto">a sentence in, a film out</span>'
        f'<span class="pill"><i class="dot {state}"></i>{html.escape(model)} <em>{words}</em></span></header>'
    )


def picture(path: Path, says: str) -> str:
    """A clip (plays without sound, over and over) or a still on the stage. `says` describes it to who cannot see it."""
    address, label = html.escape(f"gradio_api/file={quote(str(path))}"), html.escape(says)
    if path.suffix == ".png":
        return f'<div class="stage"><img src="{address}" alt="{label}"></div>'
    return (
        f'<div class="stage"><video src="{address}" aria-label="{label}" autoplay muted loop playsinline controls '
        'disablepictureinpicture preload="auto"></video></div>'
    )


def empty() -> str:
    """The stage before the first clip."""
    return '<div class="stage"><p class="hint">Your film plays here.</p></div>'


def working(job: Job) -> str:
    """The stage while a job waits or runs."""
    if job.state == "queued":
        ahead = f"{job.position} ahead of it" if job.position else "next"
        words, shown = f"waiting, {ahead}", ""
    else:
        left = remaining(job.fraction, time.monotonic() - job.started) if job.started else ""
        words, shown = f"{job.message}{left}", f' value="{job.fraction:.3f}"'
    return (
        '<div class="stage busy"><div class="slate">'
        f'<p class="what">{html.escape(_title(job))}</p>'
        f'<progress max="1"{shown} aria-label="progress"></progress>'
        f'<p class="hint">{html.escape(words)}</p></div></div>'
    )


def stopped(job: Job) -> str:
    """The stage after a job that gave no clip."""
    title = "Stopped" if job.state == "cancelled" else "No clip this time"
    return (
        f'<div class="stage busy"><div class="slate" role="alert"><p class="what">{title}</p>'
        f'<p class="hint">{html.escape(job.message if job.state == "failed" else _title(job))}</p></div></div>'
    )


def caption(job: Job) -> str:
    """What is said under the stage: the notes of the model, and once there is a clip its facts and the file."""
    notes = "".join(f'<p class="notice">{html.escape(text)}</p>' for text in job.notes)
    if job.made is None:
        return notes
    made = job.made
    facts = [f"{made['width']} x {made['height']}", f"seed {made['seed']}", f"made in {made['elapsed_s']:.0f} s"]
    if made["seconds"]:
        facts.insert(0, f"{made['seconds']:g} s")
    address = html.escape(f"gradio_api/file={quote(made['clip'])}")
    name = f"rushes-{made['seed']}{Path(made['clip']).suffix}"
    return (
        f'<div class="facts"><div><p class="what">{html.escape(_title(job))}</p>'
        f'<p class="hint">{html.escape(" / ".join(facts))}</p></div>'
        f'<a class="take" href="{address}" download="{name}">Download</a></div>{notes}'
    )


def sample(prompt: str) -> str:
    """What is said under a clip that came with the project."""
    return (
        f'<div class="facts"><div><p class="what">{html.escape(prompt)}</p><p class="hint">an example</p></div></div>'
    )


def ideas() -> str:
    """Whole prompts to start from; one click puts one into the prompt."""
    buttons = "".join(
        f'<button type="button" class="chip" data-prompt="{html.escape(text)}">{html.escape(text)}</button>'
        for text in EXAMPLES
    )
    return f'<div class="ideas">{buttons}</div>'


def theatre() -> str:
    """Everything that mini can draw, as words that one click adds to the prompt."""
    rows = "".join(
        f'<div class="axis {axis}"><h3>{AXIS_NAMES[axis]}</h3><div class="chips">{_chips(axis)}</div></div>'
        for axis in vocabulary.AXES
    )
    coloured = ", ".join(vocabulary.COLOURED[:-1])
    return (
        '<section class="theatre"><h2>What mini can draw</h2>'
        "<p class='hint'>mini is small and was trained from scratch on a toy theatre. It knows these words; "
        "click one to add it. Other words are allowed: mini then says which it does not know. "
        f"Any {coloured} or {vocabulary.COLOURED[-1]} can be {', '.join(vocabulary.COLOURS[:-1])} or "
        f"{vocabulary.COLOURS[-1]}.</p>{rows}</section>"
    )


def _chips(axis: str) -> str:
    return "".join(
        f'<button type="button" class="chip" data-say="{html.escape(_phrase(axis, name))}">{html.escape(name)}</button>'
        for name in vocabulary.AXES[axis]
    )


def _phrase(axis: str, name: str) -> str:
    """How a word of the theatre is said inside a prompt, as mini's own captions say it."""
    if axis == "thing":
        return f"{'an' if name[0] in 'aeiou' and not name.startswith('uni') else 'a'} {name}"
    if axis == "place":
        return f"{vocabulary.PLACE_PREPOSITIONS[name][0]} {name}".strip()
    if axis == "action":
        return name
    tables = {
        "camera": vocabulary.CAMERAS,
        "light": vocabulary.LIGHTS,
        "weather": vocabulary.WEATHERS,
        "style": vocabulary.STYLES,
    }
    said = tables[axis][name]
    words = said[min(1, len(said) - 1)]
    return f", camera {words}" if axis == "camera" and words.endswith(("left", "right", "in", "out")) else f", {words}"


def _title(job: Job) -> str:
    request = job.request
    return request.prompt if isinstance(request, TextToVideo) else request.task

"""What a click would do, said before it: on the button, above it what stands in the way, below it what it costs."""

import html
from typing import Any

from pipelines import catalog
from pipelines.spec import ModelSpec, memory
from studio import shop
from studio.ui.form import span
from studio.ui.retold import retold
from studio.ui.words import Say

GB = 1e9
LEVELS = {"whole": "all of it", "parts": "part by part", "blocks": "a few blocks at a time", "layers": "layer by layer"}


def says(facts: Any, say: Say) -> str:
    """The text of the button."""
    if facts.fetches:
        return say("Download {size}", size=gigabytes(facts.fetch_bytes, say))
    return say("Generate") if facts.reason is None else say("Cannot run here")


def possible(facts: Any) -> bool:
    """Whether the button does anything."""
    return facts.room and not facts.offline if facts.fetches else facts.reason is None


def obstacle(row: ModelSpec, facts: Any, task: str, say: Say) -> str:
    """Why the button does nothing and what would help, as HTML; empty where it does something."""
    if facts.fetches and facts.offline:
        text = say("{model} is not downloaded, and this machine is set to offline (HF_HUB_OFFLINE).", model=row.name)
    elif facts.fetches and not facts.room:
        free = gigabytes(facts.disk_free, say)
        text = say("There is no room for {model}: {free} are free on the disk.", model=row.name, free=free)
    elif facts.reason is not None and not facts.fetches:
        text = " ".join(filter(None, (_ended(retold(facts.reason, say)), _helps(task, say))))
    else:
        return ""
    return f'<p class="notice" role="alert">{html.escape(text)}</p>'


def told(row: ModelSpec, facts: Any, say: Say, *, takes: int) -> str:
    """What a click costs, as HTML: time and `known`."""
    if facts.fetches:
        line = say("A click downloads the model, as a job that can be stopped and goes on where it stopped.")
    else:
        whole = span((facts.seconds or 0) * takes or None, say)
        line = say("about {time}", time=whole) if whole else say("the first take shows how long it takes")
    keys = "" if facts.fetches or facts.reason else " <kbd>Ctrl</kbd> <kbd>Enter</kbd>"
    line = f'<p class="hint">{html.escape(line)}{keys}</p>' if facts.fetches or facts.reason is None else ""
    return line + known(row, facts, say)


def known(row: ModelSpec, facts: Any, say: Say) -> str:
    """Room, memory and what the licence of a model of the Hub says, as HTML; nothing for one of the project."""
    rows = "".join(f"<dt>{html.escape(name)}</dt><dd>{value}</dd>" for name, value in _facts(row, facts, say).items())
    return f'<dl class="outlook">{rows}</dl>' if rows else ""


def gigabytes(count: float, say: Say) -> str:
    """Bytes as people say them: "17.3 GB", "640 MB"."""
    return say("{n} GB", n=f"{count / GB:.1f}") if count >= GB / 10 else say("{n} MB", n=f"{count / 1e6:.1f}")


def _facts(row: ModelSpec, facts: Any, say: Say) -> dict[str, str]:
    """{name: value as HTML}; nothing for a model that comes with the project."""
    if not row.repo:
        return {}
    found = {}
    if not row.remote:
        free = gigabytes(facts.disk_free, say)
        fetch = say("{size} to download, {free} free", size=gigabytes(facts.fetch_bytes, say), free=free)
        found[say("Weights")] = html.escape(say("on this machine") if facts.downloaded else fetch)
    if not row.remote and "cpu" not in row.devices:
        found[say("Card")] = html.escape(_card(row, facts, say))
    found[say("Licence")] = _licence(row, facts, say)
    return found


def _card(row: ModelSpec, facts: Any, say: Say) -> str:
    if not facts.card_free:
        least, most = (gigabytes(memory(row, level), say) for level in ("layers", "whole"))
        return say("{least} (layer by layer) to {most} (all of it); there is none here", least=least, most=most)
    needs, level = gigabytes(facts.card_needed, say), say(LEVELS[facts.level])
    return say("needs {needs} ({level}), {free} free", needs=needs, level=level, free=gigabytes(facts.card_free, say))


def _licence(row: ModelSpec, facts: Any, say: Say) -> str:
    words = (f"{retold(facts.licence, say)}.", retold(facts.forbids, say))
    said = html.escape(" ".join(filter(None, words)))
    if not facts.gated:
        return said
    page = html.escape(f"https://huggingface.co/{row.repo}", quote=True)
    accept = html.escape(say("Accept it first"))
    return f'{said} <a href="{page}" target="_blank" rel="noopener noreferrer">{accept}</a>'


def _helps(task: str, say: Say) -> str:
    """Which model asks for least, where no model of the Hub can do the task here."""
    able = [row for row in catalog.specs() if task in row.tasks and row.repo and not row.remote]
    if not able or any(catalog.runs_here(row) is None for row in able):
        return ""
    least = min(able, key=lambda row: memory(row, "layers"))
    return say(
        "What asks for least is {model}, on an NVIDIA card with {size}; there, get it with: {command}",
        model=least.name,
        size=gigabytes(memory(least, "layers"), say),
        command=f"python -m studio models download {least.name}",
    )


def _ended(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."


def named(row: ModelSpec, say: Say | None = None) -> str:
    """A model in a list, with what stands in the way of it."""
    reason = catalog.runs_here(row)
    if reason is None:
        return row.name
    why = "to download" if shop.outlook(row).fetches else "cannot run here"
    return f"{row.name} \u00b7 {say(why) if say else why}"

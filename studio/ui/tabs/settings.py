"""About: the machine, the models and their licences, where things are kept, what the log says."""

import importlib.metadata
import os
import platform
import shutil

import gradio as gr

from pipelines import catalog, device
from pipelines.spec import ModelSpec
from studio import log
from studio.studio import Studio
from studio.ui import drawer, outlook, parts
from studio.ui.desk import FAST, Desk
from studio.ui.models import Models
from studio.ui.retold import retold, task_name
from studio.ui.words import Say, say_to

NAME = "About"
PACKAGES = ("rushes", "torch", "gradio", "diffusers", "transformers", "numpy")
GB = 1e9


def draw(page: gr.Blocks, studio: Studio, desk: Desk) -> None:
    """Draws the tab into `page`, which is being built; it is filled in whenever somebody opens it."""
    Models(desk)
    shown = gr.HTML("", elem_id="about", **parts.PLAIN)

    def fill(request: gr.Request) -> str:
        owner = desk.owner(request)
        return about(studio, say_to(request), admin=studio.people.is_admin(owner), owner=owner)

    desk.tab.select(fill, None, shown, **FAST)


def about(studio: Studio, say: Say, *, admin: bool, owner: str) -> str:
    """Everything as HTML. Where things are kept and the log are for the owner of the machine alone."""
    cards = [
        parts.facts(say("This machine"), machine(studio, say)),
        parts.facts(say("Your clips"), yours(studio, owner, say)),
        parts.facts(say("Versions"), versions(say)),
    ]
    if admin:
        cards.append(parts.facts(say("For the owner of this machine"), kept(studio, say)))
    if admin and (rows := queue(studio, say)):
        heads = [say(text) for text in ("Who", "Task", "Model", "Where it stands")]
        cards.append(parts.table(say("Everybody's queue"), heads, rows))
    heads = [say(text) for text in ("Model", "Does", "Licence", "Download", "Here")]
    cards.append(parts.table(say("Models"), heads, [model(row, say) for row in catalog.specs()]))
    if admin:
        cards.append(parts.lines(say("Log"), log.tail(studio.settings.data), say("Nothing went wrong so far.")))
    return f'<div class="about">{"".join(cards)}</div>'


def machine(studio: Studio, say: Say) -> dict[str, str]:
    """The device, the memory and the disk."""
    disk = shutil.disk_usage(studio.settings.data)
    return {
        say("Graphics card"): _card() or say("none: models run on the processor"),
        say("Processor"): say("{count} cores, {name}", count=os.cpu_count() or 1, name=platform.machine()),
        say("Free memory"): outlook.gigabytes(device.free_memory(), say),
        say("Free disk"): say("{free} of {all} GB", free=f"{disk.free / GB:.0f}", all=f"{disk.total / GB:.0f}"),
        say("System"): f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
    }


def yours(studio: Studio, owner: str, say: Say) -> dict[str, str]:
    """What whoever looks has here."""
    counts = studio.jobs.counts(owner)
    return {
        say("Takes made"): str(counts["done"]),
        say("Waiting or running"): str(counts["queued"] + counts["running"] + counts["interrupted"]),
        say("On the disk"): outlook.gigabytes(studio.gallery.bytes(owner), say),
    }


def versions(say: Say) -> dict[str, str]:
    """Packages and their versions; nothing is imported for that."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = say("from its folder") if name == "rushes" else say("not installed")
    return found


def kept(studio: Studio, say: Say) -> dict[str, str]:
    """Where this studio keeps its things, and how it is set up."""
    settings, counts = studio.settings, studio.jobs.counts(None)
    return {
        say("Data folder"): str(settings.data),
        say("Listens on"): f"{settings.host}:{settings.port}",
        say("Models work in"): say("a process of their own") if settings.runner == "process" else settings.runner,
        say("Jobs of everybody"): ", ".join(f"{count} {say(state)}" for state, count in counts.items() if count) or "0",
    }


def queue(studio: Studio, say: Say) -> list[list[str]]:
    """What waits and runs, whoever asked for it: never what they wrote, nor enough of a browser's name to be it."""
    return [
        [job.owner[:16], say(task_name(job.request.task)), job.request.model, drawer.standing(job, say)]
        for job in studio.jobs.every(over=False)
    ]


def model(row: ModelSpec, say: Say) -> list[str]:
    """One row of the table of models."""
    size = outlook.gigabytes(row.download_bytes, say) if row.download_bytes else say("comes with Rushes")
    tasks = ", ".join(say(task_name(task)) for task in row.tasks)
    return [row.name, tasks, row.licence, size, retold(catalog.runs_here(row) or "runs here", say)]


def _card() -> str:
    """The graphics cards by name and memory."""
    if (platform.system(), platform.machine()) == ("Darwin", "arm64"):
        return "Apple GPU"
    return ", ".join(f"{card.label}, {card.total_bytes / GB:.0f} GB" for card in device.cards())

"""The command `models`: what there is, what can run here, and fetching, adding and removing a model."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipelines import catalog
from pipelines.errors import BadRequest, Unavailable
from pipelines.hub import caches, language, loras, preflight, presence, registry, rows
from pipelines.requests import Download
from pipelines.spec import PRECISIONS, ModelSpec
from studio.settings import Settings
from studio.studio import Studio
from studio.terminal import Meter

Result = dict[str, Any]


def models(options: argparse.Namespace, settings: Settings) -> Result:
    """What can run here, what cannot and why."""
    return {"models": [_row(row) for row in catalog.specs()], "not_available": rows.NOT_AVAILABLE}


def download(options: argparse.Namespace, settings: Settings) -> Result:
    """Fetches a model of the Hub: licence and size are printed first."""
    from pipelines.hub import download as fetch

    row = _of_the_hub(options.name)
    meter = Meter(sys.stderr)
    for sentence in preflight.terms(row):
        meter.note(sentence)
    try:
        folder = fetch.download(row, progress=meter)
    finally:
        meter.close()
    return {"name": row.name, "commit": presence.commit(row), "folder": str(folder), "reason": presence.reason(row)}


def outlook(row: ModelSpec, *, measured_s: float | None = None) -> preflight.Facts:
    """What a click would do with a model, for a page: see `pipelines.hub.preflight`."""
    return preflight.facts(row, measured_s=measured_s)


def order(studio: Studio, name: str, owner: str) -> str:
    """Puts the download of a model into the queue of the machine's owner, and returns the job's id.

    Raises `BadRequest` for anybody else or for no model of the Hub, `Unavailable` where there is no network to use.
    """
    row = _of_the_hub(name)
    if not studio.people.is_admin(owner):
        raise BadRequest("model", f"only the owner of this machine may download {row.name}")
    if presence.offline():
        raise Unavailable(f"{row.name} cannot be fetched: this machine is set to offline (HF_HUB_OFFLINE)")
    for job in studio.jobs.list(None, over=False):
        if isinstance(job.request, Download) and job.request.model == name:
            return job.id
    return studio.jobs.submit(Download(model=name), owner)


def remove(options: argparse.Namespace, settings: Settings) -> Result:
    """Removes a downloaded model from the disk, or one of your own from the list."""
    from pipelines.hub import download as fetch

    if options.name in {row.name for row in rows.HUB}:
        row = catalog.spec(options.name)
        return {"name": row.name, "freed_bytes": fetch.delete(row, readers=readers(row))}
    registry.remove(options.name)
    return {"name": options.name, "freed_bytes": 0}


def readers(row: ModelSpec) -> list[ModelSpec]:
    """The person's own rows that read files of the same repository, and are whole."""
    return [other for other in registry.own() if other.repo == row.repo and presence.downloaded(other)]


def add(options: argparse.Namespace, settings: Settings) -> Result:
    """Adds a model of your own: a folder in diffusers' format, or with --like a GGUF file or owner/name on the Hub."""
    folder = Path(options.repo).expanduser()
    if folder.suffix == ".gguf":
        files = [folder, *([Path(options.second).expanduser()] if options.second else [])]
        return _added(registry.add_files(options.name, files, options.like or ""))
    repo = str(folder.absolute()) if folder.is_dir() else options.repo
    given = {"name": options.name, "repo": repo, "like": options.like, "precision": options.precision}
    given |= {"cards": options.cards, "compiled": options.compiled or None}
    return _added(registry.add({key: value for key, value in given.items() if value is not None}))


def _added(row: ModelSpec) -> Result:
    return {"name": row.name, "family": row.family, "tasks": list(row.tasks), "file": str(registry.place())}


def add_lora(options: argparse.Namespace, settings: Settings) -> Result:
    """Adds a LoRA, a small file of changes to the models of one family."""
    lora = loras.add(options.name, options.file, options.family)
    return {"name": lora.name, "family": lora.family, "file": str(registry.place())}


def remote(options: argparse.Namespace, settings: Settings) -> Result:
    """Allows (on) or forbids (off) models that run on other people's machines, which see the prompt and may cost."""
    registry.switch_remote(options.state == "on")
    return {"remote": registry.remote()}


def remote_on() -> bool:
    """Whether models on other people's machines are allowed here."""
    return registry.remote()


def writer(options: argparse.Namespace, settings: Settings) -> Result:
    """Names the language model that lengthens prompts: a folder, "off", or "auto" for a small one of the cache."""
    folder = language.choose("" if options.folder == "auto" else options.folder)
    return {"writer": language.title(folder) if folder else "rules", "folder": str(folder or "")}


def writer_named() -> str:
    """What people call the language model that lengthens prompts here; empty where rules do."""
    folder = language.find()
    return language.title(folder) if folder else ""


def writer_folder() -> str:
    """What was said about it: a folder, "off", or nothing."""
    return registry.writer()


def loras_for(row: ModelSpec) -> list[str]:
    """The names of the LoRA files that there are for a model."""
    return list(loras.known(row.family)) if "lora" in row.free else []


def lora_folder() -> Path:
    """Where a LoRA file is found without being added."""
    return loras.folder()


MOST_LORAS, STRONGEST = loras.MOST, loras.STRONGEST
lora_text, lora_parts = loras.written, loras.parse


ACTS: dict[str, Callable[[argparse.Namespace, Settings], Result]] = {
    "download": download,
    "add": add,
    "remove": remove,
    "add-lora": add_lora,
    "remote": remote,
    "writer": writer,
}
_NAME: dict[str, Any] = {"metavar": "NAME", "help": "the model, as `models` lists it"}
OPTIONS: dict[str, dict[str, dict[str, Any]]] = {
    "download": {"name": _NAME},
    "remove": {"name": _NAME},
    "add": {
        "name": {"metavar": "NAME", "help": "what you call it"},
        "repo": {
            "metavar": "FOLDER",
            "help": "a folder with a model_index.json, a .gguf file, or owner/name on the Hub",
        },
        "--like": {"metavar": "MODEL", "help": "the model whose settings it takes (default: found by its class)"},
        "--second": {"metavar": "FILE.gguf", "help": "the weights of the second expert, for models with two"},
        "--cards": {"type": int, "metavar": "N", "help": "how many cards share the work of a clip"},
        "--compiled": {"action": "store_true", "help": "compile its blocks at the first clip, on a CUDA card"},
        "--precision": {"metavar": "|".join(PRECISIONS), "help": "how its weights are kept on the card"},
    },
    "add-lora": {
        "name": {"metavar": "NAME", "help": "what requests call it"},
        "file": {"type": Path, "metavar": "FILE", "help": "a .safetensors file"},
        "--family": {"required": True, "metavar": "FAMILY", "help": "wan, ltx, ...: `models --json` says each model's"},
    },
    "remote": {"state": {"choices": ("on", "off")}},
    "writer": {"folder": {"metavar": "FOLDER|auto|off", "help": "a causal language model with a chat template"}},
}


def show(result: Result) -> str:
    """The table for people."""
    lines = [
        f"{row['name']:<24}{'runs here' if row['runs_here'] else row['reason']}  [{row['licence']}]"
        for row in result["models"]
    ]
    lines += [f"{name:<32} not to be had: {reason}" for name, reason in result["not_available"].items()]
    return "\n".join(lines)


def show_act(result: Result) -> str:
    """One line for each thing that is known now."""
    return "\n".join(f"{key}: {value}" for key, value in result.items() if value not in (None, "", 0))


def _of_the_hub(name: str) -> ModelSpec:
    row = catalog.spec(name)
    if not row.repo or row.remote:
        raise BadRequest("model", f"{row.name} is not a model to fetch")
    return row


def _row(row: ModelSpec) -> Result:
    reason = catalog.runs_here(row)
    return {
        "name": row.name,
        "family": row.family,
        "tasks": list(row.tasks),
        "runs_here": reason is None,
        "reason": reason,
        "download_bytes": row.download_bytes,
        "licence": row.licence,
        "forbids": row.forbids,
        "gated": row.gated,
        "about": row.about,
        "repo": row.repo,
        "revision": presence.commit(row) if row.repo and not row.remote else None,
        "faster": caches.about(row),
        "source": row.source,
    }

"""Which language model of this machine may lengthen prompts. Answers at once: no network, no torch."""

from pathlib import Path

from pipelines.errors import BadRequest
from pipelines.hub import presence, registry
from pipelines.hub.presence import json_object

# Looked for in the Hub's cache when nobody has named another: small, instructed, Apache-2.0 (known, not checked here).
USUAL = ("Qwen/Qwen3-0.6B", "Qwen/Qwen2.5-0.5B-Instruct")
OFF = "off"


def find() -> Path | None:
    """The folder that was named, else the first of `USUAL` in the cache; None: rules it is."""
    named = registry.writer()
    if named == OFF:
        return None
    if named:
        return Path(named)
    cached = (presence.main_snapshot(presence.repository(repo)) for repo in USUAL)
    return next((folder for folder in cached if folder and refusal(folder) is None), None)


def choose(text: str) -> Path | None:
    """Names a folder, "off" for rules only, or nothing for the usual ones. Raises `BadRequest` ("writer")."""
    text = text.strip()
    if text and text != OFF:
        try:
            text = str(Path(text).expanduser().absolute())
        except RuntimeError as error:
            raise BadRequest("writer", f"there is no folder {text[:40]!r}: {error}") from error
        if reason := refusal(Path(text)):
            raise BadRequest("writer", reason)
    registry.name_writer(text)
    return find()


def title(folder: Path) -> str:
    """What people call it: owner/name of a model in the cache, else the folder's name."""
    return presence.name_of(folder.parents[1]) if folder.parent.name == "snapshots" else folder.name


def refusal(folder: Path) -> str | None:
    """None if the folder holds a causal language model with a chat template, or one sentence on what is wrong."""
    config, tokenizer = json_object(folder / "config.json"), json_object(folder / "tokenizer_config.json")
    kinds = config.get("architectures")
    if not isinstance(kinds, list) or not any(str(kind).endswith("ForCausalLM") for kind in kinds):
        return f"{folder} has no config.json of a causal language model"
    if presence.own_code(folder):
        return f"{folder} brings code of its own, which is never run"
    if "chat_template" not in tokenizer and not (folder / "chat_template.jinja").is_file():
        return f"{folder} has no chat template, so it cannot be given an instruction"
    shards = json_object(folder / "model.safetensors.index.json").get("weight_map", {"": "model.safetensors"})
    if not isinstance(shards, dict):
        return f"{folder} lacks a list of its weights that can be read"
    if gone := [shard for shard in sorted(map(str, shards.values())) if not (folder / shard).is_file()]:
        return f"{folder} lacks {gone[0]}"
    return None

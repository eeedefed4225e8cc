"""The person's own models: rows read from a JSON file beside the rows of this project.

{"models": [{"name": "my-wan", "repo": "/models/my-wan", "like": "wan-2.1-1.3b", "steps": 30}],
 "loras": [{"name": "film-grain", "file": "/loras/grain.safetensors", "family": "wan"}], "remote": false, "writer": ""}
"""

import functools
import json
import os
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

import platformdirs

from pipelines.errors import BadRequest
from pipelines.hub import caches, presence
from pipelines.hub.families import FAMILIES
from pipelines.hub.rows import HUB, REMOTE
from pipelines.media import landing
from pipelines.requests import SHAPES, TASKS
from pipelines.spec import DEVICES, PRECISIONS, ModelSpec

# diffusers keeps small parts of some pipelines in its folders of pipelines, and names them by the folder.
LIBRARIES = ("diffusers", "transformers", "wan", "ltx", "ltx2", "stable_audio", "ace_step", "hunyuan_video1_5")
SHARED = ("wan", "lucy", "vace")  # whose steps several cards can share; LTX fails in diffusers 0.42.1
COMPILED = ("wan", "lucy", "vace", "anyflow", "ltx", "ltx2", "hunyuan", "longcat_audio")  # with blocks that repeat
SINGLE_FILES = ("wan", "lucy", "vace", "ltx", "ltx2")  # whose transformers diffusers 0.42.1 reads from one file
Check = Callable[[Any], bool]


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _whole(value: Any) -> bool:
    return type(value) is int and 0 < value < 2**31


def _size(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 3 and value[0] in SHAPES and all(map(_whole, value[1:]))


def _list(part: Check, *, least: int = 0) -> Check:
    return lambda value: isinstance(value, list) and len(value) >= least and all(map(part, value))


def _some_of(names: Collection[str]) -> Check:
    return _list(lambda value: isinstance(value, str) and value in names, least=1)


SETTINGS: dict[str, Check] = {  # what a row of one's own may say of itself
    **dict.fromkeys(("steps", "longest_frames", "frame_step"), _whole),
    "cards": lambda value: type(value) is int,  # `_check_hurry` says how many
    "compiled": lambda value: isinstance(value, bool),
    **dict.fromkeys(("guidance", "longest_s"), lambda value: type(value) in (int, float) and 0 <= value <= 1000),
    "sizes": _list(_size, least=1),
    "fps": _list(_whole, least=1),
    "tasks": _some_of(TASKS),
    "devices": _some_of(DEVICES),
    **dict.fromkeys(("free", "gguf"), _list(_text)),
    "mag_ratios": lambda value: isinstance(value, list),  # `_check_hurry` says what of
    **dict.fromkeys(("negative", "prompt_style", "licence", "forbids", "about", "revision", "precision"), _text),
}


def place() -> Path:
    """The file: `RUSHES_MODELS`, or models.json in the user's folder for settings."""
    named = os.environ.get("RUSHES_MODELS", "").strip()
    return Path(named) if named else platformdirs.user_config_path("rushes", appauthor=False) / "models.json"


def own() -> tuple[ModelSpec, ...]:
    """The rows of the file; empty without one. Raises `BadRequest` ("models") that says which row is wrong."""
    try:
        written = place().stat()
    except (FileNotFoundError, NotADirectoryError):
        return ()
    except OSError as error:
        raise _unusable(error) from error
    return _rows(place(), written.st_mtime_ns, written.st_size)


@functools.lru_cache(maxsize=1)
def _rows(file: Path, written_ns: int, size: int) -> tuple[ModelSpec, ...]:
    """The rows of a file that was last written then: a page asks many times for each look at it."""
    found = tuple(_row(entry) for entry in _read()["models"])
    names = [*_others(), *(row.name for row in found)]
    for row in found:
        if not row.name or names.count(row.name) > 1:
            raise BadRequest("models", f"{row.name[:40]!r} in {file} must have a name that no other model has")
    return found


def _others() -> set[str]:
    """The names of the models that are not one's own."""
    return {"mini", *(row.name for row in (*HUB, *REMOTE))}


def loras() -> list[dict[str, str]]:
    """The LoRA files that were added by hand: name, file and family of each. Raises `BadRequest` ("models")."""
    entries = _read()["loras"]
    for entry in entries:
        texts = isinstance(entry, dict) and all(isinstance(value, str) for value in entry.values())
        if not texts or entry.keys() != {"name", "file", "family"}:
            raise BadRequest("models", f"each of the loras in {place()} must have a name, a file and a family")
    return entries


def add_lora(entry: dict[str, str]) -> None:
    """Adds a file that `pipelines.hub.loras` has looked at, instead of another of its name."""
    table = _read()
    others = [each for each in table["loras"] if each["name"] != entry["name"]]
    _write(table | {"loras": [*others, entry]})


def remote() -> bool:
    """Whether the person has switched on the models that run on somebody else's machines."""
    return _read()["remote"] is True


def writer() -> str:
    """What the person has said about the language model for prompts: a folder, "off", or nothing."""
    return str(_read()["writer"])


def name_writer(text: str) -> None:
    """Remembers what `writer` returns."""
    _write(_read() | {"writer": text})


def permission(row: ModelSpec) -> str | None:
    """None if a remote row may be used, or what it still needs: the person's word, a token, a network."""
    from huggingface_hub import get_token

    if not remote():
        return f"{row.name} is switched off. {row.forbids} Switch it on with: python -m studio models remote on"
    if get_token() is None:
        return f"{row.name} needs a token of Hugging Face; give the studio one with: hf auth login"
    if presence.offline():
        return f"{row.name} needs the network, and this machine is set to offline (HF_HUB_OFFLINE)"
    return None


def add(entry: dict[str, Any]) -> ModelSpec:
    """Adds a model to the file and returns its row. Raises `BadRequest` for what would not load."""
    given = {"like": like(entry), **entry}
    row = _row(given)
    if Path(row.repo).is_absolute():
        check_code(Path(row.repo))
    if not row.name or row.name in _others() | {other.name for other in own()}:
        raise BadRequest("name", f"must be a name that no model has yet, got {row.name[:40]!r}")
    table = _read()
    _write(table | {"models": [*table["models"], given]})
    return row


def add_files(name: str, files: list[Path], base: str) -> ModelSpec:
    """Adds GGUF files, one for each transformer, with everything else from the row `base`: a Hub's or one's own.

    Raises `BadRequest` if the files, or their number, cannot be those of that model.
    """
    for file in files:
        if file.suffix != ".gguf" or not file.is_file():
            raise BadRequest("file", f"must be a .gguf file that exists, got {str(file)[:200]!r}")
    rows = {row.name: {"like": row.name, "repo": row.repo} for row in HUB}
    rows |= {entry["name"]: entry for entry in _read()["models"]}
    if base not in rows:
        raise BadRequest("like", f"must be a model with the other parts, as `models` lists it, got {base[:40]!r}")
    return add(rows[base] | {"name": name, "gguf": [str(file.absolute()) for file in files]})


def switch_remote(on: bool) -> None:
    """Allows or forbids the models that run on somebody else's machines."""
    _write(_read() | {"remote": on})


def remove(name: str) -> None:
    """Takes a model of one's own or a LoRA out of the file; its weights stay. Raises `BadRequest` if it is not in."""
    table = _read()
    left = {kind: [entry for entry in table[kind] if entry.get("name") != name] for kind in ("models", "loras")}
    if left == {kind: table[kind] for kind in left}:
        raise BadRequest("model", f"{name[:40]!r} is none of your own models, which are in {place()}")
    _write(table | left)


def like(entry: dict[str, Any]) -> str:
    """The row of this project that a folder is like, by the class in its model_index.json. Raises `BadRequest`."""
    if "like" in entry:
        return str(entry["like"])
    index = check_index(Path(str(entry.get("repo", ""))) / presence.INDEX)
    for row in HUB:
        if index["_class_name"] in {FAMILIES[row.family][task] for task in row.tasks}:
            return row.name
    raise AssertionError("check_index lets only known classes through")


def check_index(path: Path) -> dict[str, Any]:
    """A model_index.json whose classes are all known; no code of a model's own is ever run. Raises `BadRequest`."""
    try:
        index = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BadRequest("repo", f"{path} is not a {presence.INDEX} that can be read") from error
    known = {name for tasks in FAMILIES.values() for name in tasks.values()}
    if not isinstance(index, dict) or index.get("_class_name") not in known:
        found = index.get("_class_name") if isinstance(index, dict) else None
        raise BadRequest("repo", f"its class is {str(found)[:60]!r}; the studio loads {', '.join(sorted(known))}")
    for name, (library, kind) in presence.components(index).items():
        if library is not None and library not in LIBRARIES:
            raise BadRequest("repo", f"its {name} is {library}.{kind}, code of its own, which is never run")
    return index


def check_code(folder: Path) -> None:
    """Raises `BadRequest` for a model that has code, or names some: transformers would ask whether to run it."""
    if file := presence.own_code(folder):
        raise BadRequest("repo", f"{file} brings code of its own, which is never run")


def _row(entry: dict[str, Any]) -> ModelSpec:
    rows = {row.name: row for row in HUB}
    name, repo, base = (entry.get(key, "") for key in ("name", "repo", "like"))
    if not all(isinstance(value, str) for value in (name, repo, base)) or base not in rows:
        raise BadRequest("models", f"{str(name)[:40]!r} in {place()} must have a name, a repo and a row it is like")
    for key, value in entry.items():
        if key not in ("name", "repo", "like") and not (key in SETTINGS and SETTINGS[key](value)):
            raise BadRequest("models", f"{name[:40]!r} in {place()}: {key} is unknown or of the wrong kind")
    if able := set(entry.get("tasks", ())) - FAMILIES[rows[base].family].keys():
        raise BadRequest("models", f"{name[:40]!r} in {place()}: what is like {base} does not do {min(able)}")
    if entry.get("precision", "bf16") not in PRECISIONS:
        raise BadRequest("models", f"{name[:40]!r}: precision must be one of {', '.join(PRECISIONS)}")
    if entry.get("precision", "bf16") != "bf16" and not any(
        part.startswith("transformer") for part, _ in rows[base].parts
    ):
        raise BadRequest("models", f"{name[:40]!r}: {base} has no transformer to keep in {entry['precision']}")
    given = {key: _frozen(value) for key, value in entry.items() if key in SETTINGS}
    local = Path(repo).is_absolute()
    own_weights = {"parts": _parts(Path(repo)), "download_bytes": 0} if local else {}
    fits = {"devices": DEVICES, "working_bytes": 0} if local else {}
    row = replace(rows[base], **{"source": "your own", "name": name, "repo": repo} | own_weights | fits | given)
    _check_hurry(row)
    if row.precision in ("int8", "nf4") or row.cards > 1:  # bitsandbytes, and more than one of what there is once
        row = replace(row, devices=("cuda",))
    if row.cards > 1:  # each would decide for itself what to skip
        row = replace(row, free=tuple(name for name in row.free if name != "faster"))
    return _from_files(row) if row.gguf else row


def _from_files(row: ModelSpec) -> ModelSpec:
    """The row with the sizes of its GGUF files, which may be gone meanwhile."""
    parts = dict(row.parts)
    networks = [part for part in parts if part.startswith("transformer")]
    if row.family not in SINGLE_FILES:
        raise BadRequest("models", f"{row.name[:40]!r}: GGUF files are read for {', '.join(SINGLE_FILES)} only")
    if len(networks) != len(row.gguf) or row.precision != "bf16":
        raise BadRequest("models", f"{row.name[:40]!r} needs {len(networks)} GGUF files, in bf16, not {len(row.gguf)}")
    rest = sum(size for part, size in parts.items() if part not in networks)
    files = map(Path, row.gguf)
    parts |= {part: file.stat().st_size if file.is_file() else 0 for part, file in zip(networks, files, strict=True)}
    return replace(row, parts=tuple(parts.items()), download_bytes=rest if row.download_bytes else 0)


def _check_hurry(row: ModelSpec) -> None:
    if not 1 <= row.cards <= 8 or (row.cards > 1 and row.family not in SHARED):
        raise BadRequest("models", f"{row.name[:40]!r}: cards must be 1 to 8, and 1 but for {', '.join(SHARED)}")
    if row.compiled and row.family not in COMPILED:
        raise BadRequest("models", f"{row.name[:40]!r}: compiled serves {', '.join(COMPILED)}")
    if "faster" in row.free and row.family not in caches.CACHES:
        raise BadRequest("models", f"{row.name[:40]!r}: free must not have faster: {caches.NONE[row.family]}")
    if not all(isinstance(ratio, int | float) and 0 < ratio < 10 for ratio in row.mag_ratios):
        raise BadRequest("models", f"{row.name[:40]!r}: mag_ratios must be a list of numbers between 0 and 10")
    if row.mag_ratios and not caches.magnitudes_fit(row):
        raise BadRequest("models", f"{row.name[:40]!r}: mag_ratios serve models of Wan and LTX-Video with one network")


def _frozen(value: Any) -> Any:
    return tuple(_frozen(part) for part in value) if isinstance(value, list) else value


def _parts(folder: Path) -> tuple[tuple[str, int], ...]:
    """Bytes of the weights of each part."""
    sizes: dict[str, int] = {}
    for file in sorted(folder.glob("*/*.safetensors")):
        sizes[file.parent.name] = sizes.get(file.parent.name, 0) + file.stat().st_size
    return tuple(sizes.items())


def _read() -> dict[str, Any]:
    empty: dict[str, Any] = {"models": [], "loras": [], "remote": False, "writer": ""}
    try:
        table = json.loads(place().read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return empty
    except OSError as error:
        raise _unusable(error) from error
    except (ValueError, RecursionError) as error:
        raise BadRequest("models", f"{place()} is not JSON") from error
    objects = _list(lambda entry: isinstance(entry, dict))
    if not isinstance(table, dict) or not all(objects(table.get(key, [])) for key in ("models", "loras")):
        raise BadRequest("models", f"{place()} must be an object with lists of models and loras, each an object")
    return empty | table


def _unusable(error: OSError) -> BadRequest:
    return BadRequest("models", f"{place()} cannot be used ({error.strerror}); name another file with RUSHES_MODELS")


def _write(table: dict[str, Any]) -> None:
    """Replaces the file in one step, so that a power cut leaves the old one or the new one."""
    path = place()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with landing.replacing(path) as part:
            part.write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise _unusable(error) from error

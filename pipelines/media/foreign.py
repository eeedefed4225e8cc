"""Settings read back from a file: made here, by Stable Diffusion web UI (A1111) and its kin, or by ComfyUI.

What another program wrote is somebody's word: every field passes the strict parser, what does not fit is named, and
reading takes time in proportion to the length, whatever the text is.
"""

import json
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from math import gcd
from pathlib import Path
from typing import Any

from pipelines.consent import STATEMENTS
from pipelines.errors import BadRequest
from pipelines.media import door, tags
from pipelines.requests import ASPECTS, TASKS, TextToVideo, any_file, request_from_dict

LARGEST = 2**20  # characters of settings
# Stands in for what a request cannot do without while its fields are looked at one by one.
NEEDED = {
    "prompt": "x", "image": any_file("image"), "face": any_file("image"), "video": any_file("video"),
    "consent": next(iter(STATEMENTS)),
}  # fmt: skip
Fields = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a file says about how it was made.

    `source` is "Rushes", "A1111" or "ComfyUI"; `fields` are those of a request, with its task, all of them valid;
    `notes` are sentences on what could not be taken over.
    """

    source: str
    fields: Fields
    notes: tuple[str, ...] = ()


def settings_of(path: Path) -> Found | None:
    """The settings inside a picture (png, jpeg, webp) or film (mp4, mov, mkv, webm); None if there are none.

    Raises `BadRequest` ("file") if it is neither. Pixels are not read.
    """
    texts = _texts(path)
    for source, key, read in (
        ("Rushes", "rushes", _ours),
        ("Rushes", "comment", _ours),
        ("A1111", "parameters", _a1111),
        ("ComfyUI", "prompt", _comfy),
    ):
        if key in texts and (fields := read(texts[key][:LARGEST])):
            return _checked(source, fields)
    return None


def _checked(source: str, fields: Fields) -> Found:
    """Only what the one parser of requests takes, field by field."""
    task = fields.pop("task", TextToVideo.task)
    if not isinstance(task, str) or task not in TASKS:
        return Found(source=source, fields={}, notes=(f"task: there is no {str(task)[:40]!r} here",))
    needed = {name: value for name, value in NEEDED.items() if name in TASKS[task].__dataclass_fields__}
    good, notes = {"task": task}, []
    for name, value in sorted(fields.items()):  # `fps` before `seconds`, which are whole frames only with it
        try:
            request_from_dict(needed | good | {name: value})
            good[name] = value
        except BadRequest as error:
            notes.append(str(error))
    return Found(source=source, fields=good, notes=tuple(notes))


def _texts(path: Path) -> dict[str, str]:
    """Every text in a file's metadata by its key, read in the cage like everything that strangers send."""
    kind = door.kind(path) if path.is_file() else None
    if kind is None:
        what = "is not a picture or film that can be read" if path.is_file() else "is not there"
        raise BadRequest("file", f"{path.name} {what}")
    found = door.texts(path, asked="file") if door.PICTURE in kind.serves else _container(path)
    ours = tags.read(path)
    return found | ({"rushes": ours} if ours else {})


def _container(path: Path) -> dict[str, str]:
    """The tags of a film."""
    done = door.decode(path, ["-f", "ffmetadata", "-"], "file", door.Limits(), serves=door.SOUND)
    if done.status:
        raise BadRequest("file", f"{path.name} is not a picture or film that can be read")
    return {_plain(key).lower(): _plain(value) for key, value in _pairs(done.out.decode(errors="replace"))}


def _pairs(listed: str) -> Iterator[tuple[str, str]]:
    """Tags as ffmpeg lists them, before the first [section]: key=value, escaped by backslashes, as line ends are."""
    lines = re.findall(r"(?:\\.|[^\\\n])+", listed, re.DOTALL)
    for line in takewhile(lambda line: line[0] != "[", lines):
        if pair := re.match(r"((?:\\.|[^\\=;#])+)=(.*)", line, re.DOTALL):
            yield pair[1], pair[2]


def _plain(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _ours(text: str) -> Fields:
    found = _object(text)
    return found if "task" in found else {}


def _a1111(text: str) -> Fields:
    """The prompt, a line "Negative prompt: ...", and a last line "Steps: 20, CFG scale: 7, Size: 512x768, ..."."""
    body, _, last = text.strip().rpartition("\n")
    # A name begins only where a pair may: anywhere, each letter of a long word would be tried as a beginning.
    pairs = dict(re.findall(r'(?:^|, )([\w ./-]+): ("(?:\\.|[^\\"])*"|[^,]*)(?=, |,?$)', last))
    if "Steps" not in pairs:
        body, pairs = text.strip(), {}
    prompt, _, negative = body.partition("\nNegative prompt:")
    if prompt.startswith("Negative prompt:"):
        prompt, negative = "", prompt.removeprefix("Negative prompt:")
    fields = {"prompt": prompt.strip(), "negative": negative.strip()}
    for name, key in (("steps", "Steps"), ("seed", "Seed"), ("guidance", "CFG scale")):
        if key in pairs:
            fields[name] = _number(pairs[key])
    size = re.fullmatch(r"(\d{1,5})x(\d{1,5})", pairs.get("Size", ""))
    return fields | (_shape(int(size[1]), int(size[2])) if size else {})


def _number(text: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _shape(width: int, height: int) -> Fields:
    """The aspect if it is exactly one of ours; else what it is, for the parser to refuse with a sentence."""
    if not width or not height:
        return {}
    aspect = f"{width // gcd(width, height)}:{height // gcd(width, height)}"
    near = {a: abs(width / height - _ratio(a)) for a in ASPECTS}
    close = min(near, key=near.get)
    # 832 x 480 and the like are what models of a 16:9 family really make
    return {"aspect": close if near[close] <= 0.03 * _ratio(close) else aspect}


def _ratio(aspect: str) -> float:
    width, height = map(int, aspect.split(":"))
    return width / height


def _comfy(text: str) -> Fields:
    """What flows into the first sampler of a graph {node: {"class_type", "inputs": {name: value | [node, slot]}}}."""
    graph = {key: node["inputs"] for key, node in _object(text).items() if _is_node(node)}
    for inputs in graph.values():
        if "positive" in inputs and ("steps" in inputs or "cfg" in inputs) or "guider" in inputs:
            return _sampled(graph, inputs)
    return {}


def _is_node(node: Any) -> bool:
    return isinstance(node, dict) and isinstance(node.get("inputs"), dict)


def _sampled(graph: dict[str, Fields], sampler: Fields) -> Fields:
    around = [sampler, *(_node(graph, sampler.get(name)) for name in ("guider", "noise", "sigmas"))]
    every: Fields = {}
    for inputs in reversed(around):
        every |= inputs
    fields: Fields = {
        "prompt": _first(graph, every.get("positive", every.get("conditioning")), ("text", "prompt"), str)
    }
    fields["negative"] = _first(graph, every.get("negative"), ("text", "prompt"), str)
    fields["seed"] = _first(graph, every.get("seed", every.get("noise_seed")), ("seed", "value"), int)
    fields["steps"] = _first(graph, every.get("steps"), ("steps", "value"), int)
    fields["guidance"] = _first(graph, every.get("cfg"), ("cfg", "value"), (int, float))
    latent = sampler.get("latent_image")
    width, height = (_first(graph, latent, (side,), int) for side in ("width", "height"))
    known = {name: value for name, value in fields.items() if value is not None}
    return known | (_shape(width, height) if width and height else {})


def _node(graph: dict[str, Fields], link: Any) -> Fields:
    """The inputs of the node that a link [node, slot] comes from."""
    linked = isinstance(link, list) and len(link) == 2 and isinstance(link[0], str)
    return graph.get(link[0], {}) if linked else {}


def _first(graph: dict[str, Fields], value: Any, names: tuple[str, ...], kind: Any) -> Any:
    """A value itself, or the nearest input of one of these names in the nodes that it comes from."""
    seen: set[int] = set()
    waiting = deque([value])
    while waiting:
        value = waiting.popleft()
        if isinstance(value, kind) and not isinstance(value, bool):
            return value
        inputs = _node(graph, value)
        if inputs and id(inputs) not in seen:
            seen.add(id(inputs))
            named = [inputs[name] for name in names if name in inputs]
            waiting += named or [other for other in inputs.values() if isinstance(other, list)]
    return None

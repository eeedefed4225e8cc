"""LoRA files: which there are for a family, what a request asks of them, and whose a file is. Loads nothing heavy.

They come from the person's registry, from the folder `loras` beside it, and from the Hub's cache. Whose a file is says
its header: the names of the blocks differ between families, and nothing else of the file is read.
"""

import functools
import json
import math
import re
import struct
from dataclasses import dataclass
from pathlib import Path

from pipelines.errors import BadRequest
from pipelines.hub import presence, registry
from pipelines.hub.families import FAMILIES

MOST, STRONGEST = 4, 4.0  # files for one clip; beyond that strength nothing but noise comes out
LARGEST_HEADER = 16 << 20  # bytes
TRAINED = re.compile(r"\.(lora[_.](A|B|up|down|alpha)|alpha\b|diff)")  # of diffusers, peft, kohya and Wan's own trainer
ONE_EXPERT = re.compile(r"(?<![a-z])((?P<high>high)|(?P<low>low))([-_ ]?noise|$| )")
WAN_BLOCK = re.compile(r"(^|[._])(vace_)?blocks[._]\d+[._](self_attn|cross_attn|attn1|attn2|ffn)", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Lora:
    """A small file of changes to the weights of one family."""

    name: str
    file: str
    family: str


def known(family: str) -> dict[str, Lora]:
    """The LoRA files for one family, by name: those that were added by hand first; they hide others of their name."""
    added = registry.loras()
    found = {
        name: Lora(name=name, file=str(file), family=family) for name, file in _found() if not refusal(file, family)
    }
    here = {entry["name"]: Lora(**entry) for entry in added if entry["family"] == family}
    return here | {name: lora for name, lora in found.items() if name not in {entry["name"] for entry in added}}


def parse(text: str) -> list[tuple[str, float]]:
    """The one parser of what a request says: "grain=0.8, ink" to names with strengths. Raises `BadRequest` ("lora")."""
    picked = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, number = (piece.strip() for piece in part.partition("="))
        try:
            strength = float(number or 1)
        except ValueError as error:
            raise BadRequest("lora", f"the strength of {name[:40]} must be a number, got {number[:20]!r}") from error
        if not math.isfinite(strength) or abs(strength) > STRONGEST:
            raise BadRequest("lora", f"the strength of {name[:40]} must be from -{STRONGEST:g} to {STRONGEST:g}")
        picked.append((name, strength))
    names = [name for name, _ in picked]
    if len(names) > MOST or len(set(names)) < len(names):
        raise BadRequest("lora", f"names at most {MOST} files, each of them once")
    return picked


def written(picked: list[tuple[str, float]]) -> str:
    """What `parse` reads back."""
    return ", ".join(f"{name}={strength:g}" for name, strength in picked)


def chosen(family: str, text: str) -> list[tuple[Lora, float]]:
    """The LoRAs that a request names, with their strengths. Raises `BadRequest` ("lora") for what is not there, cannot
    be read or was made for another family."""
    here, picked = known(family), []
    for name, strength in parse(text):
        if name not in here:
            raise BadRequest("lora", _missing(family, name, here))
        if reason := refusal(Path(here[name].file), family):
            raise BadRequest("lora", f"{name}: {reason}")
        picked.append((here[name], strength))
    return picked


def expert(lora: Lora) -> str:
    """Of two networks that share the steps, the one that a file says it is for: "high" noise, "low", or "" for both."""
    found = ONE_EXPERT.search(f"{lora.name} {Path(lora.file).stem}".lower())
    return found["high"] or found["low"] if found else ""


def add(name: str, file: Path, family: str) -> Lora:
    """Adds a LoRA to the registry. Raises `BadRequest` for a family that there is not, or a file that is not of it."""
    if family not in FAMILIES:
        raise BadRequest("family", f"must be one of {', '.join(FAMILIES)}, got {family[:40]!r}")
    if not name.strip() or set(name) & set(",="):
        raise BadRequest("name", f"must be a name without , and =, got {name[:40]!r}")
    if file.suffix != ".safetensors" or not file.is_file():
        raise BadRequest("file", f"must be a .safetensors file that exists, got {str(file)[:200]!r}")
    if reason := refusal(file, family):
        raise BadRequest("file", reason)
    lora = Lora(name=name, file=str(file.absolute()), family=family)
    registry.add_lora({"name": lora.name, "file": lora.file, "family": lora.family})
    return lora


def refusal(file: Path, family: str) -> str | None:
    """None if the file is a LoRA for this family, or one sentence."""
    families = _families(file)
    if families is None:
        return f"{file.name} is not a .safetensors file that can be read"
    if not families:
        return f"{file.name} is not a LoRA of a family that the studio knows"
    return None if family in families else f"{file.name} was made for {' or '.join(families)}, not for {family}"


def _missing(family: str, name: str, here: dict[str, Lora]) -> str:
    others = [entry["family"] for entry in registry.loras() if entry["name"] == name]
    others += [other for found, file in _found() if found == name for other in _families(file) or ()]
    if others:
        return f"{name[:40]} was made for {' or '.join(dict.fromkeys(others))}, not for {family}"
    have = ", ".join(here) or f"none yet; put one into {folder()}"
    return f"there is no LoRA {name[:40]!r} for {family}; there is: {have}"


def folder() -> Path:
    """Where a file is found without being added: `loras` beside the registry."""
    return registry.place().parent / "loras"


def _found() -> list[tuple[str, Path]]:
    """(name, file) of the folder and of the Hub's cache. Names are without what separates them in a request."""
    files = [(file.stem, file) for file in sorted(folder().glob("*.safetensors"))]
    for repo, place in presence.repositories().items():
        files += [(f"{repo}/{file.stem}", file) for file in _of_repository(place)]
    return [(re.sub(r"[,=]+", "-", name), file) for name, file in files]


def _of_repository(place: Path) -> list[Path]:
    """The files at the top of the newest snapshot; a repository with a model of its own has no LoRA there."""
    snapshot = presence.main_snapshot(place)
    if snapshot is None or (snapshot / presence.INDEX).exists() or (snapshot / "config.json").exists():
        return []
    return sorted(snapshot.glob("*.safetensors"))


def _families(file: Path) -> tuple[str, ...] | None:
    """The families whose blocks a file changes, none for no LoRA that is known; None if it cannot be read."""
    try:
        about = file.stat()
        return _read(file, about.st_mtime_ns, about.st_size)
    except (OSError, ValueError, TypeError, struct.error):
        return None


@functools.lru_cache(maxsize=512)
def _read(file: Path, written_ns: int, size: int) -> tuple[str, ...]:
    """By the names of the tensors in a file that was last written then."""
    with file.open("rb") as source:
        length = struct.unpack("<Q", source.read(8))[0]
        if length > min(LARGEST_HEADER, size):
            raise ValueError("its header is longer than the file")
        names = [name for name in dict(json.loads(source.read(length))) if name != "__metadata__"]
    text = "\n".join(names)
    if not any(map(TRAINED.search, names)) or "add_q_proj" in text:  # the latter of HunyuanVideo
        return ()
    if "transformer_blocks" in text:
        return ("ltx2",) if "audio_" in text or "_to_audio" in text else ("ltx", "ltx2")
    return ("wan", "vace", "lucy") if WAN_BLOCK.search(text) else ()

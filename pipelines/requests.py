"""What can be asked for: one frozen dataclass of plain data per task.

A request pickles (worker process, ZeroGPU), goes to JSON (queue, provenance, API) and checks itself.
Its fields draw the forms, so their types are real types: no `from __future__ import annotations` here.
"""

import dataclasses
import json
import math
import re
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, ClassVar, Self

from pipelines.consent import Consented
from pipelines.errors import BadRequest

ASPECTS = ("1:1", "16:9", "9:16", "4:3", "3:4")
SHAPES = (*ASPECTS, "3:2", "2:3")
LONGEST_PROMPT = 2_000
# What the studio's door keeps of an upload; a request names the file by its content.
MEDIA = {"image": ("png", "jpg", "webp"), "video": ("mp4",), "sound": ("wav",)}
CLOSE = 1e-3  # of a frame: 25 of them at 24 fps are 1.04167 s
REFERENCE = re.compile(r"inputs/[0-9a-f]{64}\.[a-z0-9]{3,4}")


def any_file(media: str) -> str:
    """A reference that stands for a file which is not taken in yet, so that the rest of a request can be checked."""
    return f"inputs/{'0' * 64}.{MEDIA[media.split('|', maxsplit=1)[0]][0]}"


def knob(default: Any, label: str, **widget: Any) -> Any:
    """A field and how to show it: `low`, `high`, `choices`, `longest` (characters), `required`, `advanced`.

    `media` names the kind of file that a text field refers to: "image", "video" or "sound", or several with "|".
    """
    return field(default=default, metadata={"label": label, **widget})


@dataclass(frozen=True, kw_only=True)
class Request:
    """What every task shares. Raises `BadRequest` when a field has the wrong type or is out of range."""

    task: ClassVar[str]
    model: str = knob("mini", "Model")
    seed: int = knob(0, "Seed", low=0, high=2**31 - 1)

    def __post_init__(self) -> None:
        for spec in dataclasses.fields(self):
            object.__setattr__(self, spec.name, _checked(spec, getattr(self, spec.name)))

    def to_dict(self) -> dict[str, Any]:
        """Plain data with the task's name; `request_from_dict` reads it back."""
        return {"task": self.task, **dataclasses.asdict(self)}

    def to_json(self) -> str:
        return json.dumps(self.to_dict(), sort_keys=True, ensure_ascii=False)

    @classmethod
    def media_fields(cls) -> tuple[str, ...]:
        """The fields that refer to files."""
        return tuple(spec.name for spec in dataclasses.fields(cls) if "media" in spec.metadata)

    def references(self) -> dict[str, str]:
        """What the studio has taken in for this request, by the field that names it."""
        return {name: value for name in self.media_fields() if REFERENCE.fullmatch(value := getattr(self, name))}

    def located(self, data: PurePath) -> Self:
        """The same request with every reference as an absolute path below the data folder: for pipelines only."""
        found = {name: str(data / reference) for name, reference in self.references().items()}
        return dataclasses.replace(self, **found)


@dataclass(frozen=True, kw_only=True)
class Prompted(Request):
    """What every task shares that starts from words."""

    prompt: str = knob("", "Prompt", longest=LONGEST_PROMPT, required=True, lines=3)
    negative: str = knob("", "Negative prompt", longest=LONGEST_PROMPT, lines=1, advanced=True)
    steps: int = knob(50, "Steps", low=1, high=1000, advanced=True)
    guidance: float = knob(4.0, "Guidance", low=0.0, high=20.0, advanced=True)
    faster: bool = knob(False, "Faster, a little less exact", advanced=True)
    lora: str = knob("", "LoRA: name, or name=strength, ...", longest=300, lines=1, advanced=True)


@dataclass(frozen=True, kw_only=True)
class Filmed(Prompted):
    """What every task shares whose length and shape are free. `resolution` is the short side; 0 is the model's own."""

    seconds: float = knob(4.0, "Seconds", low=1, high=16)
    aspect: str = knob("1:1", "Shape", choices=SHAPES)
    fps: int = knob(16, "Frames per second", low=1, high=60, advanced=True)
    resolution: int = knob(0, "Short side in pixels", low=0, high=2160, advanced=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        asked = self.seconds * self.fps
        if self.moves and abs(asked - round(asked)) > CLOSE:
            whole = f"{math.floor(asked) / self.fps:.5f}".rstrip("0").rstrip(".")
            raise BadRequest(
                "seconds", f"{self.seconds:g} s at {self.fps} fps is not a whole number of frames; {whole} would be"
            )

    @property
    def moves(self) -> bool:
        """Whether a clip is asked for, not a still."""
        return True

    @property
    def frames(self) -> int:
        """How many frames are asked for."""
        return round(self.seconds * self.fps) if self.moves else 1


@dataclass(frozen=True, kw_only=True)
class TextToVideo(Filmed):
    """A sentence in, a clip (or a still) out. `seconds` is ignored by a still, which has one frame."""

    task: ClassVar[str] = "text-to-video"
    still: bool = knob(False, "Still")

    @property
    def moves(self) -> bool:
        return not self.still


@dataclass(frozen=True, kw_only=True)
class ImageToVideo(Filmed):
    """A picture becomes the first frame of a clip, and maybe another its last. Each is cropped to the shape."""

    task: ClassVar[str] = "image-to-video"
    image: str = knob("", "First frame", media="image", required=True)
    last: str = knob("", "Last frame", media="image")


@dataclass(frozen=True, kw_only=True)
class Personalize(Consented, Filmed):
    """A clip with the face or the thing of a picture in it, which somebody has a right to use."""

    task: ClassVar[str] = "personalize"
    face: str = knob("", "Picture of the face or thing", media="image", required=True)


@dataclass(frozen=True, kw_only=True)
class EditVideo(Prompted):
    """A clip changed as the prompt says, frame by frame as long as it was.

    White in `mask` is made anew and black stays; `strength` is how far a model may leave the clip.
    """

    task: ClassVar[str] = "edit"
    video: str = knob("", "Clip", media="video", required=True)
    mask: str = knob("", "Only where this is white", media="image|video", advanced=True)
    strength: float = knob(0.8, "Strength", low=0.0, high=1.0, advanced=True)
    resolution: int = knob(0, "Short side in pixels", low=0, high=2160, advanced=True)


@dataclass(frozen=True, kw_only=True)
class VideoToSound(Prompted):
    """A sound for a clip, whose pictures stay as they are. Words may say what to hear."""

    task: ClassVar[str] = "video-to-sound"
    prompt: str = knob("", "What it sounds like", longest=LONGEST_PROMPT, lines=2)
    video: str = knob("", "Clip", media="video", required=True)


@dataclass(frozen=True, kw_only=True)
class TextToSound(Prompted):
    """Sound or music from words. `lyrics` are sung by models that sing."""

    task: ClassVar[str] = "text-to-sound"
    seconds: float = knob(10.0, "Seconds", low=1, high=300)
    lyrics: str = knob("", "Lyrics", longest=4_000, lines=4, advanced=True)


@dataclass(frozen=True, kw_only=True)
class Upscale(Request):
    """The same clip with sides `factor` times as long."""

    task: ClassVar[str] = "upscale"
    video: str = knob("", "Clip", media="video", required=True)
    factor: int = knob(2, "Times", low=2, high=4)


@dataclass(frozen=True, kw_only=True)
class Aside(Request):
    """What makes no clip and goes on beside those that do. Nobody asks for it from outside: the parser reads it only
    where it is told to."""


@dataclass(frozen=True, kw_only=True)
class Download(Aside):
    """The weights of `model` from the Hub, as a job of whoever owns the machine."""

    task: ClassVar[str] = "download"


@dataclass(frozen=True, kw_only=True)
class Rewrite(Aside):
    """A longer prompt as `model` likes it, by a language model of this machine; who asks reads it before it is used."""

    task: ClassVar[str] = "rewrite"
    prompt: str = knob("", "Prompt", longest=LONGEST_PROMPT, required=True)


TASKS: dict[str, type[Request]] = {
    cls.task: cls for cls in (TextToVideo, ImageToVideo, Personalize, EditVideo, VideoToSound, TextToSound, Upscale)
}
ASIDE: dict[str, type[Aside]] = {cls.task: cls for cls in (Download, Rewrite)}


def request_from_dict(data: Any, *, stored: bool = False) -> Request:
    """The one strict parser: plain data (UI, API, queue, file) to a request. Raises `BadRequest`.

    `stored`: the data is the studio's own, from its table of jobs, where an `Aside` may be.
    """
    if not isinstance(data, dict):
        raise BadRequest("request", "must be an object with a task and its fields")
    data = dict(data)
    known = TASKS | ASIDE if stored else TASKS
    cls = known.get(data.pop("task", None)) if isinstance(data.get("task"), str) else None
    if cls is None:
        raise BadRequest("task", f"must be one of: {', '.join(TASKS)}")
    unknown = sorted(map(str, set(data) - {spec.name for spec in dataclasses.fields(cls)}))
    if unknown:
        raise BadRequest(unknown[0], f"{cls.task} has no such field")
    for name in cls.media_fields():  # a path would let a caller read the files of this machine
        if isinstance(data.get(name), str) and data[name] and not REFERENCE.fullmatch(data[name]):
            raise BadRequest(name, "must be a file that the studio has taken in: inputs/<sha256>.<ending>")
    return cls(**data)


def _checked(spec: dataclasses.Field, value: Any) -> Any:
    """The value of one field, or `BadRequest`. A whole number is accepted where a fraction is, nothing else."""
    name, rules = spec.name, spec.metadata
    if type(value) is not spec.type and not (spec.type is float and type(value) is int):
        kinds = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}
        raise BadRequest(name, f"must be {kinds[spec.type]}, got {str(value)[:40]!r}")
    if spec.type is str and not _encodable(value):
        raise BadRequest(name, "has characters that are not text (UTF-8)")
    if "low" in rules and not rules["low"] <= value <= rules["high"]:  # also catches nan
        low, high = (f"{rules[end]:.15g}" for end in ("low", "high"))
        raise BadRequest(name, f"must be between {low} and {high}, got {str(value).removesuffix('.0')[:40]}")
    if "choices" in rules and value not in rules["choices"]:
        raise BadRequest(name, f"must be one of {', '.join(rules['choices'])}, got {value[:40]!r}")
    if rules.get("required") and not value.strip():
        raise BadRequest(name, "is missing" if "media" in rules else "is empty; say in a sentence what should be seen")
    if "media" in rules and value:
        _check_media(name, value, rules["media"])
    if "longest" in rules and len(value) > rules["longest"]:
        raise BadRequest(name, f"is {len(value)} characters long; {rules['longest']} is the most")
    return float(value) if spec.type is float else value  # only now: a number of 400 digits has no float


def _check_media(name: str, value: str, kinds: str) -> None:
    """Either a reference to what the door has taken in, or an absolute path; with an ending of its kind."""
    endings = [ending for kind in kinds.split("|") for ending in MEDIA[kind]]
    if not REFERENCE.fullmatch(value) and (not PurePath(value).is_absolute() or "\0" in value):
        raise BadRequest(name, "must be inputs/<sha256>.<ending> or a whole path")
    if PurePath(value).suffix.lower().removeprefix(".") not in endings:
        raise BadRequest(name, f"must be a file that ends in {', '.join(endings)}")


def _encodable(text: str) -> bool:
    """False for half a surrogate pair, which is what a command line hands over for bytes that are not UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True

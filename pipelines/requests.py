"""What can be asked for: one frozen dataclass of plain data per task.

A request pickles (worker process, ZeroGPU), goes to JSON (queue, provenance, API) and checks itself.
Its fields draw the forms, so their types are real types: no `from __future__ import annotations` here.
"""

import dataclasses
import json
import math
from dataclasses import dataclass, field
from typing import Any, ClassVar

from pipelines.errors import BadRequest

ASPECTS = ("1:1", "16:9", "9:16", "4:3", "3:4")
LONGEST_PROMPT = 2_000


def knob(default: Any, label: str, **widget: Any) -> Any:
    """A field and how to show it: `low`, `high`, `choices`, `longest` (characters), `required`, `advanced`."""
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


@dataclass(frozen=True, kw_only=True)
class TextToVideo(Request):
    """A sentence in, a clip (or a still) out. `seconds` is ignored by a still, which has one frame."""

    task: ClassVar[str] = "text-to-video"
    prompt: str = knob("", "Prompt", longest=LONGEST_PROMPT, required=True, lines=3)
    negative: str = knob("", "Negative prompt", longest=LONGEST_PROMPT, lines=1, advanced=True)
    still: bool = knob(False, "Still")
    seconds: float = knob(4.0, "Seconds", low=1, high=16)
    aspect: str = knob("1:1", "Shape", choices=ASPECTS)
    fps: int = knob(16, "Frames per second", low=1, high=60, advanced=True)
    steps: int = knob(50, "Steps", low=1, high=1000, advanced=True)
    guidance: float = knob(4.0, "Guidance", low=0.0, high=20.0, advanced=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not float(self.seconds * self.fps).is_integer():
            raise BadRequest(
                "seconds",
                f"{self.seconds:g} s at {self.fps} fps is not a whole number of frames; "
                f"{math.floor(self.seconds * self.fps) / self.fps:g} would be",
            )

    @property
    def frames(self) -> int:
        """How many frames are asked for: 1 for a still."""
        return 1 if self.still else int(self.seconds * self.fps)


TASKS: dict[str, type[Request]] = {cls.task: cls for cls in (TextToVideo,)}


def request_from_dict(data: Any) -> Request:
    """The one strict parser: plain data (UI, API, queue, file) to a request. Raises `BadRequest`."""
    if not isinstance(data, dict):
        raise BadRequest("request", "must be an object with a task and its fields")
    data = dict(data)
    cls = TASKS.get(data.pop("task", None)) if isinstance(data.get("task"), str) else None
    if cls is None:
        raise BadRequest("task", f"must be one of: {', '.join(TASKS)}")
    unknown = sorted(map(str, set(data) - {spec.name for spec in dataclasses.fields(cls)}))
    if unknown:
        raise BadRequest(unknown[0], f"{cls.task} has no such field")
    return cls(**data)


def _checked(spec: dataclasses.Field, value: Any) -> Any:
    """The value of one field, or `BadRequest`. A whole number is accepted where a fraction is, nothing else."""
    name, rules = spec.name, spec.metadata
    if spec.type is float and type(value) is int:
        value = float(value)
    if type(value) is not spec.type:
        kinds = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}
        raise BadRequest(name, f"must be {kinds[spec.type]}, got {str(value)[:40]!r}")
    if spec.type is str and not _encodable(value):
        raise BadRequest(name, "has characters that are not text (UTF-8)")
    if "low" in rules and not rules["low"] <= value <= rules["high"]:  # also catches nan
        raise BadRequest(name, f"must be between {rules['low']:g} and {rules['high']:g}, got {value:g}")
    if "choices" in rules and value not in rules["choices"]:
        raise BadRequest(name, f"must be one of {', '.join(rules['choices'])}, got {value[:40]!r}")
    if rules.get("required") and not value.strip():
        raise BadRequest(name, "is empty; say in a sentence what should be seen")
    if "longest" in rules and len(value) > rules["longest"]:
        raise BadRequest(name, f"is {len(value)} characters long; {rules['longest']} is the most")
    return value


def _encodable(text: str) -> bool:
    """False for half a surrogate pair, which is what a command line hands over for bytes that are not UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True

"""What can be chosen for a suite. One class for all of them; a suite reads what concerns it."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from pipelines.errors import BadRequest
from pipelines.progress import Progress, silent
from pipelines.requests import TextToVideo

LAST_SEED = 10_000  # each stands for 100,000 seeds of requests, which have 31 bits
PARTS = ("truth", "autoencoded", "generated", "paraphrase", "left_right", "long")


@dataclass(frozen=True, kw_only=True)
class Options:
    """None means the suite's own default. Raises `BadRequest` for numbers that make no sense.

    clips: how many (of each kind); seconds: length of every clip, 0 for stills where a suite takes them;
    parts: of the theatre suite, any of PARTS; out: folder for JSON and contact sheets; file: of the prompts suite.
    """

    clips: int | None = None
    seconds: float | None = None
    seed: int = 0
    out: Path | None = None
    file: Path | None = None
    steps: int | None = None
    guidance: float | None = None
    model: str = "mini"
    parts: tuple[str, ...] = PARTS[:-1]
    progress: Progress = silent

    def __post_init__(self) -> None:
        if self.clips is not None and self.clips < 1:
            raise BadRequest("clips", f"must be at least 1, got {str(self.clips)[:40]}")
        if not 0 <= self.seed <= LAST_SEED:
            raise BadRequest("seed", f"must be 0 to {LAST_SEED}, got {str(self.seed)[:40]}")
        self._check_request()
        wrong = [name for name in self.parts or ("",) if name not in PARTS]
        if wrong:
            raise BadRequest("parts", f"must be some of {', '.join(PARTS)}, got {wrong[0][:40]!r}")

    def _check_request(self) -> None:
        """A request with these numbers, so that it refuses at once what it would refuse after the truth was judged."""
        knobs = {name: getattr(self, name) for name in ("seconds", "steps", "guidance")}
        knobs = {name: value for name, value in knobs.items() if value is not None and (name, value) != ("seconds", 0)}
        TextToVideo(prompt="a panda", **knobs)

    @classmethod
    def of(cls, given: object) -> "Options":
        """The options among the attributes of anything, parsed arguments say; missing or None stays default."""
        names = [spec.name for spec in dataclasses.fields(cls)]
        values = {name: getattr(given, name, None) for name in names}
        return cls(**{name: value for name, value in values.items() if value is not None})

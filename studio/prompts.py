"""Suites of prompts: our own in assets/prompts, a person's files, and benchmarks that stay where they are.

Movie Gen Video Bench and Audio Bench (CC-BY-NC) are read from a file or from the Hub by whoever has them.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import huggingface_hub
import pandas as pd
import pyarrow.parquet
from huggingface_hub.errors import HfHubHTTPError

from pipelines.errors import BadRequest, Unavailable, first_line
from studio.arena import Prompt

SUITES = Path(__file__).resolve().parents[1] / "assets" / "prompts"
MOST_LETTERS = 120  # of what a library says of a list that it cannot read
LARGEST = 20 * 2**20  # bytes of a list; a parquet file may hold clips too
HUB = "hf:"
MOTIONS = ("low", "medium", "high")
# What the columns are called here and elsewhere; Movie Gen Audio Bench has its own names.
COLUMNS = {
    "name": ("name", "id"),
    "text": ("prompt", "text", "audio_prompt"),
    "music": ("music_prompt",),
    "concept": ("concept", "category"),
    "motion": ("motion", "motion_level"),
}


def suites() -> list[str]:
    """The names of our own suites."""
    return sorted(path.stem for path in SUITES.glob("*.csv"))


def find(source: str) -> tuple[Prompt, ...]:
    """Prompts from one of our suites by name, from a file, or from `hf:OWNER/DATASET/FILE`.

    Raises `BadRequest` ("prompts") for what is no list of prompts, `Unavailable` for what the Hub does not give.
    """
    if source in suites():
        return read(SUITES / f"{source}.csv")
    if source.startswith(HUB):
        return read(_downloaded(source.removeprefix(HUB)))
    return read(Path(source))


def read(path: Path) -> tuple[Prompt, ...]:
    """Prompts from .txt (one a line), .csv, .jsonl, .json or .parquet with the columns of `COLUMNS`.

    Without a column of names they are called 0001, 0002 and so on. Raises `BadRequest` ("prompts").
    """
    if not path.is_file():
        raise BadRequest("prompts", f"{path} is no file; our own suites are {', '.join(suites())}")
    reader = READERS.get(path.suffix.lower())
    if reader is None or (path.suffix.lower() != ".parquet" and path.stat().st_size > LARGEST):
        raise BadRequest("prompts", f"must be a list as {', '.join(READERS)} of at most {LARGEST >> 20} MB")
    try:
        table = reader(path)
    except (ValueError, OSError, KeyError, TypeError, AttributeError) as error:
        raise BadRequest("prompts", f"{path.name} cannot be read: {first_line(error, MOST_LETTERS)}") from error
    prompts = _prompts(table)
    if not prompts:
        raise BadRequest("prompts", f"{path.name} has no prompts; it needs a column called prompt")
    return prompts


def _prompts(table: pd.DataFrame) -> tuple[Prompt, ...]:
    def column(what: str) -> list[str]:
        name = next((name for name in COLUMNS[what] if name in table), None)
        values = table[name] if name else pd.Series([""] * len(table))
        return [" ".join(str(value).split()) for value in values.where(values.notna(), "")]

    rows = zip(*(column(what) for what in COLUMNS), strict=True)
    return tuple(
        Prompt(
            name=name or f"{number:04}",
            text=f"{text} Music: {music}" if music else text,
            concept=";".join(tag.strip() for tag in re.split("[;,]", concept) if tag.strip()),
            motion=motion if motion in MOTIONS else "",
        )
        for number, (name, text, music, concept, motion) in enumerate(rows, 1)
        if text
    )


def _lines(path: Path) -> pd.DataFrame:
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    return pd.DataFrame({"prompt": [line for line in lines if line.strip() and not line.startswith("#")]})


def _columns(path: Path) -> pd.DataFrame:
    """Only the columns with words, so that the clips beside them are never loaded."""
    known = {name for names in COLUMNS.values() for name in names}
    return pd.read_parquet(path, columns=[name for name in pyarrow.parquet.read_schema(path).names if name in known])


READERS: dict[str, Callable[[Path], Any]] = {
    ".txt": _lines,
    ".csv": lambda path: pd.read_csv(path, dtype=str),
    ".jsonl": lambda path: pd.read_json(path, lines=True, dtype=False),
    ".json": lambda path: pd.read_json(path, dtype=False),
    ".parquet": _columns,
}


def _downloaded(place: str) -> Path:
    owner, _, rest = place.partition("/")
    name, _, file = rest.partition("/")
    if not file:
        raise BadRequest("prompts", "is written hf:OWNER/DATASET/FILE")
    try:
        return Path(huggingface_hub.hf_hub_download(f"{owner}/{name}", file, repo_type="dataset"))
    except (HfHubHTTPError, OSError, ValueError) as error:
        raise Unavailable(f"the Hub does not give {place} ({first_line(error, MOST_LETTERS)})") from error

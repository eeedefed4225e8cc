"""Contact sheets and JSON files of an evaluation. Pictures leave through media.export like everything else."""

import json
import os
import platform
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont

from pipelines.errors import BadRequest
from pipelines.evaluation.trial import Verdict
from pipelines.media import export, landing

MOMENTS = 4
HEIGHT = 128  # of a picture on the sheet
GAP = 4
RIGHT, WRONG, INK = (20, 110, 50), (190, 30, 30), (40, 40, 40)


@dataclass(frozen=True, eq=False)
class Row:
    """A clip on the sheet: four small pictures (H, W, 3) uint8 and the verdict on them."""

    pictures: tuple[np.ndarray, ...]
    verdict: Verdict


def row(frames: np.ndarray, verdict: Verdict) -> Row:
    """Keeps four moments of frames (T, H, W, 3) for the sheet, so that the clip itself can be let go."""
    moments = np.linspace(0, len(frames) - 1, MOMENTS).round().astype(int)
    width = round(frames.shape[2] * HEIGHT / frames.shape[1])
    small = tuple(cv2.resize(frames[i], (width, HEIGHT), interpolation=cv2.INTER_AREA) for i in moments)
    return Row(small, verdict)


def strip(shown: Row) -> np.ndarray:
    """One row of the sheet (H, W, 3) uint8: the prompt, what was judged wrong, and the four moments."""
    font = ImageFont.load_default(13)
    width = sum(picture.shape[1] + GAP for picture in shown.pictures) - GAP
    verdict = shown.verdict
    wrong = [
        f"{name}: {verdict.seen[name]}, not {verdict.wanted[name]}"
        for name in verdict.wanted
        if not verdict.right(name)
    ]
    lines = [(line, INK) for line in textwrap.wrap(verdict.prompt, width // 7)[:2]]
    judged = ", ".join(verdict.wanted) or "nothing"
    lines += [(line, WRONG) for line in textwrap.wrap("; ".join(wrong), width // 7)[:2]] or [
        (f"right: {judged}", RIGHT)
    ]
    top = 16 * 4
    paper = Image.new("RGB", (width, top + HEIGHT), "white")
    pen = ImageDraw.Draw(paper)
    for i, (line, colour) in enumerate(lines):
        pen.text((2, 16 * i), line, fill=colour, font=font)
    left = 0
    for picture in shown.pictures:
        paper.paste(Image.fromarray(picture), (left, top))
        left += picture.shape[1] + GAP
    return np.asarray(paper)


def write_sheet(rows: Sequence[Row], path: Path) -> Path | None:
    """The contact sheet of these clips as .png, in place of an older one; None when there are none."""
    return write_pictures([strip(shown) for shown in rows], path, columns=2)


def write_pictures(pictures: Sequence[np.ndarray], path: Path, *, columns: int) -> Path | None:
    """Pictures (H, W, 3) uint8 in rows of `columns` as .png, in place of an older sheet; None when there are none."""
    path.unlink(missing_ok=True)
    return export.sheet(pictures, path, columns=columns) if pictures else None


def open_folder(out: Path, figures: str, *others: str) -> Path:
    """Makes the folder of an evaluation's results: the JSON file `figures` and what is written beside it.

    Raises `BadRequest` ("out") if that cannot be, or if a file has one of these names that no evaluation wrote.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadRequest("out", f"the folder {out} cannot be made ({error.strerror}); choose another") from error
    taken = [out / name for name in (figures, *others) if os.path.lexists(out / name)]
    if taken and not _written_here(out / figures):
        raise BadRequest("out", f"{taken[0]} is nothing that an evaluation wrote, so it stays; choose another folder")
    return out


def _written_here(figures: Path) -> bool:
    """Whether these are figures of an earlier run: all of them say what they were measured on."""
    try:
        found = json.loads(figures.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(found, dict) and "machine" in found


def write_json(result: dict[str, Any], path: Path) -> Path:
    """The result as JSON, whole or not at all, in place of an older one. Raises `BadRequest` ("out")."""
    try:
        with landing.replacing(path) as part:
            part.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise BadRequest("out", f"{path} cannot be written ({error.strerror}); choose another") from error
    return path


def machine() -> dict[str, str | int]:
    """What the figures were measured on."""
    return {
        "processor": _processor(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "python": platform.python_version(),
        "system": platform.platform(),
    }


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()

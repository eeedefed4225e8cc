"""Measured facts of clips, each file measured once in a process of its own: the libraries for it are not the web's.

They are kept in facts.json beside the clip.
"""

import json
import logging
import subprocess
import sys
from pathlib import Path
from typing import Any

from pipelines.errors import Unavailable
from pipelines.media import landing

ROOT = Path(__file__).resolve().parents[1]
FACTS = "facts.json"
LONGEST_S = 120


def kept(clip: Path) -> list[dict[str, Any]] | None:
    """The facts [{"name", "value", "unit", "says", "source"}] of a clip's file, or None if nobody has asked yet."""
    try:
        return json.loads((clip.parent / FACTS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def measure(clip: Path) -> list[dict[str, Any]]:
    """The facts, measured now if they are not kept. Raises `Unavailable` if it cannot be done here."""
    if (known := kept(clip)) is not None:
        return known
    command = [sys.executable, "-m", "pipelines.evaluation.facts", str(clip.absolute())]
    try:
        done = subprocess.run(command, capture_output=True, timeout=LONGEST_S, check=True, cwd=ROOT)
        facts = json.loads(done.stdout)
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        logging.getLogger("studio.measures").warning("%s: %s", clip, getattr(error, "stderr", None) or error)
        raise Unavailable("this clip cannot be measured here; the log of the server says why") from error
    with landing.kept(clip.parent), landing.replacing(clip.parent / FACTS) as part:
        part.write_bytes(done.stdout)
    return facts

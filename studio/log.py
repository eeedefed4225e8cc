"""The studio's log: what every process says goes to the terminal and to one file of the data folder."""

import contextlib
import logging
from pathlib import Path

NAME = "rushes.log"
LARGEST = 1_000_000  # bytes; when a studio opens with more, it begins anew and keeps the old one beside it
LINE = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def keep(data: Path) -> logging.Handler:
    """Also writes what is logged from now on into the data folder. Close the handler when the studio closes."""
    path = data / NAME
    with contextlib.suppress(OSError):  # another process of the same studio may have been quicker
        if path.stat().st_size > LARGEST:
            path.replace(path.with_suffix(".old.log"))
    handler = logging.FileHandler(path, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter(LINE))
    logging.getLogger().addHandler(handler)
    return handler


def forget(handler: logging.Handler) -> None:
    """Undoes `keep`."""
    logging.getLogger().removeHandler(handler)
    handler.close()


def tail(data: Path, lines: int = 80) -> str:
    """The last lines of the log, oldest first; nothing if nothing was ever logged."""
    try:
        with (data / NAME).open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - 64_000))
            text = file.read().decode(errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])

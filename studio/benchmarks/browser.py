"""A browser without a window for the benchmarks of the page, and how much memory a page of it takes."""

import importlib.util
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pipelines.errors import Unavailable

FLAGS = ["--autoplay-policy=no-user-gesture-required", "--disable-dev-shm-usage"]
NAMES = ("chromium", "chromium-browser", "google-chrome")
# Gradio's client calls it an error when it hangs up on an answer that a page which is left was still waiting for.
LEAVE_QUIETLY = "addEventListener('beforeunload', () => { console.error = () => {}; });"


def missing() -> str | None:
    """The sentence that says what there is not, or None where a browser can be driven."""
    if importlib.util.find_spec("playwright") is None:
        return "there is no browser driver here: pip install playwright"
    return None if _program() else "there is no chromium here: apt-get install chromium"


@contextmanager
def browser() -> Iterator[Any]:
    """A playwright `Browser` on the system's chromium. Raises `Unavailable` where there is none."""
    if reason := missing():
        raise Unavailable(reason)
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=_program(), args=FLAGS)
        yield opened
        opened.close()


def visit(context: Any, address: str, complaints: list[str], *, patience_ms: int) -> Any:
    """A page of the studio once it has looked around; what it says as an error goes to `complaints`."""
    page = context.new_page()
    page.set_default_timeout(patience_ms)
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.add_init_script(LEAVE_QUIETLY)
    page.goto(address, wait_until="domcontentloaded")
    page.wait_for_function("document.querySelector('#cost')?.innerText.length > 3")
    return page


def page_bytes(opened: Any) -> int:
    """What the largest page of the browser takes of the memory for itself: its share of what it has in common included.

    Linux: PSS of the process that draws the page and decodes its videos.
    """
    processes = opened.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    return max(_share(each["id"]) for each in processes if each["type"] == "renderer")


def _share(process: int) -> int:
    try:
        lines = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii").splitlines()
    except OSError:  # it has ended meanwhile
        return 0
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def _program() -> str | None:
    return next(filter(None, map(shutil.which, NAMES)), None)

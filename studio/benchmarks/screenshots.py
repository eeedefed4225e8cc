"""Every tab as people see it, light, dark and on a phone, with clips made for the purpose, into assets/screenshots.

Holds if no page writes an error into its console and nothing is wider than the window.
"""

import base64
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from studio.benchmarks import browser, ground

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "assets/screenshots"
PROMPTS = (
    "a red panda jumps on a snowy mountain at night",
    "a yellow balloon floats up above a meadow",
    "a robot dances on a theatre stage",
    "a penguin stands still on a beach at sunset",
)
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", "viewport": {"width": 1440, "height": 900}},
    "dark": {"color_scheme": "dark", "viewport": {"width": 1440, "height": 900}},
    "phone": {"color_scheme": "light", "viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True},
}
SOON_MS, LATER_MS = 30_000, 600_000
SETTLED_MS = 1500
TABS = "#tabs button[role=tab]"


def measure(count: int = len(PROMPTS), folder: Path = FOLDER) -> dict[str, Any]:
    """Makes so many clips, two to the number of PROMPTS, then takes a picture of every tab in every look."""
    complaints: list[str] = []
    wide: list[str] = []
    with (
        tempfile.TemporaryDirectory(prefix="rushes-benchmark-") as data,
        ground.served(Path(data)) as address,
        browser.browser() as opened,
    ):
        state = _make(opened, address, PROMPTS[:count])
        for look, how in LOOKS.items():
            context = opened.new_context(storage_state=state, reduced_motion="reduce", **how)
            wide += _tour(browser.visit(context, address, complaints, patience_ms=SOON_MS), look, folder)
            context.close()
    pictures = len(LOOKS) * len(SCENES)
    return {"pictures": pictures, "console": complaints, "wider_than_the_window": wide, "holds": not complaints + wide}


def _tour(page: Any, look: str, folder: Path) -> list[str]:
    """A picture of every scene; returns those that are wider than the window."""
    wide = []
    for name, prepare in SCENES.items():
        prepare(page)
        page.wait_for_timeout(SETTLED_MS)
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            wide.append(f"{name}-{look}")
        _keep(page, folder / f"{name}-{look}.webp")
    return wide


def _make(opened: Any, address: str, prompts: tuple[str, ...]) -> Any:
    """Asks for clips as a person does; returns the browser's cookies once the clips are there."""
    context = opened.new_context(**LOOKS["light"])
    page = browser.visit(context, address, [], patience_ms=SOON_MS)
    for prompt in prompts:
        page.fill("#prompt textarea", prompt)
        page.locator("#prompt textarea").press("Control+Enter")
        page.wait_for_timeout(SETTLED_MS)
    done = f"document.querySelectorAll('#takes .card').length === {len(prompts)}"
    page.wait_for_function(done, timeout=LATER_MS)
    state = context.storage_state()
    context.close()
    return state


def _tab(name: str) -> Callable[[Any], None]:
    """Opens a tab; on a narrow page the last ones are in a menu."""

    def choose(page: Any) -> None:
        shown = page.locator(f"{TABS}:visible", has_text=name)
        if not shown.count():
            page.locator("#tabs .overflow-menu > button").click()
            shown = page.locator("#tabs .overflow-dropdown button", has_text=name)
        shown.first.click()
        page.evaluate("scrollTo(0, 0)")

    return choose


def _create(page: Any) -> None:
    page.locator("#takes .card").first.click()
    page.fill("#prompt textarea", PROMPTS[0])
    page.evaluate("scrollTo(0, 0)")


def _sent(act: str, name: str) -> Callable[[Any], None]:
    """The tab that takes an act of the clip on the stage, with that clip in it."""

    def choose(page: Any) -> None:
        _tab("Create")(page)
        page.locator(f"#stage-acts [data-act={act}]").click()
        page.wait_for_selector(f"{TABS}[aria-selected=true] >> text='{name}'", state="attached")
        page.evaluate("scrollTo(0, 0)")

    return choose


def _compared(page: Any) -> None:
    _tab("Compare")(page)
    for number in range(2):
        page.locator("#candidates .pick input").nth(number).check()
    page.locator("#candidates [data-many=compare]").click()
    page.wait_for_function("document.querySelector('#compared .compare')?.clock?.ready")
    page.evaluate("scrollTo(0, 0)")


def _verified(page: Any) -> None:
    _sent("verify", "Verify")(page)
    page.wait_for_function("document.querySelector('#verified')?.innerText.length > 40")


def _jobs(page: Any) -> None:
    page.locator("#jobs button").first.click()


SCENES: dict[str, Callable[[Any], None]] = {
    "create": _create,
    "animate": _tab("Animate"),
    "personalise": _tab("Personalise"),
    "edit": _sent("edit", "Edit"),
    "sound": _sent("sound", "Sound"),
    "gallery": _tab("Gallery"),
    "compare": _compared,
    "studies": _tab("Studies"),
    "verify": _verified,
    "about": _tab("About"),
    "jobs": _jobs,
}


def _keep(page: Any, path: Path) -> None:
    """What the window shows, as .webp."""
    told = page.context.new_cdp_session(page).send("Page.captureScreenshot", {"format": "webp", "quality": 85})
    path.write_bytes(base64.b64decode(told["data"]))

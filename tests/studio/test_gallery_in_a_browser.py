"""Gallery and drawer in a real browser: nothing out of sight, no refusal without a word, no deletion for good."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pipelines.requests import TextToVideo
from studio.arena import Plan, Prompt, System
from studio.benchmarks.browser import visit
from studio.db import Database
from studio.gallery import Gallery
from studio.people import COOKIE, alias
from studio.settings import Settings
from studio.studio import Studio

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "assets/examples/balloon"
TOKEN = "a" * 43
SOON = 60_000  # milliseconds
NAMES = ("e1", "d1", "c1", "b1", "a1")  # as the gallery shows them, newest first
LONG = [f"a tag that is long {number}" for number in range(6)]
pytestmark = pytest.mark.browser


def fill(folder: Path) -> None:
    """Five clips of one person's, made a while ago, a finished job whose clip was deleted, and a draft of a study."""
    studio, owner = Studio.open(Settings(data=folder)), alias("browser", TOKEN)
    for name in reversed(NAMES):
        request = TextToVideo(prompt=f"a fox jumps in a forest, take {name}", seconds=2, seed=7)
        file = folder / "clips" / name / "clip.mp4"
        file.parent.mkdir(parents=True)
        shutil.copy(EXAMPLE.with_suffix(".mp4"), file)
        shutil.copy(EXAMPLE.with_suffix(".webp"), file.with_name("poster.webp"))
        size = {"frames": 32, "fps": 16, "width": 320, "height": 240, "elapsed_s": 3.2}
        studio.gallery.add(SimpleNamespace(path=file, request=request, **size), owner)
        studio.gallery.tag(name, owner, LONG)
    job = studio.jobs.submit(TextToVideo(prompt="a robot"), owner)
    with studio.database.write() as tables:
        tables.execute("UPDATE clips SET created = created - 7300")  # two hours
        tables.execute(
            "UPDATE jobs SET state = 'done', clip = 'e1', preview = 1, started = ?, finished = ? WHERE id = ?",
            (time.time() - 9, time.time(), job),
        )
    studio.gallery.delete(["e1"], owner)
    systems = (System(name="one"), System(name="two"))
    studio.arena.create(Plan(title="mine", prompts=(Prompt(name="a", text="x"),), systems=systems), owner)
    studio.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    filled = tmp_path_factory.mktemp("data")
    fill(filled)
    return filled


@pytest.fixture(scope="module")
def address(open_studio: Any, folder: Path) -> Iterator[str]:
    with open_studio(folder) as address:
        yield address


@pytest.fixture(scope="module")
def page(browser: Any, address: str) -> Iterator[Any]:
    """The page of the person whose clips they are, in French; an error in its console fails the tests."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="fr-FR")
    context.add_cookies([{"name": COOKIE, "value": TOKEN, "url": address}])
    complaints: list[str] = []
    yield visit(context, address, complaints, patience_ms=SOON)
    assert complaints == []


def tab(page: Any, name: str) -> None:
    page.locator(f"#tabs button[role=tab][data-tab-id={name}]:visible").click()


def gallery(page: Any) -> None:
    tab(page, "gallery")
    page.wait_for_selector("#grid .card")


def card(page: Any, name: str) -> Any:
    return page.locator(f"#grid .card[data-id={name}]")


def focused(page: Any) -> str:
    """The id of the card that has the focus."""
    return page.evaluate("document.activeElement.closest('#grid .card')?.dataset.id ?? document.activeElement.tagName")


def said(page: Any, words: str) -> None:
    """Waits for a toast; the next one says something else, so this one may stay."""
    page.locator("[data-testid=toast-body]", has_text=words).wait_for()


def test_everything_about_an_opened_clip_is_in_sight_and_so_are_the_tags_of_a_card(page: Any):
    gallery(page)
    page.locator("#dropped .hint", has_text="retrouver").wait_for()
    card(page, "b1").locator(".open").click()
    page.wait_for_selector("#details .full")
    panel = page.locator("#details")
    assert panel.evaluate("panel => panel.scrollWidth <= panel.clientWidth"), "one column that scrolls down"
    edge = page.locator("#look .player").evaluate("player => player.getBoundingClientRect().right")
    for button in ("sound", "full"):
        box = page.locator(f"#look .{button}").bounding_box()
        assert box["x"] + box["width"] <= edge, button
    line = card(page, "b1").locator(".line")
    assert line.evaluate("line => [getComputedStyle(line).display, getComputedStyle(line).textOverflow]") == [
        "block",
        "ellipsis",
    ]
    assert f"#{LONG[-1]}" in line.get_attribute("title")
    assert "il y a 2" in line.inner_text()


def test_what_is_refused_is_said(page: Any, folder: Path):
    gallery(page)
    card(page, "a1").locator(".open").click()
    page.locator("#details", has_text="take a1").wait_for()  # its tags would replace what is typed before
    field = page.locator("#tags input, #tags textarea")
    field.fill(", ".join(map(str, range(25))))
    field.press("Enter")
    said(page, "20")
    there = Database(folder / "rushes.db")
    Gallery(there, folder / "clips").delete(["a1"], alias("browser", TOKEN))  # as in another tab
    there.close()
    card(page, "a1").locator(".open").focus()
    page.keyboard.press("Delete")
    said(page, "pas de tel film")
    card(page, "a1").wait_for(state="detached")


def test_the_list_follows_the_search_however_it_is_typed(page: Any):
    gallery(page)
    field, shown = page.locator("#words textarea, #words input"), page.locator("#where")
    before = shown.inner_text()
    field.focus()
    page.keyboard.insert_text("b1")  # as a paste, a dictation and the keyboard of a telephone do
    card(page, "c1").wait_for(state="detached")
    assert page.locator("#grid .card").count() == 1
    page.keyboard.press("Backspace")
    page.keyboard.press("Backspace")
    card(page, "c1").wait_for()
    page.wait_for_function("said => document.querySelector('#where').innerText === said", arg=before)


def test_a_draft_of_a_study_can_be_discarded_and_then_there_is_nothing_to_close(page: Any):
    tab(page, "studies")
    page.locator("#leaving:enabled").click()
    page.wait_for_selector("#verdict .hint")
    assert page.locator("#leaving").is_disabled() and page.locator("#closing").is_disabled()


def test_the_focus_stays_and_a_deleted_clip_can_be_brought_back_until_its_time_is_up(page: Any):
    gallery(page)
    card(page, "c1").locator(".open").focus()
    page.keyboard.press(".")
    page.wait_for_function("document.querySelector('#grid .card[data-id=c1] .star[aria-pressed=true]')")
    page.wait_for_timeout(1500)  # until the server has answered and the cards were drawn anew
    assert focused(page) == "c1"
    page.keyboard.press("Delete")
    card(page, "c1").wait_for(state="detached")
    assert focused(page) == "b1", "the one that stands in its place now"
    page.keyboard.press(".")
    tab(page, "verify")
    tab(page, "gallery")
    page.wait_for_timeout(1500)
    page.locator("#grid .undo button").click()
    card(page, "c1").wait_for()
    assert page.locator("#grid .undo").is_hidden()


def test_the_drawer_has_no_broken_picture_and_nothing_shines_through(page: Any):
    page.locator("#jobs .counter").click()
    job = page.locator("#jobs .job")
    assert job.locator("img").is_hidden() and "supprim" in job.locator(".note").inner_text()
    page.wait_for_timeout(400)  # it slides in
    drawer = "document.querySelector('#jobs .drawer')"
    strangers = f"""() => {{
      const {{ left, right, bottom }} = {drawer}.getBoundingClientRect(), found = [];
      for (let x = left + 3; x < right; x += 9) for (let y = 3; y < bottom; y += 9)
        if (!document.elementFromPoint(x, y).closest('#jobs .drawer, .toast-wrap')) found.push([x, y]);
      return found;
    }}"""
    assert page.evaluate(strangers) == []

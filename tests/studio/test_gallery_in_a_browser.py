"""Gallery and drawer in a real browser: nothing out of sight, no refusal without a word, no deletion for good."""

import json
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
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
# The page does not hear of what happens elsewhere, until it does again.
DEAF = """() => {
  window.whole = fetch;
  window.fetch = (what, ...how) => what === 'pulse' ? new Promise(() => {}) : window.whole(what, ...how);
}"""
HEARS = "() => { window.fetch = window.whole; document.dispatchEvent(new Event('visibilitychange')); }"
pytestmark = pytest.mark.browser


def fill(folder: Path) -> None:
    """A page of clips of one person's and some more, a finished job whose clip was deleted, and a draft of a study."""
    studio, owner = Studio.open(Settings(data=folder)), alias("browser", TOKEN)
    for name in (*(f"old{number}" for number in range(22)), *reversed(NAMES)):
        request = TextToVideo(prompt=f"a fox jumps in a forest, take {name}", seconds=2, seed=7)
        file = folder / "clips" / name / "clip.mp4"
        file.parent.mkdir(parents=True)
        shutil.copy(EXAMPLE.with_suffix(".mp4"), file)
        shutil.copy(EXAMPLE.with_suffix(".webp"), file.with_name("poster.webp"))
        size = {"frames": 32, "fps": 16, "width": 320, "height": 240, "elapsed_s": 3.2}
        studio.gallery.add(SimpleNamespace(path=file, request=request, **size), owner)
        studio.gallery.tag(name, owner, LONG if name in NAMES else [])
    job = studio.jobs.submit(TextToVideo(prompt="a robot"), owner)
    with studio.database.write() as tables:
        tables.execute("UPDATE clips SET created = created - 7300")  # two hours
        tables.execute(
            "UPDATE jobs SET state = 'done', clip = 'e1', preview = 1, started = ?, finished = ? WHERE id = ?",
            (time.time() - 9, time.time(), job),
        )
    studio.gallery.delete(["e1"], owner)
    systems = (System(name="one"), System(name="two"))
    study = studio.arena.create(Plan(title="mine", prompts=(Prompt(name="a", text="x"),), systems=systems), owner)
    with studio.database.write() as tables:
        studio.arena.order(tables, [(job, 7, studio.arena.takes(study, owner)[0].id)])
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
def events() -> list[int]:
    """The events that the page has asked the server about, in their order."""
    return []


@pytest.fixture(scope="module")
def page(browser: Any, address: str, events: list[int]) -> Iterator[Any]:
    """The page of the person whose clips they are, in French; an error in its console fails the tests."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="fr-FR")
    context.add_cookies([{"name": COOKIE, "value": TOKEN, "url": address}])
    asks = re.compile(r"/(run/predict|queue/join)\b")
    context.on("request", lambda sent: asks.search(sent.url) and events.append(json.loads(sent.post_data)["fn_index"]))
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


@contextmanager
def elsewhere(folder: Path) -> Iterator[Gallery]:
    """The clips as another tab has them."""
    there = Database(folder / "rushes.db")
    yield Gallery(there, folder / "clips")
    there.close()


def drawn_anew(page: Any, folder: Path, name: str) -> None:
    """All cards are, because one has a star now."""
    with elsewhere(folder) as clips:
        clips.star(name, alias("browser", TOKEN), True)
    page.wait_for_selector(f"#grid .card[data-id={name}] .star[aria-pressed=true]")


def focused(page: Any) -> str:
    """The id of the card that has the focus."""
    return page.evaluate("document.activeElement.closest('#grid .card')?.dataset.id ?? document.activeElement.tagName")


def said(page: Any, words: str) -> None:
    """Waits for a toast; the next one says something else, so this one may stay."""
    page.locator("[data-testid=toast-body]", has_text=words).wait_for()


def test_a_page_that_opens_and_a_tab_that_is_shown_ask_no_more_than_they_need(page: Any, events: list[int]):
    """Gradio looks through all of the page for each part that an event names, so every event is felt."""
    page.wait_for_selector("#takes .card")
    page.wait_for_timeout(2000)
    opened = len(events)
    assert sorted(set(events)) == sorted(events) and opened <= 8
    gallery(page)
    page.wait_for_timeout(1000)
    shown = len(events)
    assert shown - opened <= 2
    tab(page, "verify")
    page.wait_for_timeout(1000)
    assert len(events) == shown


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
    page.locator("#close").click()
    panel.wait_for(state="hidden")


def test_another_page_begins_at_its_top_and_keeps_what_is_selected(page: Any):
    gallery(page)
    card(page, "a1").locator(".open").focus()
    page.keyboard.press(" ")
    turn = page.locator("#pages button")
    turn.last.scroll_into_view_if_needed()
    turn.last.click()
    card(page, "old0").wait_for()
    page.wait_for_function("Math.abs(document.querySelector('#grid').getBoundingClientRect().top) < innerHeight / 2")
    assert page.locator("#grid .tray .count").is_visible()
    turn.first.click()
    page.wait_for_selector("#grid .card[data-id=a1][data-picked]")
    page.locator("#grid [data-many=clear]").click()


def test_what_a_card_fills_has_the_keyboard_and_is_in_sight_on_a_telephone(page: Any):
    gallery(page)
    card(page, "b1").locator(".open").focus()
    page.keyboard.press("a")
    page.wait_for_function("document.activeElement === document.querySelector('#prompt textarea')")
    gallery(page)
    page.set_viewport_size({"width": 390, "height": 844})
    card(page, "old5").locator(".more").click()
    page.locator("#grid .menu [data-act=reuse]").click()
    page.wait_for_function(
        """() => {
          const { top, bottom, height } = document.querySelector('#prompt').getBoundingClientRect();
          return height && top >= 0 && bottom <= innerHeight;
        }"""
    )
    page.set_viewport_size({"width": 1280, "height": 900})


def test_a_link_to_compare_says_what_it_does_not_find(page: Any, address: str):
    linked = page.context.new_page()
    linked.goto(f"{address}?tab=compare&clips=b1,nothing,{NAMES[0]}")
    said(linked, "2 des films de ce lien")
    linked.wait_for_selector("#compared .cell[data-kind=clip]")
    linked.wait_for_selector("#candidates .card[data-id=c1]")  # to add others, though nobody has clicked on the tab
    there = linked.locator("#candidates .card").count()
    for starred in ("true", "false"):
        linked.locator("#candidates .card[data-id=c1] .open").press(".")
        for strip in ("candidates", "takes"):  # the one hears of it by its own answer, the other with the next pulse
            linked.wait_for_selector(f"#{strip} .card[data-id=c1] .star[aria-pressed={starred}]", state="attached")
    linked.wait_for_timeout(1500)  # and the first once more, of the second
    assert linked.locator("#candidates .card").count() == there > 20
    linked.close()


def test_what_is_refused_is_said(page: Any, folder: Path):
    gallery(page)
    card(page, "a1").locator(".open").click()
    page.locator("#details", has_text="take a1").wait_for()  # its tags would replace what is typed before
    field = page.locator("#tags input, #tags textarea")
    field.fill(", ".join(map(str, range(25))))
    field.press("Enter")
    said(page, "20")
    page.evaluate(DEAF)
    with elsewhere(folder) as clips:
        clips.delete(["a1"], alias("browser", TOKEN))
    card(page, "a1").locator(".open").focus()
    page.keyboard.press("Delete")
    said(page, "pas de tel film")
    card(page, "a1").wait_for(state="detached")
    with elsewhere(folder) as clips:
        clips.delete(["d1"], alias("browser", TOKEN))
    card(page, "d1").locator(".open").click()
    card(page, "d1").wait_for(state="detached")
    page.evaluate(HEARS)
    drawn_anew(page, folder, "old18")


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


def test_a_study_says_its_price_and_how_far_it_is_and_is_discarded_by_a_second_press(page: Any, folder: Path):
    tab(page, "studies")
    page.locator("#study-cost", has_text="Films \u00e0 faire : 24. Les premiers montrent").wait_for()
    page.locator("#verdict", has_text="films : 0 sur 2").wait_for()
    there = Database(folder / "rushes.db")
    with there.write() as tables:
        tables.execute("UPDATE jobs SET clip = 'old10'")  # as when it is done
    page.locator("#verdict", has_text="films : 1 sur 2").wait_for()
    with there.write() as tables:
        tables.execute("UPDATE jobs SET clip = 'e1'")
    there.close()
    page.locator("#leaving:enabled").click()
    page.get_by_role("button", name="Pas maintenant").click()
    sure = page.get_by_role("button", name="Abandonner pour de bon")
    sure.wait_for(state="hidden")
    assert page.locator("#leaving").is_enabled()
    page.locator("#leaving").click()
    sure.click()
    page.wait_for_selector("#verdict .hint")
    assert page.locator("#leaving").is_disabled() and page.locator("#closing").is_disabled() and sure.is_hidden()


def test_the_focus_stays_and_a_deleted_clip_can_be_brought_back_until_its_time_is_up(page: Any, folder: Path):
    gallery(page)
    card(page, "c1").locator(".open").focus()
    page.keyboard.press(".")
    page.wait_for_function("document.querySelector('#grid .card[data-id=c1] .star[aria-pressed=true]')")
    drawn_anew(page, folder, "old20")
    assert focused(page) == "c1"
    page.keyboard.press("Delete")
    card(page, "c1").wait_for(state="detached")
    assert focused(page) == "b1", "the one that stands in its place now"
    page.keyboard.press(".")
    tab(page, "verify")
    tab(page, "gallery")
    page.locator("#grid .undo button").click()
    card(page, "c1").wait_for()
    assert page.locator("#grid .undo").is_hidden()


def test_what_was_deleted_long_ago_can_be_seen_and_brought_back(page: Any):
    gallery(page)
    card(page, "c1").locator(".open").press("Delete")
    page.get_by_role("button", name="Supprim\u00e9s").click()
    gone = page.locator("#deleted").get_by_role("button", name="take c1")
    gone.scroll_into_view_if_needed()
    page.wait_for_function("document.querySelector('#deleted img').naturalWidth > 0")
    gone.click()
    card(page, "c1").wait_for()
    gone.wait_for(state="detached")
    assert page.locator("#deleted").get_by_role("button", name="take e1").count() == 1


def test_the_drawer_has_no_broken_picture_and_nothing_shines_through(page: Any):
    page.locator("#jobs .counter").click()
    job = page.locator("#jobs .job")
    assert job.locator("img").is_hidden() and "supprim" in job.locator(".note").inner_text()
    page.wait_for_function("!document.querySelector('#jobs .drawer').getAnimations().length")  # it has slid in
    drawer = "document.querySelector('#jobs .drawer')"
    strangers = f"""() => {{
      const {{ left, right, bottom }} = {drawer}.getBoundingClientRect(), found = [];
      for (let x = left + 3; x < right; x += 9) for (let y = 3; y < bottom; y += 9)
        if (!document.elementFromPoint(x, y).closest('#jobs .drawer, .toast-wrap')) found.push([x, y]);
      return found;
    }}"""
    assert page.evaluate(strangers) == []

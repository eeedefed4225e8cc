"""The page in a real browser: a sentence becomes a take, nothing is lost, nobody sees what is another's."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines import catalog
from studio.benchmarks.browser import visit

ROOT = Path(__file__).resolve().parents[2]
PROMPT = "a fox jumps in a forest"
SOON, LATER = 20_000, 90_000  # milliseconds; the first job waits until its process has started
pytestmark = pytest.mark.browser
Open = Callable[..., Any]


@pytest.fixture(scope="module")
def address(open_studio: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A studio with an empty data folder, as `python app.py` opens it."""
    with open_studio(tmp_path_factory.mktemp("data")) as address:
        yield address


@pytest.fixture(scope="module")
def complaints() -> Iterator[list[str]]:
    """What any page wrote into its console as an error: nothing."""
    said: list[str] = []
    yield said
    assert said == []


@pytest.fixture(scope="module")
def person(browser: Any) -> Any:
    """One person's browser, with its cookie, for all tests that do not ask for another."""
    return browser.new_context(viewport={"width": 1280, "height": 900})


@pytest.fixture
def open_page(address: str, complaints: list[str]) -> Open:
    def opened(context: Any) -> Any:
        page = visit(context, address, complaints, patience_ms=SOON)
        page.wait_for_selector("#go:not([disabled])")
        return page

    return opened


def ask(page: Any, prompt: str) -> None:
    """Asks for the smallest thing there is: a still of few steps."""
    page.fill("#prompt textarea", prompt)
    page.locator("#still input").check()
    page.locator("#quality label").first.click()
    page.locator("#prompt textarea").press("Control+Enter")


def test_ctrl_enter_gives_a_take_and_another_browser_sees_nothing_of_it(open_page: Open, person: Any, browser: Any):
    page = open_page(person)
    assert page.locator("#stage video").get_attribute("src").startswith("examples/"), "a clip plays when it opens"
    ask(page, PROMPT)
    page.wait_for_selector(".job[data-state=done]", state="attached", timeout=LATER)
    page.wait_for_selector("#takes .card")
    picture = page.locator("#stage img").first
    source = page.evaluate("document.querySelector('#stage img').src")
    assert "/media/" in source and picture.is_visible()
    assert person.request.get(source).ok
    stranger = browser.new_context()
    other = open_page(stranger)
    assert other.locator(".job").count() == other.locator("#takes .card").count() == 0
    assert stranger.request.get(source).status == 404
    stranger.close()


def test_a_job_goes_on_while_the_page_is_reloaded_and_closed(open_page: Open, person: Any):
    page = open_page(person)
    before = page.locator("#takes .card").count()
    page.locator("#count label").nth(1).click()  # two takes
    page.locator("#shape label").nth(2).click()
    ask(page, "a robot dances in a kitchen")
    page.wait_for_selector(".job:is([data-state=queued], [data-state=running])", state="attached")
    page.reload(wait_until="domcontentloaded")
    page.wait_for_selector(".job:is([data-state=queued], [data-state=running], [data-state=done])", state="attached")
    assert "a robot dances" in page.locator("#under").inner_text()
    page.wait_for_selector("#shape label:nth-of-type(3) input:checked")  # the settings are those of the last click
    assert page.locator("#still input").is_checked() and page.locator("#quality input").first.is_checked()
    page.close()
    page = open_page(person)
    page.wait_for_function(
        f"document.querySelectorAll('#takes .card').length === {before + 2} && document.title === 'Rushes'",
        timeout=LATER,
    )
    assert len({page.locator("#takes .card").nth(i).get_attribute("data-id") for i in (0, 1)}) == 2


def test_words_that_mini_does_not_know_are_said_before_the_click_and_chips_build_a_sentence(
    open_page: Open, person: Any
):
    page = open_page(person)
    page.fill("#prompt textarea", "a puppy sleeps")
    page.wait_for_selector("#strangers .notice >> text=puppy (nearest: dog)")
    page.fill("#prompt textarea", "")
    stops = page.locator("#palette .chips [tabindex='0']")
    assert stops.count() == 1, "Tab leaves the words in one step"
    stops.focus()
    page.keyboard.press("ArrowRight")
    assert stops.count() == 1 and stops.evaluate("stop => stop === document.activeElement && stop.className") == "chip"
    for axis, word in (("Who", "elephant"), ("Does", "spins"), ("Where", "meadow")):
        page.locator(f"#palette .axis >> text={axis}").click()
        page.locator(f"#palette .chip >> text={word}").click()
        page.wait_for_selector(f"#palette .chip[aria-pressed=true] >> text={word}")
        if axis == "Does":
            hard = page.locator("#palette .chip.seldom")
            assert set(hard.all_inner_texts()) == set(catalog.spec("mini").seldom)
            assert hard.first.get_attribute("title") == "mini seldom manages this"
    assert page.input_value("#prompt textarea") == "an elephant spins in a meadow"


def test_on_a_phone_nothing_sticks_out_and_the_button_stays_at_the_bottom(open_page: Open, browser: Any):
    phone = browser.new_context(viewport={"width": 390, "height": 844}, locale="fr-FR")
    page = open_page(phone)
    assert (
        page.locator("#go").inner_text() == json.loads((ROOT / "assets/words/fr.json").read_text("utf-8"))["Generate"]
    )
    box = page.locator("#go").bounding_box()
    assert 760 < box["y"] + box["height"] <= 844
    for tab in (2, 1, 0):  # the others are in a menu
        page.locator("#tabs button[role=tab]:visible").nth(tab).click()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
    phone.close()

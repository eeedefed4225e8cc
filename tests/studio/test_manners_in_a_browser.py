"""What the page says when something does not work, and that it keeps what was typed: in a real browser, in French."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from studio.benchmarks.browser import visit

SOON = 60_000
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address(open_studio: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with open_studio(tmp_path_factory.mktemp("data")) as address:
        yield address


@pytest.fixture(scope="module")
def page(browser: Any, address: str) -> Iterator[Any]:
    complaints: list[str] = []
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="fr-FR")
    yield visit(context, address, complaints, patience_ms=SOON)
    assert complaints == []


def tab(page: Any, name: str) -> None:
    page.locator(f"#tabs button[role=tab]:visible >> text='{name}'").click()


def test_a_refusal_speaks_as_a_person_in_french_and_leaves_the_jobs_in_reach(page: Any):
    page.wait_for_selector("#go:not([disabled])")
    page.click("#go")
    toast = page.locator(".toast-body")
    toast.wait_for()
    assert "Description : est vide" in toast.inner_text()
    heading = "getComputedStyle(document.querySelector('.toast-title'), '::after').content"
    assert page.evaluate(heading) == '"Cela ne va pas"'
    assert toast.bounding_box()["y"] >= (bar := page.locator("#jobs").bounding_box())["y"] + bar["height"]


def test_a_key_that_is_held_asks_once_and_a_prompt_runs_the_way_it_is_written(page: Any):
    asked = page.evaluate(
        """() => {
          let asked = 0;
          const hears = new AbortController(), key = { key: 'Enter', ctrlKey: true, bubbles: true };
          const count = event => { asked++; event.stopImmediatePropagation(); };
          document.querySelector('#go').addEventListener('click', count, { capture: true, signal: hears.signal });
          for (const repeat of [false, true, true])
            document.body.dispatchEvent(new KeyboardEvent('keydown', { ...key, repeat }));
          hears.abort();
          return asked;
        }"""
    )
    assert asked == 1
    way = "box => [getComputedStyle(box).unicodeBidi, getComputedStyle(box).textAlign]"
    assert page.locator("#prompt textarea").evaluate(way) == ["plaintext", "start"]


def test_studies_are_in_french_and_offer_only_what_can_be_done(page: Any):
    tab(page, "\u00c9tudes")
    page.wait_for_selector("#verdict >> text=Pas encore d'\u00e9tude")
    assert page.locator("#studies button:disabled").count() == 3
    assert "\u00c9tapes" in page.locator("#studies thead").first.inner_text()


def test_what_was_typed_is_there_after_a_reload_and_a_full_box_says_so(page: Any):
    page.route("**/queue/data**", lambda held: None)
    with page.expect_request("**/queue/data**"):
        page.reload(wait_until="domcontentloaded")
    page.unroute("**/queue/data**")  # and is left while it waits for an answer
    page.reload(wait_until="domcontentloaded")
    page.wait_for_selector("#go:not([disabled])")
    page.fill("#prompt textarea", "MY OWN IDEA")
    page.reload(wait_until="domcontentloaded")
    page.wait_for_function("document.querySelector('#prompt textarea')?.value === 'MY OWN IDEA'")
    page.fill("#prompt textarea", "")
    page.locator("#prompt textarea").focus()
    page.keyboard.insert_text("x" * 3000)
    assert "2\u202f000" in page.locator("#prompt").get_attribute("data-full")


def test_a_job_that_fills_the_form_takes_no_idea_away(page: Any):
    """The buttons stand for those of a waiting job, which a busy machine would have made by now."""
    both = "<button data-act=change></button><button class=ask-leave></button>"
    page.evaluate(f"document.body.insertAdjacentHTML('beforeend', '<p id=both>{both}</p>')")
    page.fill("#prompt textarea", "a rocket of my own")
    page.evaluate("document.querySelector('#both [data-act=change]').click()")
    page.fill("#prompt textarea", "what the job asks for")
    page.locator("#prompt textarea").press("Alt+ArrowUp")
    assert page.input_value("#prompt textarea") == "a rocket of my own"
    page.fill("#prompt textarea", "what the job asks for")
    page.evaluate("document.querySelector('#both .ask-leave').click()")
    assert page.input_value("#prompt textarea") == "a rocket of my own"


def test_a_refused_file_leaves_its_place_and_no_arrow_covers_a_filter(page: Any, tmp_path: Path):
    (tmp_path / "fake.png").write_bytes(b"no picture")
    tab(page, "Galerie")
    page.set_input_files("#dropped input[type=file]", tmp_path / "fake.png")
    page.wait_for_selector("#dropped .notice >> text=fake.png")
    page.wait_for_selector("#dropped input[type=file]", state="attached")
    assert page.locator("#dropped .file-preview").count() == 0
    ends = "all => all.map(one => getComputedStyle(one)).map(one => one.textOverflow + parseInt(one.paddingRight))"
    assert set(page.locator(".secondary-wrap input").evaluate_all(ends)) == {"ellipsis22"}  # before the arrow


def test_a_copy_button_copies_and_the_first_language_that_we_have_counts(browser: Any, address: str):
    context = browser.new_context(locale="de-DE", permissions=["clipboard-read", "clipboard-write"])
    context.add_init_script("Object.defineProperty(navigator, 'languages', { value: ['de', 'fr', 'en'] });")
    page = visit(context, address, [], patience_ms=SOON)
    assert page.locator("html").get_attribute("lang") == "fr"
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<button id=own data-copy=there>Copier</button>')")
    page.locator("#own").dispatch_event("click")
    page.locator("#own", has_text="Copi\u00e9").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == "there"
    page.locator("#own", has_text="Copier").wait_for()
    context.close()


def test_a_studio_that_does_not_answer_and_a_session_that_ended_are_said_until_it_is_well_again(page: Any):
    page.evaluate(
        """() => {
          window.before = fetch;
          window.answer = () => Promise.reject(new TypeError('away'));
          window.fetch = (what, ...how) => what === 'pulse' ? window.answer() : window.before(what, ...how);
        }"""
    )
    page.wait_for_selector("#pulse >> text=Le studio ne r\u00e9pond pas.")
    assert page.locator("#pulse a").is_hidden()
    page.evaluate("() => { window.answer = () => Promise.resolve(new Response('{}', { status: 401 })); }")
    page.wait_for_selector("#pulse >> text=Vous n'\u00eates plus connect\u00e9.")
    link = page.locator("#pulse a")
    assert link.inner_text() == "Se connecter" and link.evaluate("link => new URL(link.href).pathname") == "/login"
    page.evaluate("() => { window.fetch = window.before; }")
    page.locator("#pulse .pulse").wait_for(state="hidden")

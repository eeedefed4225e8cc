"""Where people sign in: who is here, the way out, and that the next one in the same browser reads nothing of theirs."""

from collections.abc import Iterator
from typing import Any

import pytest

from studio.settings import Settings
from studio.studio import Studio

SOON = 60_000  # milliseconds
PASSWORD = "correct horse"
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address(open_studio: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("data")
    studio = Studio.open(Settings(data=folder))
    for name in ("ann", "bob"):
        studio.people.add(name, PASSWORD)
    studio.close()
    with open_studio(folder, RUSHES_AUTH="local") as address:
        yield address


def sign_in(page: Any, name: str) -> None:
    page.fill("[name=username]", name)
    page.fill("[name=password]", PASSWORD)
    page.get_by_role("button", name="Se connecter").click()
    page.locator("#person", has_text=name).wait_for()
    page.wait_for_selector("#go:not([disabled])")


def typed(page: Any) -> str:
    return page.locator("#prompt textarea").input_value()


def test_the_next_person_in_a_browser_reads_nothing_of_the_one_before(browser: Any, address: str):
    context = browser.new_context(viewport={"width": 1000, "height": 800}, locale="fr-FR")
    page = context.new_page()
    page.set_default_timeout(SOON)
    page.goto(address)
    assert page.locator("html").get_attribute("lang") == "fr"
    page.fill("[name=username]", "ann")
    page.fill("[name=password]", "something else")
    page.get_by_role("button", name="Se connecter").click()
    assert page.get_by_role("alert").inner_text() == "ce nom et ce mot de passe ne vont pas ensemble"
    sign_in(page, "ann")
    page.fill("#prompt textarea", "a secret")
    page.locator("body").evaluate(
        "body => { const act = body.appendChild(document.createElement('i')); act.dataset.act = 'any'; act.click(); }"
    )  # puts it among those of before
    tabs, way_out = (
        page.locator("#tabs > .tab-wrapper [role=tablist]").bounding_box(),
        page.locator("#person").bounding_box(),
    )
    assert tabs["x"] + tabs["width"] <= way_out["x"]
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert page.locator("#jobs .counter").bounding_box()["x"] < 390
    page.get_by_role("button", name="Se d\u00e9connecter").click()
    sign_in(page, "bob")
    page.locator("#prompt textarea").press("Alt+ArrowUp")
    assert typed(page) == ""
    page.get_by_role("button", name="Se d\u00e9connecter").click()
    sign_in(page, "ann")
    assert typed(page) == "a secret"
    page.fill("#prompt textarea", "")
    page.locator("#prompt textarea").press("Alt+ArrowUp")
    assert typed(page) == "a secret"
    context.close()

"""What the page says when something does not work, and that it keeps what was typed: in a real browser, in French."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from studio.benchmarks.browser import visit

ROOT = Path(__file__).resolve().parents[2]
SOON = 60_000
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    command = [sys.executable, "app.py", "--port", "0", "--data", str(tmp_path_factory.mktemp("data"))]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as server:
        found = next(filter(None, (re.search(r"http://\S+", line) for line in server.stderr)), None)
        assert found, "the studio did not open"
        yield found[0]
        server.terminate()
        server.communicate()


@pytest.fixture(scope="module")
def page(address: str) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        complaints: list[str] = []
        context = chromium.new_context(viewport={"width": 1280, "height": 900}, locale="fr-FR")
        yield visit(context, address, complaints, patience_ms=SOON)
        assert complaints == []
        chromium.close()


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


def test_studies_are_in_french_and_offer_only_what_can_be_done(page: Any):
    tab(page, "\u00c9tudes")
    page.wait_for_selector("#verdict >> text=Pas encore d'\u00e9tude")
    assert page.locator("#studies button:disabled").count() == 2
    assert "\u00c9tapes" in page.locator("#studies thead").first.inner_text()

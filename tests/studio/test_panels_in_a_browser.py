"""The panels in a real browser: a face becomes a clip, the clip is sent on, a wrong file is refused in its place."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipelines.media import export
from studio.benchmarks.browser import visit

SOON, LATER = 30_000, 120_000
pytestmark = pytest.mark.browser


@pytest.fixture
def address(open_studio: Any, tmp_path: Path, tiny_folder: Path) -> Iterator[str]:
    with open_studio(tmp_path / "data", RUSHES_MODELS=str(tiny_folder)) as address:
        yield address


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Any]:
    complaints: list[str] = []
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield visit(context, address, complaints, patience_ms=SOON)
    assert complaints == []


def test_a_face_becomes_a_clip_that_is_sent_on_and_a_wrong_file_is_refused(page: Any, tmp_path: Path):
    picture = export.picture(np.full((40, 30, 3), 90, np.uint8), tmp_path / "face.png")

    def tab(name: str) -> None:
        page.locator(f"#tabs button[role=tab]:visible >> text='{name}'").click()

    tab("Personalise")
    page.set_input_files("#personalize-face input[type=file]", picture)
    page.wait_for_selector("#personalize-face figure:not([hidden])")
    page.locator("#personalize-consent label").first.click()
    page.fill("#personalize-prompt textarea", "a person walks on a beach")
    page.locator("#personalize-prompt textarea").press("Control+Enter")
    page.wait_for_selector(".job[data-state=done]", state="attached", timeout=LATER)
    page.locator("#stage-acts [data-act=edit]").click()
    page.wait_for_selector("#edit-video figure:not([hidden])")
    assert page.locator("#edit-go").is_visible() and page.locator("#theatre").is_visible()
    tab("Sound")
    page.set_input_files("#video-to-sound-video input[type=file]", picture)
    page.wait_for_selector("#video-to-sound-video .said[data-refused]")
    assert "must be a film" in page.locator("#video-to-sound-video .said").inner_text()
    tab("Gallery")
    page.wait_for_selector("#grid .card")
    assert not page.locator("#theatre").is_visible()

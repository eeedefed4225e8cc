"""The panels in a real browser: a face becomes a clip, the clip is sent on, a wrong file is refused in its place."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipelines.media import export
from studio.benchmarks.browser import visit

ROOT = Path(__file__).resolve().parents[2]
SOON, LATER = 30_000, 120_000
pytestmark = pytest.mark.browser


@pytest.fixture
def address(tmp_path: Path, tiny_folder: Path) -> Iterator[str]:
    command = [sys.executable, "app.py", "--port", "0", "--data", str(tmp_path / "data")]
    env = os.environ | {"RUSHES_MODELS": str(tiny_folder)}
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True, env=env) as server:
        found = next(filter(None, (re.search(r"http://\S+", line) for line in server.stderr)), None)
        assert found, "the studio did not open"
        yield found[0]
        server.terminate()
        server.communicate()


@pytest.fixture
def page(address: str) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        complaints: list[str] = []
        context = chromium.new_context(viewport={"width": 1280, "height": 900})
        yield visit(context, address, complaints, patience_ms=SOON)
        assert complaints == []
        chromium.close()


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

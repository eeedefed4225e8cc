"""The Verify tab: plain words, and nothing of a stranger's file becomes part of the page."""

from pathlib import Path
from types import SimpleNamespace

import gradio as gr

from pipelines.requests import TextToVideo
from studio.settings import Settings
from studio.studio import Studio
from studio.ui.app import TABS
from studio.ui.desk import Desk
from studio.ui.post import makers, rooms, tab_id
from studio.ui.tabs import verify
from studio.ui.words import say_in

FOUND = {
    "signature": "absent",
    "watermark": {"found": False, "confidence": 0.0, "clip": None},
    "settings": None,
    "says": ["Not signed. Most sites remove signatures, so this says nothing about where it comes from."],
}


def test_what_was_found_is_said_in_words():
    page = verify.shown(FOUND, say_in("en"))
    assert "Not signed" in page and "says nothing about where it comes from" in page


def test_a_watermark_without_a_signature_is_the_headline():
    marked = FOUND | {"watermark": {"found": True, "confidence": 1.0, "clip": None}}
    assert verify.MARKED in verify.shown(marked, say_in("en"))


def test_nothing_of_a_stranger_s_file_becomes_part_of_the_page():
    attack = "<img src=x onerror=alert(1)>"
    settings = {"task": "text-to-video", "prompt": attack, attack: "x"}
    page = verify.shown(FOUND | {"settings": settings, "says": [attack]}, say_in("en"))
    assert "<img" not in page and "&lt;img" in page


def test_a_clip_of_the_gallery_waits_for_its_turn_as_a_file_does_and_is_refused_as_one(tmp_path: Path):
    studio = Studio.open(Settings(data=tmp_path))
    clip = studio.settings.clips / "a" / "clip.png"
    clip.parent.mkdir(parents=True)
    clip.write_bytes(b"damaged")
    shape = {"frames": 1, "fps": 16, "width": 64, "height": 64, "elapsed_s": 1.0}
    studio.gallery.add(SimpleNamespace(path=clip, request=TextToVideo(prompt="a fox", still=True), **shape), "ada")
    with gr.Blocks(analytics_enabled=False) as page:
        desk = Desk(studio, rooms(TABS), makers(TABS))
        desk.tab = gr.Tab(id=tab_id(verify.NAME))
        verify.draw(page, studio, desk)
    dropped, ordered = page.fns.values()
    assert (ordered.queue, ordered.concurrency_id) == (dropped.queue, dropped.concurrency_id) == (True, "verify")
    ada = SimpleNamespace(state=SimpleNamespace(owner="ada"), headers={})
    told = ordered.fn({"act": "verify", "clip": "a"}, ada)
    assert verify.REFUSED in told and "clip.png is not a film" in told
    studio.close()

"""The Verify tab: plain words, and nothing of a stranger's file becomes part of the page."""

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

"""What the page says in the visitor's language. English sentences are the keys of assets/words/fr.json."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

FOLDER = Path(__file__).resolve().parents[2] / "assets" / "words"
FRENCH: dict[str, str] = {
    english: french
    for file in sorted(FOLDER.glob("fr*.json"))
    for english, french in json.loads(file.read_text(encoding="utf-8")).items()
}
LANGUAGES = {"en": {}, "fr": FRENCH}
Say = Callable[..., str]

label = gr.I18n(en={}, fr=FRENCH)
"""label("Prompt") is what a widget takes as its label; the browser translates it. Goes to launch(i18n=) too."""


def say_in(language: str) -> Say:
    """say("about {seconds} s left", seconds=3): the sentence in this language, English where there is none."""
    table = LANGUAGES.get(language, {})
    return lambda text, **values: table.get(text, text).format(**values) if values else table.get(text, text)


def language_of(request: gr.Request | None) -> str:
    """The first language of the visitor's browser that the studio speaks; English without any."""
    wanted: Any = request.headers.get("accept-language", "") if request else ""
    for part in str(wanted).split(","):
        tag = part.split(";")[0].strip().split("-")[0].lower()
        if tag in LANGUAGES:
            return tag
    return "en"


def say_to(request: gr.Request | None) -> Say:
    """`say_in` the language of whoever sent this request."""
    return say_in(language_of(request))

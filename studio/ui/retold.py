"""Sentences that come whole from below the page (reasons, what a download says) in the visitor's language.

They are English when they are made, and some are kept so in the database; assets/words/fr-reasons.json has the French.
"""

import dataclasses
import functools
import json
import re

from pipelines.errors import BadRequest
from pipelines.requests import TASKS
from studio.ui.words import FOLDER, Say

FIELD = re.compile(r"\\\{(\w+)\\\}")  # as re.escape writes {name}

# What the page calls the fields of refusals; those of requests have their labels.
CALLED = {spec.name: spec.metadata["label"] for cls in TASKS.values() for spec in dataclasses.fields(cls)} | {
    "lora": "LoRA",
    "task": "Task",
    "title": "Question",
    "prompts": "Prompts",
    "systems": "Systems that the studio runs",
    "raters": "Raters for each pair",
    "study": "Study",
    "clip": "Clip",
    "clips": "Clips",
    "file": "File",
    "tags": "Tags",
    "name": "Name",
    "models": "Models",
    "like": "Like",
    "repo": "A folder, or owner/name on the Hub",
    "writer": "Who makes prompts longer",
}


def refusal(error: Exception, say: Say) -> str:
    """An error of ours for the page: what the page calls the field, and what is wrong with it, in a person's words."""
    unknown = isinstance(error, BadRequest) and error.field not in CALLED
    return named(error.message if unknown else str(error), say)


def named(text: str, say: Say) -> str:
    """A sentence that may begin with a field, as a kept refusal does: with what the page calls that."""
    field, colon, said = text.partition(": ")
    if colon and field in CALLED:
        return say("{field}: {said}", field=say(CALLED[field]), said=retold(said, say))
    return retold(text, say)


def task_name(task: str) -> str:
    """What the page calls a task, in English: "Text to video"."""
    return task.replace("-", " ").capitalize()


def retold(text: str, say: Say) -> str:
    """The sentence in the language of `say`; as it is where its form is not known. What it quotes is retold too."""
    for form, pattern in _forms():
        if found := pattern.fullmatch(text):
            return say(form, **{name: named(value, say) for name, value in found.groupdict().items()})
    return say(text)


@functools.cache
def _forms() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """The forms that have fields, the ones with most words of their own first."""
    known = json.loads((FOLDER / "fr-reasons.json").read_text(encoding="utf-8"))
    forms = sorted((form for form in known if "{" in form), key=lambda form: -len(re.sub(r"\{\w+\}", "", form)))
    return tuple((form, re.compile(FIELD.sub(r"(?P<\1>.+?)", re.escape(form)), re.DOTALL)) for form in forms)

"""A file that a request needs, as a place to drop it on: taken in through the one door, shown small, named by the form.

What is shown is made where the file is taken in, never from a name that a browser sends: names travel in the settings
of finished clips, and a name must not show anybody the face that somebody else has brought.
"""

import base64
from pathlib import Path
from typing import Any

import gradio as gr

from pipelines.errors import BadRequest, StudioError
from pipelines.spec import OPTIONAL, ModelSpec
from studio import inputs
from studio.gallery import Entry
from studio.people import owner_of
from studio.settings import Settings
from studio.studio import Studio
from studio.ui.desk import FAST, QUIET
from studio.ui.element import Element
from studio.ui.form import Form
from studio.ui.retold import refusal
from studio.ui.uploads import uploaded
from studio.ui.words import say_to

CALLS = {
    "image": ("Drop a picture here, or choose one", "PNG, JPEG or WebP", "image/png,image/jpeg,image/webp"),
    "video": ("Drop a clip here, or choose one", "MP4, MOV, WebM or MKV", "video/*,.mkv"),
    "image|video": ("Drop a picture or a clip here, or choose one", "PNG, JPEG, WebP, MP4, MOV, WebM or MKV", ""),
}
AT = {"image": 1.0, "face": 0.5}  # which frame of a clip a field of pictures takes: the last one is gone on from


class Dropzone(Element):
    """value: {"picture", "film", "says"}, {"refused"} or None. Events: `bring` {"path", "name"}, `away`."""

    markup = "brought.html"
    scripts = ("brought.js",)
    styles = ("brought.css",)

    def __init__(self, value: Any = None, *, title: str = "", media: str = "image", **look: Any):
        call, hint, accept = CALLS[media]
        super().__init__(value, given={"title": title, "call": call, "hint": hint, "accept": accept}, **look)


class Brought:
    """One field of a form: `reference` holds what the request says, `zone` is what a person sees."""

    def __init__(self, form: Form, name: str, studio: Studio):
        rules = form.fields[name].metadata
        self.name, self.media = name, rules["media"]
        self._settings, self._belongings = studio.settings, studio.jobs.belongings
        self.reference = form.draw(name)
        look = {
            "visible": self._taken_by(form.model),
            "elem_id": f"{form.request.task}-{name}",
            "elem_classes": ["zoned"],
        }
        self.zone = Dropzone(title=rules["label"], media=self.media, **look)
        self.zone.bring(self._bring, None, [self.reference, self.zone], concurrency_limit=2, **QUIET)
        self.zone.away(lambda: ("", None), None, [self.reference, self.zone], **FAST)

    def update(self, model: ModelSpec, **value: Any) -> Any:
        """The update of `zone` for another model, and maybe with a value."""
        return gr.update(visible=self._taken_by(model), **value)

    def shown(self, asked: dict[str, Any]) -> dict[str, Any] | None:
        """The value of `zone` for a request that is known to be its reader's own."""
        reference = str(asked.get(self.name, ""))
        if not (self._settings.data / reference).is_file():
            return None
        return _shown(self._settings, reference, "")

    def of_clip(self, entry: Entry, file: Path, owner: str) -> tuple[str, dict[str, Any]]:
        """Reference and value of `zone` for a clip of the gallery, of which a field of pictures takes one frame.

        Raises `BadRequest`.
        """
        if self.media == "image" and entry.kind == "clip":
            reference = inputs.frame(file, self._settings, asked=self.name, at=AT.get(self.name, 0.0))
        elif (entry.kind == "clip") == ("video" in self.media) and entry.kind != "sound":
            reference = inputs.take(file, self.media, self._settings, asked=self.name)
        else:
            raise BadRequest(self.name, f"needs a clip with moving pictures; this is a {entry.kind}")
        self._belongings.add(owner, reference)
        film = f"media/{entry.id}/clip" if self.media == "video" else ""
        return reference, _shown(self._settings, reference, entry.prompt or entry.task) | {"film": film}

    def _taken_by(self, model: ModelSpec) -> bool:
        return self.name not in OPTIONAL or self.name in model.free

    def _bring(self, event: gr.EventData, request: gr.Request) -> tuple[Any, dict[str, Any]]:
        asked = event._data if isinstance(event._data, dict) else {}
        path = None
        try:
            path = uploaded(self.name, asked.get("path"))
            reference = inputs.take(path, self.media, self._settings, asked=self.name)
            self._belongings.add(owner_of(request), reference)
            return reference, _shown(self._settings, reference, str(asked.get("name", ""))[:80])
        except StudioError as error:
            return "", {"refused": refusal(error, say_to(request))}
        finally:
            if path is not None:
                path.unlink(missing_ok=True)  # gradio's copy


def _shown(settings: Settings, reference: str, says: str) -> dict[str, Any]:
    picture = base64.b64encode(inputs.thumbnail(reference, settings)).decode()
    return {"picture": f"data:image/webp;base64,{picture}", "film": "", "says": says}

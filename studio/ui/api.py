"""The public API: these six endpoints and no others. Every argument from outside is read here and nowhere else."""

import functools
import logging
from argparse import Namespace
from collections.abc import Callable
from typing import Any

import gradio as gr
from gradio.processing_utils import save_file_to_cache
from gradio.utils import get_upload_folder

from pipelines.errors import BadRequest, StudioError
from pipelines.requests import request_from_dict
from studio import shop
from studio.people import owner_of
from studio.studio import Studio
from studio.ui.tabs import verify
from studio.ui.uploads import uploaded

LARGEST_REQUEST = 64_000  # characters of JSON; the longest prompts of all fields together are far shorter
WRONG = "something went wrong inside the studio; its log says what"
log = logging.getLogger("studio.ui.api")


def draw(studio: Studio) -> None:
    """Adds the endpoints to the page that is being built. Nothing of them is visible."""
    ask = Endpoints(studio)
    for endpoint in (ask.submit, ask.job, ask.cancel, ask.clip, ask.models, ask.verify):
        gr.api(_answered(endpoint), api_name=endpoint.__name__, api_visibility="public", concurrency_limit=None)


class Endpoints:
    """What each endpoint does, for the owner that its caller is. Raises `StudioError`, whose text is for people."""

    def __init__(self, studio: Studio):
        self._studio = studio

    def submit(self, request: dict, caller: gr.Request) -> dict:
        """Puts a request into the queue: {"task": "text-to-video", "prompt": ..., ...} to {"job": id}."""
        if len(str(request)) > LARGEST_REQUEST:
            raise BadRequest("request", f"is longer than {LARGEST_REQUEST} characters")
        return {"job": self._studio.jobs.submit(request_from_dict(request), owner_of(caller))}

    def job(self, id: str, caller: gr.Request) -> dict:
        """How a job is going: state, fraction, message, eta_s, position and, when it is done, clip."""
        job = self._job(id, caller)
        names = ("state", "fraction", "message", "eta_s", "position", "clip")
        return {name: getattr(job, name) for name in names}

    def cancel(self, id: str, caller: gr.Request) -> dict:
        """Stops a job, and says as `/job` how it is then."""
        self._studio.jobs.cancel(self._job(id, caller).id, owner_of(caller))
        return self.job(id, caller)

    def clip(self, id: str, caller: gr.Request) -> dict:
        """The file of a finished clip, as a copy that can be fetched for a day."""
        path = self._studio.gallery.path(_name("id", id), owner_of(caller), "clip")
        if path is None:
            raise BadRequest("id", "you have no such clip")
        return gr.FileData(path=save_file_to_cache(path, get_upload_folder()), orig_name=path.name).model_dump()

    def models(self, caller: gr.Request) -> list:
        """What can run here, what cannot and why."""
        return shop.models(Namespace(), self._studio.settings)["models"]

    def verify(self, file: dict, caller: gr.Request) -> dict:
        """What an uploaded file says about itself: signature, watermark, settings. Pass it with `handle_file`."""
        path = uploaded("file", file.get("path") if isinstance(file, dict) else None)
        try:
            return verify.look(self._studio, path, owner_of(caller)) | {"file": path.name}
        except BadRequest as error:  # where uploads are kept concerns nobody
            raise BadRequest("file", error.message.replace(str(path), path.name)) from error
        finally:
            path.unlink(missing_ok=True)  # gradio's copy: nothing of what people ask about is kept

    def _job(self, id: Any, caller: gr.Request) -> Any:
        job = self._studio.jobs.get(_name("id", id), owner_of(caller))
        if job is None:
            raise BadRequest("id", "you have no such job")
        return job


def _name(field: str, value: Any) -> str:
    if not isinstance(value, str) or not value.isascii() or not 1 <= len(value) <= 64:
        raise BadRequest(field, "must be the id that /submit or /job gave you")
    return value


def _answered(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, whose every error is one sentence on the other side."""

    @functools.wraps(function)
    def answered(*values: Any) -> Any:
        try:
            return function(*values)
        except StudioError as error:
            raise gr.Error(str(error), print_exception=False) from error
        except Exception as error:
            log.exception("%s", function.__name__)
            raise gr.Error(WRONG, print_exception=False) from error

    return answered

"""What came out of a study, for its owner alone: the report to look at and print, and the votes as files."""

import tempfile
from pathlib import Path
from typing import Any

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from pipelines.errors import StudioError
from studio.people import owner_of

PRIVATE = {"Cache-Control": "no-store"}


class Results:
    """Everything below /studies."""

    def __init__(self, studio: Any):
        self._studio = studio

    def routes(self) -> list[Route]:
        """The addresses, for `studio.ui.web`."""
        return [
            Route("/studies/{study}/report", self._report),
            Route("/studies/{study}/votes.{kind}", self._votes),
        ]

    def _report(self, request: Request) -> Response:
        from studio import report  # brings matplotlib and scipy; the server starts without them

        try:
            page = report.page(self._studio.arena, request.path_params["study"], whose(self._studio, owner_of(request)))
        except StudioError as error:
            return PlainTextResponse(str(error), status_code=404)
        return HTMLResponse(page, headers=PRIVATE)

    def _votes(self, request: Request) -> Response:
        from studio import verdict

        study, kind = request.path_params["study"], request.path_params["kind"]
        folder = tempfile.TemporaryDirectory(prefix="rushes-")
        path = Path(folder.name) / f"votes.{kind}"
        try:
            verdict.export(self._studio.arena, study, whose(self._studio, owner_of(request)), path)
        except StudioError as error:
            folder.cleanup()
            return PlainTextResponse(str(error), status_code=404)
        name = f"study-{study}.{kind}"
        return FileResponse(path, filename=name, headers=PRIVATE, background=BackgroundTask(folder.cleanup))


def whose(studio: Any, owner: str) -> str | None:
    """Whose studies a visitor may see: their own; all of them (None) on a machine that is used by one person alone."""
    return None if studio.people.auth == "none" and studio.people.is_admin(owner) else owner

"""The page on which people vote, by a link and without an account. It stands apart from the studio's own page.

So there is nothing near a blind pair that names a model: no form, no gallery, no gradio. Clips have random addresses.
"""

import functools
import json
import secrets
from http.cookies import Morsel, SimpleCookie
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from pipelines.errors import BadRequest, StudioError
from studio.arena import AXES, Arena
from studio.ballots import Ballots
from studio.ui.element import FOLDER
from studio.ui.retold import retold
from studio.ui.vote import Vote
from studio.ui.words import FRENCH, language_of, say_in, say_to

KINDS = {"rater.js": "text/javascript", "rater.css": "text/css"}
COOKIE = "rushes_rater"
YEAR_S = 365 * 24 * 3600
LARGEST_BODY = 20_000  # bytes of an answer
PRIVATE = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"}
HEADING = "Which one is better?"
NO_COOKIES = "this browser keeps no cookies; voting needs one to know which pairs you have seen"
LONG_AGO = "Thu, 01 Jan 1970 00:00:00 GMT"  # when a file was written could tell which system made it


class Voting:
    """Everything below /vote. `space`: inside a Hugging Face Space, whose page is a frame of another site."""

    def __init__(self, arena: Arena, *, space: bool = False):
        self._ballots = Ballots(arena)
        self._space = space

    def routes(self) -> list[Route]:
        """The addresses, for `studio.ui.web`; nobody has to sign in for them."""
        return [
            Route("/vote/page/{name}", self._part),
            Route("/vote/media/{token}", self._media),
            Route("/vote/{link}", self._page),
            Route("/vote/{link}/next", self._next),
            Route("/vote/{link}/ballot", self._cast, methods=["POST"]),
        ]

    def _page(self, request: Request) -> Response:
        language = language_of(request)
        page = _page()["rater.html"].replace('lang="en"', f'lang="{language}"')
        answer = HTMLResponse(page.replace(HEADING, say_in(language)(HEADING)), headers=PRIVATE)
        if not _rater(request):
            answer.headers["Set-Cookie"] = self._cookie(request)
        return answer

    def _part(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in KINDS:
            return _nothing()
        return Response(_page()[name], media_type=KINDS[name], headers={"Cache-Control": "no-cache"})

    def _media(self, request: Request) -> Response:
        token = request.path_params["token"]
        path = self._ballots.media(token, _rater(request))
        if path is None:
            return _nothing()
        hidden = {"ETag": f'"{token}"', "Last-Modified": LONG_AGO}
        return FileResponse(path, headers={**PRIVATE, **hidden, "Cache-Control": "private, max-age=3600"})

    def _next(self, request: Request) -> Response:
        if not _rater(request):
            return _said(say_to(request)(NO_COOKIES), 403)
        try:
            ballot = self._ballots.next(request.path_params["link"], _rater(request))
        except StudioError as error:
            return _refused(error, request)
        return JSONResponse({"ballot": ballot and ballot.to_dict()}, headers=PRIVATE)

    async def _cast(self, request: Request) -> Response:
        if request.headers.get("content-type", "").split(";")[0] != "application/json":
            return _said("an answer is JSON", 415)  # what a form of another site cannot send
        try:
            said = _parsed(await _body(request))
            kept = await run_in_threadpool(
                self._ballots.cast, request.path_params["link"], _rater(request), said["ballot"], said["answers"]
            )
        except StudioError as error:
            return _refused(error, request)
        return JSONResponse({"kept": True, "first": kept}, headers=PRIVATE)

    def _cookie(self, request: Request) -> str:
        jar: SimpleCookie = SimpleCookie({COOKIE: secrets.token_urlsafe(24)})
        morsel: Morsel = jar[COOKIE]
        morsel.update({"path": "/", "max-age": YEAR_S, "httponly": True, "samesite": "None" if self._space else "Lax"})
        morsel["secure"] = self._space or request.url.scheme == "https"
        return morsel.OutputString() + ("; Partitioned" if self._space else "")


@functools.cache
def _page() -> dict[str, str]:
    """The files of the page: the studio's vote (studio.ui.vote) and what it stands in where there is no gradio."""
    own = {name: (FOLDER / name).read_text(encoding="utf-8") for name in ("rater.html", *KINDS)}
    texts = {text: text for text in (*AXES.values(), *FRENCH) if text in AXES.values() or text in own["rater.js"]}
    markup, style, script = Vote.pieces({"texts": texts})
    return {
        "rater.html": own["rater.html"].replace("<!--vote.html-->", markup),
        "rater.css": f"{own['rater.css']}\n#vote {{\n{style}\n}}",
        "rater.js": f"function mount(element, trigger, props, watch) {{\n{script}\nreturn say;\n}}\n{own['rater.js']}",
    }


def _rater(request: Request) -> str:
    return request.cookies.get(COOKIE, "")


async def _body(request: Request) -> bytes:
    """The whole answer. A browser that is closed in the middle has said nothing."""
    body = b""
    try:
        async for part in request.stream():
            body += part
            if len(body) > LARGEST_BODY:
                raise BadRequest("answer", f"is longer than {LARGEST_BODY} bytes")
    except ClientDisconnect as error:
        raise BadRequest("answer", "ended early") from error
    return body


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        said = json.loads(body)
    except ValueError as error:
        raise BadRequest("answer", "is no JSON") from error
    if not (isinstance(said, dict) and isinstance(said.get("ballot"), str) and isinstance(said.get("answers"), dict)):
        raise BadRequest("answer", "needs a ballot and what was said")
    return said


def _refused(error: StudioError, request: Request) -> Response:
    wrong = isinstance(error, BadRequest)
    said = f"This {error.field} {error.message}." if wrong else str(error)
    return _said(retold(said, say_to(request)), 400 if wrong else 503)


def _said(sentence: str, status: int) -> Response:
    return JSONResponse({"error": sentence}, status_code=status, headers=PRIVATE)


def _nothing() -> Response:
    return PlainTextResponse("there is nothing here", status_code=404)

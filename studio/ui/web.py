"""What stands around the page: who is asking, who may come in, and the way by which media leaves the server.

`studio.ui.guard` puts it there. No folder is ever opened to the browser as a whole.
"""

import html
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from string import Template
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.formparsers import MultiPartException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipelines.errors import StudioError
from studio.people import COOKIE, SIGNED, VISIT, VISIT_S, People, alias, owner_of
from studio.studio import Studio
from studio.ui import pulse
from studio.ui.results import Results
from studio.ui.retold import refusal
from studio.ui.voting import Voting
from studio.ui.window import Pace, Window
from studio.ui.words import language_of, say_to

HEADERS = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "same-origin"}
YEAR_S = 365 * 24 * 3600
LARGEST_BODY = 2 * 2**20  # bytes of anything but an upload, and what may stand around the files of one
UPLOAD = "/gradio_api/upload"
OPENS = ("/", "/config")  # what a browser and gradio_client ask for first
NEWCOMERS = Pace(ends=OPENS, most=60, seconds=600, reads=True)  # new browsers of one address
ANYBODY = ("/login", "/gradio_api/startup-events")  # gradio asks itself for the latter when it starts
KEEPS_NOTHING = (UPLOAD, "/gradio_api/call/models", "/gradio_api/call/verify")  # what nobody in particular may ask
ARCHIVE, QUEUE = "rushes.zip", "rushes-queue.zip"
VOTES = "/vote/"  # raters come by a link and without an account
ASTRAY = "this studio does not answer to that host; whoever runs it names its public hosts in RUSHES_HOSTS"
UNKNOWN = (
    "This studio knows you by its cookie, and there is none: allow cookies and open the page again, a little later."
)
NOT_HERE = "there is nothing of yours here"


def around(studio: Studio, headers: Mapping[str, str] = HEADERS) -> dict[str, Any]:
    """The `app_kwargs` of gradio's launch. `headers` go into every answer that does not have them."""
    space = studio.settings.space
    return {
        "middleware": [Middleware(Door, studio=studio, headers=headers)],
        "routes": [
            pulse.route(studio),
            *Media(studio).routes(),
            *Results(studio).routes(),
            *Voting(studio.arena, space=space).routes(),
            *Entrance(studio.people, space=space).routes(),
        ],
        "openapi_url": None,
    }


class Door:
    """Finds out who is asking and keeps it in `request.state.owner`. Turns away other sites, strangers and floods."""

    def __init__(self, app: ASGIApp, *, studio: Studio, headers: Mapping[str, str]):
        self._app = app
        self._people = studio.people
        self._headers = headers
        self._settings = studio.settings
        self._newcomers = Window(NEWCOMERS)
        self._largest_upload = studio.settings.max_upload_mb * 2**20 + LARGEST_BODY

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One exchange. The lifespan of the server passes through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        cookie, answer = None, self._astray(request)
        if answer is None:
            cookie = await self._admit(request)
            answer = self._refusal(request) or self._app
        body = _limited(receive, self._largest(request), files=request.scope["path"] == UPLOAD)
        await answer(scope, body, _adding(send, self._headers, cookie))

    def _astray(self, request: Request) -> Response | None:
        """The answer to what is meant for another host, was sent by another site's page, or is too long."""
        said = [request.headers.get("host", ""), *request.headers.getlist("x-forwarded-host")]
        hosts = [_name(host) for host in said]
        if self._settings.alone:
            hosts.append(place(request))  # a proxy that says another host still says for whom it asks
        if not all(map(self._settings.answers_to, hosts)):
            return PlainTextResponse(ASTRAY, status_code=403)
        if _foreign(request.headers):
            return PlainTextResponse("this studio answers to its own pages only", status_code=403)
        length = request.headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > self._largest(request):
            return PlainTextResponse("that is too much at once", status_code=413)
        return None

    async def _admit(self, request: Request) -> str | None:
        """Sets the owner, if one is known, and returns the cookie that a new browser is to keep."""
        open_to_all = self._people.auth == "none"
        if open_to_all and self._settings.space and (name := _hub_name(request)):
            request.state.owner = f"hub:{name}"
            return None
        request.state.owner = await run_in_threadpool(self._people.owner, request.cookies)
        if request.state.owner or not open_to_all or request.scope["path"] not in OPENS or self._crowded(request):
            return None
        token = self._people.newcomer()
        request.state.owner = alias("browser", token)
        return cookie(COOKIE, token, request, space=self._settings.space, keep_s=YEAR_S)

    def _crowded(self, request: Request) -> bool:
        """Whether too many new browsers come from one address, which could be one that throws its cookies away."""
        return not self._settings.alone and self._newcomers.wait(place(request)) > 0

    def _refusal(self, request: Request) -> Response | None:
        """The answer to whom the studio does not know, where it has to."""
        path, known = request.scope["path"], request.state.owner
        if known or path in ANYBODY or path.startswith(VOTES):
            return None
        if self._people.auth == "none":
            asks = request.method == "POST" and path not in KEEPS_NOTHING and not self._settings.alone
            return JSONResponse({"error": say_to(request)(UNKNOWN)}, status_code=403) if asks else None
        if "text/html" in request.headers.get("accept", ""):
            return _to("/login", request)
        return JSONResponse({"error": "sign in first"}, status_code=401)

    def _largest(self, request: Request) -> int:
        """Bytes of a body. gradio's own limit is for each file, not for the fields beside them nor for their sum."""
        return self._largest_upload if request.scope["path"] == UPLOAD else LARGEST_BODY


class Media:
    """Clips, posters and previews for their owners; for everybody else there is nothing."""

    def __init__(self, studio: Studio):
        self._studio = studio

    def routes(self) -> list[Route]:
        """The addresses; Range and HEAD are answered too."""
        return [
            Route("/media/archive", self._archive),
            Route("/media/queue", self._queue),
            Route("/media/{name}/preview/{number:int}", self._preview),
            Route("/media/{name}/{what}", self._clip),
        ]

    def _clip(self, request: Request) -> Response:
        name, what = request.path_params["name"], request.path_params["what"]
        return _file(self._studio.gallery.path(name, owner_of(request), what), "private, max-age=31536000, immutable")

    def _archive(self, request: Request) -> Response:
        names = request.query_params.get("clips", "").split(",")
        return _packed(ARCHIVE, lambda file: self._studio.gallery.zip(names, owner_of(request), file))

    def _queue(self, request: Request) -> Response:
        return _packed(QUEUE, lambda file: self._studio.jobs.export_queue(owner_of(request), file))

    def _preview(self, request: Request) -> Response:
        name, number = request.path_params["name"], request.path_params["number"]
        job = self._studio.jobs.get(name, owner_of(request))
        file = self._studio.settings.previews / f"{job.id}-{number}.webp" if job and number < 10**6 else None
        if file is not None and not file.is_file():  # a page asks a moment too late: no error, but nothing to see
            return Response(status_code=204)
        return _file(file, "private, max-age=60")


class Entrance:
    """The page on which people sign in when RUSHES_AUTH is local. gradio_client's `auth=` signs in here too."""

    def __init__(self, people: People, *, space: bool):
        self._people = people
        self._space = space

    def routes(self) -> list[Route]:
        """None where nobody has to sign in."""
        if self._people.auth != "local":
            return []
        return [
            Route("/login", self._show),
            Route("/login", self._sign_in, methods=["POST"]),
            Route("/logout", self._sign_out, methods=["POST"]),
        ]

    def _show(self, request: Request) -> Response:
        return HTMLResponse(_form("", request))

    async def _sign_in(self, request: Request) -> Response:
        given = dict(parse_qsl((await request.body()).decode(errors="replace")))
        name, password = given.get("username", ""), given.get("password", "")
        browser = "text/html" in request.headers.get("accept", "")
        try:
            token = await run_in_threadpool(self._people.sign_in, name, password, place(request))
        except StudioError as error:
            if browser:
                return HTMLResponse(_form(refusal(error, say_to(request)), request), status_code=401)
            return JSONResponse({"error": str(error)}, status_code=401)
        answer = _to("/", request) if browser else JSONResponse({"success": True})
        return self._known(answer, request, token=token, name=name.lower())

    def _sign_out(self, request: Request) -> Response:
        self._people.sign_out(request.cookies.get(VISIT, ""))
        return self._known(_to("/login", request), request)

    def _known(self, answer: Response, request: Request, *, token: str = "", name: str = "") -> Response:
        """The answer, by which the browser keeps who it is, or forgets it. The name is for the page's drafts."""
        keep_s = VISIT_S if token else 0
        answer.headers["Set-Cookie"] = cookie(VISIT, token, request, space=self._space, keep_s=keep_s)
        told = cookie(SIGNED, name, request, space=self._space, keep_s=keep_s).replace("; HttpOnly", "")
        answer.headers.append("Set-Cookie", told)
        return answer


def cookie(name: str, value: str, request: Request, *, space: bool, keep_s: int) -> str:
    """A Set-Cookie line that no script can read. In a Space the page is a frame of another site, which browsers
    allow cookies for only if they are Secure, SameSite=None and Partitioned."""
    site = "; SameSite=None; Secure; Partitioned" if space else "; SameSite=Lax"
    secure = "; Secure" if request.url.scheme == "https" and not space else ""
    return f"{name}={value}; Path=/; Max-Age={keep_s}; HttpOnly{site}{secure}"


def place(request: Request) -> str:
    """The address that a request comes from; that of the visitor behind a proxy whom FORWARDED_ALLOW_IPS names."""
    return request.client.host if request.client else ""


def _name(host: str) -> str:
    """The name or address in a Host line, without its port, in lower case; empty if it is none."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:  # a bracket that is not closed
        return ""


def _to(path: str, request: Request) -> Response:
    return RedirectResponse(request.scope.get("root_path", "") + path, status_code=303)


def _packed(name: str, pack: Callable[[Path], Any]) -> Response:
    """A zip that is written for one visitor and removed after it was sent."""
    folder = Path(tempfile.mkdtemp(prefix="rushes-"))
    try:
        pack(folder / name)
    except StudioError as error:
        shutil.rmtree(folder, ignore_errors=True)
        return PlainTextResponse(str(error), status_code=404)
    gone = BackgroundTask(shutil.rmtree, folder, ignore_errors=True)
    return FileResponse(folder / name, filename=name, background=gone)


def _file(path: Path | None, keep: str) -> Response:
    if path is None or not path.is_file():
        return PlainTextResponse(NOT_HERE, status_code=404)
    return FileResponse(path, headers={"Cache-Control": keep, "Vary": "Cookie"})


def _foreign(headers: Headers) -> bool:
    """Whether a page of another site sent this. A script cannot set Origin, nor X-Forwarded-Host across sites."""
    origin = headers.get("origin")
    if origin is None:
        return False
    try:
        site = urlsplit(origin).netloc
    except ValueError:  # a bracket that is not closed
        return True
    return origin == "null" or site not in (headers.get("host"), headers.get("x-forwarded-host"))


def _limited(receive: Receive, left: int, *, files: bool) -> Receive:
    """The body, which ends early if it is longer than it said, or said nothing and is too long (bytes).

    The end is a `MultiPartException` where it brings files: for no other does gradio remove what it has of them.
    """
    more = True

    async def limited() -> Message:
        nonlocal left, more
        message = await receive()
        left -= len(message.get("body", b""))
        broken = left < 0 or (more and message["type"] == "http.disconnect")
        more = message.get("more_body", False)
        if broken and files:
            raise MultiPartException("an upload was broken off, or is larger than the maximum allowed size")
        return {"type": "http.disconnect"} if broken else message

    return limited


def _adding(send: Send, headers: Mapping[str, str], cookie: str | None) -> Send:
    async def adding(message: Message) -> None:
        if message["type"] == "http.response.start":
            answer = MutableHeaders(scope=message)
            for name, value in headers.items():
                answer.setdefault(name, value)
            if cookie:
                answer.append("Set-Cookie", cookie)
        await send(message)

    return adding


def _hub_name(request: Request) -> str | None:
    """The Hugging Face name in gradio's signed session; only a Space has one that means something."""
    session = request.scope.get("session") or {}
    return ((session.get("oauth_info") or {}).get("userinfo") or {}).get("preferred_username")


def _form(sentence: str, request: Request) -> str:
    say, said = say_to(request), f'<p role="alert">{html.escape(sentence)}</p>' if sentence else ""
    words = {"name": say("Name"), "password": say("Password"), "go": say("Sign in")}
    return FORM.substitute(language=language_of(request), said=said, **words)


FORM = Template("""<!doctype html>
<html lang="$language"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Rushes</title>
<style>
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { min-height: 100vh; margin: 0; display: grid; place-items: center }
form { width: min(20rem, 90vw); display: grid; gap: .75rem }
label { display: grid; gap: .25rem }
input, button { font: inherit; padding: .6rem; border-radius: .5rem; border: 1px solid }
</style></head><body><form method="post"><h1>Rushes</h1>$said
<label>$name <input name="username" autocomplete="username" required autofocus></label>
<label>$password <input name="password" type="password" autocomplete="current-password" required></label>
<button>$go</button></form></body></html>
""")

"""What a page on the internet needs besides `web`: headers that keep other sites' code out, and a limit on haste.

`app_kwargs=guard.protect(studio)` in place of `web.around(studio)`.
"""

import math
from dataclasses import replace
from typing import Any

from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from studio.studio import Studio
from studio.ui import web
from studio.ui.window import Pace, Window

RESIZER = "https://cdnjs.cloudflare.com"  # where gradio's page in a Space takes the script that fits it into its frame
CROWD = 5  # owners who may share one address, each at the full pace


# What is packed or counted anew for whoever asks.
PACKED = ("/archive", "/queue", "/report", *(f"/votes.{kind}" for kind in ("csv", "json", "parquet")))
# Of one owner, or of one address that is nobody yet; of all owners at one address CROWD times as much. A page that is
# open asks about once a second.
PACES = (
    Pace(ends=("/upload",), most=30, seconds=60),
    Pace(ends=("/login",), most=20, seconds=60),
    Pace(ends=PACKED, most=30, seconds=60, reads=True),
    Pace(ends=("/next",), most=600, seconds=60, reads=True),  # a room of raters may share one address
    Pace(ends=("",), most=900, seconds=60),
)


def protect(studio: Studio) -> dict[str, Any]:
    """The `app_kwargs` of gradio's launch."""
    space = studio.settings.space
    around = web.around(studio, headers(space=space))
    return around | {"middleware": [*around["middleware"], Middleware(Turnstile)]}


def headers(*, space: bool = False) -> dict[str, str]:
    """For every answer. gradio's page needs inline scripts; nothing is loaded from anywhere else, and nothing sent."""
    policy = {
        "default-src": "'self'",
        "script-src": f"'self' 'unsafe-inline' 'unsafe-eval'{f' {RESIZER}' if space else ''}",
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "media-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "worker-src": "'self' blob:",
        "object-src": "'none'",
        "base-uri": "'self'",
        "form-action": "'self'",
        "frame-ancestors": "'self' https://huggingface.co https://*.hf.space" if space else "'self'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Permissions-Policy": "camera=(self), microphone=(self), geolocation=(), payment=(), usb=()",
        "Cross-Origin-Resource-Policy": "cross-origin" if space else "same-origin",
    }


class Turnstile:
    """Answers 429 to whoever sends more than people do. Stands behind `web.Door`, which knows who it is."""

    def __init__(self, app: ASGIApp, paces: tuple[Pace, ...] = PACES):
        self._app = app
        self._windows = [(pace, Window(pace), Window(replace(pace, most=CROWD * pace.most))) for pace in paces]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One exchange; only what changes something or asks for work is counted."""
        if scope["type"] == "http" and (wait := self._wait(Request(scope))):
            said = {"Retry-After": str(math.ceil(wait))}
            answer = PlainTextResponse("that is more than people do; wait a moment", status_code=429, headers=said)
            await answer(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _wait(self, request: Request) -> float:
        path, place = request.scope["path"].rstrip("/"), web.place(request)
        owner = getattr(request.state, "owner", None)
        for pace, own, crowd in self._windows:
            if path.endswith(pace.ends) and (pace.reads or request.method == "POST"):
                return own.wait(owner or place) or crowd.wait(place)
        return 0.0

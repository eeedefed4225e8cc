"""Who is asking: a signed-in person, or the browser by the random token in its cookie."""

import hashlib
from typing import Any

COOKIE = "rushes_owner"


def owner_of(request: Any) -> str:
    """The owner behind a gradio or starlette request: the person signed in, else the browser, else the API session.

    What the middleware of `studio.ui.web` found out counts; without it the cookie does, and for a caller that keeps
    no cookies gradio's session. The kinds of names cannot be taken for one another, and none tells a cookie.
    """
    plain = getattr(request, "request", None) or request
    known = getattr(plain.state, "owner", None)
    if known is not None:
        return known
    if token := plain.cookies.get(COOKIE):
        return named("browser", token)
    return named("session", getattr(request, "session_hash", None) or "")


def named(kind: str, secret: str) -> str:
    """The name under which whoever knows a secret keeps jobs and clips; it can be shown and stored."""
    return f"{kind}:{hashlib.sha256(secret.encode(errors='replace')).hexdigest()[:32]}"

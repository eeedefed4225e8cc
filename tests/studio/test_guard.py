"""A page on the internet: headers that keep other code out, and a pace that people keep and programs do not."""

import asyncio

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from studio.settings import Settings
from studio.studio import Studio
from studio.ui.guard import CROWD, PACES, Turnstile, headers, protect
from studio.ui.window import Pace, Window


class Clock:
    """Time that passes when it is told to."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_caller_waits_until_the_window_has_passed():
    clock = Clock()
    window = Window(Pace(ends=("",), most=2, seconds=10), clock)
    assert [window.wait("a"), window.wait("a")] == [0, 0]
    clock.now += 4
    assert window.wait("a") == 6 and window.wait("b") == 0
    clock.now += 6.5
    assert window.wait("a") == 0


def test_callers_are_not_remembered_for_ever():
    window = Window(Pace(ends=("",), most=1, seconds=1e9))
    for number in range(10_100):
        window.wait(str(number))
    assert window.wait("10099") > 0 and window.wait("0") == 0


def asked(
    app: Starlette, path: str, method: str = "POST", client: str = "1.2.3.4", owner: str | None = None
) -> tuple[int, dict[str, str]]:
    """Status and headers of one exchange with an ASGI app."""
    said: list[dict] = []

    async def receive() -> dict:
        return {"type": "http.request", "body": b""}

    async def send(message: dict) -> None:
        said.append(message)

    scope = {"type": "http", "method": method, "path": path, "raw_path": path.encode(), "query_string": b""}
    scope |= {"headers": [], "client": (client, 1), "server": ("x", 80), "scheme": "http", "http_version": "1.1"}
    asyncio.run(app({**scope, "root_path": "", "state": {"owner": owner}}, receive, send))
    return said[0]["status"], {name.decode(): value.decode() for name, value in said[0]["headers"]}


def studio_with(*paces: Pace) -> Starlette:
    routes = [
        Route(path, lambda request: PlainTextResponse("ok"), methods=["GET", "POST"]) for path in ("/upload", "/x")
    ]
    return Starlette(routes=routes, middleware=[Middleware(Turnstile, paces=paces)])


def test_who_sends_too_much_is_told_when_to_come_back():
    app = studio_with(Pace(ends=("/upload",), most=2, seconds=60), Pace(ends=("",), most=4, seconds=60))
    assert [asked(app, "/upload")[0] for _ in range(3)] == [200, 200, 429]
    status, said = asked(app, "/upload")
    assert status == 429 and 1 <= int(said["retry-after"]) <= 60
    assert asked(app, "/x")[0] == 200, "other requests have a pace of their own"
    assert asked(app, "/upload", client="5.6.7.8")[0] == 200


def test_who_comes_as_one_owner_after_the_other_is_counted_by_the_address():
    app = studio_with(Pace(ends=("",), most=2, seconds=60))
    came = [asked(app, "/x", owner=f"browser:{number}")[0] for number in range(2 * CROWD + 1)]
    assert came == [200] * 2 * CROWD + [429]
    assert asked(app, "/x", owner="browser:0", client="5.6.7.8")[0] == 200


def test_reading_is_not_counted():
    app = studio_with(Pace(ends=("",), most=1, seconds=60))
    assert {asked(app, "/x", "GET")[0] for _ in range(20)} == {200}


def test_reading_what_has_to_be_made_first_is_counted_whatever_the_method():
    app = studio_with(Pace(ends=("/upload",), most=2, seconds=60, reads=True), Pace(ends=("",), most=1, seconds=60))
    assert [asked(app, "/upload", method)[0] for method in ("GET", "HEAD", "GET", "POST")] == [200, 200, 429, 429]
    assert asked(app, "/x")[0] == 200


@pytest.mark.parametrize(
    "path",
    ["/media/archive", "/media/queue", "/vote/a/next", "/studies/a/report", "/studies/a/votes.csv", "/vote/a/next/"],
)
def test_nobody_has_a_studio_pack_and_count_without_end(path: str):
    app = Starlette(routes=[Route("/{path:path}", lambda request: PlainTextResponse("ok"))])
    app.add_middleware(Turnstile)
    most = next(pace.most for pace in PACES if path.rstrip("/").endswith(pace.ends))
    assert most < 900
    assert [asked(app, path, "GET")[0] for _ in range(most + 1)] == [200] * most + [429]
    assert asked(app, "/media/a/clip", "GET")[0] == 200


def test_nothing_is_loaded_from_elsewhere_and_no_other_site_frames_the_page():
    policy = headers()["Content-Security-Policy"]
    assert "http" not in policy and "*" not in policy
    for rule in ("default-src 'self'", "object-src 'none'", "frame-ancestors 'self'", "form-action 'self'"):
        assert rule in policy
    assert headers()["X-Content-Type-Options"] == "nosniff"


def test_in_a_space_the_hub_may_frame_the_page():
    policy = headers(space=True)["Content-Security-Policy"]
    assert "frame-ancestors 'self' https://huggingface.co" in policy


def test_every_answer_of_a_studio_has_the_headers(tmp_path):
    studio = Studio.open(Settings(data=tmp_path))
    try:
        around = protect(studio)
        routes = [Route("/x", lambda request: PlainTextResponse("ok")), *around["routes"]]
        app = Starlette(routes=routes, middleware=around["middleware"])
        for path in ("/x", "/media/none/clip"):
            said = asked(app, path, "GET")[1]
            assert {name.lower() for name in headers()} <= set(said)
    finally:
        studio.close()

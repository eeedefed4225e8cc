"""The door of the page: to which hosts a studio answers, and who is somebody there."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from studio.people import COOKIE, NOBODY, owner_of
from studio.settings import Settings
from studio.studio import Studio
from studio.ui import web

HERE = ("127.0.0.1", 50_000)
SUBMIT = "/gradio_api/call/submit"


def owner(request: Request) -> PlainTextResponse:
    return PlainTextResponse(owner_of(request))


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[..., TestClient]]:
    """A browser at a studio with these settings, which answers with the owner that it has found."""
    with ExitStack() as stack:

        def browser(*, address: tuple[str, int] = HERE, at: str = "http://localhost", **settings: object) -> TestClient:
            studio = stack.enter_context(closing(Studio.open(Settings(data=tmp_path, **settings))))
            routes = [Route(path, owner, methods=["GET", "POST"]) for path in (*web.OPENS, "/x", SUBMIT)]
            app = Starlette(routes=routes, middleware=web.around(studio)["middleware"])
            return stack.enter_context(TestClient(app, base_url=at, client=address))

        yield browser


@pytest.mark.parametrize("host", ["localhost", "localhost:7860", "127.0.0.1:7860", "[::1]:7860", "LOCALHOST"])
def test_a_studio_of_one_machine_answers_to_its_names(opened, host):
    assert opened().get("/", headers={"Host": host}).text.startswith("browser:")


@pytest.mark.parametrize(
    "said",
    [
        {"Host": "evil.example:7860", "Origin": "http://evil.example:7860"},  # a name that leads here: DNS rebinding
        {"Host": "127.0.0.1.evil.example"},
        {"Host": "localhost:7860@evil.example"},
        {"Host": "[::1"},
        {"Host": ""},
        {"X-Forwarded-Host": "studio.example"},  # a proxy on this machine
    ],
)
def test_it_answers_to_no_other_and_says_what_would_help(opened, said):
    for answer in (opened().get("/", headers=said), opened().post(SUBMIT, headers=said)):
        assert answer.status_code == 403 and "RUSHES_HOSTS" in answer.text and "set-cookie" not in answer.headers


def test_it_answers_nobody_for_whom_a_proxy_asks(opened):
    stranger = opened(address=("203.0.113.5", 1))  # as X-Forwarded-For says, which uvicorn believes of this machine
    assert stranger.get("/").status_code == 403


def test_behind_a_proxy_a_studio_answers_to_the_hosts_that_are_named(opened):
    browser = opened(hosts=("studio.example",), address=("203.0.113.5", 1))
    assert browser.get("/", headers={"Host": "studio.example"}).status_code == 200
    told = {"X-Forwarded-Host": "studio.example", "Origin": "https://studio.example"}
    assert browser.post(SUBMIT, headers=told).status_code == 200
    assert browser.get("/", headers={"Host": "evil.example"}).status_code == 403
    assert browser.get("/", headers={"X-Forwarded-Host": "evil.example"}).status_code == 403


def test_nobody_owns_the_machine_of_a_studio_that_has_a_public_name(tmp_path):
    with closing(Studio.open(Settings(data=tmp_path, hosts=("studio.example",)))) as studio:
        assert not studio.people.is_admin("browser:a")


def test_a_browser_is_one_owner_from_its_first_page_on(opened):
    browser = opened()
    first = browser.get("/")
    assert COOKIE in first.headers["set-cookie"] and first.text == browser.post(SUBMIT).text == browser.get("/x").text
    assert "set-cookie" not in browser.get("/").headers
    assert opened().get("/config").text not in (first.text, NOBODY)


def test_a_made_up_cookie_is_nobody_who_may_read_and_ask_for_nothing(opened):
    browser = opened(at="http://localhost", hosts=("localhost",))
    browser.headers["Cookie"] = f"{COOKIE}={'a' * 43}"
    assert browser.get("/x").text == NOBODY
    refused = browser.post(SUBMIT)
    assert refused.status_code == 403 and refused.json()["error"] == web.UNKNOWN
    french = browser.post(SUBMIT, headers={"Accept-Language": "fr"}).json()["error"]
    assert french.startswith("Ce studio") and french != web.UNKNOWN
    assert COOKIE in browser.get("/").headers["set-cookie"], "and becomes somebody on the page"


def test_a_program_without_cookies_may_ask_a_studio_of_one_machine(opened):
    assert opened().post(SUBMIT).text == NOBODY == opened().post(SUBMIT).text


def test_an_address_brings_only_so_many_new_browsers(opened):
    most = web.NEWCOMERS.most

    def came(browser: TestClient) -> list[bool]:
        browser.headers["Cookie"] = "a=b"  # in place of the one that was given
        return [COOKIE in browser.get("/").headers.get("set-cookie", "") for _ in range(most + 1)]

    assert came(opened(host="0.0.0.0")) == [True] * most + [False]
    assert came(opened()) == [True] * (most + 1), "who is at the machine keeps no others out"


def test_whom_the_database_keeps_waiting_keeps_nobody_else_waiting(tmp_path):
    with closing(Studio.open(Settings(data=tmp_path, auth="local"))) as studio:
        app = Starlette(routes=[Route("/x", owner)], middleware=web.around(studio)["middleware"])
        at = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost")
        busy = studio.database._lock
        busy.acquire()
        release = threading.Timer(3, busy.release)
        release.start()

        async def others_wait_s() -> float:
            asking = asyncio.ensure_future(at.get("/x"))
            begun = time.monotonic()
            for _ in range(10):
                await asyncio.sleep(0.01)
            waited = time.monotonic() - begun
            release.cancel()
            if waited < 2:
                busy.release()
            assert (await asking).status_code == 401
            return waited

        assert asyncio.run(others_wait_s()) < 2

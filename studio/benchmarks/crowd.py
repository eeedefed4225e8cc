"""50 people with the page open, who poll as it does and submit through the API for a minute, while the worker works.

Over HTTP, from another process than the server's, on loopback.
"""

import asyncio
import contextlib
import json
import random
import tempfile
import time
from collections.abc import Awaitable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import httpx

from studio.benchmarks import ground
from studio.board import Board
from studio.db import Database

PEOPLE, BUSY_S, IDLE_S, LIMIT_S = 50, 1.0, 3.0, 0.5  # as assets/ui/pulse.js does
STEPS = 20  # of each still, which then takes some seconds as real jobs do, and not half a one


@dataclass(kw_only=True)
class Heard:
    """What all of them have measured, in seconds, and the errors they met.

    A poll is what the page does: a pulse and, if it tells of something new, a look.
    """

    polls: list[float] = field(default_factory=list)
    pulses: list[float] = field(default_factory=list)
    looks: list[float] = field(default_factory=list)
    questions: list[float] = field(default_factory=list)  # /job of the API
    submits: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def measure(count: int = 60) -> dict[str, Any]:
    """`count` seconds of it."""
    with tempfile.TemporaryDirectory(prefix="rushes-crowd-") as folder, ground.served(Path(folder)) as address:
        heard = asyncio.run(_crowd(address, count))
        made = _counts(Path(folder))
    p95 = {name: round(_p95(times), 3) for name, times in asdict(heard).items() if name != "errors"}
    return {
        "people": PEOPLE,
        "seconds": count,
        "polls": len(heard.polls),
        "looks": len(heard.looks),
        "submits": len(heard.submits),
        "p95_s": p95,
        "slowest_poll_s": round(max(heard.polls, default=0.0), 3),
        "jobs": made,
        "errors": sorted(set(heard.errors))[:5],
        "holds": len(heard.polls) > PEOPLE and p95["polls"] < LIMIT_S and not heard.errors and made["done"] > 0,
    }


def _counts(data: Path) -> dict[str, int]:
    database = Database(data / "rushes.db")
    try:
        return Board(database).counts(None)
    finally:
        database.close()


def _p95(times: list[float]) -> float:
    return sorted(times)[int(len(times) * 0.95)] if times else 0.0


async def _crowd(address: str, seconds: float) -> Heard:
    """They come one after the other, which takes gradio a quarter of a second each, and then the minute begins."""
    heard = Heard()
    async with contextlib.AsyncExitStack() as stack:
        people = []
        for number in range(PEOPLE):
            browser = await stack.enter_async_context(httpx.AsyncClient(base_url=address, timeout=60))
            page = Page(browser, (await browser.get("/config")).json(), f"crowd-{number}", heard)
            await page.look()
            people.append((number, page))
        heard.looks.clear()
        end = time.monotonic() + seconds
        await asyncio.gather(*(_person(*person, end, heard) for person in people))
    return heard


class Page:
    """What one open page asks the server for by itself."""

    def __init__(self, browser: httpx.AsyncClient, config: dict[str, Any], session: str, heard: Heard):
        self.browser = browser
        self._heard = heard
        listeners = [dep for dep in config["dependencies"] if any(tuple(on)[1] == "look" for on in dep["targets"])]
        (look,) = listeners
        self._body = {"fn_index": look["id"], "data": [None] * len(look["inputs"]), "session_hash": session}
        self._mark = ""

    async def poll(self) -> float:
        """One poll; returns the seconds until the next."""
        now = (await _timed(self._heard.pulses, _got(self.browser.get("/pulse")))).json()
        if now["mark"] != self._mark:
            await self.look()
        return BUSY_S if now["busy"] else IDLE_S

    async def look(self) -> None:
        """Everything that may have changed on the page, and the mark of it."""
        asked = _got(self.browser.post("/gradio_api/run/predict", json=self._body))
        self._mark = (await _timed(self._heard.looks, asked)).json()["data"][-1]


async def _person(number: int, page: Page, end: float, heard: Heard) -> None:
    """One browser with the page open: a job after the other."""
    chance, job = random.Random(number), None
    await asyncio.sleep(chance.uniform(0, BUSY_S))
    try:
        while time.monotonic() < end:
            if job is None:
                asked = ground.still(chance.randrange(2**31)).to_dict() | {"steps": STEPS}
                job = (await _timed(heard.submits, _call(page.browser, "submit", asked)))["job"]
            pause = await _timed(heard.polls, page.poll())
            if chance.random() < 0.2:
                state = (await _timed(heard.questions, _call(page.browser, "job", job)))["state"]
                job = None if state in ("done", "failed") else job
            await asyncio.sleep(pause)
    except (httpx.HTTPError, KeyError, ValueError) as error:
        heard.errors.append(f"{type(error).__name__}: {str(error)[:200]}")


async def _got(answer: Awaitable[httpx.Response]) -> httpx.Response:
    return (await answer).raise_for_status()


async def _call(browser: httpx.AsyncClient, name: str, value: Any) -> Any:
    """One endpoint of the public API, through gradio's queue."""
    event = (await browser.post(f"/gradio_api/call/{name}", json={"data": [value]})).json()["event_id"]
    said = (await browser.get(f"/gradio_api/call/{name}/{event}")).text
    kind, _, data = said.strip().split("\n\n")[-1].partition("\n")
    if kind != "event: complete":
        raise ValueError(said[:200])
    return json.loads(data.removeprefix("data: "))[0]


async def _timed(times: list[float], work: Any) -> Any:
    begun = time.monotonic()
    result = await work
    times.append(time.monotonic() - begun)
    return result

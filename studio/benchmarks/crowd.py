"""50 people with the page open, who poll as it does and submit through the API for a minute, while the worker works.

Over HTTP, from another process than the server's, on loopback.
"""

import asyncio
import contextlib
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import httpx

from studio.benchmarks import ground
from studio.board import Board
from studio.db import Database

PEOPLE, POLL_S, LIMIT_S = 50, 1.0, 0.5  # the page polls once a second while one of its jobs is under way
STEPS = 20  # of each still, which then takes some seconds as real jobs do, and not half a one


@dataclass(kw_only=True)
class Heard:
    """What all of them have measured, in seconds, and the errors they met."""

    polls: list[float] = field(default_factory=list)
    questions: list[float] = field(default_factory=list)  # /job of the API
    submits: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def measure(count: int = 60) -> dict[str, Any]:
    """`count` seconds of it."""
    with tempfile.TemporaryDirectory(prefix="rushes-crowd-") as folder:
        server, address = _served(Path(folder))
        try:
            heard = asyncio.run(_crowd(address, count))
            made = _counts(Path(folder))
        finally:
            server.terminate()
            server.wait()
    p95 = {name: round(_p95(times), 3) for name, times in asdict(heard).items() if name != "errors"}
    return {
        "people": PEOPLE,
        "seconds": count,
        "polls": len(heard.polls),
        "submits": len(heard.submits),
        "p95_s": p95,
        "slowest_poll_s": round(max(heard.polls, default=0.0), 3),
        "jobs": made,
        "errors": sorted(set(heard.errors))[:5],
        "holds": len(heard.polls) > PEOPLE and p95["polls"] < LIMIT_S and not heard.errors and made["done"] > 0,
    }


def _served(data: Path) -> "tuple[subprocess.Popen[bytes], str]":
    """The studio as people start it, once it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "studio", "serve", "--port", str(port), "--data", str(data)]
    with (data / "log").open("wb") as said:
        server = subprocess.Popen(command, env={**os.environ, "RUSHES_HOST": "127.0.0.1"}, stderr=said)
    ground.until(lambda: b"is open at" in (data / "log").read_bytes(), "the page")
    return server, f"http://127.0.0.1:{port}"


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
            poll = _poll_of((await browser.get("/config")).json(), f"crowd-{number}")
            await _post(browser, poll)
            people.append((number, browser, poll))
        end = time.monotonic() + seconds
        await asyncio.gather(*(_person(*person, end, heard) for person in people))
    return heard


async def _person(number: int, browser: httpx.AsyncClient, poll: dict[str, Any], end: float, heard: Heard) -> None:
    """One browser with the page open: a job after the other."""
    chance, job = random.Random(number), None
    await asyncio.sleep(chance.uniform(0, POLL_S))
    try:
        while time.monotonic() < end:
            if job is None:
                asked = ground.still(chance.randrange(2**31)).to_dict() | {"steps": STEPS}
                job = (await _timed(heard.submits, _call(browser, "submit", asked)))["job"]
            await _timed(heard.polls, _post(browser, poll))
            if chance.random() < 0.2:
                state = (await _timed(heard.questions, _call(browser, "job", job)))["state"]
                job = None if state in ("done", "failed") else job
            await asyncio.sleep(POLL_S)
    except (httpx.HTTPError, KeyError, ValueError) as error:
        heard.errors.append(f"{type(error).__name__}: {str(error)[:200]}")


def _poll_of(config: dict[str, Any], session: str) -> dict[str, Any]:
    """What the page sends when its clock ticks."""
    clocks = {part["id"] for part in config["components"] if part["type"] == "timer"}
    ticks = [dep for dep in config["dependencies"] if any(tuple(target)[0] in clocks for target in dep["targets"])]
    tick = max(ticks, key=lambda dep: len(dep["outputs"]))
    return {"fn_index": tick["id"], "data": [None] * len(tick["inputs"]), "session_hash": session}


async def _post(browser: httpx.AsyncClient, body: dict[str, Any]) -> None:
    answer = await browser.post("/gradio_api/run/predict", json=body)
    answer.raise_for_status()
    answer.json()["data"]


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

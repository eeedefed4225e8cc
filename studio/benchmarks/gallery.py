"""Pages and searches of a gallery of 100,000 clips, in the database and over HTTP. The rows are invented."""

import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from pipelines.requests import TextToVideo
from pipelines.vocabulary import AXES
from studio.db import Database
from studio.gallery import Gallery, Query
from studio.people import COOKIE, alias
from studio.settings import Settings
from studio.studio import Studio
from studio.ui import app

TOKEN = "b" * 43
OWNER, OTHERS = alias("browser", TOKEN), ("browser:a", "browser:b")
ROUNDS = 9
DATABASE_MS, HTTP_MS = 60, 300


def measure(count: int = 100_000) -> dict[str, Any]:
    """Times every question of the gallery tab: the best of some rounds, in ms; in the database, of the processor."""
    with tempfile.TemporaryDirectory(prefix="rushes-benchmark-") as folder:
        studio = Studio.open(Settings(data=Path(folder), runner="inline"))
        try:
            fill(studio.database, count)
            inside = {name: _best_ms(ask, time.process_time) for name, ask in _questions(studio.gallery).items()}
            outside = _over_http(studio)
        finally:
            studio.close()
    return {
        "clips": count,
        "database_ms": inside,
        "http_ms": outside,
        "target_ms": {"database": DATABASE_MS, "http": HTTP_MS},
        "holds": max(inside.values()) < DATABASE_MS and max(outside.values()) < HTTP_MS,
    }


def fill(database: Database, count: int) -> None:
    """Invents clips: most of them one owner's, prompts of the theatre's words, some starred, some tagged."""
    chance = random.Random(0)
    words = [word for names in AXES.values() for word in names]
    with database.write() as tables:
        for number in range(count):
            prompt = f"a {' '.join(chance.sample(words, 4))}, take {number}"
            request = TextToVideo(prompt=prompt, seed=number, aspect=chance.choice(("1:1", "16:9", "9:16")))
            row = (
                f"{number:032x}",
                chance.choice(OTHERS) if number % 10 == 0 else OWNER,
                *(request.to_json(), request.task, request.model, prompt, request.aspect, request.seed),
                chance.random() < 0.05,
                1.7e9 + number * 60,
            )
            tables.execute(INSERT, row)
        tables.execute("INSERT INTO clip_tags SELECT number, 'sea' FROM clips WHERE number % 7 = 0")


def _questions(clips: Gallery) -> dict[str, Callable[[], object]]:
    total = clips.page(OWNER, Query()).total
    last, middle = total // 24, total // 48

    def page(number: int = 0, **query: Any) -> Callable[[], object]:
        return lambda: clips.page(OWNER, Query(**query), page=number)

    return {
        "first page": page(),
        "middle page": page(middle),
        "last page": page(last),
        "search: a word in every prompt": page(text="take"),
        "search: a rare word": page(text="99999"),
        "search: two words": page(text="fox night"),
        "search: two letters": page(text="a"),
        "search and filters": page(text="take", aspect="16:9", starred=True, tag="sea"),
        "starred": page(starred=True),
        "one tag": page(tag="sea"),
        "one week": page(since=1.7e9, until=1.7e9 + 7 * 86400),
        "nothing found": page(text="zzz"),
        "filmstrip": lambda: clips.recent(OWNER),
        "one clip": lambda: clips.get(f"{12345:032x}", OWNER),
        "all tags": lambda: clips.tags(OWNER),
        "disk used": lambda: clips.bytes(OWNER),
    }


def _over_http(studio: Studio) -> dict[str, float]:
    """The event of the gallery tab that shows the first page of a search, called as a browser does."""
    page, url = app.start(studio, app.free(studio.settings.host, 0))
    number = next(key for key, event in page.fns.items() if event.fn is not None and event.fn.__name__ == "first")
    nothing = ["", "", "", "", "", "", False]  # the widgets of the tab: words, task, model, shape, time, tag, star
    asked = {
        "first page": nothing,
        "search": ["take", *nothing[1:]],
        "search and filters": ["take", *nothing[1:-1], True],
    }
    with httpx.Client(base_url=url, cookies={COOKIE: TOKEN}, timeout=60) as browser:

        def ask(data: list[Any]) -> None:
            body = {"fn_index": number, "data": data, "session_hash": "benchmark"}
            answer = browser.post("gradio_api/run/predict", json=body).raise_for_status()
            assert len(answer.json()["data"][0]) == 24

        times = {name: _best_ms(lambda data=data: ask(data), time.perf_counter) for name, data in asked.items()}
    page.close(verbose=False)
    return times


def _best_ms(question: Callable[[], object], clock: Callable[[], float]) -> float:
    times = []
    for _ in range(ROUNDS):
        begun = clock()
        question()
        times.append((clock() - begun) * 1000)
    return round(min(times), 1)


INSERT = (
    "INSERT INTO clips (id, owner, request, task, model, prompt, aspect, seed, starred, created, kind, seconds, frames,"
    " fps, width, height, bytes, elapsed_s)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'clip', 4, 64, 16, 256, 256, 90000, 9)"
)

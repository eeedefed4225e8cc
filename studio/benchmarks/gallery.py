"""Pages and searches of a gallery of 100,000 clips, in the database and over HTTP. The rows are invented."""

import random
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipelines.requests import TextToVideo
from pipelines.vocabulary import AXES
from studio.db import Database
from studio.gallery import Gallery, Query

OWNER, OTHERS = "browser:benchmark", ("browser:a", "browser:b")
ROUNDS = 9
DATABASE_MS, HTTP_MS = 60, 300


def measure(count: int = 100_000) -> dict[str, Any]:
    """Times every kind of question that the gallery tab asks; each figure is the best of some rounds, in ms of the processor."""
    with tempfile.TemporaryDirectory(prefix="rushes-benchmark-") as folder:
        database = Database(Path(folder) / "rushes.db")
        begun = time.monotonic()
        fill(database, count)
        filled = time.monotonic() - begun
        try:
            figures = {name: _best_ms(question) for name, question in _questions(database, Path(folder)).items()}
            size = (Path(folder) / "rushes.db").stat().st_size
        finally:
            database.close()
    return {
        "clips": count,
        "seconds_to_fill": round(filled, 1),
        "megabytes": round(size / 10**6, 1),
        "database_ms": figures,
        "slowest_ms": max(figures.values()),
        "target_ms": DATABASE_MS,
        "holds": max(figures.values()) < DATABASE_MS,
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


def _questions(database: Database, folder: Path) -> dict[str, Callable[[], object]]:
    clips = Gallery(database, folder)
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


def _best_ms(question: Callable[[], object]) -> float:
    question()
    times = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        question()
        times.append((time.process_time() - begun) * 1000)
    return round(min(times), 1)


INSERT = (
    "INSERT INTO clips (id, owner, request, task, model, prompt, aspect, seed, starred, created, kind, seconds, frames,"
    " fps, width, height, bytes, elapsed_s)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'clip', 4, 64, 16, 256, 256, 90000, 9)"
)

"""Say more: who made the prompt longer is said, it can be stopped and taken back, and rules help when it fails."""

import asyncio
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from pipelines.errors import BadRequest, Unavailable
from pipelines.hub import language, tiny_text
from pipelines.requests import Rewrite, TextToVideo, request_from_dict
from studio import shop
from studio.benchmarks import ground
from studio.jobs import forget
from studio.settings import Settings
from studio.studio import Studio
from studio.ui import drawer, wording, words

ENGLISH = words.say_in("en")
OWNER, MODEL, PROMPT = "browser:me", "wan-2.1-1.3b", "a red panda runs"


@pytest.fixture
def studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Studio]:
    monkeypatch.setenv("RUSHES_MODELS", str(tmp_path / "models.json"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    opened = Studio.open(Settings(data=tmp_path / "data", runner="inline"))
    yield opened
    opened.close()


@pytest.fixture
def talker(studio: Studio, tmp_path: Path) -> Path:
    return language.choose(str(tiny_text.talker(tmp_path / "small-talk")))


def pressed(studio: Studio, prompt: str = PROMPT, wait_s: float = 60) -> list[tuple[Any, ...]]:
    """What the button changes, one after the other: prompt, the one before, the way back, who wrote it."""

    async def all_of_it() -> list[tuple[Any, ...]]:
        return [update async for update in wording._longer(studio, OWNER, prompt, MODEL, ENGLISH, wait_s)]

    return asyncio.run(all_of_it())


def test_without_a_language_model_rules_add_what_is_missing_and_say_so(studio: Studio):
    [(more, before, undo, said)] = pressed(studio)
    assert more.value.startswith("a red panda runs. Realistic") and before == PROMPT and undo.visible
    assert "Added by rules." in said and studio.jobs.list(OWNER) == []


def test_a_language_model_writes_in_the_worker_and_is_named(studio: Studio, talker: Path):
    studio.supervisor.start()
    waiting, (more, before, undo, said) = pressed(studio)
    assert waiting[0].interactive is False and "small-talk is writing" in waiting[3]
    assert more.value not in ("", PROMPT) and "Realistic, cinematic" not in more.value and more.interactive is True
    assert before == PROMPT and undo.visible and "Written by small-talk, on this machine." in said
    assert studio.jobs.list(OWNER) == [], "a prompt that was read is no job any more"


def test_what_it_wrote_is_refused_with_the_reason_and_rules_take_its_place(studio: Studio, talker: Path):
    studio.supervisor.start()
    _, (more, _, _, said) = pressed(studio, "Anna meets Boris")
    assert more.value.startswith("Anna meets Boris. Realistic")
    assert "Added by rules: small-talk left out &#x27;Boris&#x27;." in said


def test_a_model_that_broke_meanwhile_is_said_and_rules_take_its_place(studio: Studio, talker: Path):
    (talker / "model.safetensors").write_bytes(b"damaged")
    studio.supervisor.start()
    _, (more, _, _, said) = pressed(studio)
    assert more.value.startswith(PROMPT) and "cannot be read as a language model" in said


def test_who_waits_too_long_gets_the_rules(studio: Studio, talker: Path):
    _, (more, _, _, said) = pressed(studio, wait_s=0.3)  # nobody works here
    assert more.value.startswith(PROMPT) and "did not answer in 0.3 s" in said
    assert [job.state for job in studio.jobs.list(OWNER)] == ["cancelled"]


def test_while_the_disk_keeps_it_waiting_the_page_goes_on_for_everybody(studio: Studio, talker: Path):
    busy = sqlite3.connect(studio.database.path, isolation_level=None)
    busy.execute("BEGIN IMMEDIATE")  # nobody else can write

    async def longest_pause() -> float:
        writing = asyncio.ensure_future(wording._written(studio, OWNER, Rewrite(prompt=PROMPT, model=MODEL), 0.2))
        pauses, before = [], time.monotonic()
        while len(pauses) < 30:
            await asyncio.sleep(0.01)
            pauses.append(time.monotonic() - before)
            before = time.monotonic()
        busy.close()
        with pytest.raises(Unavailable):
            await writing
        return max(pauses)

    assert asyncio.run(longest_pause()) < 5  # seconds; a write waits for twice as long


def test_stopping_it_in_the_drawer_leaves_the_prompt_as_it_is(studio: Studio, talker: Path):
    async def stopped() -> list[tuple[Any, ...]]:
        updates = []
        async for update in wording._longer(studio, OWNER, PROMPT, MODEL, ENGLISH):
            updates.append(update)
            if len(updates) == 1:
                asyncio.get_running_loop().call_later(0.3, stop)
        return updates

    def stop() -> None:
        [job] = studio.jobs.list(OWNER)
        assert [act["act"] for act in drawer.row(job, ENGLISH)["acts"]] == ["cancel"]
        drawer.obey(studio.jobs, OWNER, {"act": "cancel", "job": job.id})

    waiting, last = asyncio.run(stopped())
    assert last[0].interactive is True and last[0].value is None and last[1] == gr.skip() and last[3] == ""


def test_it_is_written_while_a_clip_is_made(studio: Studio, talker: Path):
    clip = studio.jobs.submit(TextToVideo(prompt=PROMPT, steps=1000), OWNER)
    studio.supervisor.start()
    ground.until(lambda: studio.jobs.get(clip, OWNER).step > 1, "steps of the clip")
    _, (_, _, _, said) = pressed(studio)
    assert "Written by small-talk" in said and studio.jobs.get(clip, OWNER).state == "running"
    studio.jobs.cancel(clip, OWNER)


def test_it_is_nobody_else_s_to_read(studio: Studio, talker: Path):
    id = studio.jobs.submit(Rewrite(prompt=PROMPT, model=MODEL), OWNER)
    studio.supervisor.start()
    ground.until(lambda: studio.jobs.get(id, OWNER).over, "the prompt")
    assert studio.jobs.get(id, OWNER).message and studio.jobs.get(id, "browser:other") is None
    [job] = studio.jobs.every()
    assert (job.request.prompt, job.message) == ("(hidden)", "")
    assert drawer.standing(studio.jobs.get(id, OWNER), ENGLISH) == "written"


def test_it_cannot_be_asked_for_from_outside():
    with pytest.raises(BadRequest, match="task: must be one of"):
        request_from_dict(Rewrite(prompt=PROMPT, model=MODEL).to_dict())
    with pytest.raises(BadRequest, match="prompt: is empty"):
        Rewrite(prompt=" ", model=MODEL)


def test_only_a_job_that_is_over_is_forgotten(studio: Studio):
    id = studio.jobs.submit(TextToVideo(prompt="a fox"), OWNER)
    forget(studio.jobs, id, OWNER)
    assert studio.jobs.get(id, OWNER).state == "queued"
    with pytest.raises(BadRequest, match="there is no job"):
        forget(studio.jobs, id, "browser:other")


def test_the_command_names_it_and_goes_back_to_rules(studio: Studio, talker: Path):
    from argparse import Namespace

    assert shop.writer(Namespace(folder=str(talker)), studio.settings)["writer"] == "small-talk"
    assert shop.writer(Namespace(folder="off"), studio.settings)["writer"] == "rules" and shop.writer_named() == ""

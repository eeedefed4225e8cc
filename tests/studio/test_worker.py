"""Real workers: a job from the click to the clip, and what becomes of it when somebody stops or kills something."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from pipelines.errors import Unavailable
from pipelines.requests import TextToVideo
from studio.attempt import Attempt
from studio.benchmarks import disk, ground, phases
from studio.jobs import Jobs
from studio.settings import Settings
from studio.studio import Studio
from studio.worker import Worker

ROOT = Path(__file__).resolve().parents[2]
LONG = TextToVideo(prompt="a red panda", seconds=2, steps=1000)


@pytest.fixture(scope="module")
def studio(tmp_path_factory):
    with ground.studio(tmp_path_factory.mktemp("data")) as opened:
        yield opened


def test_a_job_tells_how_far_it_is_and_becomes_a_clip(studio):
    request = TextToVideo(prompt="a red panda and a lobster", still=True, steps=15)
    id = studio.jobs.submit(request, "ann")
    seen, previews = [], set()
    while not (job := studio.jobs.get(id, "ann")).over:
        seen.append(job)
        file = studio.settings.data / "previews" / f"{id}-{job.preview}.webp"
        if job.preview and file.exists():
            previews.add(job.preview)
        time.sleep(0.02)
    steps = [job.step for job in seen if job.phase == "sampling"]
    assert steps == sorted(steps) and steps[-1] > 1 and seen[-1].steps == 15
    assert previews == set(range(1, max(previews) + 1)), "a preview that was told of was not there"
    assert job.state == "done" and job.elapsed_s > 0 and "lobster" in job.notes[0]
    entry = studio.gallery.get(job.clip, "ann")
    assert entry.kind == "still" and entry.job == id and ground.wrong(studio, []) == []
    assert studio.jobs.estimate(request) > 0
    assert list((studio.settings.data / "previews").iterdir()) == []


def test_a_running_job_stops_within_two_seconds_and_the_next_one_runs(studio):
    long = studio.jobs.submit(LONG, "ann")
    ground.until(lambda: studio.jobs.get(long, "ann").step > 1, "steps")
    short = studio.jobs.submit(ground.still(), ground.OWNER)
    studio.jobs.cancel(long, "ann")
    assert ground.until(lambda: studio.jobs.get(long, "ann").over, "the end") < 2
    assert studio.jobs.get(long, "ann").state == "cancelled"
    assert ground.over(studio, short).state == "done"
    assert ground.wrong(studio, [short]) == []


def test_a_worker_that_hears_nothing_is_ended_and_replaced(studio):
    deaf = studio.jobs.submit(LONG, "ann")
    ground.until(lambda: studio.jobs.get(deaf, "ann").step > 1, "steps")
    short, victim = studio.jobs.submit(ground.still(1), ground.OWNER), studio.supervisor.worker
    os.kill(victim, signal.SIGSTOP)
    studio.jobs.cancel(deaf, "ann")
    assert ground.until(lambda: studio.jobs.get(deaf, "ann").over, "the end") < 2
    assert studio.jobs.get(deaf, "ann").state == "cancelled"
    assert ground.over(studio, short).state == "done" and studio.supervisor.worker != victim
    assert ground.wrong(studio, [short]) == []


def test_a_worker_does_not_outlive_its_server(tmp_path):
    command = [sys.executable, "-m", "studio.worker", "--data", str(tmp_path)]
    worker = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE)
    worker.stdin.close()
    assert worker.wait(30) == 0


def test_closing_the_studio_leaves_its_job_for_the_next_time(tmp_path):
    here = Studio.open(Settings(data=tmp_path))
    id = here.jobs.submit(LONG, "ann")
    here.jobs.claim("a worker")
    here.supervisor.start()
    ground.until(lambda: here.supervisor.worker, "a worker")
    here.close()
    again = Studio.open(Settings(data=tmp_path))
    assert again.jobs.get(id, "ann").state == "interrupted" and again.jobs.get(id, "ann").attempts == 0
    again.close()


def test_a_job_whose_worker_was_killed_while_it_saved_is_done_inline_where_that_is_asked(tmp_path):
    here = Studio.open(Settings(data=tmp_path, runner="inline"))
    id = here.jobs.submit(ground.still(), ground.OWNER)
    assert phases.victim(tmp_path, id, "export").wait() == -signal.SIGKILL
    assert here.jobs.get(id, ground.OWNER).state == "running" and list((tmp_path / "clips").iterdir())
    here.supervisor.tidy()
    assert here.jobs.get(id, ground.OWNER).state == "interrupted" and not list((tmp_path / "clips").iterdir())
    here.supervisor.run(id)
    job = here.jobs.get(id, ground.OWNER)
    assert (job.state, job.attempts) == ("done", 2) and ground.wrong(here, [id]) == []
    here.supervisor.start()
    assert ground.over(here, here.jobs.submit(ground.still(1), ground.OWNER)).state == "done"
    here.close()


def test_a_killed_job_leaves_no_preview_in_the_way_of_the_next_attempt(tmp_path):
    here = Studio.open(Settings(data=tmp_path, runner="inline"))
    id, pixels = here.jobs.submit(ground.still(), ground.OWNER), np.zeros((8, 8, 3), np.uint8)
    previews = tmp_path / "previews"
    previews.mkdir()
    Attempt(here.jobs, here.jobs.claim("a server that is killed now"), previews).preview(pixels)
    assert len(list(previews.iterdir())) == 1
    here.supervisor.tidy()
    assert list(previews.iterdir()) == []
    with Attempt(here.jobs, here.jobs.claim("the next"), previews) as attempt:
        attempt.preview(pixels)
        assert here.jobs.get(id, None).preview == 1
    assert list(previews.iterdir()) == []
    here.close()


def test_a_full_disk_fails_the_job_with_a_sentence_and_hurts_nothing_else():
    try:
        figures = disk.measure()
    except Unavailable as error:
        pytest.skip(str(error))
    assert figures["holds"], figures


def test_an_error_of_a_library_that_calls_itself_one_of_a_file_is_told_in_its_own_words(tmp_path):
    worker = Worker(None, None, Settings(data=tmp_path))
    assert worker._sentence(OSError("cannot read weights")) == "a file cannot be used: cannot read weights"
    assert worker._sentence(FileNotFoundError(2, "No such file")) == "a file cannot be used: No such file"


def test_a_machine_that_starts_no_process_just_now_is_asked_again_but_not_all_the_time(tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("RUSHES_TOO_LONG", "x" * 2**20)  # the system starts no program with such an environment
    here = Studio.open(Settings(data=tmp_path))
    here.supervisor.start()
    ground.until(lambda: len(caplog.records) > 1, "two refusals", patience=30)
    assert here.supervisor.worker is None and "too long" in caplog.text
    first, second = [record.created for record in caplog.records[:2]]
    assert second - first > 0.9
    monkeypatch.delenv("RUSHES_TOO_LONG")
    ground.until(lambda: here.supervisor.worker, "a worker")
    here.close()


def test_a_death_without_end_is_answered_ever_more_slowly(tmp_path):
    """A worker that dies at its start must not keep the machine busy: here its database is of a later version."""
    here = Studio.open(Settings(data=tmp_path))
    with here.database.write() as tables:
        tables.execute("INSERT INTO migrations VALUES ('999_dreams', 0)")
    here.supervisor.start()
    ground.until(lambda: here.supervisor._deaths > 1, "two deaths")
    assert here.supervisor._next > time.monotonic() and isinstance(here.jobs, Jobs)
    here.close()

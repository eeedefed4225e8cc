"""Jobs that change a clip, whose time depends on its length, and jobs that make none."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.clip import Clip
from pipelines.media import export
from pipelines.requests import Download, EditVideo, TextToVideo
from studio import length, pace
from studio.db import Database
from studio.jobs import Jobs
from studio.pace import Speed
from tests.conftest import moving_square

WORKER = "a worker"


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    database = Database(tmp_path / "rushes.db")
    yield Jobs(database)
    database.close()


def test_the_time_for_a_change_grows_with_the_clip(jobs: Jobs, tmp_path: Path):
    def edit(frames: int) -> EditVideo:
        (tmp_path / "inputs").mkdir(exist_ok=True)
        name = f"inputs/{frames:064x}.mp4"
        export.save(Clip(frames=moving_square(frames=frames), fps=16, origin=TextToVideo(prompt="a")), tmp_path / name)
        return EditVideo(model="wan-2.1-1.3b", prompt="it snows", video=name, steps=10)

    short, long, gone = edit(8), edit(32), EditVideo(prompt="it snows", video=f"inputs/{'f' * 64}.mp4")
    assert jobs.estimate(short) is None
    with jobs._database.write() as tables:
        pace.learn(tables, jobs.work(short), Speed(step_s=0.1, rest_s=2.0))
    assert jobs.estimate(short) == pytest.approx(3.0) and jobs.estimate(long) == pytest.approx(12.0)
    assert jobs.estimate(gone) is None


def test_the_frames_of_a_film_are_read_from_its_index_and_of_nothing_else(tmp_path: Path):
    film = export.save(
        Clip(frames=moving_square(frames=13), fps=16, origin=TextToVideo(prompt="a")), tmp_path / "a.mp4"
    )
    assert length.frames(film) == 13 and length.frames(tmp_path / "none.mp4") is None
    whole = film.read_bytes()
    for number, cut in enumerate((0, 7, 40, 300, whole.index(b"stsz") + 8)):
        (tmp_path / f"{number}.mp4").write_bytes(whole[:cut])
        assert length.frames(tmp_path / f"{number}.mp4") is None


def test_nobody_s_clip_ends_because_a_download_does_not_stop_at_once(jobs: Jobs):
    id = jobs.submit(Download(model="wan-2.1-1.3b"), "ann")
    assert jobs.claim(WORKER) is None and jobs.claim(WORKER, aside=True).id == id
    jobs.cancel(id, "ann")
    assert not jobs.overdue(stop_s=-1, silent_s=60) and jobs.overdue(stop_s=-1, silent_s=-1)
    clip = jobs.submit(TextToVideo(prompt="a"), "ann")
    jobs.claim(WORKER)
    jobs.cancel(clip, "ann")
    assert jobs.overdue(stop_s=-1, silent_s=60)


def test_what_makes_no_clip_is_not_blamed_for_a_process_that_a_clip_has_killed(jobs: Jobs):
    download = jobs.submit(Download(model="wan-2.1-1.3b"), "ann")
    for _ in range(3):
        clip = jobs.submit(TextToVideo(prompt="a"), "bob")
        assert jobs.claim(WORKER, download) and jobs.claim(WORKER, clip)
        jobs.recover("it died")
        assert [jobs.get(id, None).state for id in (download, clip)] == ["interrupted"] * 2
        jobs.cancel(clip, "bob")
    for state in ("interrupted", "failed"):
        assert jobs.claim(WORKER, download)
        jobs.recover("it died")
        assert jobs.get(download, None).state == state, "alone, it may be what kills the process"

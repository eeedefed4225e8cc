"""`python -m studio jobs`: what it prints and what it changes."""

import json

import pytest

from pipelines.requests import TextToVideo
from studio.cli import main
from studio.db import Database
from studio.jobs import Jobs


@pytest.fixture
def jobs(tmp_path):
    database = Database(tmp_path / "rushes.db")
    yield Jobs(database)
    database.close()


@pytest.fixture
def run(tmp_path, capsys):
    def call(*argv: str) -> dict:
        assert main(["jobs", *argv, "--data", str(tmp_path), "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    return call


def test_the_queue_is_listed_shown_and_changed(jobs, run, tmp_path):
    first, second = (jobs.submit(TextToVideo(prompt=prompt), "ann") for prompt in ("a fox", "a cat"))
    assert [job["request"]["prompt"] for job in run()["jobs"]] == ["a fox", "a cat"]
    assert run("show", second[:10])["position"] == 1
    assert run("cancel", first[:10])["state"] == "cancelled"
    assert run("retry", first[:10])["state"] == "queued"
    assert run("pause") == {"paused": True} and run("resume") == {"paused": False}
    assert run("export", str(tmp_path / "queue.zip"))["exported"] == 2
    assert len(run("import", str(tmp_path / "queue.zip"), "--owner", "bob")["imported"]) == 2
    assert [job["owner"] for job in run("list", "--owner", "bob")["jobs"]] == ["bob", "bob"]


def test_the_list_in_words_has_a_line_for_each_job(jobs, tmp_path, capsys):
    id = jobs.submit(TextToVideo(prompt="a fox"), "ann")
    assert main(["jobs", "--data", str(tmp_path)]) == 0
    line = capsys.readouterr().out
    assert line.startswith(id[:8]) and "queued" in line and "a fox" in line and line.count("\n") == 1


@pytest.mark.parametrize(
    ("argv", "code", "says"),
    [
        (["show"], 2, "no jobs begin with ''"),
        (["cancel", "zz"], 2, "no jobs begin with 'zz'"),
        (["export"], 2, "FILE: is missing"),
        (["import", "nothing.zip"], 2, "nothing.zip is not a queue"),
        (["dance"], 2, "invalid choice"),
        (["--data", "/nowhere"], 3, "there is no studio in /nowhere"),
    ],
)
def test_a_wrong_call_gives_one_sentence(jobs, tmp_path, capsys, argv, code, says):
    assert main(["jobs", "--data", str(tmp_path), *argv]) == code
    said = capsys.readouterr()
    assert says in said.err and said.err.count("\n") == 1 and said.out == ""

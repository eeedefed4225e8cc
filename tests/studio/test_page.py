"""The page: what it offers, what it shows, and that a model's process is not the studio's."""

import html
import socket
import subprocess
import sys
import time
from pathlib import Path

import gradio as gr
import pytest

from pipelines import catalog
from pipelines.errors import BadRequest, Unavailable
from pipelines.requests import TextToVideo
from studio.cli import main
from studio.runner import Job, Runner
from studio.settings import Settings
from studio.ui import parts, theme
from studio.ui.app import Studio, build
from studio.ui.form import Form

ROOT = Path(__file__).resolve().parents[2]
NASTY = "<img src=x onerror=alert(1)> ${1+1} \"quoted\" 'too'"


@pytest.fixture
def runner(tmp_path):
    jobs = Runner(tmp_path / "clips", longest_queue=2)
    yield jobs
    jobs.close()


@pytest.fixture
def form():
    with gr.Blocks(analytics_enabled=False):
        drawn = Form(TextToVideo, catalog.spec("mini"))
        drawn.draw_rest()
    return drawn


def test_the_page_builds_and_none_of_its_events_is_public(tmp_path, runner):
    page = build(Studio(settings=Settings(data=tmp_path), runner=runner))
    visible = [dep["api_name"] for dep in page.get_config_file()["dependencies"] if dep["api_visibility"] != "private"]
    assert visible == []
    assert page.api_open is False and page.analytics_enabled is False
    assert page.get_api_info()["named_endpoints"] == {}


def test_the_page_asks_no_other_host_for_anything():
    sheet = theme.head() + theme.SCRIPT
    assert "http" not in sheet and "@import" not in sheet and "url(" not in sheet
    assert theme.Studio()._stylesheets == []


def test_the_form_draws_every_field_that_the_model_leaves_open(form):
    assert set(form.widgets) == {"prompt", "negative", "seed", "still", "seconds", "aspect", "steps", "guidance"}
    assert form.fixed == {"model": "mini", "fps": 16}


def test_the_form_reads_its_defaults_back_and_draws_a_seed(form):
    values = [widget.value for widget in form.inputs]
    values[list(form.widgets).index("prompt")] = "a fox"
    first, second = form.read(*values), form.read(*values)
    assert first.prompt == "a fox" and first.steps == TextToVideo(prompt="a fox").steps
    assert first.seed != second.seed


@pytest.mark.parametrize(
    ("name", "value"), [("steps", 0), ("steps", 3.7), ("aspect", "2:1"), ("prompt", ["a", "list"])]
)
def test_the_form_refuses_what_no_widget_would_send(form, name, value):
    values = [widget.value for widget in form.inputs]
    values[list(form.widgets).index("prompt")] = "a fox"
    values[list(form.widgets).index(name)] = value
    with pytest.raises(gr.Error, match=name):
        form.read(*values)


@pytest.mark.parametrize("state", ["queued", "running", "failed", "cancelled"])
def test_what_people_typed_is_escaped_wherever_it_is_shown(state, tmp_path):
    job = Job(id="a", request=TextToVideo(prompt=NASTY), clip=tmp_path / "clip.mp4", state=state, notes=(NASTY,))
    shown = (parts.stopped if job.over else parts.working)(job) + parts.caption(job) + parts.picture(job.clip, NASTY)
    assert "<img src=x" not in shown and html.escape(NASTY) in shown


def test_every_word_of_the_theatre_is_on_the_page():
    shown = parts.theatre()
    assert shown.count("data-say=") == sum(len(names) for names in parts.vocabulary.AXES.values())
    assert 'data-say="an elephant"' in shown and 'data-say="a unicorn"' in shown
    assert 'data-say=", at night"' in shown and 'data-say=", camera zooms in"' in shown


def test_the_examples_use_only_words_that_mini_knows():
    assert [parts.vocabulary.unknown_words(prompt) for prompt in parts.EXAMPLES] == [[]] * len(parts.EXAMPLES)


def test_a_job_that_the_model_cannot_do_is_refused_when_it_is_submitted(runner):
    with pytest.raises(BadRequest, match="mini makes 16"):
        runner.submit(TextToVideo(prompt="a fox", fps=24))


def test_a_data_folder_that_cannot_be_written_is_named():
    jobs = Runner(Path("/proc/rushes"))
    with pytest.raises(Unavailable, match="RUSHES_DATA"):
        jobs.submit(TextToVideo(prompt="a fox"))
    jobs.close()


def test_nobody_knows_a_job_that_was_never_submitted(runner):
    runner.cancel("nothing")
    assert runner.job("nothing") is None


def test_the_queue_has_an_end_and_a_waiting_job_can_be_stopped(runner):
    first = runner.submit(TextToVideo(prompt="a fox", steps=1000))
    second = runner.submit(TextToVideo(prompt="a cat"))
    with pytest.raises(Unavailable, match="2 clips are waiting"):
        runner.submit(TextToVideo(prompt="a dog"))
    runner.cancel(second)
    assert runner.job(second).state == "cancelled"
    runner.cancel(first)
    assert over(runner, first).state in ("cancelled", "failed")  # failed: where the weights are missing


def over(runner: Runner, name: str) -> Job:
    """The job once it is over; its process needs some seconds to start."""
    until = time.monotonic() + 60
    while not runner.job(name).over:
        assert time.monotonic() < until, "the job never ended"
        time.sleep(0.05)
    return runner.job(name)


def test_the_web_process_builds_the_page_without_torch():
    code = (
        "import sys, pathlib; from studio.settings import Settings; from studio.runner import Runner; "
        "from studio.ui.app import Studio, build; here = pathlib.Path('.'); "
        "build(Studio(settings=Settings(data=here), runner=Runner(here))); sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_port_that_is_taken_is_a_sentence_and_exit_code_3(tmp_path, capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert main(["serve", "--port", port, "--data", str(tmp_path)]) == 3
    said = capsys.readouterr().err
    assert f"127.0.0.1:{port}" in said and said.count("\n") == 1

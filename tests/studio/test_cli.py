"""The command line from outside: exit codes, one sentence on stderr, JSON on stdout, no file from a wrong request."""

import json
import os
import shutil
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout, suppress
from pathlib import Path

import numpy as np
import pytest

from pipelines.clip import Clip
from pipelines.media import export
from pipelines.requests import TextToVideo
from studio.cli import _parsed, main
from studio.commands import free_name, stages
from studio.db import Database
from studio.jobs import Jobs
from studio.terminal import Meter, remaining

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RUSHES_DATA", str(tmp_path / "data"))
    return tmp_path


WRONG = {
    "no command": ([], "COMMAND"),
    "a command that is not built": (["paint"], "invalid choice"),
    "an empty prompt": (["generate", ""], "prompt: is empty"),
    "a blank prompt": (["generate", "  \n"], "prompt: is empty"),
    "a prompt of 10,000 characters": (["generate", "x" * 10_000], "prompt: is 10000 characters long"),
    "a negative prompt of 10,000 characters": (["generate", "a fox", "--negative", "x" * 10_000], "negative: is 10000"),
    "an unknown aspect": (["generate", "a fox", "--aspect", "2:1"], "aspect: must be one of 1:1, 16:9"),
    "no seconds": (["generate", "a fox", "--seconds", "0"], "seconds: must be between 1 and 16"),
    "17 seconds": (["generate", "a fox", "--seconds", "17"], "seconds: must be between 1 and 16"),
    "seconds that are not a number": (["generate", "a fox", "--seconds", "nan"], "seconds: must be between"),
    "seconds in words": (["generate", "a fox", "--seconds", "four"], "--seconds: must be a number"),
    "seconds as Python writes them": (["generate", "a fox", "--seconds", "1_0"], "--seconds: must be a number"),
    "a full-width digit": (["generate", "a fox", "--seed", "\uff11"], "--seed: must be a whole number"),
    "a sound of nothing": (["sound"], "prompt: is empty"),
    "a clip without words that is away": (["sound", "--video", "a.mp4"], "video: there is no file a.mp4"),
    "seconds that are not whole frames": (["generate", "a fox", "--seconds", "1.3"], "1.25 would be"),
    "seconds of a still": (["generate", "a fox", "--seconds", "4", "--still"], "not allowed with"),
    "no steps": (["generate", "a fox", "--steps", "0"], "steps: must be between 1 and 1000"),
    "half a seed": (["generate", "a fox", "--seed", "1.5"], "--seed: must be a whole number, got '1.5'"),
    "a seed in words": (["generate", "a fox", "--seed", "seven"], "--seed: must be a whole number"),
    "a negative seed": (["generate", "a fox", "--seed", "-1"], "seed: must be between 0 and"),
    "a frame rate that mini does not make": (["generate", "a fox", "--fps", "60"], "fps: mini makes 16"),
    "an unknown model": (["generate", "a fox", "--model", "mimi"], "did you mean mini?"),
    "a folder that does not exist": (["generate", "a fox", "--out", "no/clip.mp4"], "not a folder that exists"),
    "a folder that cannot be written": (["generate", "a fox", "--out", "/proc/clip.mp4"], "/proc"),
    "an ending that does not fit": (["generate", "a fox", "--out", "clip.png"], "clip.png ends differently"),
    "a still with the ending of a film": (["generate", "a fox", "--still", "--out", "a.mp4"], "ends differently"),
    "an unknown option": (["generate", "a fox", "--sound"], "--sound"),
    "an abbreviated option": (["generate", "a fox", "--step", "5"], "--step"),
    "a stage that nobody trains": (["train", "nonsense"], "stage: must be one of"),
    "stills to judge actions in": (["evaluate", "theatre", "--seconds", "0"], "seconds: must be 1 at least"),
    "clips in words": (["evaluate", "theatre", "--clips", "many"], "--clips: must be a whole number"),
    "a port in words": (["serve", "--port", "http"], "--port: must be a whole number"),
    "no part of the theatre": (["evaluate", "theatre", "--parts", ","], "parts: must be some of"),
    "a file for a suite that reads none": (["evaluate", "theatre", "file.txt"], "FILE: theatre has no use for it"),
    "one job to pause": (["jobs", "pause", "abc"], "jobs pause has no use for 'abc'"),
    "a word for the list of jobs": (["jobs", "list", "abc"], "jobs list has no use for 'abc'"),
    "a word for the list of people": (["people", "list", "ada"], "people list has no use for 'ada'"),
    "a word for the list of studies": (["arena", "list", "abc"], "arena list has no use for 'abc'"),
    "two clips to star": (["gallery", "star", "abc", "def", "ghi"], "gallery star has no use for 'def ghi'"),
    "one clip to remove for good": (["gallery", "purge", "abc"], "gallery purge has no use for 'abc'"),
    "lyrics for a clip": (["sound", "rain", "--video", "a.mp4", "--lyrics", "la"], "lyrics: video-to-sound has no use"),
    "the length of a clip's sound": (
        ["sound", "rain", "--video", "a.mp4", "--seconds", "3"],
        "seconds: video-to-sound",
    ),
    "a file that does not exist": (["verify", "none.mp4"], "none.mp4 is not a file"),
    "a file after an option": (["evaluate", "prompts", "--clips", "1", "none.txt"], "none.txt cannot be read"),
    "steps of a suite that has its own": (["evaluate", "schedule", "--steps", "5"], "steps: schedule has no use for"),
    "a page as Python writes it": (["gallery", "--page", "1_0"], "--page: must be a whole number"),
    "raters in words": (["arena", "create", "a", "--raters", "x"], "--raters: must be a whole number"),
    "no name for the data folder": (["serve", "--data", ""], "--data: must be a folder, and is empty"),
}


@pytest.mark.parametrize(("argv", "says"), WRONG.values(), ids=WRONG)
def test_a_wrong_request_gives_one_sentence_and_writes_nothing(argv, says, here, capsys):
    assert main(argv) == 2
    said = capsys.readouterr()
    assert says in said.err and said.err.count("\n") == 1
    assert said.out == "" and list(here.iterdir()) == []


ODD = {
    "a picture": ["animate", "a fox", "--image", f"{'x' * 5000}.png"],
    "a file to verify": ["verify", "x" * 5000],
    "a file with settings": ["gallery", "settings", "x" * 5000],
    "a data folder": ["jobs", "--data", "x" * 5000],
    "a gallery": ["gallery", "--data", "x" * 5000],
    "an exported queue": ["jobs", "export", f"{'x' * 300}.zip"],
    "an exported queue that is this folder": ["jobs", "export", "."],
    "prompts": ["arena", "create", "a", "--prompts", "x" * 5000, "--system", "a=mini", "--system", "b=mini"],
    "a folder of weights": ["models", "add", "mine", "x" * 5000],
    "a writer": ["models", "writer", "~nobodyhere/x"],
    "an owner": ["jobs", "--owner", "caf\udce9"],
    "the owner of a gallery": ["gallery", "--owner", "caf\udce9"],
    "a study": ["arena", "status", "caf\udce9"],
    "a port": ["serve", "--port", "1" * 5000],
}


@pytest.mark.parametrize("argv", ODD.values(), ids=ODD)
def test_an_odd_name_is_a_wrong_request(argv, here, capsys):
    (here / "data" / "clips").mkdir(parents=True)
    Database(here / "data" / "rushes.db").close()
    assert main(argv) == 2
    said = capsys.readouterr()
    assert said.err.count("\n") == 1 and said.out == ""
    assert sorted(path.name for path in here.iterdir()) == ["data"]


LOOKING = (
    ["people", "list"],
    ["people", "remove", "ada"],
    ["arena", "list"],
    ["arena", "status", "x"],
    ["jobs", "list"],
    ["gallery", "list"],
)


@pytest.mark.parametrize("argv", LOOKING, ids=" ".join)
def test_a_command_that_only_looks_makes_no_studio_in_a_folder_that_was_mistyped(argv, here, capsys):
    assert main([*argv, "--data", "typo"]) == 3
    assert "there is no studio in typo" in capsys.readouterr().err and list(here.iterdir()) == []


def test_the_suites_of_prompts_need_no_studio(here, capsys):
    assert main(["arena", "suites", "--data", "typo"]) == 0
    assert "film: " in capsys.readouterr().out and list(here.iterdir()) == []


@pytest.mark.parametrize("negative", ["flou, tr\u00e8s sombre", "low_quality"])
def test_words_of_any_letters_are_taken_as_they_are(negative):
    assert _parsed(["generate", "a fox", "--negative", negative]).negative == negative


@pytest.mark.parametrize(
    ("argv", "what"),
    [
        (["gallery", "search", "--json", "fox", "cat"], ["fox", "cat"]),
        (["gallery", "search", "fox", "--json", "cat"], ["fox", "cat"]),
        (["people", "remove", "--json", "ada"], "ada"),
        (["jobs", "--json", "show", "1818"], "1818"),
    ],
    ids=" ".join,
)
def test_options_stand_anywhere_among_the_words(argv, what):
    options = _parsed(argv)
    assert options.json and options.what == what


def test_json_before_an_act_of_models_counts(here, capsys, monkeypatch):
    monkeypatch.setenv("RUSHES_MODELS", str(here / "models.json"))
    assert main(["models", "--json", "remote", "off"]) == 0
    assert json.loads(capsys.readouterr().out) == {"remote": False}


def test_a_file_that_exists_is_not_overwritten(here, capsys):
    (here / "clip.mp4").write_bytes(b"mine")
    assert main(["generate", "a fox", "--out", "clip.mp4"]) == 2
    assert "clip.mp4 already exists" in capsys.readouterr().err
    assert (here / "clip.mp4").read_bytes() == b"mine"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RUSHES_DATA", f"/tmp/{'x' * 5000}"),
        ("RUSHES_DATA", "~nobodyhere/x"),
        ("RUSHES_KEYS", f"/tmp/{'x' * 5000}"),
        ("RUSHES_MODELS", f"/tmp/{'x' * 5000}"),
        ("HF_HUB_CACHE", f"/tmp/{'x' * 5000}"),
        ("RUSHES_PORT", "1" * 5000),
    ],
)
def test_an_odd_variable_of_the_environment_is_a_wrong_request(name, value, here, capsys, monkeypatch):
    monkeypatch.setenv(name, value)
    assert main(["models"]) == 2
    said = capsys.readouterr()
    assert said.err.count("\n") == 1 and said.out == ""


def test_a_wrong_variable_of_the_environment_is_a_wrong_request(here, capsys, monkeypatch):
    monkeypatch.setenv("RUSHES_PORT", "http")
    assert main(["models"]) == 2
    assert capsys.readouterr().err.startswith("RUSHES_PORT: must be a whole number")


def test_the_default_name_comes_from_the_prompt_and_avoids_files_that_exist(tmp_path):
    request = TextToVideo(prompt="A red panda, jumping / on ../../a snowy mountain", seed=7)
    first = free_name(request, tmp_path)
    assert first == tmp_path / "a-red-panda-jumping-on-a-7.mp4"
    first.touch()
    assert free_name(request, tmp_path).name == "a-red-panda-jumping-on-a-7-2.mp4"
    assert free_name(TextToVideo(prompt="...", still=True), tmp_path).name == "clip-0.png"


def test_models_lists_mini_with_its_reason_or_none(capsys):
    assert main(["models", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)["models"]}
    row = rows["mini"]
    assert set(row) >= {"name", "family", "tasks", "runs_here", "reason", "download_bytes", "licence"}
    assert row["runs_here"] is (row["reason"] is None)
    assert row["tasks"] == ["text-to-video"] and row["download_bytes"] == 0


def test_models_in_words_names_every_model(capsys):
    assert main(["models"]) == 0
    assert "mini" in capsys.readouterr().out


def test_verify_reads_the_settings_out_of_a_clip(here, capsys):
    request = TextToVideo(prompt="a fox", seconds=1.0)
    frames = np.zeros((16, 32, 32, 3), np.uint8)
    export.save(Clip(frames=frames, fps=16, origin=request), here / "clip.mp4")
    assert main(["verify", "clip.mp4", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["settings"] == request.to_dict() and result["signature"] == "absent"
    assert result["watermark"]["found"] is False


def test_verify_looks_at_the_files_beside_one_that_cannot_be_read(here, capsys):
    export.save(Clip(frames=np.zeros((1, 32, 32, 3), np.uint8), fps=16), here / "a.png")
    (here / "b.png").write_text("no picture", encoding="utf-8")
    assert main(["verify", "b.png", "a.png", "--json"]) == 2
    said = capsys.readouterr()
    assert [Path(row["file"]).name for row in json.loads(said.out)["files"]] == ["a.png"]
    assert "b.png" in said.err and said.err.count("\n") == 1


@pytest.fixture
def studio(here):
    """A studio's folder with one job, whose prompt has letters that Windows' pages of code have not."""
    database = Database(here / "data" / "rushes.db")
    Jobs(database).submit(TextToVideo(prompt="\u732b and \U0001f43c"), "ann")
    yield here
    database.close()


def test_letters_that_stdout_has_not_are_written_as_numbers(studio):
    for words, says in (["jobs"], "\\u732b and \\U0001f43c"), (["jobs", "--json"], "\\u732b and \\ud83d\\udc3c"):
        with (studio / "out").open("w", encoding="cp1252") as file, redirect_stdout(file):
            assert main(words) == 0
        assert says in (studio / "out").read_text(encoding="cp1252")


def test_a_reader_that_has_gone_ends_a_command_quietly(studio, capsys):
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "w", encoding="utf-8") as file, redirect_stdout(file):
        assert main(["jobs"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has a disk that is always full")
def test_a_full_disk_behind_stdout_is_told(studio, capsys):
    with open("/dev/full", "w", encoding="utf-8") as file, redirect_stdout(file):
        assert main(["jobs"]) == 3
    assert "the result cannot be written to stdout (No space left" in capsys.readouterr().err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has a disk that is always full")
def test_nobody_has_to_hear_what_a_command_says(studio, capsys):
    with suppress(OSError), open("/dev/full", "w", encoding="utf-8") as full:
        for stream in (None, full):
            with redirect_stderr(stream):
                assert main(["generate", ""]) == 2
                meter = Meter(stream)
                meter(0.5, "half")
                meter.close()
    with redirect_stdout(None):
        assert main(["jobs"]) == 3
    assert "stdout: it is closed" in capsys.readouterr().err


def test_a_command_that_the_system_ends_leaves_nothing_half(tmp_path):
    env = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path), "RUSHES_DATA": str(tmp_path / "data")}
    words = ["generate", "a fox", "--steps", "1000", "--still", "--out", str(tmp_path / "a.png")]
    begin = [sys.executable, "-m", "studio", *words]
    with subprocess.Popen(begin, env=env, stderr=subprocess.PIPE, text=True) as command:
        while "step" not in command.stderr.readline():
            assert command.poll() is None
        command.terminate()
        assert command.wait(60) == 130
    assert [path.name for path in tmp_path.iterdir() if path.name != "data"] == []


def test_a_command_that_is_stopped_while_it_begins_says_so(tmp_path):
    (tmp_path / "studio").mkdir()
    shutil.copy(ROOT / "studio" / "__main__.py", tmp_path / "studio")
    code = "raise KeyboardInterrupt  # as Ctrl-C does\n"
    (tmp_path / "studio" / "cli.py").write_text(code, encoding="utf-8")
    command = [sys.executable, "-m", "studio", "models"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "stopped\n")


def test_verify_does_not_call_a_signature_absent_that_it_cannot_read(here, capsys):
    export.save(Clip(frames=np.zeros((1, 32, 32, 3), np.uint8), fps=16), here / "a.png")
    with (here / "a.png").open("ab") as file:
        file.write(b"jumb....c2pa.signature")
    assert main(["verify", "a.png", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["signature"] == "foreign" and result["settings"] is None


def test_a_wrong_request_is_answered_without_loading_torch():
    code = "import sys; from studio.cli import main; main(['generate', '']); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, check=False).returncode == 0


def test_missing_weights_give_exit_code_3_before_any_work(tmp_path):
    for package in ("pipelines", "studio"):
        shutil.copytree(ROOT / package, tmp_path / "tree" / package)
    done = subprocess.run(
        [sys.executable, "-m", "studio", "generate", "a fox", "--out", str(tmp_path / "clip.mp4")],
        cwd=tmp_path / "tree",
        env={**os.environ, "PYTHONPATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3 and done.stdout == ""
    assert "weights of mini are missing" in done.stderr and done.stderr.count("\n") == 1
    assert not (tmp_path / "clip.mp4").exists()


def test_every_recipe_can_be_trained_by_name():
    recipes = ["autoencoder", "clips", "finetune", "finish", "judge", "latents", "live", "publish", "stills"]
    assert stages() == recipes


def test_a_meter_writes_a_line_for_each_tenth_where_stderr_is_a_file(tmp_path):
    with (tmp_path / "log").open("w") as file:
        meter = Meter(file)
        for step in range(101):
            meter(step / 100, "step")
        meter.close()
    lines = (tmp_path / "log").read_text().splitlines()
    assert len(lines) == 11 and lines[0].startswith("  0%") and lines[-1].startswith("100%")


def test_time_left_is_told_only_when_it_is_known():
    assert remaining(0.5, 10.0) == ", about 10 s left"
    assert remaining(0.01, 10.0) == "" and remaining(0.5, 0.1) == "" and remaining(1.0, 10.0) == ""

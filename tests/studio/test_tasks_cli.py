"""Every task from the command line to a file, on tiny models; and what `models` does."""

import json
from pathlib import Path

import numpy as np
import pytest

from pipelines import catalog
from pipelines.clip import Clip
from pipelines.hub import rows
from pipelines.media import export, video
from pipelines.requests import TextToVideo
from studio import cli

pytest.importorskip("diffusers")


@pytest.fixture
def desk(tmp_path: Path, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with a clip and a picture; its data folder and its models are its own."""
    monkeypatch.setenv("RUSHES_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("RUSHES_MODELS", str(tiny_folder))
    monkeypatch.chdir(tmp_path)
    frames = np.random.default_rng(0).integers(0, 255, (10, 32, 32, 3), dtype=np.uint8)
    export.save(Clip(frames=frames, fps=8, origin=TextToVideo(prompt="noise")), tmp_path / "in.mp4")
    export.picture(frames[0], tmp_path / "in.png")
    return tmp_path


@pytest.mark.parametrize(
    ("command", "size"),
    [
        ("generate cat --model tiny-wan --seconds 1.25", (10, 32)),
        ("animate cat --model tiny-wan-image --image in.png --last in.png --seconds 1.25", (10, 32)),
        ("personalize cat --model tiny-vace --face in.png --consent fictional --seconds 1.25", (10, 32)),
        ("edit redder --model tiny-lucy --video in.mp4", (10, 32)),
        ("edit redder --model tiny-vace --video in.mp4 --mask in.png", (10, 32)),
        ("sound rain --model tiny-ltx2 --video in.mp4 --steps 1 --guidance 1", (10, 32)),
        ("upscale --model tiny-ltx-upscaler --video in.mp4", (10, 64)),
    ],
)
def test_a_task_becomes_a_file(command: str, size: tuple[int, int], desk: Path, capsys: pytest.CaptureFixture[str]):
    assert cli.main([*command.split(), "--seed", "3", "--out", "out.mp4", "--json"]) == cli.DONE
    said = json.loads(capsys.readouterr().out)
    clip = video.read(desk / "out.mp4")
    assert (len(clip.frames), clip.width) == size
    assert said["frames"] == size[0] and said["seed"] == 3
    assert str(desk) not in json.dumps(said["request"])  # no path of this machine travels with a clip
    assert (clip.audio is not None) == command.startswith("sound")


COMMANDS = {
    "text-to-video": "generate cat --seconds 1.25 --out out.mp4",
    "image-to-video": "animate cat --image in.png --seconds 1.25 --out out.mp4",
    "personalize": "personalize cat --face in.png --consent fictional --seconds 1.25 --out out.mp4",
    "edit": "edit redder --video in.mp4 --out out.mp4",
    "video-to-sound": "sound rain --video in.mp4 --out out.mp4",
    "text-to-sound": "sound hammer --seconds 2 --out out.wav",
    "upscale": "upscale --video in.mp4 --out out.mp4",
}


@pytest.mark.slow
def test_every_family_does_all_its_tasks_from_the_command_line(desk: Path, capsys: pytest.CaptureFixture[str]):
    done: set[tuple[str, str]] = set()
    for row in catalog.specs():
        for task in row.tasks if row.name.startswith("tiny-") else ():
            words = [*COMMANDS[task].split(), "--model", row.name, "--json"]
            if (row.family, task) in done and row.name != "tiny-wan-5b":
                continue
            ends = cli.main(words)
            told = capsys.readouterr()
            assert ends == cli.DONE, (row.name, task, told.err)
            Path(json.loads(told.out)["clip"]).unlink()
            done.add((row.family, task))
    assert {(row.family, task) for row in rows.HUB for task in row.tasks} == done


def test_a_strength_that_leaves_no_step_is_refused(desk: Path, capsys: pytest.CaptureFixture[str]):
    assert cli.main("edit redder --model tiny-wan --video in.mp4 --steps 2 --strength 0.1".split()) == cli.WRONG
    assert "strength: leaves no step of 2; 0.5 is the least" in capsys.readouterr().err


def test_a_sound_becomes_a_file(desk: Path, capsys: pytest.CaptureFixture[str]):
    command = "sound hammer --model tiny-stable-audio --seconds 2 --seed 3 --out out.wav --json"
    assert cli.main(command.split()) == cli.DONE
    assert json.loads(capsys.readouterr().out)["seconds"] == 2
    assert (desk / "out.wav").stat().st_size > 44


def test_a_task_without_a_model_named_takes_one_that_runs_here(desk: Path, capsys: pytest.CaptureFixture[str]):
    assert cli.main("upscale --video in.mp4 --out out.mp4 --json".split()) == cli.DONE
    assert json.loads(capsys.readouterr().out)["model"] == "tiny-ltx-upscaler"


def test_a_file_that_is_missing_is_named(desk: Path, capsys: pytest.CaptureFixture[str]):
    assert cli.main("edit redder --model tiny-lucy --video away.mp4".split()) == cli.WRONG
    assert "video: there is no file away.mp4" in capsys.readouterr().err


REFUSED = {
    "a face without a right to it": "personalize cat --model tiny-vace --face in.png",
    "no steps": "edit redder --model tiny-lucy --video in.mp4 --steps 0",
    "a length that is none": "animate cat --model tiny-wan-image --image in.png --seconds 1.3",
    "an ending that does not fit": "upscale --model tiny-ltx-upscaler --video in.mp4 --out out.gif",
    "a task of another model": "animate cat --model tiny-lucy --image in.png",
    "a second file that is none": "animate cat --model tiny-wan-image --image in.png --last none.png --seconds 1.25",
}


@pytest.mark.parametrize("command", REFUSED.values(), ids=REFUSED)
def test_nothing_that_was_brought_for_a_wrong_request_is_kept(
    command: str, desk: Path, capsys: pytest.CaptureFixture[str]
):
    (desk / "none.png").write_text("no picture", encoding="utf-8")
    assert cli.main(command.split()) == cli.WRONG
    assert capsys.readouterr().err.count("\n") == 1
    assert not [file for file in (desk / "data").rglob("*") if file.is_file()]


def test_models_lists_what_cannot_run_with_a_reason_and_what_is_not_to_be_had(
    desk: Path, capsys: pytest.CaptureFixture[str]
):
    assert cli.main(["models", "--json"]) == cli.DONE
    said = json.loads(capsys.readouterr().out)
    rows = {row["name"]: row for row in said["models"]}
    assert rows["mini"]["runs_here"] and rows["tiny-wan"]["runs_here"]
    assert all(row["runs_here"] or row["reason"] for row in rows.values())
    assert "mmaudio" in said["not_available"]


def test_a_folder_is_added_as_a_model_and_removed(
    desk: Path, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("RUSHES_MODELS", str(desk / "own" / "models.json"))
    assert cli.main(["models", "add", "mine", str(tiny_folder.parent / "tiny-lucy"), "--json"]) == cli.DONE
    assert json.loads(capsys.readouterr().out)["family"] == "lucy"
    assert cli.main(["models", "add", "mine", str(tiny_folder.parent / "tiny-lucy")]) == cli.WRONG
    assert cli.main(["models", "remove", "mine"]) == cli.DONE
    assert cli.main(["models", "remove", "mine"]) == cli.WRONG


def test_a_model_of_the_hub_that_is_not_here_is_not_removed(
    desk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("HF_HUB_CACHE", str(desk / "cache"))
    assert cli.main(["models", "remove", "wan-2.2-5b"]) == cli.MISSING
    assert "nothing to remove" in capsys.readouterr().err


def test_a_gguf_file_is_added_beside_the_parts_of_another_model(
    desk: Path, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    table = desk / "models.json"
    table.write_text(tiny_folder.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setenv("RUSHES_MODELS", str(table))
    (desk / "small.gguf").write_bytes(b"GGUF")
    assert cli.main("models add mine small.gguf --like tiny-wan --json".split()) == cli.DONE
    assert json.loads(capsys.readouterr().out)["family"] == "wan"
    assert cli.main("models add other small.gguf --like tiny-wan-image --json".split()) == cli.WRONG
    assert "needs 2 GGUF files" in capsys.readouterr().err
    assert cli.main("models add other small.gguf --json".split()) == cli.WRONG
    assert "like: must be a model with the other parts" in capsys.readouterr().err


def test_a_model_to_download_that_does_not_exist_gets_the_one_that_was_meant(
    desk: Path, capsys: pytest.CaptureFixture[str]
):
    assert cli.main(["models", "download", "wan-2.2-5"]) == cli.WRONG
    assert "did you mean wan-2.2-5b?" in capsys.readouterr().err

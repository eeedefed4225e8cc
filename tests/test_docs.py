"""What the documents say is true: commands run, snippets run, paths and links exist."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from pipelines import catalog

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = sorted(path.name for path in ROOT.glob("*.md"))
INSTALLS = ("pip install -r requirements.txt && python app.py", "pip install -r requirements-dev.txt && pytest")
NO_MINI = catalog.runs_here(catalog.spec("mini"))
PYTHON_COMMAND = re.compile(r"python -m (studio \w+|pipelines\.[\w.]+\w)")
# One process for all: each by itself would load torch anew.
HELP_OF_EACH = """
import runpy, sys
for command in sys.argv[1:]:
    module, *words = command.split()
    sys.argv = [module, *words, "--help"]
    try:
        runpy.run_module(module, run_name="__main__")
    except SystemExit as end:
        assert not end.code, command
"""
STUDY = "python -m studio arena create "


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def shell_lines() -> list[str]:
    return [line for block in blocks(README, "bash") for line in block.splitlines() if line]


def run(arguments: list[str], *, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    environment = {"PYTHONPATH": str(ROOT), "RUSHES_DATA": str(folder / "data")}
    return subprocess.run(
        command, cwd=folder, env=os.environ | environment, capture_output=True, text=True, timeout=300, check=False
    )


@pytest.mark.parametrize("line", INSTALLS)
def test_readme_gives_the_two_commands_that_ci_runs(line: str):
    """`.ci/run` runs their installations, the page and the tests in a clean environment."""
    assert line in shell_lines()
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    install, start = line.split(" && ")
    assert install in script.replace("--quiet --disable-pip-version-check ", "")
    assert re.search(rf"\b{re.escape(start)}\b", script)


def test_every_shell_line_of_readme_is_covered():
    commands = [line for line in shell_lines() if line.startswith(("python -m studio generate ", STUDY))]
    assert len(commands) >= 2
    assert {*shell_lines()} == {*INSTALLS, *commands}


@pytest.mark.parametrize("line", [line for line in shell_lines() if line.startswith(STUDY)])
def test_the_study_of_readme_is_created(line: str, tmp_path: Path):
    done = run([*shlex.split(line)[1:], "--json"], folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.skipif(NO_MINI is not None, reason=str(NO_MINI))
@pytest.mark.parametrize("line", [line for line in shell_lines() if " generate " in line])
def test_the_command_of_readme_makes_what_it_says(line: str, tmp_path: Path):
    """With --still in place of the seconds, to be quick; clips have their own tests."""
    short = re.sub(r"--seconds \S+", "--still", line).replace(".mp4", ".png")
    done = run(shlex.split(short)[1:], folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.glob("*.png"))


@pytest.mark.slow
@pytest.mark.skipif(NO_MINI is not None, reason=str(NO_MINI))
@pytest.mark.parametrize("code", [code for code in blocks(README, "python") if "gradio_client" not in code])
def test_the_snippets_of_readme_run(code: str, tmp_path: Path):
    done = run(["-c", code], folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.glob("*.png"))


def test_every_command_in_the_documents_exists(tmp_path: Path):
    named = {found for page in PAGES for found in PYTHON_COMMAND.findall((ROOT / page).read_text(encoding="utf-8"))}
    assert "studio generate" in named
    done = run(["-c", HELP_OF_EACH, *sorted(named)], folder=tmp_path)
    assert done.returncode == 0 and done.stdout.count("usage: ") == len(named), done.stdout + done.stderr


@pytest.mark.parametrize("page", PAGES)
def test_every_path_in_the_documents_exists(page: str):
    text = (ROOT / page).read_text(encoding="utf-8")
    quoted = re.findall(r"`((?:[\w.-]+/)+[\w.-]*|[\w-]+\.(?:py|txt|toml|md))`", text)
    linked = [link.split("#")[0] for link in re.findall(r"\]\(([^)]+)\)", text) if "://" not in link]
    places = (ROOT, ROOT / "pipelines")  # CONTRIBUTING says media/export.py for short
    missing = [path for path in (*quoted, *linked) if not any((place / path).exists() for place in places)]
    assert not missing


def test_the_changelog_says_what_is_not_released_yet():
    assert "\n## Unreleased\n" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_notice_names_everybody_whose_work_is_used():
    notice = (ROOT / "NOTICE").read_text(encoding="utf-8")
    for work in ("Microsoft Fluent Emoji", "all-MiniLM-L6-v2", "lomiri-wallpapers"):
        assert work in notice
    assert "Apache License" in (ROOT / "LICENSE").read_text(encoding="utf-8")


def test_every_test_that_the_threat_model_names_exists():
    tests = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    named = re.findall(r"`(test_\w+)`", (ROOT / "SECURITY.md").read_text(encoding="utf-8"))
    assert named and not [name for name in named if f"def {name}(" not in tests]

"""`python app.py` as a whole: the README's API snippet gets a clip from it, and its own process never holds torch."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from pipelines import catalog

ROOT = Path(__file__).resolve().parents[2]
NO_MINI = catalog.runs_here(catalog.spec("mini"))
PATIENCE_S = 120


def snippets() -> list[str]:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return [code for code in re.findall(r"^```python\n(.*?)^```$", text, re.M | re.S) if "gradio_client" in code]


@pytest.fixture
def address(tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, str(ROOT / "app.py"), "--port", str(port), "--data", str(tmp_path / "data")]
    server = subprocess.Popen(command, cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(ROOT)})
    url = f"http://127.0.0.1:{port}"
    until = time.monotonic() + PATIENCE_S
    while not answers(url):
        assert server.poll() is None and time.monotonic() < until, "the studio did not open"
        time.sleep(0.1)
    yield url, server.pid
    server.send_signal(signal.SIGINT)
    server.wait(PATIENCE_S)


def answers(url: str) -> bool:
    try:
        return httpx.get(url).status_code == 200
    except httpx.TransportError:
        return False


@pytest.mark.slow
@pytest.mark.skipif(NO_MINI is not None, reason=str(NO_MINI))
def test_the_snippet_of_readme_gets_a_clip_from_a_server_that_never_holds_torch(address, tmp_path):
    url, server = address
    assert snippets()
    for code in snippets():
        command = [sys.executable, "-c", code.replace("http://127.0.0.1:7860", url)]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
        assert done.returncode == 0, done.stderr
        assert "'prompt': 'a red panda'" in done.stdout
    if Path("/proc/self/maps").exists():
        held = Path(f"/proc/{server}/maps").read_text(encoding="utf-8")
        assert "libtorch" not in held and "sqlite3" in held


def test_a_machine_that_does_not_answer_itself_in_time_is_a_sentence(tmp_path):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{closed.getsockname()[1]}"  # stands for the delay, which no test can be sure of
        env = os.environ | {"PYTHONPATH": str(ROOT), "HTTP_PROXY": nowhere, "NO_PROXY": "", "no_proxy": ""}
        command = [sys.executable, str(ROOT / "app.py"), "--port", "0", "--data", str(tmp_path)]
        done = subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE_S, env=env, check=False
        )
    assert done.returncode == 3 and "Traceback" not in done.stderr
    assert "Trying once more." in done.stderr and "is it very busy" in done.stderr

"""From `python app.py` to a page that answers, against a bare page of gradio with one button, by turns."""

import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
BARE = """
import sys, gradio as gr
with gr.Blocks(analytics_enabled=False) as page:
    gr.Button("Go")
page.launch(server_port=int(sys.argv[1]), quiet=True)
"""
PATIENCE_S = 120
TARGET = 1.3


def measure(count: int = 5) -> dict[str, Any]:
    """Starts each `count` times; seconds until the address answers with a page."""
    bare, ours = [], []
    with tempfile.TemporaryDirectory(prefix="rushes-benchmark-", ignore_cleanup_errors=True) as folder:
        for number in range(count + 1):
            bare.append(_seconds(["-c", BARE, "{port}"], folder))
            ours.append(_seconds([str(ROOT / "app.py"), "--port", "{port}", "--data", f"{folder}/{number}"], folder))
    bare, ours = bare[1:], ours[1:]  # the first of each fills the disk's cache
    ratios = [min(ours) / min(bare), statistics.median(ours) / statistics.median(bare)]
    return {
        "bare_s": [round(seconds, 2) for seconds in bare],
        "rushes_s": [round(seconds, 2) for seconds in ours],
        "ratio_of_the_best": round(ratios[0], 2),
        "ratio_of_the_medians": round(ratios[1], 2),
        "target": TARGET,
        "holds": ratios[0] <= TARGET,
    }


def _seconds(command: list[str], folder: str) -> float:
    port = _free()
    begun = time.monotonic()
    server = subprocess.Popen(
        [sys.executable, *(part.replace("{port}", str(port)) for part in command)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "GRADIO_ANALYTICS_ENABLED": "False"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while not _answers(port):
            assert server.poll() is None and time.monotonic() - begun < PATIENCE_S, f"no page from {command[0]}"
            time.sleep(0.01)
        return time.monotonic() - begun
    finally:
        server.send_signal(signal.SIGINT)
        server.wait()


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=PATIENCE_S) as page:
            return page.status == 200
    except OSError:
        return False


def _free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]

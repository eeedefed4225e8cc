"""Keeps a worker process alive: starts it, starts it again when it dies, ends it when it does not listen.

The worker ends by itself when its stdin closes, so a killed server leaves none behind.
"""

import contextlib
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from pipelines.errors import StudioError
from studio.claims import Claims
from studio.gallery import Gallery
from studio.settings import Settings
from studio.worker import TROUBLE, Worker, take_back, tidy, work

ROOT = Path(__file__).resolve().parents[1]
LOOK_S = 0.2  # how often the supervisor looks
STOP_S = 1.2  # for a job to notice that it is to be stopped, before its process is ended; people wait 2 s at most
SILENT_S = 60  # without a heartbeat a worker is frozen; a machine that swaps is slower than one would think
BACK_OFF = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)  # seconds before the next start, after so many deaths in a row
RETRY_S = 1.0  # between two tries where the system starts no process
HEALTHY_S = 60  # a worker that lived so long did not die of its start
CLOSED = "the studio was closed"
DEAF = "the model's process did not answer and was ended"
log = logging.getLogger("studio.supervisor")


class Supervisor:
    """One worker process for a data folder. Nothing runs before `start` or after `close`."""

    def __init__(self, claims: Claims, gallery: Gallery, settings: Settings, *, back_off: Sequence[float] = BACK_OFF):
        self._claims = claims
        self._gallery = gallery
        self._settings = settings
        self._back_off = back_off
        self._process: subprocess.Popen[bytes] | None = None
        self._begun = self._next = 0.0  # of this worker's life, of the next one's; time.monotonic()
        self._deaths = 0
        self._lost: str | None = None  # why the worker died, until its job is taken back
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True, name="supervisor")

    def start(self) -> None:
        """Starts the worker, which loads the default model, and returns at once."""
        self._thread.start()

    def close(self) -> None:
        """Ends the worker. A job that runs is begun again by the next one, and that does not count as an attempt."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join()
        if self._process is not None:
            self._end()
            with contextlib.suppress(StudioError):  # then the next start finds the job
                take_back(self._claims, self._gallery, self._settings, CLOSED, blame=False)

    @property
    def worker(self) -> int | None:
        """The process id of the worker that lives."""
        process = self._process
        return process.pid if process is not None and process.poll() is None else None

    def _watch(self) -> None:
        while not self._closing.is_set():
            try:
                self._look()
            except TROUBLE as error:
                log.warning("%s", error)
            self._closing.wait(LOOK_S)

    def _look(self) -> None:
        if self._process is not None and self._process.poll() is not None:
            self._bury()
        elif self._process is not None and self._claims.overdue(stop_s=STOP_S, silent_s=SILENT_S):
            self._end()
            self._lost, self._deaths = DEAF, 0
        if self._lost is not None:
            take_back(self._claims, self._gallery, self._settings, self._lost)
            self._lost = None
        if self._process is None and time.monotonic() >= self._next:
            self._begun = time.monotonic()
            self._next = self._begun + RETRY_S  # should it not start; once it runs, its death says when
            self._process = _process(self._settings)

    def _bury(self) -> None:
        """Takes note of a worker that died by itself, and of when the next one may start."""
        status = self._end()
        self._lost = _epitaph(status)
        self._deaths = 1 if time.monotonic() - self._begun > HEALTHY_S else self._deaths + 1
        self._next = time.monotonic() + self._back_off[min(self._deaths, len(self._back_off)) - 1]
        log.error("the worker ended with status %s", status)

    def _end(self) -> int:
        """Kills what lives of the worker and of the programs it has started; returns its exit status."""
        process, self._process = self._process, None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL) if os.name == "posix" else process.kill()
        status = process.wait()
        process.stdin.close()
        return status


class Inline:
    """The same work without a process: in a thread of this one after `start`, or where `run` is called (on ZeroGPU, in
    the event that has been lent the GPU; then nobody starts the thread).

    It cannot be ended from outside: a job stops at its next step or tile.
    """

    worker = None

    def __init__(self, claims: Claims, gallery: Gallery, settings: Settings):
        self._parts = claims, gallery, settings
        self._worker = Worker(*self._parts)
        self._closing = threading.Event()
        self._threads = [
            threading.Thread(target=work, args=(take, self._closing), daemon=True, name=f"inline {take.__name__}")
            for take in (self._worker.take, self._worker.take_aside)
        ]

    def tidy(self) -> None:
        """Finds what a server that was killed has left, and purges the gallery; call it once, before any work."""
        tidy(*self._parts, CLOSED)

    def start(self) -> None:
        """Does every job until `close`, clips one after the other."""
        self.tidy()
        for thread in self._threads:
            thread.start()

    def run(self, id: str) -> None:
        """Does one waiting job, and returns when it is over. Nothing happens to a job that does not wait."""
        self._worker.take(id)

    def close(self) -> None:
        """Waits for a job that is about to end; a longer one goes on when the studio is opened again."""
        self._closing.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(STOP_S)


def _process(settings: Settings) -> "subprocess.Popen[bytes]":
    """A worker, in its own session so that Ctrl+C in the terminal reaches only the studio, which then ends it."""
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    command = [sys.executable, "-m", "studio.worker", "--data", str(settings.data), "--model", settings.model]
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path, "RUSHES_SAFETY": "on" if settings.checked else "off"},
        start_new_session=True,
    )


def _epitaph(status: int) -> str:
    if status == -signal.SIGKILL:
        return "the model's process was ended by the system, perhaps for lack of memory (a shorter clip needs less)"
    return f"the model's process ended by itself (status {status}; the log of the server says more)"

"""Jobs of the page: submitted, watched and stopped here, done one after the other in a worker process.

Jobs live in memory and end with the studio; their clips stay in the data folder. A worker that dies takes only its
job with it: the next job gets a new one.
"""

import contextlib
import dataclasses
import json
import logging
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines import catalog
from pipelines.errors import Unavailable
from pipelines.requests import Request
from studio import service

ROOT = Path(__file__).resolve().parents[1]
WAITING = ("queued", "running")
KEPT = 500  # finished jobs that can still be asked about
PATIENCE = 15.0  # seconds for a running job to notice that it is cancelled, before its process is ended
log = logging.getLogger("studio.runner")


@dataclass(frozen=True, kw_only=True)
class Job:
    """What is known of one job. `state` is queued, running, done, failed or cancelled; times are time.monotonic()."""

    id: str
    request: Request
    clip: Path
    state: str = "queued"
    fraction: float = 0.0
    message: str = ""
    notes: tuple[str, ...] = ()
    made: dict[str, Any] | None = None
    started: float | None = None
    cancelled: float | None = None
    position: int = 0

    @property
    def over(self) -> bool:
        return self.state not in WAITING


class Runner:
    """All jobs of one studio. Safe to use from several threads."""

    def __init__(self, clips: Path, *, longest_queue: int = 20):
        self._clips = clips
        self._longest = longest_queue
        self._jobs: OrderedDict[str, Job] = OrderedDict()
        self._change = threading.Condition()
        self._worker: subprocess.Popen[str] | None = None
        self._closed = False
        self._thread = threading.Thread(target=self._dispatch, daemon=True, name="runner")
        self._thread.start()

    def warm(self, model: str) -> None:
        """Starts the worker and lets it load a model, so that the first job does not wait for that."""
        with self._change:
            self._start()
            self._order({"warm": model})

    def submit(self, request: Request) -> str:
        """Stores a request and returns its job's id. Raises `BadRequest`, or `Unavailable` if none is taken now."""
        name = secrets.token_hex(16)
        folder = self._clips / name
        catalog.check(request)
        with self._change:
            if sum(not job.over for job in self._jobs.values()) >= self._longest:
                raise Unavailable(f"{self._longest} clips are waiting already; try again when some are done")
            self._prepare(folder, request)
            clip = folder / f"clip{service.suffix(request)}"
            self._jobs[name] = Job(id=name, request=request, clip=clip)
            self._forget()
            self._change.notify_all()
        return name

    def job(self, name: str) -> Job | None:
        """The job as it is now, or None if there is none of that id."""
        with self._change:
            job = self._jobs.get(name)
            if job is None or job.state != "queued":
                return job
            ahead = [other for other in self._jobs.values() if not other.over]
            return dataclasses.replace(job, position=ahead.index(job))

    def cancel(self, name: str) -> None:
        """Stops a job at its next step, or takes it out of the queue. Nothing happens to one that is over."""
        with self._change:
            job = self._jobs.get(name)
            if job is None or job.over or job.cancelled:
                return
            if job.state == "queued":
                self._update(name, state="cancelled")
                return
            self._update(name, cancelled=time.monotonic(), message="stopping")
            self._order({"cancel": name})
        threading.Timer(PATIENCE, self._end_if_running, (name,)).start()

    def close(self) -> None:
        """Ends the worker; whatever was running is lost."""
        with self._change:
            self._closed = True
            self._change.notify_all()
            if self._worker is not None:
                self._worker.kill()
        self._thread.join()
        self._bury()

    def _bury(self) -> None:
        """Lets go of a worker that has ended, or is about to: its exit status and its pipes."""
        if self._worker is not None:
            self._worker.wait()
            with contextlib.suppress(BrokenPipeError):  # an order that it never read
                self._worker.stdin.close()
            self._worker.stdout.close()
            self._worker = None

    def _prepare(self, folder: Path, request: Request) -> None:
        try:
            folder.mkdir(parents=True)
            (folder / "request.json").write_text(request.to_json(), encoding="utf-8")
        except OSError as error:
            raise Unavailable(f"{folder} cannot be written ({error.strerror}); choose another RUSHES_DATA") from error

    def _dispatch(self) -> None:
        while True:
            with self._change:
                self._change.wait_for(lambda: self._closed or self._next())
                if self._closed:
                    return
                job = self._next()
                self._update(job.id, state="running", started=time.monotonic(), message="starting")
                worker = self._start()  # under the same lock: a job that runs has a worker that can be told to stop
                self._order({"run": job.id, "request": job.request.to_dict(), "clip": str(job.clip)})
            self._run(job, worker)

    def _next(self) -> Job | None:
        return next((job for job in self._jobs.values() if job.state == "queued"), None)

    def _run(self, job: Job, worker: "subprocess.Popen[str]") -> None:
        """Follows one job to its end: its last report, or the end of the process."""
        for line in worker.stdout:
            if self._heard(json.loads(line), job.id):
                return
        status = worker.wait()
        with self._change:
            if self._jobs[job.id].cancelled:
                self._update(job.id, state="cancelled")
            else:
                log.error("the worker ended with status %s during job %s", status, job.id)
                self._update(job.id, state="failed", message=_epitaph(status))

    def _heard(self, report: dict[str, Any], name: str) -> bool:
        """Takes in one report; whether the job is over."""
        if report.pop("job") != name:
            return False
        with self._change:
            if "note" in report:
                self._update(name, notes=(*self._jobs[name].notes, report["note"]))
            elif report["state"] != "running" or not self._jobs[name].cancelled:
                self._update(name, **report)
            return self._jobs[name].over

    def _end_if_running(self, name: str) -> None:
        with self._change:
            if name in self._jobs and not self._jobs[name].over and self._worker is not None:
                self._worker.kill()

    def _start(self) -> "subprocess.Popen[str]":
        """The worker that lives, or a new one."""
        if self._worker is not None and self._worker.poll() is not None:
            self._bury()
        if self._worker is None:
            self._worker = _process()
        return self._worker

    def _order(self, order: dict[str, Any]) -> None:
        try:
            self._worker.stdin.write(json.dumps(order) + "\n")
            self._worker.stdin.flush()
        except OSError:
            log.warning("the worker is gone")  # whoever follows the job sees its end and says so

    def _update(self, name: str, **what: Any) -> None:
        self._jobs[name] = dataclasses.replace(self._jobs[name], **what)

    def _forget(self) -> None:
        over = [name for name, job in self._jobs.items() if job.over]
        for name in over[:-KEPT]:
            del self._jobs[name]


def _process() -> "subprocess.Popen[str]":
    """A worker, in its own session so that Ctrl+C in the terminal reaches only the studio, which then lets go of it."""
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return subprocess.Popen(
        [sys.executable, "-m", "studio.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONPATH": path},
        start_new_session=True,
    )


def _epitaph(status: int) -> str:
    if status == -signal.SIGKILL:
        return "the model's process was ended by the system, probably for lack of memory; a shorter clip needs less"
    return f"the model's process ended by itself (status {status}); the log of the server says more"

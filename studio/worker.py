"""The process in which models work: `python -m studio.worker`, started and watched by studio.runner.

Orders come in on stdin and reports go out on stdout, one JSON object a line. When stdin closes, the process ends.
"""

import dataclasses
import json
import logging
import os
import queue
import sys
import threading
from pathlib import Path
from typing import Any, TextIO

from pipelines.errors import Cancelled, StudioError
from pipelines.requests import request_from_dict
from pipelines.residency import Residency
from studio import seal, service
from studio.settings import Settings

CRASHED = "something went wrong inside the studio; the log of the server says what"


class Worker:
    """Does one order at a time: a clip to make, or a model to get ready. An order to cancel is heard at any time."""

    def __init__(self, reports: TextIO):
        self._reports = reports
        self._orders: queue.Queue[dict[str, Any]] = queue.Queue()
        self._cancelled: set[str] = set()
        self._models: Residency | None = None

    def listen(self, orders: TextIO) -> None:
        """Reads orders until the studio is gone, then ends the process, whatever it is doing."""
        for line in orders:
            order = json.loads(line)
            if "cancel" in order:
                self._cancelled.add(order["cancel"])
            else:
                self._orders.put(order)
        os._exit(0)  # from this thread sys.exit would end only the thread

    def work(self) -> None:
        """Takes orders for ever."""
        while True:
            order = self._orders.get()
            if "warm" in order:
                self._warm(order["warm"])
            else:
                self._report(order["run"], **self._done(order))

    def _warm(self, model: str) -> None:
        try:
            with self._shelf().hold(model):
                pass
        except StudioError as error:
            logging.getLogger("studio.worker").warning("%s", error)  # a job that needs it will say so to its person

    def _shelf(self) -> Residency:
        self._models = self._models or service.on_best_device()
        return self._models

    def _done(self, order: dict[str, Any]) -> dict[str, Any]:
        try:
            made = self._make(order)
            return {"state": "done", "made": made.to_dict()}
        except Cancelled:
            return {"state": "cancelled"}
        except StudioError as error:
            return {"state": "failed", "message": str(error)}
        except Exception:
            logging.getLogger("studio.worker").exception("job %s", order["run"])
            return {"state": "failed", "message": CRASHED}

    def _make(self, order: dict[str, Any]) -> service.Made:
        name = order["run"]

        def progress(fraction: float, message: str) -> None:
            if name in self._cancelled:
                raise Cancelled("stopped")
            self._report(name, state="running", fraction=fraction, message=message)

        progress(0.0, "starting")
        request, path = request_from_dict(order["request"]), Path(order["clip"])
        settings = dataclasses.replace(Settings.from_env(os.environ), data=path.parents[2])
        return service.make(
            request,
            path,
            data=self._settings.data,
            models=self._shelf(),
            progress=progress,
            note=lambda sentence: self._report(name, note=sentence),
            record=seal.record(settings, path.parent.name, request),
        )

    def _report(self, name: str, **what: Any) -> None:
        self._reports.write(json.dumps({"job": name, **what}) + "\n")
        self._reports.flush()


def main() -> None:
    """Keeps stdout for reports alone: what a library prints goes to stderr."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    reports = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    worker = Worker(reports)
    threading.Thread(target=worker.listen, args=(sys.stdin,), daemon=True).start()
    worker.work()


if __name__ == "__main__":
    main()

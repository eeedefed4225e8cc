"""A server without a page: `python -m studio.benchmarks.keeper DATA` keeps a worker until it is killed."""

import sys
import threading
from pathlib import Path

from studio.settings import Settings
from studio.studio import Studio

if __name__ == "__main__":
    studio = Studio.open(Settings(data=Path(sys.argv[1])))
    studio.supervisor.start()
    threading.Event().wait()

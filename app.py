"""Opens the studio: `python app.py`, then the address that it prints."""

import sys

from studio.cli import main
from studio.terminal import stoppable

if __name__ == "__main__":
    stoppable()
    sys.exit(main(["serve", *sys.argv[1:]]))

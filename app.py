"""Opens the studio: `python app.py`, then the address that it prints."""

import sys

from studio.cli import main

if __name__ == "__main__":
    sys.exit(main(["serve", *sys.argv[1:]]))

"""`python -m studio.benchmarks NAME [--count N]`: prints the figures as one JSON object."""

import argparse
import importlib
import json
import logging
import sys
from pathlib import Path

NAMES = sorted(
    path.stem for path in Path(__file__).parent.glob("*.py") if "def measure(" in path.read_text(encoding="utf-8")
)


def main() -> int:
    """Runs one benchmark; 1 if something did not hold."""
    parser = argparse.ArgumentParser(prog="python -m studio.benchmarks")
    parser.add_argument("name", choices=NAMES, metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--count", type=int, help="how many times (default: what the module says)")
    options = parser.parse_args()
    logging.basicConfig(level=logging.CRITICAL)
    measure = importlib.import_module(f"studio.benchmarks.{options.name}").measure
    figures = measure() if options.count is None else measure(options.count)
    print(json.dumps(figures, indent=1))
    return 0 if figures["holds"] else 1


if __name__ == "__main__":
    sys.exit(main())

"""The program that reads the signature of a stranger's file: `python -m pipelines.media.notary STUDIO < file`.

It runs in the cage, so that a file which hangs or crashes the reader costs nobody else anything.
"""

import dataclasses
import json
import sys

from pipelines.media import provenance
from pipelines.media.keys import Studio


def main() -> None:
    """Prints the `Signature` as JSON."""
    studio = Studio(**json.loads(sys.argv[1]))
    print(json.dumps(dataclasses.asdict(provenance.examine(sys.stdin.buffer, studio))))


if __name__ == "__main__":
    main()

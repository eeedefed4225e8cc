"""Who brought which file. A request may name only what its owner has brought.

Names are made from content and travel in the settings of finished clips: a name alone must open nobody's file.
"""

from pipelines.errors import BadRequest
from pipelines.requests import REFERENCE, Request
from studio.db import Database


class Belongings:
    """The files in `inputs/` by owner."""

    def __init__(self, database: Database):
        self._database = database

    def add(self, owner: str, *references: str) -> None:
        """Notes that somebody has brought files."""
        with self._database.write() as tables:
            rows = [(reference, owner) for reference in references if REFERENCE.fullmatch(reference)]
            tables.executemany("INSERT OR IGNORE INTO belongings (reference, owner) VALUES (?, ?)", rows)

    def check(self, owner: str, request: Request) -> None:
        """Raises `BadRequest` with the first field that names a file which this owner has not brought."""
        with self._database.read() as tables:
            for field, reference in request.references().items():
                asked = "SELECT 1 FROM belongings WHERE reference = ? AND owner = ?"
                if not tables.execute(asked, (reference, owner)).fetchone():
                    raise BadRequest(field, "is a file that you have not brought; bring it again")

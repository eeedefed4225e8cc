"""The studio's one SQLite file: opened, brought up to date and shared by threads and processes.

Write-ahead log: readers never wait for the one writer. Tables come from `studio/migrations/*.sql`, in order of name.
"""

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from pipelines.errors import Unavailable

MIGRATIONS = Path(__file__).with_name("migrations")
PATIENCE_S = 10  # for another process that writes


class Database:
    """A file of tables. Each thread has its own connection, so that transactions never mix.

    Raises `Unavailable` if the folder cannot be made or the file is something else or of a later version.
    """

    def __init__(self, path: Path):
        self.path = path
        self._connections: dict[tuple[int, int], sqlite3.Connection] = {}
        self._lock = threading.Lock()
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Unavailable(f"{path.parent} cannot be made ({error.strerror}); choose another RUSHES_DATA") from error
        try:
            with self.write() as connection:
                _migrate(connection, path)
            _begin_log(connection)  # the tables get their own room while there is some
        except BaseException:
            self.close()
            raise

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """One unchanging state of all tables while the block lasts; inside a `write` of this thread, that one's."""
        with self._sentences():
            connection = self._connection()
            if connection.in_transaction:
                yield connection
                return
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                if connection.in_transaction:  # a broken disk has rolled back already, and its error is what counts
                    connection.execute("ROLLBACK")

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """All of the block's changes or, if it raises, none. Nobody else writes meanwhile, so keep it short.

        Raises `Unavailable` if the disk is full or somebody else writes for too long.
        """
        with self._sentences():
            connection = self._connection()
            assert not connection.in_transaction, "a write stands inside no other block of its thread"
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException as error:
                if connection.in_transaction:  # a full disk has rolled back already
                    connection.execute("ROLLBACK")
                if _code(error) == sqlite3.SQLITE_FULL:
                    _begin_log(connection)
                raise

    def close(self) -> None:
        """Closes every thread's connection; nobody may be using one."""
        with self._lock:
            for (process, _), connection in self._connections.items():
                if process == os.getpid():
                    connection.close()
            self._connections.clear()

    def _connection(self) -> sqlite3.Connection:
        """This thread's. Never one that came through a fork: SQLite forbids to use it, even to close it."""
        own = (os.getpid(), threading.get_ident())
        with self._lock:
            if own not in self._connections:
                self._sweep()
                self._connections[own] = _connect(self.path)
            return self._connections[own]

    def _sweep(self) -> None:
        """Closes the connections of threads that have ended."""
        alive = {(os.getpid(), thread.ident) for thread in threading.enumerate()}
        for ended in [key for key in self._connections if key not in alive and key[0] == os.getpid()]:
            self._connections.pop(ended).close()

    @contextmanager
    def _sentences(self) -> Iterator[None]:
        """What SQLite cannot do because of the machine becomes one sentence; a wrong statement stays a bug."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            code = _code(error)
            if code == sqlite3.SQLITE_FULL:
                raise Unavailable(f"There is no room left in {self.path.parent}; free some space") from error
            if code == sqlite3.SQLITE_NOTADB:
                raise Unavailable(f"{self.path} is not a database of the studio; move it away") from error
            if code == sqlite3.SQLITE_CORRUPT:
                remedy = "move it away and run: python -m studio reindex"
                raise Unavailable(f"{self.path} is damaged; {remedy}") from error
            if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR):
                raise Unavailable(f"{self.path} cannot be used just now ({error})") from error
            raise


def expect(folder: Path) -> None:
    """Raises `Unavailable`, and makes nothing, if there is no studio in a folder."""
    if not (folder / "rushes.db").is_file():
        raise Unavailable(f"there is no studio in {folder}; python -m studio serve makes one")


def existing(folder: Path) -> Database:
    """The database of a studio that is there already. Raises as `expect` does."""
    expect(folder)
    return Database(folder / "rushes.db")


def _begin_log(connection: sqlite3.Connection) -> None:
    """Moves what is in the log into the tables, so that the next writes take the room that the log has already.

    Without it, a disk that is full would let nobody even say so.
    """
    with suppress(sqlite3.Error):  # somebody reads, or there is no room for that either
        connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()


def _code(error: BaseException) -> int:
    """SQLite's primary result code, 0 for an error that is not SQLite's."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """A right that one process at a time has; the system takes it back when the process dies, however it dies.

    A locked SQLite file, because that lock works alike on every system and no child inherits it. Raises `Unavailable`
    if somebody else keeps it for too long.
    """
    with closing(sqlite3.connect(path, timeout=PATIENCE_S, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            raise Unavailable(f"another process holds {path}; there is one worker for each data folder") from error
        yield


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=PATIENCE_S, isolation_level=None, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")  # with WAL, safe against any kill; spares a flush per commit
        connection.execute("PRAGMA foreign_keys = ON")
    except BaseException:
        connection.close()
        raise
    return connection


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Runs what is new, each file once. Known by name, so that branches may add files in any order."""
    connection.execute("CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY, applied REAL NOT NULL) STRICT")
    done = {name for (name,) in connection.execute("SELECT name FROM migrations")}
    files = {file.stem: file for file in sorted(MIGRATIONS.glob("*.sql"))}
    if unknown := sorted(done - files.keys()):
        raise Unavailable(f"{path} was written by a later version of the studio ({unknown[-1]}); update this one")
    for name, file in files.items():
        if name not in done:
            for statement in _statements(file.read_text(encoding="utf-8")):
                connection.execute(statement)
            connection.execute("INSERT INTO migrations VALUES (?, ?)", (name, time.time()))


def _statements(script: str) -> Iterator[str]:
    """One statement at a time: sqlite3's executescript would commit in between."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
    assert not statement.strip(), f"a statement does not end: {statement[:80]}"

"""The database: transactions, threads, migrations, and sentences for what the machine cannot do."""

import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from pipelines.errors import Unavailable
from studio.benchmarks import disk
from studio.db import Database, _statements, alone

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def database(tmp_path):
    opened = Database(tmp_path / "data" / "rushes.db")
    yield opened
    opened.close()


def count(database: Database) -> int:
    with database.read() as tables:
        return tables.execute("SELECT count(*) FROM queues").fetchone()[0]


def test_a_write_that_raises_leaves_nothing(database):
    with pytest.raises(RuntimeError), database.write() as tables:
        tables.execute("INSERT INTO queues (owner) VALUES ('a')")
        raise RuntimeError
    assert count(database) == 0


def test_a_read_sees_one_state_while_others_write(database):
    with database.read() as tables:
        before = tables.execute("SELECT count(*) FROM queues").fetchone()[0]
        writer = threading.Thread(target=write, args=(database, "a"))
        writer.start()
        writer.join()
        assert tables.execute("SELECT count(*) FROM queues").fetchone()[0] == before == 0
    assert count(database) == 1


def test_a_read_inside_a_write_sees_what_was_written(database):
    with database.write() as tables:
        tables.execute("INSERT INTO queues (owner) VALUES ('a')")
        assert count(database) == 1


def test_a_read_that_a_broken_disk_has_ended_tells_of_the_disk(database):
    with pytest.raises(RuntimeError, match="the disk"), database.read() as tables:
        tables.execute("ROLLBACK")  # as sqlite does by itself then
        raise RuntimeError("the disk")
    assert count(database) == 0


def test_many_threads_write_at_once(database):
    threads = [threading.Thread(target=write, args=(database, str(number))) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert count(database) == 20


def test_threads_that_have_ended_leave_no_connections(database):
    for number in range(20):
        thread = threading.Thread(target=write, args=(database, str(number)))
        thread.start()
        thread.join()
    assert len(database._connections) <= 3


def write(database: Database, owner: str) -> None:
    with database.write() as tables:
        tables.execute("INSERT INTO queues (owner) VALUES (?)", (owner,))


def test_a_file_is_migrated_once_and_opens_again(database):
    write(database, "a")
    again = Database(database.path)
    assert count(again) == 1
    again.close()


def test_a_statement_may_hold_the_semicolons_of_a_trigger():
    script = "-- why\nCREATE TABLE a (b);\nCREATE TRIGGER t AFTER INSERT ON a BEGIN\n  DELETE FROM a;\nEND;\n"
    assert [part.count(";") for part in _statements(script)] == [1, 2]


def test_a_database_of_a_later_version_is_left_alone(database):
    with database.write() as tables:
        tables.execute("INSERT INTO migrations VALUES ('999_dreams', 0)")
    with pytest.raises(Unavailable, match="later version"):
        Database(database.path)


def test_what_is_no_database_is_named(tmp_path):
    (tmp_path / "rushes.db").write_text("a letter to my aunt, long enough to be read as a header of something " * 20)
    with pytest.raises(Unavailable, match=r"rushes\.db is not a database"):
        Database(tmp_path / "rushes.db")


def test_a_database_that_is_cut_off_is_named_with_what_brings_the_clips_back(database):
    write(database, "a")
    database.close()
    with sqlite3.connect(database.path) as whole:
        whole.execute("PRAGMA journal_mode = DELETE")  # moves the log into the file
    whole.close()
    database.path.write_bytes(database.path.read_bytes()[:5000])
    with pytest.raises(Unavailable, match=r"rushes\.db is damaged; move it away and run: python -m studio reindex"):
        count(Database(database.path))


def test_a_folder_that_cannot_be_made_is_named():
    with pytest.raises(Unavailable, match="RUSHES_DATA"):
        Database(Path("/proc/rushes/rushes.db"))


def test_a_wrong_statement_stays_a_bug(database):
    with pytest.raises(sqlite3.OperationalError), database.read() as tables:
        tables.execute("SELECT nothing FROM nowhere")


def test_a_right_is_free_again_when_its_process_is_killed(tmp_path):
    code = (
        "import sys, time; from pathlib import Path; from studio.db import alone\n"
        "with alone(Path(sys.argv[1])): print('mine', flush=True); time.sleep(60)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "lock")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"mine\n"
        with sqlite3.connect(tmp_path / "lock", timeout=0) as other, pytest.raises(sqlite3.OperationalError):
            other.execute("BEGIN EXCLUSIVE")
        other.close()
        holder.kill()
    with alone(tmp_path / "lock"):
        pass


def test_a_full_disk_leaves_room_for_what_is_written_again_and_again():
    """A job's reports change rows that are there already; one may fail, but not all that follow."""
    try:
        with disk.tmpfs("2m") as folder:
            database = Database(folder / "rushes.db")
            with database.write() as tables:
                tables.execute("INSERT INTO migrations VALUES ('998_dreams', 0)")
            disk._fill(folder, 8 << 10)
            failures = 0
            for number in range(400):
                try:
                    with database.write() as tables:
                        tables.execute("UPDATE migrations SET applied = ? WHERE name = '998_dreams'", (number,))
                except Unavailable:
                    failures += 1
            with database.read() as tables:
                (kept,) = tables.execute("SELECT applied FROM migrations WHERE name = '998_dreams'").fetchone()
            database.close()
    except Unavailable as error:
        pytest.skip(str(error))
    assert kept > 390 and failures < 10

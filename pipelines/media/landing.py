"""How a file appears: whole or not at all.

What a person is given is made in the system's temporary folder first, and never overwrites a file that is there; only
what the program keeps for itself takes the place of an older one (`replacing`).
"""

import errno
import os
import secrets
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pipelines.errors import BadRequest, Unavailable

NO_HARD_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS)


def check(path: Path, suffixes: tuple[str, ...], kind: str) -> None:
    """Raises `BadRequest` ("out") if `path` does not end so, is taken, or is in a folder that cannot be written."""
    if path.suffix.lower() not in suffixes:
        raise BadRequest("out", f"{kind} is saved as {' or '.join(suffixes)}; {path} ends differently")
    folder = path.parent
    if not folder.is_dir():
        raise BadRequest("out", f"{folder} is not a folder that exists; make it first")
    with _sentences(path):
        _free(path)
    try:
        tempfile.TemporaryFile(dir=folder).close()  # only an attempt tells: permission bits say nothing to root
    except OSError as error:
        raise BadRequest("out", f"nothing can be written into {folder} ({error.strerror}); choose another") from error


def whole_or_nothing(path: Path, write: Callable[[Path], object]) -> Path:
    """`write` makes the file elsewhere; it then appears at `path` at once, or not at all. Returns `path`.

    Raises `BadRequest` ("out") if the name is taken by then, `Unavailable` if there is no room.
    """
    part = _part(path)
    with _sentences(path), tempfile.TemporaryDirectory(prefix="rushes-") as folder:
        made = Path(folder) / f"made{path.suffix.lower()}"
        write(made)
        try:
            with made.open("rb") as source, part.open("xb") as target:
                shutil.copyfileobj(source, target)
                target.flush()
                os.fsync(target.fileno())
            _name(part, path)
        finally:
            part.unlink(missing_ok=True)
    return path


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A file beside `path` for a block to write; it then takes that name, also another file's, or is gone if the block
    raises. Raises `OSError`."""
    part = _part(path)
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _part(path: Path) -> Path:
    """A name that nobody else has, as two may write the same file at once; `with_name` knows no "."."""
    return path.parent / f".rushes-{secrets.token_hex(8)}.part"


def _free(path: Path) -> None:
    """Raises `FileExistsError` if something has this name, another `OSError` if nothing can have it (too long)."""
    try:
        path.lstat()
    except FileNotFoundError:
        return
    raise FileExistsError


def _name(part: Path, path: Path) -> None:
    """Gives a whole file its name. Raises `FileExistsError` if the name is taken, also by somebody a moment earlier."""
    try:
        os.link(part, path)
    except OSError as error:
        if error.errno not in NO_HARD_LINKS:
            raise
        _name_by_reservation(part, path)


def _name_by_reservation(part: Path, path: Path) -> None:
    """The same where the file system knows no hard links (exFAT, some mounts in containers)."""
    path.open("xb").close()
    try:
        os.replace(part, path)
    except OSError:
        path.unlink()
        raise


@contextmanager
def kept(folder: Path) -> Iterator[None]:
    """For what the studio keeps in a folder of its data. Raises `Unavailable` if the system refuses that."""
    try:
        yield
    except OSError as error:
        why = error.strerror or error
        raise Unavailable(
            f"nothing can be kept in {folder} ({why}); free some space or choose another RUSHES_DATA"
        ) from error


@contextmanager
def _sentences(path: Path) -> Iterator[None]:
    """What the operating system refuses becomes one sentence that names the path."""
    try:
        yield
    except FileExistsError as error:
        raise BadRequest("out", f"{path} already exists and is not overwritten; choose another name") from error
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            where = f"{path} (or for making it in {tempfile.gettempdir()})"
            raise Unavailable(f"There is no room for {where}: {error.strerror}; free some space") from error
        raise BadRequest("out", f"{path} cannot be written ({error.strerror or error})") from error

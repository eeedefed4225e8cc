"""A queue as a file: a zip with queue.json and the media that its requests name."""

import contextlib
import dataclasses
import hashlib
import json
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from pipelines.errors import BadRequest, Unavailable
from pipelines.media import landing
from pipelines.requests import Request, request_from_dict

LIST, VERSION = "queue.json", 1
MOST_JOBS, LONGEST_LIST, LARGEST_MEDIA = 1000, 16 << 20, 1 << 30  # jobs, bytes of the list, bytes of all media
UNREADABLE = (OSError, KeyError, ValueError, RuntimeError, zipfile.BadZipFile, zlib.error)
MEDIA = {".png": "image", ".mp4": "video", ".wav": "sound"}  # as the door of a studio leaves them
Asked = list[tuple[Request, int]]  # with the priority


class Take(Protocol):
    """`studio.inputs.take` with the settings of a studio."""

    def __call__(self, upload: Path, media: str, *, asked: str) -> str:
        """The name that a file has in requests from now on. Raises `BadRequest` (asked)."""


def pack(jobs: Asked, path: Path, inputs: Path) -> None:
    """Writes the jobs and the media in the folder `inputs` that they name. Never over a file that exists.

    Raises `BadRequest` ("out") if the file cannot be written, `Unavailable` if an input is missing.
    """
    names = sorted({name for request, _ in jobs for name in request.references().values()})
    for name in names:
        if not (inputs.parent / name).is_file():
            raise Unavailable(f"{name}, which a job needs, is not there any more; take that job out of the queue")
    rows = [{"request": request.to_dict(), "priority": priority} for request, priority in jobs]
    try:
        with landing.replacing(path) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as file:
            file.writestr(LIST, json.dumps({"version": VERSION, "jobs": rows}, ensure_ascii=False, indent=1))
            for name in names:
                file.write(inputs.parent / name, name, zipfile.ZIP_STORED)
            if path.exists():
                raise FileExistsError(0, "it exists already")
    except OSError as error:
        raise BadRequest("out", f"{path} cannot be written ({error.strerror})") from error


def unpack(path: Path, inputs: Path, take: Take) -> Asked:
    """Reads such a file. Its media comes in through the door `take`, and the requests name what that made of it.

    Raises `BadRequest` ("queue") for anything that `pack` would not have written, and what `take` raises.
    """
    with contextlib.ExitStack() as opened:
        with _exported(path):
            file = opened.enter_context(zipfile.ZipFile(path))
            jobs = _jobs(_read(file, LIST, LONGEST_LIST))
            used = {name: field for request, _ in jobs for field, name in request.references().items()}
            if sum(file.getinfo(name).file_size for name in used) > LARGEST_MEDIA:
                raise BadRequest("queue", f"holds more than {LARGEST_MEDIA >> 20} MB of media")
        names = {name: _taken(file, name, field, inputs, take) for name, field in used.items()}
    return [(_renamed(request, names), priority) for request, priority in jobs]


@contextlib.contextmanager
def _exported(path: Path) -> Iterator[None]:
    """For what is read of the file itself, and no more: what happens to its media here is not the file's fault."""
    try:
        yield
    except UNREADABLE as error:
        raise BadRequest("queue", f"{path.name} is not a queue that the studio has exported ({error})") from error


def _jobs(text: bytes) -> Asked:
    data = json.loads(text)
    if not isinstance(data, dict) or data.get("version") != VERSION or not isinstance(data.get("jobs"), list):
        raise BadRequest("queue", f"is not a list of jobs of version {VERSION}")
    if len(data["jobs"]) > MOST_JOBS:
        raise BadRequest("queue", f"holds {len(data['jobs'])} jobs; {MOST_JOBS} is the most")
    rows = [row if isinstance(row, dict) else {} for row in data["jobs"]]
    return [(request_from_dict(row.get("request")), row.get("priority", 0)) for row in rows]


def _renamed(request: Request, names: dict[str, str]) -> Request:
    return dataclasses.replace(request, **{field: names[name] for field, name in request.references().items()})


def _read(file: zipfile.ZipFile, name: str, most: int) -> bytes:
    """One entry, of which neither the header nor the content is larger than `most` bytes."""
    with file.open(name) as entry:
        data = entry.read(most + 1)
    if len(data) > most:
        raise BadRequest("queue", f"{name} is larger than {most >> 20} MB")
    return data


def _taken(file: zipfile.ZipFile, name: str, field: str, inputs: Path, take: Take) -> str:
    """The name here of one file of media. What is here already came through the door before, and stays as it is."""
    path = inputs.parent / name
    with _exported(Path(file.filename)):
        data = _read(file, name, LARGEST_MEDIA)
    if hashlib.sha256(data).hexdigest() != path.stem:
        raise BadRequest("queue", f"{path.name} holds something else than its name says")
    if path.suffix not in MEDIA:
        raise BadRequest(field, f"{path.name} is neither {' nor '.join(MEDIA)}")
    if path.is_file():
        return name
    with tempfile.TemporaryDirectory(prefix="rushes-") as folder:
        upload = Path(folder) / path.name
        with landing.kept(upload.parent):
            upload.write_bytes(data)
        return take(upload, MEDIA[path.suffix], asked=field)

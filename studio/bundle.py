"""A queue as a file: a zip with queue.json and the media that its requests name."""

import dataclasses
import hashlib
import json
import os
import re
import zipfile
import zlib
from pathlib import Path

from pipelines.errors import BadRequest, Unavailable
from pipelines.requests import Request, request_from_dict

LIST, VERSION = "queue.json", 1
MOST_JOBS, LONGEST_LIST, LARGEST_MEDIA = 1000, 16 << 20, 1 << 30  # jobs, bytes of the list, bytes of all media
INPUT = re.compile(r"inputs/[0-9a-f]{64}\.[a-z0-9]{1,5}")  # how a request names what was uploaded
UNREADABLE = (OSError, KeyError, ValueError, RuntimeError, zipfile.BadZipFile, zlib.error)
Asked = list[tuple[Request, int]]  # with the priority


def pack(jobs: Asked, path: Path, inputs: Path) -> None:
    """Writes the jobs and the media in the folder `inputs` that they name. Never over a file that exists.

    Raises `BadRequest` ("out") if the file cannot be written, `Unavailable` if an input is missing.
    """
    names = sorted({name for request, _ in jobs for name in _named(request)})
    for name in names:
        if not (inputs.parent / name).is_file():
            raise Unavailable(f"{name}, which a job needs, is not there any more; take that job out of the queue")
    part = path.with_name(f".{path.name}.part")
    try:
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as file:
            rows = [{"request": request.to_dict(), "priority": priority} for request, priority in jobs]
            file.writestr(LIST, json.dumps({"version": VERSION, "jobs": rows}, ensure_ascii=False, indent=1))
            for name in names:
                file.write(inputs.parent / name, name, zipfile.ZIP_STORED)
        if path.exists():
            raise FileExistsError(0, "it exists already")
        os.replace(part, path)
    except OSError as error:
        raise BadRequest("out", f"{path} cannot be written ({error.strerror})") from error
    finally:
        part.unlink(missing_ok=True)


def unpack(path: Path, inputs: Path) -> Asked:
    """Reads such a file and puts its media into the folder `inputs`, each under the hash of what it holds.

    Raises `BadRequest` ("queue") for anything that `pack` would not have written.
    """
    try:
        with zipfile.ZipFile(path) as file:
            jobs = _jobs(_read(file, LIST, LONGEST_LIST))
            names = sorted({name for request, _ in jobs for name in _named(request)})
            if sum(file.getinfo(name).file_size for name in names) > LARGEST_MEDIA:
                raise BadRequest("queue", f"holds more than {LARGEST_MEDIA >> 20} MB of media")
            for name in names:
                _keep(_read(file, name, LARGEST_MEDIA), inputs.parent / name)
    except UNREADABLE as error:
        raise BadRequest("queue", f"{path.name} is not a queue that the studio has exported ({error})") from error
    return jobs


def _jobs(text: bytes) -> Asked:
    data = json.loads(text)
    if not isinstance(data, dict) or data.get("version") != VERSION or not isinstance(data.get("jobs"), list):
        raise BadRequest("queue", f"is not a list of jobs of version {VERSION}")
    if len(data["jobs"]) > MOST_JOBS:
        raise BadRequest("queue", f"holds {len(data['jobs'])} jobs; {MOST_JOBS} is the most")
    rows = [row if isinstance(row, dict) else {} for row in data["jobs"]]
    return [(request_from_dict(row.get("request")), row.get("priority", 0)) for row in rows]


def _named(request: Request) -> list[str]:
    """The inputs that a request names, as paths inside the data folder."""
    fields = [spec.name for spec in dataclasses.fields(request) if "media" in spec.metadata]
    return [getattr(request, name) for name in fields if INPUT.fullmatch(getattr(request, name))]


def _read(file: zipfile.ZipFile, name: str, most: int) -> bytes:
    """One entry, of which neither the header nor the content is larger than `most` bytes."""
    with file.open(name) as entry:
        data = entry.read(most + 1)
    if len(data) > most:
        raise BadRequest("queue", f"{name} is larger than {most >> 20} MB")
    return data


def _keep(data: bytes, path: Path) -> None:
    """Whole or not at all; what is there already under this hash is the same."""
    if hashlib.sha256(data).hexdigest() != path.stem:
        raise BadRequest("queue", f"{path.name} holds something else than its name says")
    if path.exists():
        return
    path.parent.mkdir(exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_bytes(data)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)

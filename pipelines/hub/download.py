"""Fetching a model: several files at once, begun again where it stopped, each checked before it counts.

The files go where huggingface_hub keeps them, so that other programs find them and are found. It cannot be asked to
do this itself: its client (2.4.0) begins a file anew after a kill and compares sizes only.
"""

import errno
import hashlib
import os
import shutil
import socket
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import httpx2
from filelock import FileLock, Timeout
from huggingface_hub import hf_hub_url
from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status

from pipelines.errors import Cancelled, Unavailable
from pipelines.hub import presence
from pipelines.hub.manifest import File, Manifest, ask, explained
from pipelines.hub.preflight import KEPT_FREE
from pipelines.progress import Progress
from pipelines.spec import ModelSpec

AT_ONCE, TRIES = 4, 5
CHUNK, TIMEOUT_S, LOOK_S, WINDOW_S = 1 << 20, 30, 0.2, 10.0
PATIENCE_S = 1.0  # for threads that end
FULL = (errno.ENOSPC, errno.EDQUOT)
PART = ".part"


def download(row: ModelSpec, *, progress: Progress, endpoint: str | None = None) -> Path:
    """Fetches what is missing of a model and returns its folder.

    `progress` is called a few times a second and may raise `Cancelled`; what has come stays for the next time.
    Raises `Unavailable` if the Hub, the licence or the disk does not allow it.
    """
    if Path(row.repo).is_absolute():
        raise Unavailable(f"{row.name} is a folder of this machine; there is nothing to fetch")
    endpoint = endpoint or os.environ.get("HF_ENDPOINT") or None  # the client has read it once, when it was imported
    with _alone(row):
        progress(0.0, f"asking the Hub about {row.name}")
        manifest = ask(row, endpoint=endpoint)
        blobs = presence.repository(row.repo) / "blobs"
        blobs.mkdir(parents=True, exist_ok=True)
        _check_room(row, manifest, blobs)
        _fetch_all(_Fetch(row, manifest, blobs, endpoint), progress)
        folder = _linked(manifest)
        presence.record(row, manifest.commit)
        return folder


def left(manifest: Manifest, blobs: Path) -> int:
    """Bytes that have not come yet."""
    return manifest.size - sum(_had(blobs, file) for file in manifest.files)


def delete(row: ModelSpec, *, readers: Sequence[ModelSpec] = ()) -> int:
    """Removes a model of the Hub from the disk and returns the bytes that it took.

    What other rows (`readers`) read of the same repository stays: all but the transformers where they have their own in
    GGUF files. Raises `Unavailable` if it is not here, or if all of it is read.
    """
    place = presence.repository(row.repo)
    if Path(row.repo).is_absolute() or not place.is_dir():
        raise Unavailable(f"{row.name} is not downloaded, so there is nothing to remove")
    if not readers:
        freed = sum(file.stat().st_size for file in (place / "blobs").glob("*"))
        shutil.rmtree(place)
        return freed
    shared = any(not other.gguf for other in readers)
    gone = set() if shared else _blobs(place, own=True) - _blobs(place, own=False)
    if not gone:
        raise Unavailable(f"{readers[0].name} reads the same files; take it out of the list first")
    freed = sum(file.stat().st_size for file in gone)
    for file in gone:
        file.unlink()
    for link in place.glob("snapshots/*/transformer*/*.safetensors"):
        if not link.exists():  # its blob is gone
            link.unlink()
    return freed


def _blobs(place: Path, *, own: bool) -> set[Path]:
    """The blobs of the weights of a repository's transformers (`own`), or of everything else in it."""
    links = [link for link in place.glob("snapshots/*/**/*") if link.is_file()]
    return {link.resolve() for link in links if _of_transformer(link.relative_to(place)) == own}


def _of_transformer(link: Path) -> bool:
    return link.parts[2].startswith("transformer") and link.suffix == ".safetensors"


class _Fetch:
    """What the threads of one download share."""

    def __init__(self, row: ModelSpec, manifest: Manifest, blobs: Path, endpoint: str | None):
        self.row, self.manifest, self.blobs, self.endpoint = row, manifest, blobs, endpoint
        self.stop = threading.Event()
        self._lines: set[socket.socket] = set()
        self.got = {file.name: _had(blobs, file) for file in manifest.files}  # bytes of each file

    def file(self, file: File) -> None:
        """Fetches one file, or the rest of it, and gives it its name once its checksum is right."""
        blob = self.blobs / file.checksum
        if blob.exists():
            return
        part = blob.with_name(blob.name + PART)
        for attempt in range(1, TRIES + 1):
            try:
                self._rest(file, part)
                break
            except httpx2.TransportError:  # the line broke: go on from here
                if attempt == TRIES or self.stop.is_set():
                    raise
                self.stop.wait(attempt)
        self._check(file, part)
        part.rename(blob)

    def hang_up(self) -> None:
        """Ends every file at once, also one whose line says nothing any more; what has come stays."""
        self.stop.set()
        for line in self._lines.copy():
            with suppress(OSError):  # it has ended by itself
                line.shutdown(socket.SHUT_RDWR)

    def _rest(self, file: File, part: Path) -> None:
        have = part.stat().st_size if part.exists() else 0
        if have == file.size and part.exists():
            return
        url = hf_hub_url(self.row.repo, file.name, revision=self.manifest.commit, endpoint=self.endpoint)
        headers = build_hf_headers() | ({"Range": f"bytes={have}-"} if have else {}) | {"Accept-Encoding": "identity"}
        options: dict[str, Any] = {"headers": headers, "follow_redirects": True, "timeout": TIMEOUT_S}
        with get_session().stream("GET", url, **options) as answer:
            hf_raise_for_status(answer)
            line = answer.extensions["network_stream"].get_extra_info("socket")
            self._lines.add(line)
            try:
                resumed = answer.status_code == httpx2.codes.PARTIAL_CONTENT
                self.got[file.name] = have if resumed else 0
                if self.stop.is_set():  # a later download may be at this file by now
                    raise Cancelled("stopped")
                with part.open("ab" if resumed else "wb") as sink:
                    self._pour(answer.iter_raw(), file, sink)
            finally:
                self._lines.discard(line)  # others may use it next

    def _pour(self, pieces: Iterator[bytes], file: File, sink: BinaryIO) -> None:
        """Piece by piece as they arrive, so that nothing is lost with the line."""
        for piece in pieces:
            if self.stop.is_set():
                raise Cancelled("stopped")
            sink.write(piece)
            self.got[file.name] += len(piece)

    def _check(self, file: File, part: Path) -> None:
        """Raises `Unavailable` after removing a file that is not what the Hub says it should be."""
        if part.stat().st_size == file.size and checksum(part, file) == file.checksum:
            return
        part.unlink()
        self.got[file.name] = 0
        raise Unavailable(f"{file.name} of {self.row.name} arrived damaged and was removed; try again")


def checksum(path: Path, file: File) -> str:
    """SHA-256 in hexadecimal, or git's SHA-1 of a blob for the files that the Hub knows by that."""
    digest = hashlib.sha256() if len(file.checksum) == 64 else hashlib.sha1(b"blob %d\0" % file.size)
    with path.open("rb") as source:
        while chunk := source.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def _fetch_all(fetch: _Fetch, progress: Progress) -> None:
    """Large files first; when one fails or the person stops, the others end at once and keep what they have.

    A thread that waits for a first word of the Hub is left behind: it writes nothing any more.
    """
    order = sorted(fetch.manifest.files, key=lambda file: -file.size)
    with _explained(fetch):
        threads = ThreadPoolExecutor(AT_ONCE)
        work = [threads.submit(fetch.file, file) for file in order]
        try:
            _watch(fetch, work, progress)
        finally:
            fetch.hang_up()
            threads.shutdown(wait=False, cancel_futures=True)
            wait(work, timeout=PATIENCE_S)


def _watch(fetch: _Fetch, work: list[Future[None]], progress: Progress) -> None:
    total = fetch.manifest.size or 1
    seen: deque[tuple[float, int]] = deque([(time.monotonic(), sum(fetch.got.values()))])
    while True:
        done, waiting = wait(work, timeout=LOOK_S, return_when=FIRST_EXCEPTION)
        for future in done:
            future.result()
        have = sum(fetch.got.values())
        seen.append((time.monotonic(), have))
        while seen[-1][0] - seen[0][0] > WINDOW_S:
            seen.popleft()
        progress(have / total, _message(have, total, seen))
        if not waiting:
            return


def _message(have: int, total: int, seen: deque[tuple[float, int]]) -> str:
    """Like "3.2 of 14.7 GB, 84 MB/s, 3 min left"."""
    (begun, before), (now, after) = seen[0], seen[-1]
    rate = (after - before) / max(now - begun, 1e-3)
    unit, size = ("GB", 1e9) if total >= 1e9 else ("MB", 1e6)
    words = f"{have / size:.1f} of {total / size:.1f} {unit}"
    if have == total:
        return f"{words}, checking"
    if rate <= 0:
        return words
    seconds = (total - have) / rate
    time_left = f"{seconds / 60:.0f} min left" if seconds > 90 else f"{seconds:.0f} s left"
    return f"{words}, {rate / 1e6:.1f} MB/s, {time_left}"


def _linked(manifest: Manifest) -> Path:
    """The folder of the commit, whose files point to the blobs."""
    place = presence.repository(manifest.repo)
    folder = place / "snapshots" / manifest.commit
    for file in manifest.files:
        link = folder / file.name
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        target = place / "blobs" / file.checksum
        try:
            link.symlink_to(Path(*[".."] * (len(link.relative_to(place).parts) - 1)) / "blobs" / file.checksum)
        except OSError:  # Windows without the right to make links
            shutil.copyfile(target, link)
    return folder


def _had(blobs: Path, file: File) -> int:
    """Bytes of a file that are already here."""
    for path in (blobs / file.checksum, blobs / (file.checksum + PART)):
        if path.exists():
            return min(path.stat().st_size, file.size)
    return 0


def _check_room(row: ModelSpec, manifest: Manifest, blobs: Path) -> None:
    missing, free = left(manifest, blobs), shutil.disk_usage(blobs).free
    if missing and missing + KEPT_FREE > free:
        raise Unavailable(_no_room(row, missing, free, blobs))


def _no_room(row: ModelSpec, missing: int, free: int, blobs: Path) -> str:
    return (
        f"{row.name} needs {missing / 1e9:.1f} GB more, and {blobs.parents[1]} has {free / 1e9:.1f} GB free; "
        "remove a model (python -m studio models remove NAME), or set HF_HUB_CACHE to a folder on another disk"
    )


@contextmanager
def _explained(fetch: _Fetch) -> Iterator[None]:
    with explained(fetch.row):
        try:
            yield
        except OSError as error:
            if error.errno not in FULL:
                raise
            missing, free = left(fetch.manifest, fetch.blobs), shutil.disk_usage(fetch.blobs).free
            raise Unavailable(_no_room(fetch.row, missing, free, fetch.blobs)) from error


@contextmanager
def _alone(row: ModelSpec) -> Iterator[None]:
    """Two downloads of one model would write into the same files."""
    place = presence.repository(row.repo)
    place.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(place / "download.lock", timeout=0):
            yield
    except Timeout as error:
        raise Unavailable(f"{row.name} is being fetched already, by another window or program") from error

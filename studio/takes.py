"""How clips come into a study: from folders of files, or made by the studio's own jobs.

A study keeps voting copies only (pipelines.media.blind), under random names.
"""

import hashlib
import re
import secrets
import shutil
import sqlite3
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from pipelines import safety
from pipelines.clip import Clip
from pipelines.errors import BadRequest
from pipelines.media import blind, export
from pipelines.progress import Progress
from pipelines.requests import TASKS, Request, request_from_dict
from studio.arena import Arena, Plan, Prompt, Study, Take
from studio.gallery import Gallery
from studio.jobs import Jobs, stop_all, submit_all

SUFFIXES = (".mp4", ".mov", ".mkv", ".webm", ".png")
MOST_FILES, LARGEST = 5_000, 4 * 2**30


@contextmanager
def begun(arena: Arena, plan: Plan, owner: str) -> Iterator[str]:
    """A new study, for a block that takes in or orders its clips; if that raises, nothing of the study stays."""
    study = arena.create(plan, owner)
    try:
        yield study
    except BaseException:
        _forget(arena, study)
        raise


def discard(arena: Arena, study: str, owner: str | None) -> None:
    """Forgets a draft and takes its jobs back; clips that are made stay in the gallery. Raises `BadRequest` ("study")
    if there is none, or if people could vote in it already."""
    kept = arena.study(study, owner)
    if kept.opened:
        raise BadRequest("study", "was opened for votes; what people voted is kept, so it can only be closed")
    _forget(arena, study, [take.job for take in arena.takes(study, owner) if take.job])


def _forget(arena: Arena, study: str, jobs: Sequence[str] = ()) -> None:
    with arena.database.write() as tables:
        stop_all(tables, jobs)
        tables.execute("DELETE FROM studies WHERE id = ?", (study,))
    shutil.rmtree(arena.folder / study, ignore_errors=True)


def from_folders(
    arena: Arena,
    study: str,
    owner: str | None,
    *,
    folders: Mapping[str, Path],
    progress: Progress,
    checked: bool = False,
) -> list[str]:
    """Takes in the clips of systems from folders, where a clip is called like its prompt or by the prompt's text, of
    which case and punctuation do not count; returns what is missing.

    `checked`: the rules for pictures hold (pipelines.safety). Raises `BadRequest` for a system that the study does not
    have, a folder that is not there, or a file that is no clip or against the rules.
    """
    kept = arena.study(study, owner)
    takes = arena.takes(study, owner)
    if strange := sorted(folders.keys() - {take.system.name for take in takes}):
        raise BadRequest("clips", f"the study has no system {strange[0][:40]!r}")
    for folder in folders.values():
        if not folder.is_dir():
            raise BadRequest("clips", f"{folder} is not a folder that exists")
    wanted = [take for take in takes if take.system.name in folders and not take.file]
    missing = []
    for number, take in enumerate(wanted):
        progress(number / len(wanted), f"{take.system.name}, {take.prompt.name}")
        if (file := _called(folders[take.system.name], take.prompt)) is None:
            missing.append(f"{take.system.name}: {take.prompt.name}")
            continue
        clip = blind.read(file)
        if checked:
            safety.default().see(clip.frames, asked="clips")
        _take_in(arena, kept, take, clip)
    progress(1.0, "done")
    return missing


def unpack(archive: Path, into: Path) -> dict[str, Path]:
    """A zip of clips called SYSTEM/PROMPT.mp4 as a folder for each system, named after it.

    Only the last two parts of a name count, so nothing lands outside `into`. Raises `BadRequest` ("clips").
    """
    try:
        with zipfile.ZipFile(archive) as packed:
            return _unpacked(packed, into)
    except (zipfile.BadZipFile, RuntimeError, NotImplementedError) as error:  # damaged, with a password, or odd
        raise BadRequest("clips", "this is no zip that can be read") from error


def _unpacked(packed: zipfile.ZipFile, into: Path) -> dict[str, Path]:
    clips = [(member, path) for member in packed.infolist() if _is_clip(path := PurePosixPath(member.filename))]
    if not clips or len(clips) > MOST_FILES or sum(member.file_size for member, _ in clips) > LARGEST:
        raise BadRequest("clips", "the zip needs SYSTEM/PROMPT.mp4 files, at most 5,000 and 4 GB unpacked")
    names = sorted({path.parent.name for _, path in clips})
    folders = {name: into / str(number) for number, name in enumerate(names)}
    for member, path in clips:
        folders[path.parent.name].mkdir(exist_ok=True)
        with packed.open(member) as source, (folders[path.parent.name] / path.name).open("wb") as target:
            shutil.copyfileobj(source, target)
    return folders


def _is_clip(path: PurePosixPath) -> bool:
    hidden = path.name.startswith(".") or "\\" in path.name or path.parent.name in ("", ".", "..")
    return path.suffix.lower() in SUFFIXES and not hidden


def order(arena: Arena, jobs: Jobs, study: str, owner: str | None) -> int:
    """Submits a job for every take whose system has settings and that has neither clip nor job; how many.

    All systems get the same seed for a prompt. Raises `BadRequest` or `Unavailable` as jobs do; then there is none.
    """
    kept = arena.study(study, owner)
    open_takes = [take for take in arena.takes(study, owner) if take.system.settings and not (take.file or take.job)]
    if open_takes and kept.task not in TASKS:
        raise unordered(kept.task)
    requests = [(take, request_of(kept, take)) for take in open_takes]

    def note(tables: sqlite3.Connection, ids: list[str]) -> None:
        arena.order(tables, [(id, request.seed, take.id) for id, (take, request) in zip(ids, requests, strict=True)])

    return len(submit_all(jobs, [request for _, request in requests], kept.owner, note))


def unordered(task: str) -> BadRequest:
    """Why no clips are made for such a study."""
    return BadRequest("task", f"clips of {task!r} cannot be ordered, only brought in folders or a zip")


def request_of(study: Study, take: Take) -> Request:
    """What a system is asked for one prompt. Raises `BadRequest` if its settings fit no request."""
    digits = hashlib.sha256(f"{study.seed} {take.prompt.name}".encode()).hexdigest()[:8]
    asked: dict[str, Any] = {"seed": int(digits, 16) % 2**31, **take.system.settings}
    return request_from_dict({"task": study.task, **asked, "prompt": take.prompt.text})


def collect(arena: Arena, jobs: Jobs, gallery: Gallery, study: str) -> list[str]:
    """Takes in the clips of jobs that are done; returns a sentence for each job that ended without one."""
    kept = arena.study(study, None)
    failed = []
    for take in arena.takes(study, None):
        job = jobs.get(take.job, kept.owner) if take.job and not take.file else None
        file = gallery.path(job.clip, kept.owner, "clip") if job and job.clip else None
        if file is not None:
            _take_in(arena, kept, take, blind.read(file))
        elif job and job.state in ("failed", "cancelled"):
            failed.append(f"{take.system.name}, {take.prompt.name}: {job.state} {job.message}".strip())
    return failed


def enough(folders: Mapping[str, Path], prompts: Iterable[Prompt]) -> None:
    """Raises `BadRequest` ("clips") that names what is missing, if no prompt has clips of two systems to compare."""
    missing = []
    for prompt in prompts:
        without = [name for name, folder in folders.items() if _called(folder, prompt) is None]
        if len(folders) - len(without) > 1:
            return
        missing += [f"{name}: {prompt.name} ({prompt.text[:60]})" for name in without]
    raise BadRequest("clips", f"no prompt has clips of two systems; missing are {', '.join(missing[:3])}")


def _called(folder: Path, prompt: Prompt) -> Path | None:
    """The clip of this prompt. Names are compared, never joined: they may be anything that somebody typed."""
    clips = [file for file in sorted(folder.iterdir()) if file.suffix.lower() in SUFFIXES]
    named = [file for file in clips if file.stem == prompt.name]
    return next(iter(named or (file for file in clips if _words(file.stem) == _words(prompt.text))), None)


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.lower())


def _take_in(arena: Arena, study: Study, take: Take, clip: Clip) -> None:
    folder = arena.folder / study.id
    folder.mkdir(parents=True, exist_ok=True)
    copy = blind.write(clip, folder / f"{secrets.token_hex(8)}{blind.suffix(clip)}")
    export.poster(clip, copy.with_suffix(".webp"))  # for the report
    seed = clip.origin.seed if clip.origin else None
    arena.fill(take.id, copy.name, fps=clip.fps, still=clip.still, seed=seed)

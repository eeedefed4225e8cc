"""The store of jobs: who is next, what may be changed, and whose it is."""

import errno
import functools
import hashlib
import io
import json
import zipfile

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from pipelines.errors import BadRequest, Unavailable
from pipelines.requests import Personalize, TextToVideo
from studio import bundle, inputs
from studio.board import STATES
from studio.claims import Claims
from studio.db import Database
from studio.jobs import Jobs, Limits, submit_all
from studio.pace import Pace, Speed
from studio.settings import Settings

WORKER = "a worker"


@pytest.fixture
def jobs(tmp_path):
    database = Database(tmp_path / "rushes.db")
    yield Jobs(database, limits=Limits(each=5, all=9))
    database.close()


@pytest.fixture
def take(tmp_path):
    """The door of a studio in the same folder."""
    return functools.partial(inputs.take, settings=Settings(data=tmp_path))


def ask(prompt: str = "a fox", **fields: object) -> TextToVideo:
    return TextToVideo(prompt=prompt, **fields)


def submit(jobs: Jobs, *names: str, owner: str = "ann") -> list[str]:
    return [jobs.submit(ask(name), owner) for name in names]


def order(jobs: Jobs, owner: str | None = None) -> list[str]:
    return [job.request.prompt for job in jobs.list(owner, over=False)]


def claimed(jobs: Claims) -> str:
    job = jobs.claim(WORKER)
    jobs.finish(job.id, "done", clip="a clip")
    return job.request.prompt


def test_a_job_is_stored_with_its_request_and_every_state_is_counted(jobs):
    (id,) = submit(jobs, "a fox")
    job = jobs.get(id, "ann")
    assert (job.state, job.request, job.position, job.over) == ("queued", ask(), 0, False)
    assert jobs.counts("ann") == dict.fromkeys(STATES, 0) | {"queued": 1}


def test_owners_take_turns_whoever_came_first(jobs):
    submit(jobs, "a1", "a2", "a3", owner="ann")
    submit(jobs, "b1", "b2", owner="bob")
    submit(jobs, "c1", owner="cid")
    assert order(jobs) == ["a1", "b1", "c1", "a2", "b2", "a3"]
    assert [job.position for job in jobs.list(None)] == [0, 1, 2, 3, 4, 5]
    assert [claimed(jobs) for _ in range(6)] == ["a1", "b1", "c1", "a2", "b2", "a3"]


def test_who_was_served_longest_ago_is_next(jobs):
    submit(jobs, "a1", owner="ann")
    assert claimed(jobs) == "a1"
    submit(jobs, "a2", owner="ann")
    submit(jobs, "b1", owner="bob")
    assert claimed(jobs) == "b1"


def test_a_priority_counts_among_the_jobs_of_its_owner_only(jobs):
    submit(jobs, "a1", owner="ann")
    jobs.submit(ask("b1"), "bob")
    jobs.submit(ask("b2"), "bob", priority=9)
    assert order(jobs) == ["a1", "b2", "b1"]
    with pytest.raises(BadRequest, match="priority"):
        jobs.submit(ask(), "bob", priority=10)


def test_a_waiting_job_moves_before_another_or_to_the_end(jobs):
    a, b, c = submit(jobs, "a", "b", "c")
    jobs.move(c, "ann", a)
    assert order(jobs) == ["c", "a", "b"]
    jobs.move(c, "ann", None)
    assert order(jobs) == ["a", "b", "c"]
    first = jobs.submit(ask("first"), "ann", priority=5)
    jobs.move(b, "ann", first)
    assert order(jobs) == ["b", "first", "a", "c"]
    with pytest.raises(BadRequest, match="ahead_of"):
        jobs.move(a, "ann", submit(jobs, "theirs", owner="bob")[0])


def test_a_paused_queue_waits_and_the_others_go_on(jobs):
    submit(jobs, "a", owner="ann")
    submit(jobs, "b", owner="bob")
    jobs.pause("ann")
    assert jobs.paused("ann") and not jobs.paused("bob")
    assert claimed(jobs) == "b" and jobs.claim(WORKER) is None
    jobs.resume("ann")
    jobs.pause(None)
    assert jobs.paused("ann") and jobs.claim(WORKER) is None
    jobs.resume(None)
    assert claimed(jobs) == "a"


def test_a_waiting_job_can_be_edited_and_keeps_its_place(jobs):
    a, _ = submit(jobs, "a", "b")
    jobs.edit(a, "ann", ask("better", seconds=2))
    assert order(jobs) == ["better", "b"]
    jobs.claim(WORKER)
    with pytest.raises(BadRequest, match="only a job that waits"):
        jobs.edit(a, "ann", ask("too late"))


def test_caps_hold_for_one_owner_and_for_all(jobs):
    submit(jobs, *"abcde")
    with pytest.raises(Unavailable, match="5 of your clips are waiting"):
        submit(jobs, "f")
    submit(jobs, *"abcd", owner="bob")
    with pytest.raises(Unavailable, match="9 clips are waiting"):
        submit(jobs, "a", owner="cid")


def test_jobs_of_one_order_are_stored_together_or_none_is(jobs):
    submit(jobs, "a")
    with pytest.raises(Unavailable, match="1 of your clips are waiting, this would add 5, and 5 is the most at once"):
        submit_all(jobs, [ask(name) for name in "bcdef"], "ann")
    with pytest.raises(BadRequest, match="mini makes 16"):
        submit_all(jobs, [ask("b"), ask("c", fps=24)], "ann")
    assert order(jobs) == ["a"]
    ids = submit_all(jobs, [ask(name) for name in "bcde"], "ann")
    assert order(jobs) == list("abcde") and jobs.get(ids[0], "ann").request.prompt == "b"


def test_what_the_model_cannot_do_never_waits(jobs):
    with pytest.raises(BadRequest, match="mini makes 16"):
        jobs.submit(ask(fps=24), "ann")
    with pytest.raises(BadRequest, match="did you mean mini"):
        jobs.submit(ask(model="mimi"), "ann")
    assert jobs.list(None) == []


def test_a_waiting_job_is_cancelled_at_once_and_a_running_one_is_asked_to_stop(jobs):
    a, b = submit(jobs, "a", "b")
    jobs.claim(WORKER)
    jobs.cancel(a, "ann")
    jobs.cancel(b, "ann")
    assert jobs.get(a, "ann").state == "running" and jobs.get(a, "ann").stopping
    assert jobs.get(b, "ann").state == "cancelled"
    assert not jobs.heartbeat(a)
    assert not jobs.report(a, "sampling", step=1, steps=2, fraction=0.5, message="step 1 of 2")
    jobs.finish(a, "cancelled")
    jobs.cancel(a, "ann")
    assert jobs.get(a, "ann").state == "cancelled" and jobs.get(a, "ann").finished


def test_a_failed_job_is_tried_again_and_a_done_one_is_duplicated(jobs):
    (a,) = submit(jobs, "a")
    jobs.claim(WORKER)
    jobs.finish(a, "failed", "it rained")
    assert jobs.get(a, "ann").message == "it rained"
    jobs.retry(a, "ann")
    assert jobs.get(a, "ann").state == "queued" and claimed(jobs) == "a"
    with pytest.raises(BadRequest, match="only a job that failed"):
        jobs.retry(a, "ann")
    assert jobs.get(jobs.duplicate(a, "ann"), "ann").request == ask("a")


def test_a_job_whose_worker_died_is_begun_twice_at_most(jobs):
    a, _ = submit(jobs, "a", "b")
    assert jobs.claim(WORKER).id == a
    jobs.recover("the worker died")
    job = jobs.get(a, "ann")
    assert (job.state, job.message, job.position) == ("interrupted", "the worker died", 0)
    assert jobs.claim(WORKER).id == a
    jobs.recover("the worker died")
    assert jobs.get(a, "ann").state == "failed" and "second time" in jobs.get(a, "ann").message


def test_closing_the_studio_is_not_the_fault_of_a_job(jobs):
    (a,) = submit(jobs, "a")
    for _ in range(5):
        assert jobs.claim(WORKER).id == a
        jobs.recover("closed", blame=False)
    assert jobs.get(a, "ann").state == "interrupted"


def test_a_late_word_of_a_dead_worker_is_not_heard(jobs):
    (a,) = submit(jobs, "a")
    jobs.claim(WORKER)
    jobs.recover("the worker died")
    assert not jobs.heartbeat(a)
    jobs.finish(a, "done", clip="a clip")
    jobs.note(a, "too late")
    assert jobs.get(a, "ann").state == "interrupted" and jobs.get(a, "ann").notes == ()


def test_another_owner_neither_sees_nor_changes_a_job(jobs):
    (a,) = submit(jobs, "a")
    assert jobs.get(a, "bob") is None and jobs.list("bob") == [] and jobs.counts("bob")["queued"] == 0
    acts = [jobs.cancel, jobs.retry, jobs.duplicate]
    for act in acts:
        with pytest.raises(BadRequest, match="there is no job"):
            act(a, "bob")
    with pytest.raises(BadRequest, match="there is no job"):
        jobs.edit(a, "bob", ask("mine now"))
    with pytest.raises(BadRequest, match="there is no job"):
        jobs.move(a, "bob", None)
    assert order(jobs) == ["a"]


@pytest.mark.parametrize("id", ["", "' OR 1=1 --", "../../etc/passwd", "%", "\x00"])
def test_strange_ids_are_ids_that_nobody_has(jobs, id):
    submit(jobs, "a")
    assert jobs.get(id, "ann") is None
    with pytest.raises(BadRequest, match="there is no job"):
        jobs.cancel(id, "ann")


def test_the_owner_of_the_machine_sees_every_job_and_no_words(jobs):
    (a,) = submit(jobs, "my secret")
    jobs.claim(WORKER)
    jobs.note(a, "mini does not know: secret")
    assert "secret" not in repr(jobs.every()) and jobs.every()[0].owner == "ann"


def test_the_time_left_comes_from_what_was_measured(jobs):
    a, b = submit(jobs, "a", "b")
    assert jobs.estimate(ask()) is None and jobs.get(a, "ann").eta_s is None
    jobs.learn(jobs.get(a, "ann"), Speed(step_s=0.1, rest_s=2.0))
    assert jobs.estimate(ask(steps=10)) == pytest.approx(3.0)
    assert jobs.estimate(ask(steps=10, seconds=8)) == pytest.approx(6.0)
    assert jobs.estimate(ask(still=True)) is None
    assert jobs.get(b, "ann").eta_s == pytest.approx(14.0)
    jobs.claim(WORKER)
    jobs.report(a, "sampling", step=25, steps=50, fraction=0.5, message="step 25 of 50", eta_s=4.5)
    assert jobs.get(a, "ann").eta_s == pytest.approx(4.5, abs=0.2)
    assert jobs.get(b, "ann").eta_s == pytest.approx(11.5, abs=0.2)


def test_a_pace_reads_phase_and_step_from_what_a_model_says():
    pace = Pace(Speed(step_s=1.0, rest_s=5.0), 50)
    said = ["getting mini ready", "reading the prompt", "step 1 of 50", "step 7 of 50", "warming", "decoding", "saving"]
    heard = []
    for message in said:
        pace.hear(message)
        heard.append((pace.phase, pace.step))
    phases = ["loading", "text", "sampling", "sampling", "sampling", "decoding", "export"]
    assert heard == list(zip(phases, [0, 0, 1, 7, 7, 7, 7], strict=True))
    assert pace.left() == pytest.approx(5.0, abs=0.1) and pace.measured().rest_s < 1


def test_a_queue_goes_to_a_file_and_comes_back_with_its_media(jobs, tmp_path, take):
    submit(jobs, "a")
    jobs.submit(ask("b"), "ann", priority=3)
    assert jobs.export_queue("ann", tmp_path / "queue.zip") == 2
    assert len(jobs.import_queue(tmp_path / "queue.zip", "bob", take)) == 2
    assert order(jobs, "bob") == ["b", "a"]
    with pytest.raises(Unavailable, match="2 of your clips|3 is the most|waiting"):
        for _ in range(3):
            jobs.import_queue(tmp_path / "queue.zip", "bob", take)
    assert len(order(jobs, "bob")) == 4
    with pytest.raises(BadRequest, match="exists already"):
        jobs.export_queue("ann", tmp_path / "queue.zip")


def portrait(prompt: str, *, face: str) -> Personalize:
    return Personalize(prompt=prompt, face=face, consent="own face")


def test_a_queue_takes_the_media_along_that_its_requests_name_and_no_other(tmp_path):
    inputs = tmp_path / "inputs"
    inputs.mkdir()
    mine, other = (f"inputs/{letter * 64}.png" for letter in "ab")
    for name in (mine, other):
        (tmp_path / name).write_bytes(b"a picture")
    bundle.pack([(portrait(other, face=mine), 0)], tmp_path / "queue.zip", inputs)
    with zipfile.ZipFile(tmp_path / "queue.zip") as file:
        assert file.namelist() == ["queue.json", mine]
    (tmp_path / mine).unlink()
    with pytest.raises(Unavailable, match="is not there any more"):
        bundle.pack([(portrait("a", face=mine), 0)], tmp_path / "again.zip", inputs)


def zipped(path, request: Personalize, data: bytes):
    """A queue as another studio would have written it, whatever it holds."""
    with zipfile.ZipFile(path, "w") as file:
        rows = [{"request": request.to_dict(), "priority": 0}]
        file.writestr("queue.json", json.dumps({"version": 1, "jobs": rows}))
        file.writestr(request.face, data)
    return path


def named(data: bytes, suffix: str = ".png") -> str:
    return f"inputs/{hashlib.sha256(data).hexdigest()}{suffix}"


def test_media_of_a_queue_comes_in_through_the_door_and_its_request_names_what_that_made(tmp_path, take):
    told, file = PngInfo(), io.BytesIO()
    told.add_text("place", "at home")
    Image.new("RGB", (64, 48), "red").save(file, "PNG", pnginfo=told)
    theirs = portrait("a", face=named(file.getvalue()))
    path = zipped(tmp_path / "queue.zip", theirs, file.getvalue())
    ((request, _),) = bundle.unpack(path, tmp_path / "inputs", take)
    kept = tmp_path / request.face
    assert request.face != theirs.face and list((tmp_path / "inputs").iterdir()) == [kept]
    assert b"at home" in file.getvalue() and b"at home" not in kept.read_bytes()
    path = zipped(tmp_path / "own.zip", request, kept.read_bytes())
    assert bundle.unpack(path, tmp_path / "inputs", take) == [(request, 0)], "what was let in before stays as it is"


def test_a_name_of_a_file_opens_it_only_to_who_brought_it(jobs, tmp_path, take):
    file = io.BytesIO()
    Image.new("RGB", (64, 48), "red").save(file, "PNG")
    path = zipped(tmp_path / "queue.zip", portrait("a", face=named(file.getvalue())), file.getvalue())
    with pytest.raises(BadRequest, match="model"):  # mini makes no portraits, but the picture has come
        jobs.import_queue(path, "ann", take)
    (kept,) = (tmp_path / "inputs").iterdir()
    asked = portrait("a", face=f"inputs/{kept.name}")
    jobs.belongings.check("ann", asked)
    with pytest.raises(BadRequest, match="face: is a file that you have not brought; bring it again"):
        jobs.belongings.check("bob", asked)


@pytest.mark.parametrize(
    ("data", "name", "says"),
    [
        (b"a picture", named(b"another"), "queue: .* holds something else"),
        (b"<svg/>", named(b"<svg/>"), "face: must be a picture"),
    ],
    ids=["another hash", "no picture"],
)
def test_media_that_the_door_refuses_stays_out_and_adds_no_job(jobs, tmp_path, take, data, name, says):
    path = zipped(tmp_path / "queue.zip", portrait("a", face=name), data)
    with pytest.raises(BadRequest, match=says):
        jobs.import_queue(path, "ann", take)
    assert not (tmp_path / "inputs").exists() and jobs.list(None) == []


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left"), KeyError("a bug"), ValueError("a bug")])
def test_what_goes_wrong_at_the_door_is_not_told_as_a_fault_of_the_queue(jobs, tmp_path, error):
    def take(upload, media, *, asked):
        raise error

    path = zipped(tmp_path / "queue.zip", portrait("a", face=named(b"a picture")), b"a picture")
    with pytest.raises(type(error)) as caught:
        jobs.import_queue(path, "ann", take)
    assert caught.value is error and jobs.list(None) == []


def test_media_that_is_damaged_in_the_queue_is_the_queue_s_fault(jobs, tmp_path, take):
    path = zipped(tmp_path / "queue.zip", portrait("a", face=named(b"a picture")), b"a picture")
    path.write_bytes(path.read_bytes().replace(b"a picture", b"a pitcure"))
    with pytest.raises(BadRequest, match="queue.zip is not a queue that the studio has exported .*CRC"):
        jobs.import_queue(path, "ann", take)


BROKEN = {
    "no zip": None,
    "no list": {"other.json": "{}"},
    "no JSON": {"queue.json": "{"},
    "another version": {"queue.json": json.dumps({"version": 2, "jobs": []})},
    "a job that is none": {"queue.json": json.dumps({"version": 1, "jobs": ["a"]})},
    "a request that is wrong": {"queue.json": json.dumps({"version": 1, "jobs": [{"request": {"task": "x"}}]})},
    "a priority in words": {
        "queue.json": json.dumps({"version": 1, "jobs": [{"request": ask().to_dict(), "priority": "high"}]})
    },
}


@pytest.mark.parametrize("entries", BROKEN.values(), ids=BROKEN)
def test_a_file_that_is_no_queue_adds_nothing(jobs, tmp_path, take, entries):
    path = tmp_path / "queue.zip"
    path.write_text("no zip")
    if entries is not None:
        with zipfile.ZipFile(path, "w") as file:
            for name, text in entries.items():
                file.writestr(name, text)
    with pytest.raises(BadRequest):
        jobs.import_queue(path, "ann", take)
    assert jobs.list(None) == []

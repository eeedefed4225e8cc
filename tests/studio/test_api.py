"""The public API and the way to media, over HTTP on this machine: what they do, and what they never do."""

import logging
import re
import socket
import time
from pathlib import Path

import httpx
import pytest
from gradio.route_utils import delete_files_created_by_app
from gradio.utils import get_upload_folder
from gradio_client import Client, handle_file

from pipelines import catalog
from studio.benchmarks import ground
from studio.gallery import Query
from studio.people import COOKIE, alias
from studio.ui.web import LARGEST_BODY
from tests.studio.conftest import SECRET, Served, served

ENDPOINTS = {"/submit", "/job", "/cancel", "/clip", "/models", "/verify"}
UPLOAD_MB = 2
ASKED = {"task": "text-to-video", "prompt": "a fox"}
SCRIPT = "<script>alert(1)</script> ${1+1} {{7*7}} {% raw %} %s \x00"
TRACES = ("Traceback", 'File "', ".py", "root:x:", "sqlite", SECRET)


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    yield from served(tmp_path_factory.mktemp("data"), max_waiting=3, max_upload_mb=UPLOAD_MB)


@pytest.fixture
def ada(here):
    caller = here.caller()
    yield caller
    for job in here.studio.jobs.list(caller.owner):
        here.studio.jobs.cancel(job.id, None)
    caller.http.close()


@pytest.fixture
def bob(here):
    caller = here.caller()
    yield caller
    caller.http.close()


needs_mini = pytest.mark.skipif(catalog.runs_here(catalog.spec("mini")) is not None, reason="mini has no weights here")


def test_the_public_endpoints_are_exactly_these(here):
    told = httpx.get(f"{here.url}/gradio_api/info").json()
    assert set(told["named_endpoints"]) == ENDPOINTS and told["unnamed_endpoints"] == {}


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="counts what Linux counts")
def test_a_page_that_nobody_uses_hardly_wakes_the_machine(here):
    """gradio's queue looks for work a thousand times a second, and for progress a hundred times."""
    server = Path(f"/proc/self/task/{here.page.server.thread.native_id}/status")

    def wakes() -> int:
        return int(re.search(r"^voluntary_ctxt_switches:\s+(\d+)", server.read_text(), re.MULTILINE)[1])

    before = wakes()
    time.sleep(1)
    assert wakes() - before < 250


@needs_mini
def test_a_request_becomes_a_job_that_can_be_watched_and_stopped(ada):
    job = ada.result("submit", ASKED)["job"]
    waiting = {"state": "queued", "fraction": 0.0, "message": "", "eta_s": None, "position": 0, "clip": None}
    assert ada.result("job", job) == waiting
    assert ada.result("cancel", job)["state"] == ada.result("job", job)["state"] == "cancelled"


def test_gradio_client_is_one_owner_and_has_its_files(here, tmp_path):
    client = Client(here.url, verbose=False, download_files=str(tmp_path))
    name = here.clip_of(alias("browser", client.cookies[COOKIE]))
    clip = client.predict(name, api_name="/clip")
    assert Path(clip).read_bytes() == here.studio.gallery.path(name, None, "clip").read_bytes()
    checked = client.predict(handle_file(clip), api_name="/verify")
    assert checked["file"] == "clip.png" and checked["settings"]["prompt"] == SECRET
    assert client.predict(api_name="/models")[0]["name"] == "mini"


def test_media_is_for_its_owner_and_can_be_had_in_ranges(here, ada):
    name = here.clip_of(ada.owner)
    whole = ada.http.get(f"/media/{name}/clip")
    assert whole.status_code == 200 and whole.headers["content-type"] == "image/png"
    part = ada.http.get(f"/media/{name}/clip", headers={"Range": "bytes=2-5"})
    assert part.status_code == 206 and part.content == whole.content[2:6]
    assert ada.http.head(f"/media/{name}/clip").headers["content-length"] == str(len(whole.content))
    assert "private" in whole.headers["cache-control"] and whole.headers["x-content-type-options"] == "nosniff"


@needs_mini
def test_nobody_sees_stops_or_opens_what_is_anothers(here, ada, bob):
    clip, job = here.clip_of(ada.owner), ada.result("submit", {**ASKED, "prompt": SECRET})["job"]
    picture = here.studio.settings.data / "previews" / f"{job}-1.webp"
    picture.parent.mkdir(exist_ok=True)
    picture.write_bytes(b"a preview")
    addresses = (f"/media/{clip}/clip", f"/media/archive?clips={clip}", f"/media/{job}/preview/1")
    assert ada.http.get(addresses[1]).content.startswith(b"PK")
    assert ada.http.get(addresses[2]).content == b"a preview"
    assert ada.http.get(f"/media/{job}/preview/{'9' * 400}").status_code == 404
    strangers = (
        bob.http,
        httpx.Client(base_url=here.url),
        httpx.Client(base_url=here.url, cookies={COOKIE: ada.owner}),
    )
    for http in strangers:
        assert {http.get(address).status_code for address in addresses} == {404}
        assert {http.head(address).status_code for address in addresses} == {404}
    for name, id in (("job", job), ("cancel", job), ("clip", clip)):
        event, said = bob.call(name, id)
        assert event == "error" and "you have no such" in said
    assert ada.result("job", job)["state"] == "queued"
    assert here.studio.jobs.list(bob.owner) == [] and here.studio.gallery.page(bob.owner, Query()).total == 0


IDS = ["", "../../rushes.db", "/etc/passwd", "%2e%2e%2f", "\x00", "\ud800", "' OR 1=1 --", "*", "f" * 32, SCRIPT]
VALUES = [None, True, -1, 1e308, 2**80, "x" * 300_000, [], {}, {"task": "text-to-video"}, {"id": SCRIPT}]


def files(data: Path) -> list[object]:
    """Files of the server, named as if they had been uploaded."""
    file = {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}
    others = [{**file, "path": str(data / "rushes.db")}, {**file, "url": "http://[::1]/"}, {**file, "path": "\x00"}]
    return [file, *others, {"path": "/etc/passwd"}, {"path": str(data / "rushes.db")}, {"path": "/proc/self/environ"}]


def requests() -> list[dict]:
    """Requests of which every one has something wrong."""
    wrong = {
        "task": [None, 5, "train", SCRIPT, ["text-to-video"]],
        "prompt": [None, 5, "", " ", "x" * 2001, ["a"], {"a": 1}, "\ud800"],
        "seed": [-1, 2**31, 1.5, "1", True, None, 1e400],
        "seconds": [0, -1, 1e308, "4", None, 1.3],
        "aspect": ["2:1", None, SCRIPT, 5],
        "steps": [0, 10**9, "50", 2.0],
        "fps": [24, 0, "16"],
        "model": ["../mini", None, SCRIPT],
        "owner": ["person:ada"],
        "__class__": ["x"],
    }
    return [{**ASKED, name: value} for name, values in wrong.items() for value in values]


def innocent(said: str, here: Served) -> bool:
    """Whether an answer tells nothing of the machine and nothing of anybody else."""
    return not any(trace in said for trace in (*TRACES, str(here.studio.settings.data), str(Path.cwd())))


def test_wrong_arguments_are_answered_with_a_sentence_and_nothing_else(here, ada, bob, caplog):
    here.clip_of(ada.owner)
    with caplog.at_level(logging.ERROR):
        wrong = [(name, value) for name in ("job", "cancel", "clip") for value in (*IDS, *VALUES[:4])]
        wrong += [(name, value) for name in ("submit", "verify") for value in VALUES]
        wrong += [("submit", value) for value in requests()]
        wrong += [(name, value) for name in ("clip", "verify") for value in files(here.studio.settings.data)]
        for name, value in wrong:
            event, said = bob.call(name, value)
            told = said.replace(str(here.studio.settings.data), "") if "rushes.db" in str(value) else said
            assert event == "error" and innocent(told, here), (name, str(value)[:60], said[:300])
    assert [record for record in caplog.records if record.name.startswith("studio")] == []
    assert here.studio.jobs.list(bob.owner) == []


@needs_mini
def test_a_prompt_is_kept_as_it_was_typed_and_the_queue_has_an_end(here, ada):
    job = ada.result("submit", {**ASKED, "prompt": SCRIPT})["job"]
    assert here.studio.jobs.get(job, ada.owner).request.prompt == SCRIPT
    for _ in range(2):
        ada.result("submit", ASKED)
    event, said = ada.call("submit", ASKED)
    assert event == "error" and "3 is the most" in said


def test_the_wrong_number_of_arguments_is_an_error_without_a_trace(here, bob):
    for name in ("submit", "job", "cancel", "clip", "verify"):
        for data in ([], ["a", "b", "c"]):
            event, said = bob.call(name, *data)
            assert event == "error" and innocent(said, here), said[:300]


def test_the_queue_cannot_be_passed_by(bob):
    for name in ENDPOINTS:
        assert bob.http.post(f"/gradio_api/run{name}", json={"data": []}).status_code == 404


def test_no_address_leads_to_a_file_of_the_server(here, ada, bob):
    name, data = here.clip_of(ada.owner), here.studio.settings.data
    inside = [f"/gradio_api/file={path}" for path in ("/etc/passwd", data / "rushes.db", Path.cwd() / "README.md")]
    inside += [f"/gradio_api/file={data}/clips/{name}/clip.png", f"/gradio_api/proxy={here.url}/config"]
    inside += [f"/media/{name}/{what}" for what in ("request.json", "..%2f..%2frushes.db", "clip/", "clip.png")]
    inside += ["/media/..%2f..%2frushes.db/clip", "/media/%00/clip", "/media//clip", f"/media/{name}/preview/-1"]
    inside += [f"/media/{name}/preview/{'9' * 400}", "/docs", "/openapi.json", "/monitoring/summary"]
    for address in inside:
        answer = bob.http.get(address, follow_redirects=True)
        assert answer.status_code in (400, 403, 404, 422), address
        told = answer.text.replace(address.partition("file=")[2] or address, "")  # what was asked may be said again
        assert innocent(told, here), told[:300]


def sent(here: Served, content: bytes) -> str:
    """Where gradio says that it has put an upload; who brings one needs no cookie."""
    return httpx.post(f"{here.url}/gradio_api/upload", files={"files": ("mine.png", content)}).json()[0]


def test_what_was_verified_is_gone(here, bob):
    content = here.studio.gallery.path(here.clip_of(bob.owner), None, "clip").read_bytes()
    for mine in (content, b"no picture"):
        path = sent(here, mine)
        assert Path(path).read_bytes() == mine
        bob.call("verify", {"path": path, "meta": {"_type": "gradio.FileData"}})
        assert bob.http.get(f"/gradio_api/file={path}").status_code == 403 and not Path(path).exists()


def test_what_gradio_keeps_is_cleared_when_it_is_a_day_old(here, bob):
    frequency, age = here.page.delete_cache
    assert frequency + age < 26 * 3600
    kept = [sent(here, b"a list"), bob.result("clip", here.clip_of(bob.owner))["path"]]
    delete_files_created_by_app(here.page, age)
    assert all(Path(path).is_file() for path in kept)
    time.sleep(0.01)
    delete_files_created_by_app(here.page, 0)
    assert not any(Path(path).exists() for path in kept)


def test_pages_of_other_sites_cannot_ask_anything(here, bob):
    for origin in ("https://evil.example", "null", "http://localhost.evil.example", "http://["):
        answers = [
            bob.http.get("/config", headers={"Origin": origin}),
            bob.http.post("/gradio_api/call/models", json={"data": []}, headers={"Origin": origin}),
        ]
        assert {answer.status_code for answer in answers} == {403}
    assert bob.http.get("/config", headers={"Origin": here.url}).status_code == 200


def test_a_body_that_is_too_long_is_refused_whether_it_says_so_or_not(bob):
    body = b'{"data": ["' + b"x" * LARGEST_BODY + b'"]}'
    assert bob.http.post("/gradio_api/call/job", content=body).status_code == 413
    with pytest.raises(httpx.HTTPError):
        bob.http.post("/gradio_api/call/job", content=iter([body])).raise_for_status()


def test_no_path_but_that_of_uploads_lets_a_longer_body_in(bob):
    body = b'{"data": ["' + b"x" * LARGEST_BODY + b'"]}'
    for path in ("run/upload", "call/upload", "run/upload/", "upload/", "upload/x/upload"):
        assert bob.http.post(f"/gradio_api/{path}", content=body).status_code == 413


def test_the_limit_of_uploads_is_for_all_that_one_request_brings(here):
    large, half = b"x" * ((UPLOAD_MB + 3) * 2**20), b"x" * (UPLOAD_MB * 2**20 // 2 + 2**20)
    said = {"Content-Type": "multipart/form-data; boundary=b"}
    body = b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n' + large + b"\r\n--b--\r\n"
    with httpx.Client(base_url=f"{here.url}/gradio_api", timeout=30) as http:
        assert http.post("/upload", content=body, headers=said).status_code == 413
        assert http.post("/upload", files=[("files", (name, half)) for name in "abc"]).status_code == 413
        assert http.post("/upload", content=iter([body]), headers=said).status_code == 413
        assert http.post("/upload", files=[("files", (name, half[: 2**20])) for name in "ab"]).status_code == 200


def test_nothing_is_kept_of_an_upload_that_breaks_off(here):
    before = set(Path(get_upload_folder()).iterdir())
    form = b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n' + b"x" * 100_000
    head = "POST /gradio_api/upload HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=b\r\n"
    with socket.create_connection(("127.0.0.1", int(here.url.rpartition(":")[2]))) as line:
        line.sendall(f"{head}Content-Length: 1000000\r\n\r\n".encode() + form)
        ground.until(lambda: set(Path(get_upload_folder()).iterdir()) > before, "the half of a file")
    ground.until(lambda: set(Path(get_upload_folder()).iterdir()) == before, "its removal", 5)


def test_a_new_browser_gets_a_cookie_that_no_script_can_read_and_an_old_one_keeps_its_own(here, bob):
    cookie = httpx.get(here.url).headers["set-cookie"]
    assert cookie.startswith(f"{COOKIE}=") and "HttpOnly" in cookie and "SameSite=Lax" in cookie
    assert "set-cookie" not in bob.http.get("/").headers


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    for one in served(tmp_path_factory.mktemp("guarded"), auth="local"):
        one.studio.people.add("ada", "correct horse")
        yield one


def test_where_people_sign_in_there_is_nothing_for_strangers(guarded):
    html = {"Accept": "text/html"}
    with httpx.Client(base_url=guarded.url) as http:
        for address in ("/", "/config", "/gradio_api/info", "/media/a/clip", "/assets/index.js", "/theme.css"):
            assert http.get(address).status_code == 401
            assert http.get(address, headers=html).headers["location"] == "/login"
        assert http.post("/gradio_api/call/models", json={"data": []}).status_code == 401
        assert http.post("/gradio_api/upload", files={"files": b"x"}).status_code == 401
        wrong = http.post("/login", data={"username": SCRIPT, "password": "wrong"}, headers=html)
        assert wrong.status_code == 401 and "<script>" not in wrong.text and "do not fit" in wrong.text
        assert http.post("/login", content=b"\xff&&&=%zz" + b"&a=b" * 2000).status_code == 401


def test_a_person_signs_in_on_the_page_and_out_again(guarded):
    with httpx.Client(base_url=guarded.url, headers={"Accept": "text/html"}) as http:
        signed = http.post("/login", data={"username": "Ada", "password": "correct horse"})
        assert signed.status_code == 303 and http.get("/").status_code == 200
        name = guarded.clip_of("person:ada")
        assert http.get(f"/media/{name}/clip").status_code == 200
        http.post("/logout")
        assert http.get(f"/media/{name}/clip", headers={"Accept": "*/*"}).status_code == 401


def test_gradio_client_signs_in_with_a_name_and_a_password(guarded, tmp_path):
    client = Client(guarded.url, auth=("ada", "correct horse"), verbose=False, download_files=str(tmp_path))
    assert Path(client.predict(guarded.clip_of("person:ada"), api_name="/clip")).is_file()

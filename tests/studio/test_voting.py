"""The vote page over real HTTP: twenty raters at once, and nothing that gives a system away."""

import collections
import concurrent.futures
import contextlib
import hashlib
import shutil
import socket
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.testclient import TestClient

from pipelines.clip import Clip
from pipelines.media import export
from pipelines.requests import TextToVideo
from studio import takes
from studio.arena import Arena, Plan, Prompt, Study, System
from studio.ballots import Ballots
from studio.db import Database
from studio.people import alias
from studio.settings import Settings
from studio.studio import Studio
from studio.ui import web
from studio.ui.voting import COOKIE, Voting

ME = "browser:me"
RATERS = 20
PROMPTS = tuple(Prompt(name=f"clip-{n}", text=f"a fox, take {n}") for n in range(3))
SYSTEMS = {"north": 10, "south": 50}  # name: steps


def film(number: int) -> Clip:
    """A second of moving noise, another one for each number, with the request that made it."""
    frames = np.random.default_rng(number).integers(0, 255, (8, 48, 64, 3), dtype=np.uint8)
    return Clip(
        frames=frames, fps=8, origin=TextToVideo(prompt="a fox", model="mini", steps=SYSTEMS["north"], seed=4711)
    )


@pytest.fixture(scope="module")
def clips(tmp_path_factory) -> dict[str, Path]:
    """A folder of clips for each system, each called like its prompt."""
    folders = {name: tmp_path_factory.mktemp(name) for name in SYSTEMS}
    for number, prompt in enumerate(PROMPTS):
        for offset, folder in enumerate(folders.values()):
            export.save(film(10 * number + offset), folder / f"{prompt.name}.mp4")
    return folders


@pytest.fixture(scope="module")
def arena(tmp_path_factory, clips):
    folder = tmp_path_factory.mktemp("data")
    database = Database(folder / "rushes.db")
    arena = Arena(database, folder / "studies")
    systems = tuple(System(name=name, settings={"model": "mini", "steps": steps}) for name, steps in SYSTEMS.items())
    plan = Plan(
        title="north against south", prompts=PROMPTS, systems=systems, raters=RATERS, axes=("overall", "realness")
    )
    study = arena.create(plan, ME)
    assert takes.from_folders(arena, study, ME, folders=clips, progress=lambda *_: None) == []
    arena.open(study, ME)
    yield arena
    database.close()


@pytest.fixture(scope="module")
def site(arena):
    """The address of the vote pages, served by uvicorn on the loopback."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    app = Starlette(routes=Voting(arena).routes())
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error", ws="none", lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


@pytest.fixture
def study(arena):
    (kept,) = arena.studies(ME)
    return kept


class Rater:
    """One browser with a cookie of its own; it remembers everything that it was sent."""

    def __init__(self, site: str, link: str):
        self.web = httpx.Client(base_url=f"{site}/vote", event_hooks={"response": [self._keep]}, timeout=60)
        self.link = link
        self.seen: list[bytes] = []
        self.files: list[bytes] = []
        self.web.get(f"/{link}").raise_for_status()

    def _keep(self, answer: httpx.Response) -> None:
        self.seen.append(str(answer.headers.raw).encode() + answer.read())

    def close(self) -> None:
        self.web.close()

    def next(self) -> dict | None:
        return self.web.get(f"/{self.link}/next").raise_for_status().json()["ballot"]

    def watch(self, ballot: dict) -> None:
        self.files += [self.web.get(f"/media/{ballot[side]}").raise_for_status().content for side in ("left", "right")]

    def cast(self, ballot: dict, answer: object = 1) -> httpx.Response:
        answers = dict.fromkeys([axis["name"] for axis in ballot["axes"]], answer)
        return self.web.post(f"/{self.link}/ballot", json={"ballot": ballot["id"], "answers": answers})

    def vote(self) -> int:
        """Votes until nothing is left, sending every second vote twice, as an impatient person does."""
        count = 0
        while ballot := self.next():
            self.watch(ballot)
            firsts = [self.cast(ballot).raise_for_status().json()["first"] for _ in range(1 + count % 2)]
            assert firsts == [True, False][: len(firsts)]
            count += 1
        return count


@pytest.fixture
def rater(site, study):
    """Makes raters; their connections are closed at the end."""
    with contextlib.ExitStack() as closing:
        yield lambda link=study.link: closing.enter_context(contextlib.closing(Rater(site, link)))


def test_nothing_about_a_blind_pair_gives_a_system_away(rater, study, arena, clips):
    rater = rater()
    ballot = rater.next()
    rater.watch(ballot)
    [rater.web.get(f"/page/{name}").raise_for_status() for name in ("rater.js", "rater.css")]
    sources = [file.read_bytes() for folder in clips.values() for file in folder.iterdir()]
    copies = [(arena.folder / study.id / take.file) for take in arena.takes(study.id, ME)]
    secrets = [*SYSTEMS, "mini", '"steps"', "4711", study.id, study.title, "clip-0", "clip-1", "clip-2", "rushes.db"]
    secrets += [take.system.hash for take in arena.takes(study.id, ME)] + [copy.stem for copy in copies]
    secrets += [hashlib.sha256(source).hexdigest() for source in (*sources, *(copy.read_bytes() for copy in copies))]
    assert b"4711" in sources[0] and b'"model": "mini"' in sources[0]  # what is searched for would be found
    for secret in secrets:
        for sent in rater.seen:
            assert secret.encode() not in sent, secret
    assert len(set(rater.files)) == 2 and not set(rater.files) & set(sources)


def test_a_clip_is_only_for_the_browser_it_was_drawn_for_and_comes_in_ranges(rater):
    rater, other = rater(), rater()
    ballot = rater.next()
    assert other.web.get(f"/media/{ballot['left']}").status_code == 404
    part = rater.web.get(f"/media/{ballot['left']}", headers={"Range": "bytes=4-7"})
    assert part.status_code == 206 and part.content == b"ftyp"
    for path in ("/media/nothing", "/page/voting.py", "/page/player.js"):
        assert rater.web.get(path).status_code == 404


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        ("{}", "application/json", 400),
        ("[", "application/json", 400),
        ('{"ballot": 1, "answers": {}}', "application/json", 400),
        ('{"ballot": "nobody\'s", "answers": {}}', "application/json", 400),
        ("ballot=1", "application/x-www-form-urlencoded", 415),
        (" " * 30_000, "application/json", 400),
    ],
)
def test_what_is_no_answer_is_refused_in_a_sentence(rater, study, body, kind, status):
    refused = rater().web.post(f"/{study.link}/ballot", content=body, headers={"Content-Type": kind})
    assert refused.status_code == status and refused.json()["error"]


def test_a_wrong_link_and_a_browser_without_cookies_get_a_sentence(site, study, rater):
    assert "leads to no study" in rater("wrong").web.get("/wrong/next").json()["error"]
    assert httpx.get(f"{site}/vote/{study.link}/next").status_code == 403


def test_twenty_raters_at_once_lose_no_vote_and_double_none(site, study, arena, rater):
    before = len(arena.answers(study.id, ME))
    gone = rater()
    left = gone.next()
    gone.watch(left)
    _hang_up_in_the_middle(site, study.link, gone)
    with concurrent.futures.ThreadPoolExecutor(RATERS) as pool:
        counts = list(pool.map(lambda _: rater().vote(), range(RATERS)))
    rows = arena.answers(study.id, ME)
    assert len(rows) - before == sum(counts) * len(study.axes)
    keys = collections.Counter(
        (r["prompt"], r["a"], r["b"], r["control"], r["repeat"], r["rater"], r["axis"]) for r in rows
    )
    assert set(keys.values()) == {1}
    wanted = collections.Counter(
        r["prompt"] for r in rows if not (r["control"] or r["repeat"]) and r["axis"] == "overall"
    )
    assert set(wanted.values()) <= {RATERS, RATERS - 1}  # one pair is held for whoever hung up
    assert gone.next()["id"] == left["id"]
    assert gone.cast(left).json() == {"kept": True, "first": True}
    assert len(arena.answers(study.id, ME)) == len(rows) + len(study.axes)


def _hang_up_in_the_middle(site: str, link: str, rater: Rater) -> None:
    """Half a vote, then the connection is cut, as by a closed tab."""
    host, port = site.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as line:
        head = f"POST /vote/{link}/ballot HTTP/1.1\r\nHost: x\r\nCookie: {COOKIE}={rater.web.cookies[COOKIE]}\r\n"
        line.sendall(f'{head}Content-Type: application/json\r\nContent-Length: 400\r\n\r\n{{"ballot": "'.encode())


def another(arena: Arena, title: str) -> Study:
    """An open study of one pair, with clips of the one that is there."""
    plan = Plan(title=title, prompts=PROMPTS[:1], systems=(System(name="north"), System(name="south")), raters=9)
    number = arena.create(plan, ME)
    (arena.folder / number).mkdir()
    old = next(study for study in arena.studies(ME) if study.title == "north against south")
    files = {(take.prompt.name, take.system.name): take.file for take in arena.takes(old.id, ME)}
    for take in arena.takes(number, ME):
        name = files[take.prompt.name, take.system.name]
        shutil.copy(arena.folder / old.id / name, arena.folder / number / name)
        arena.fill(take.id, name, fps=8, still=False)
    arena.open(number, ME)
    return arena.study(number, ME)


@pytest.fixture
def ballot(browser, site):
    """Opens the page of a study in a browser of its own, as wide as a phone; no error may come up in it."""
    errors, contexts = [], []

    def opened(study: Study, locale: str) -> Any:
        contexts.append(browser.new_context(locale=locale, viewport={"width": 390, "height": 844}))
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(f"{site}/vote/{study.link}")
        page.wait_for_selector("#vote .vote:not([hidden])")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert errors == []


@pytest.mark.browser
def test_a_person_votes_in_a_browser_and_sees_no_name(ballot, arena):
    study, asked = another(arena, "secret title"), []
    page = ballot(study, "en-GB")
    page.on("request", lambda request: asked.append(request.url))
    page.reload()
    page.wait_for_selector("#vote .vote:not([hidden])")
    assert page.locator("fieldset:enabled").count() == 0 and page.locator("button.cast").is_disabled()
    spans = page.locator(".scale span")
    assert spans.evaluate_all("all => all.every(each => each.scrollWidth <= each.clientWidth)"), "each answer fits"
    page.wait_for_selector("fieldset:enabled")  # when both were played
    dom = page.content()
    for _ in range(page.locator("fieldset").count()):
        page.keyboard.press("A")
    page.keyboard.press("Enter")
    page.wait_for_selector("#notice:not([hidden])")
    assert "Thank you" in page.locator("#notice").inner_text()
    assert not [
        word for word in ("north", "south", "secret title", "clip-0", study.id) if word in dom + " ".join(asked)
    ]
    rows = arena.answers(study.id, ME)
    assert len(rows) == 7 and {row["margin"] for row in rows} == {-2 if rows[0]["swapped"] else 2}
    assert Ballots(arena).next(study.link, "somebody else") is not None


@pytest.mark.browser
def test_keys_vote_only_where_they_mean_it_and_answers_outlive_a_reload(ballot, arena):
    study = another(arena, "keys")
    page = ballot(study, "de-DE")
    assert page.locator("html").get_attribute("lang") == "en"
    page = ballot(study, "fr-FR")
    assert page.locator("html").get_attribute("lang") == "fr"
    assert page.title() == page.locator("h1").inner_text() == "Lequel est le meilleur ?"
    assert page.locator("button.cast").inner_text() == "Voter"
    page.wait_for_selector("fieldset:enabled")
    given = page.locator(".scale input:checked")
    page.locator("select.heard").press("n")
    page.locator("select.rate").press("b")
    assert given.count() == 0, "letters choose in a list"
    page.locator(".compare").focus()
    page.keyboard.down("b")
    page.keyboard.down("b")  # held
    page.keyboard.up("b")
    assert given.count() == 1
    for _ in range(6):
        page.keyboard.press("a")
    page.reload()
    page.wait_for_selector("fieldset:enabled")
    assert given.count() == 7 and given.first.get_attribute("value") == "-1"
    page.locator(".on").press("Enter")
    assert page.locator(".cast").is_enabled() and arena.answers(study.id, ME) == []
    arena.close(study.id, ME)
    given.last.press("Enter")
    page.wait_for_selector("#notice >> text=Cette \u00e9tude a \u00e9t\u00e9 close entre-temps")


def browser(tmp_path, **settings) -> tuple[Studio, TestClient]:
    """A studio and a browser that reaches it by the middleware and the routes of the real server, without the page."""
    studio = Studio.open(Settings(data=tmp_path / "data", **settings))
    around = web.around(studio)
    return studio, TestClient(
        Starlette(routes=around["routes"], middleware=around["middleware"]),
        base_url="http://localhost",
        client=("127.0.0.1", 1),
    )


def test_raters_need_no_account_where_everybody_else_does(tmp_path):
    studio, visitor = browser(tmp_path, auth="local")
    with contextlib.closing(studio), visitor:
        assert visitor.get("/vote/somewhere").status_code == 200
        assert "leads to no study" in visitor.get("/vote/somewhere/next").json()["error"]
        assert visitor.get("/studies/anything/report").status_code == 401
        hostile = visitor.post("/vote/somewhere/ballot", json={}, headers={"Origin": "https://evil.example"})
        assert hostile.status_code == 403


def test_results_are_for_whoever_owns_the_study(tmp_path):
    studio, visitor = browser(tmp_path, host="0.0.0.0")
    with contextlib.closing(studio), visitor:
        names = {"mine": alias("browser", "m" * 43), "yours": alias("browser", "y" * 43)}
        systems = (System(name="x"), System(name="y"))
        study = studio.arena.create(Plan(title="mine", prompts=PROMPTS, systems=systems), names["mine"])
        for token, status in (("m" * 43, 200), ("y" * 43, 404)):
            cookie = {"Cookie": f"rushes_owner={token}"}
            for name in ("report", "votes.csv", "votes.json", "votes.parquet"):
                assert visitor.get(f"/studies/{study}/{name}", headers=cookie).status_code == status
        assert (
            visitor.get(f"/studies/{study}/votes.exe", headers={"Cookie": f"rushes_owner={'m' * 43}"}).status_code
            == 404
        )

"""Who is asking: browsers by their cookie, people by their password, and how much each may use."""

import json
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipelines.errors import BadRequest, Unavailable
from pipelines.requests import TextToVideo
from studio.cli import main
from studio.db import Database
from studio.gallery import Gallery
from studio.people import COOKIE, WRONG_PASSWORDS, People, owner_of
from studio.quota import Quota, megapixel_seconds

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "correct horse"


@pytest.fixture
def database(tmp_path):
    tables = Database(tmp_path / "rushes.db")
    yield tables
    tables.close()


def asking(*, known: str | None = None, cookie: str | None = None, session: str | None = None) -> SimpleNamespace:
    """What owner_of reads of a gradio request."""
    plain = SimpleNamespace(state=SimpleNamespace(owner=known), cookies={COOKIE: cookie} if cookie else {})
    return SimpleNamespace(request=plain, session_hash=session)


def test_the_owner_is_the_person_then_the_browser_then_the_session():
    assert owner_of(asking(known="person:ada", cookie="c", session="s")) == "person:ada"
    browser, session = owner_of(asking(cookie="c", session="s")), owner_of(asking(session="c"))
    assert browser.startswith("browser:") and session.startswith("session:")
    assert browser.split(":")[1] == session.split(":")[1], "the same secret, and still two owners"


def test_the_name_of_an_owner_does_not_tell_the_cookie():
    assert "secret-token" not in owner_of(asking(cookie="secret-token"))


def test_a_session_that_calls_itself_a_person_is_none():
    assert owner_of(asking(session="person:ada")) != "person:ada"


def test_people_sign_in_out_and_away_and_nothing_secret_is_stored(database, tmp_path):
    people = People(database, auth="local")
    ada = people.add("Ada", PASSWORD, admin=True)
    token = people.sign_in("ADA", PASSWORD, "here")
    assert people.visitor(token) == ada and people.is_admin(ada.owner) and not people.is_admin("person:bob")
    kept = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert PASSWORD.encode() not in kept and token.encode() not in kept
    people.sign_out(token)
    assert people.visitor(token) is None
    again = people.sign_in("ada", PASSWORD, "here")
    people.remove("ada")
    assert people.visitor(again) is None and people.list() == []


def test_after_some_wrong_passwords_that_address_has_to_wait_for_that_name(database):
    people = People(database)
    people.add("ada", PASSWORD)
    for name in ("nobody", *["ada"] * WRONG_PASSWORDS):
        with pytest.raises(BadRequest, match="that name and password do not fit"):
            people.sign_in(name, "wrong", "there")
    with pytest.raises(Unavailable, match="try again in 5 minutes"):
        people.sign_in("ada", PASSWORD, "there")
    assert people.sign_in("ada", PASSWORD, "here")


@pytest.mark.parametrize(
    ("name", "password", "says"),
    [("", PASSWORD, "name"), ("a b", PASSWORD, "name"), ("../x", PASSWORD, "name"), ("ada", "short", "password")],
)
def test_names_and_passwords_that_cannot_be_are_refused(database, name, password, says):
    with pytest.raises(BadRequest, match=f"^{says}: must"):
        People(database).add(name, password)


def test_whoever_is_at_the_machine_owns_it_and_nobody_else_does(database):
    assert People(database, alone=True).is_admin("browser:x")
    assert not People(database, alone=False).is_admin("browser:x")
    assert not People(database, auth="local", alone=True).is_admin("browser:x")


def test_a_quota_counts_pixels_times_seconds_and_the_disk(tmp_path, database):
    four = TextToVideo(prompt="a fox", seconds=4)
    asked = megapixel_seconds(four)
    gallery = Gallery(database, tmp_path)
    assert asked == pytest.approx(2 * megapixel_seconds(TextToVideo(prompt="a fox", seconds=2)))
    Quota(gallery=gallery).check(four, "ada")
    Quota(gallery=gallery, megapixel_seconds=asked, disk_mb=1).check(four, "ada")
    with pytest.raises(BadRequest, match="seconds: this would be"):
        Quota(gallery=gallery, megapixel_seconds=asked / 2).check(four, "ada")
    with pytest.raises(Unavailable, match="0 MB is the most"):
        Quota(gallery=gallery, disk_mb=0).check(four, "ada")


def test_the_command_adds_lists_and_removes_people(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("RUSHES_DATA", str(tmp_path))
    command = [sys.executable, "-m", "studio", "people", "add", "ada", "--admin"]
    subprocess.run(command, input=f"{PASSWORD}\n", text=True, check=True, cwd=ROOT, capture_output=True)
    assert main(["people", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"people": [{"name": "ada", "admin": True}]}
    assert main(["people", "remove", "ada"]) == 0 and main(["people", "remove", "ada"]) == 2
    assert "there is no 'ada'" in capsys.readouterr().err

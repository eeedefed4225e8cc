"""Who is asking: browsers by their cookie, people by their password, and how much each may use."""

import json
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipelines.errors import BadRequest, Unavailable
from pipelines.requests import TextToVideo
from studio.cli import main
from studio.db import Database
from studio.gallery import Gallery
from studio.jobs import Jobs
from studio.people import COOKIE, NOBODY, WRONG_PASSWORDS, People, alias, owner_of
from studio.quota import Quota, megapixel_seconds

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "correct horse"


@pytest.fixture
def database(tmp_path):
    tables = Database(tmp_path / "rushes.db")
    yield tables
    tables.close()


def asking(owner: str | None) -> SimpleNamespace:
    """What owner_of reads of a gradio request."""
    return SimpleNamespace(request=SimpleNamespace(state=SimpleNamespace(owner=owner)), session_hash="person:ada")


def test_the_owner_is_whom_the_studio_has_found_and_else_nobody():
    assert owner_of(asking("person:ada")) == "person:ada" and owner_of(asking(None)) == NOBODY
    assert owner_of(SimpleNamespace(state=SimpleNamespace())) == NOBODY


def test_a_browser_is_known_by_a_cookie_that_the_studio_gave_out_and_by_no_other(database, tmp_path):
    people = People(database)
    token = people.newcomer()
    owner = people.owner({COOKIE: token})
    assert owner.startswith("browser:") and token[:20] not in owner
    assert People(database).owner({COOKIE: token}) == owner, "also after a restart"
    drawn, _, mac = token.partition(".")
    for made_up in ("", drawn, "a" * 43, f"{'a' * 43}.{mac}", f"{drawn}.{'0' * 32}", f"{token}0", "\xe9.\xe9", owner):
        assert people.owner({COOKIE: made_up}) is None, made_up
    other = Database(tmp_path / "other" / "rushes.db")
    assert People(other).owner({COOKIE: token}) is None
    other.close()


def test_a_cookie_from_before_they_were_signed_is_good_while_something_is_kept_under_it(database):
    old = "a" * 43
    assert People(database).owner({COOKIE: old}) is None
    Jobs(database).submit(TextToVideo(prompt="a fox"), alias("browser", old))
    assert People(database).owner({COOKIE: old}) == alias("browser", old)
    assert People(database, auth="local").owner({COOKIE: old}) is None


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


def test_passwords_that_are_tried_at_once_are_counted_too(database):
    people = People(database)
    people.add("ada", PASSWORD)

    def attempt(number: int) -> str:
        with pytest.raises((BadRequest, Unavailable)) as raised:
            people.sign_in("ada", f"wrong {number}", "there")
        return raised.type.__name__

    with ThreadPoolExecutor(4 * WRONG_PASSWORDS) as crowd:
        said = Counter(crowd.map(attempt, range(4 * WRONG_PASSWORDS)))
    assert said == {"BadRequest": WRONG_PASSWORDS, "Unavailable": 3 * WRONG_PASSWORDS}


def test_the_right_password_forgives_the_wrong_ones_before_it(database):
    people = People(database)
    people.add("ada", PASSWORD)
    for word in (*["wrong"] * (WRONG_PASSWORDS - 1), PASSWORD, *["wrong"] * (WRONG_PASSWORDS - 1), PASSWORD):
        if word == "wrong":
            with pytest.raises(BadRequest):
                people.sign_in("ada", word, "there")
        else:
            assert people.sign_in("ada", word, "there")


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

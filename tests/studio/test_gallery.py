"""The gallery: clips are found, starred, tagged, deleted and brought back, and the folder alone remembers all of it."""

import dataclasses
import json
import shutil
import zipfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from pipelines.clip import Clip
from pipelines.errors import BadRequest, Unavailable
from pipelines.media import export
from pipelines.requests import TextToSound, TextToVideo
from studio.cli import main
from studio.db import Database
from studio.gallery import Gallery, Query
from studio.quota import Quota
from studio.settings import Settings
from studio.studio import Studio

ADA, BOB = "browser:ada", "browser:bob"
NASTY = "<script>alert(1)</script> ${1+1} {{value}} '; DROP TABLE clips; --"


@pytest.fixture
def gallery(tmp_path):
    (tmp_path / "clips").mkdir()
    database = Database(tmp_path / "rushes.db")
    yield Gallery(database, tmp_path / "clips")
    database.close()


@pytest.fixture
def keep(gallery, tmp_path):
    """Makes a still of a prompt and puts it into the gallery; returns its id."""
    numbers = iter(range(1000))

    def make(prompt: str, owner: str = ADA, finder: str | None = None, **fields) -> str:
        request = TextToVideo(prompt=prompt, still=True, **fields)
        path = tmp_path / "clips" / f"{next(numbers):032x}" / "clip.png"
        path.parent.mkdir()
        frames = np.zeros((1, 16, 16, 3), np.uint8)
        export.save(Clip(frames=frames, fps=16, origin=request), path)
        assert finder is None or gallery.reindex(finder) == 1
        made = SimpleNamespace(path=path, request=request, frames=1, fps=16, width=16, height=16, elapsed_s=0.5)
        return gallery.add(made, owner, job=path.parent.name)

    return make


def found(gallery: Gallery, owner: str | None = ADA, **query) -> list[str]:
    return [entry.prompt for entry in gallery.page(owner, Query(**query)).entries]


def test_a_clip_that_is_added_can_be_had_back_with_everything_known(gallery, keep):
    name = keep("a fox", seed=5, aspect="16:9")
    entry = gallery.get(name, ADA)
    assert (entry.prompt, entry.seed, entry.aspect, entry.kind, entry.frames) == ("a fox", 5, "16:9", "still", 1)
    assert (entry.job, entry.starred, entry.tags, entry.seconds) == (name, False, (), 0.0)
    assert entry.request == TextToVideo(prompt="a fox", still=True, seed=5, aspect="16:9").to_dict()
    assert gallery.path(name, ADA, "clip").name == "clip.png"
    assert entry.bytes == gallery.path(name, ADA, "clip").stat().st_size == gallery.bytes(ADA)


def test_nothing_of_another_owner_can_be_seen_or_changed(gallery, keep, tmp_path):
    name = keep("a fox")
    assert gallery.get(name, BOB) is None and gallery.path(name, BOB, "clip") is None
    assert gallery.page(BOB, Query()).total == 0 and gallery.recent(BOB) == () and gallery.tags(BOB) == {}
    for act in (
        lambda: gallery.star(name, BOB, True),
        lambda: gallery.tag(name, BOB, ["mine"]),
        lambda: gallery.delete([name], BOB),
        lambda: gallery.zip([name], BOB, tmp_path / "theirs.zip"),
    ):
        with pytest.raises(BadRequest, match="there is no such clip"):
            act()
    token = gallery.delete([name], ADA)
    assert gallery.undo(token, BOB) == [] and gallery.undo(token, ADA) == [name]


def test_search_finds_beginnings_of_words_in_any_order_case_and_accent(gallery, keep):
    keep("A red Fox by the sea")
    keep("\u00c9l\u00e9phant at night")
    keep("foxglove")
    assert found(gallery, text="sea fo") == ["A red Fox by the sea"]
    assert found(gallery, text="elep") == ["\u00c9l\u00e9phant at night"]
    assert found(gallery, text="FOX") == ["foxglove", "A red Fox by the sea"]
    assert found(gallery, text="ox") == []


def test_an_emoji_is_searched_for_too_alone_and_beside_words(gallery, keep):
    keep("a \U0001f43c eats")
    keep("a panda eats")
    assert found(gallery, text="\U0001f43c") == found(gallery, text="eats \U0001f43c") == ["a \U0001f43c eats"]
    assert found(gallery, text="panda \U0001f43c") == [] and len(found(gallery, text="eats")) == 2
    assert gallery.page(BOB, Query(text="\U0001f43c")).total == 0


@pytest.mark.parametrize(
    "text", ['"', "a OR b", "NEAR(", "*", "fox*", "prompt:fox", "-fox", "(", "\0", "\ud800", "'", "^"]
)
def test_no_text_is_an_operator_or_breaks_the_search(gallery, keep, text):
    keep(NASTY)
    gallery.page(ADA, Query(text=text * 50))
    assert found(gallery, text="DROP TABLE clips") == [NASTY]


def test_filters_narrow_a_page_down_together(gallery, keep):
    first, second = keep("a fox", aspect="16:9"), keep("a fox", aspect="1:1")
    gallery.star(first, ADA, True)
    gallery.tag(first, ADA, ["sea", " two  words "])
    when = gallery.get(second, ADA).created
    assert gallery.page(ADA, Query(starred=True, tag="two words", aspect="16:9", text="fox")).entries[0].id == first
    assert [entry.id for entry in gallery.page(ADA, Query(starred=False)).entries] == [second]
    assert [entry.id for entry in gallery.page(ADA, Query(since=when)).entries] == [second]
    assert [entry.id for entry in gallery.page(ADA, Query(until=when)).entries] == [first]
    assert gallery.page(ADA, Query(model="other")).total == gallery.page(ADA, Query(task="edit")).total == 0
    assert gallery.tags(ADA) == {"sea": 1, "two words": 1}


def test_pages_follow_one_another_from_the_newest(gallery, keep):
    names = [keep(f"fox {number}") for number in range(7)]
    pages = [gallery.page(ADA, Query(), page=page, size=3) for page in range(4)]
    assert [entry.id for page in pages for entry in page.entries] == names[::-1]
    assert {page.total for page in pages} == {7}
    assert [entry.id for entry in gallery.recent(ADA, 2)] == names[:-3:-1]


@pytest.mark.parametrize("wrong", [{"page": -1}, {"page": 2**70}, {"size": 0}, {"size": 201}])
def test_a_page_that_cannot_be_is_refused(gallery, wrong):
    with pytest.raises(BadRequest):
        gallery.page(ADA, Query(), **wrong)


@pytest.mark.parametrize("wrong", [{"text": None}, {"text": 5}, {"tag": ["a"]}, {"since": "now"}, {"starred": "yes"}])
def test_a_query_of_the_wrong_types_is_refused(wrong):
    with pytest.raises(BadRequest, match="cannot be"):
        Query(**wrong)


@pytest.mark.parametrize("tags", [[""], ["x" * 41], ["x" + str(number) for number in range(21)]])
def test_tags_have_limits(gallery, keep, tags):
    name = keep("a fox")
    with pytest.raises(BadRequest, match="up to 20 tags"):
        gallery.tag(name, ADA, tags)


def test_what_is_deleted_can_be_brought_back_until_it_is_purged(gallery, keep):
    names = [keep("a fox"), keep("a cat")]
    gallery.star(names[0], ADA, True)
    token = gallery.delete(names, ADA)
    assert gallery.page(ADA, Query(text="fox")).total == 0 and gallery.path(names[0], ADA, "clip") is None
    assert gallery.purge(3600) == 0
    assert sorted(gallery.undo(token, ADA)) == names and gallery.get(names[0], ADA).starred
    gallery.delete(names[:1], ADA)
    assert gallery.purge(0) == 1
    assert gallery.undo(token, ADA) == [] and found(gallery) == ["a cat"] and found(gallery, text="fox") == []
    assert gallery.bytes(ADA) == gallery.get(names[1], ADA).bytes


def test_what_was_deleted_can_be_seen_and_brought_back_one_by_one_by_its_owner_alone(gallery, keep, tmp_path):
    names = [keep("a fox"), keep("a cat"), keep("a dog")]
    assert gallery.deleted(ADA) == () and gallery.path(names[0], ADA, "deleted") is None
    gallery.delete(names[:1], ADA)
    gallery.delete(names[1:], ADA)
    assert {entry.id for entry in gallery.deleted(ADA)[:2]} == set(names[1:]) and gallery.deleted(BOB) == ()
    assert gallery.deleted(ADA)[2].prompt == "a fox" and len(gallery.deleted(ADA, 1)) == 1
    poster = tmp_path / "clips" / names[1] / "poster.webp"
    poster.write_bytes(b"a picture")
    assert gallery.path(names[1], ADA, "deleted") == poster
    assert gallery.path(names[1], ADA, "poster") is None is gallery.path(names[1], BOB, "deleted")
    for name, owner in ((names[1], BOB), ("../x", ADA), (None, ADA)):
        with pytest.raises(BadRequest, match="back already"):
            gallery.restore(name, owner)
    gallery.restore(names[1], ADA)
    with pytest.raises(BadRequest, match="back already"):
        gallery.restore(names[1], ADA)
    assert found(gallery) == ["a cat"] and {entry.prompt for entry in gallery.deleted(ADA)} == {"a fox", "a dog"}
    again = Gallery(Database(tmp_path / "other.db"), tmp_path / "clips")
    again.reindex()
    assert found(again) == ["a cat"]


def test_a_full_disk_takes_what_its_owner_has_deleted_for_good_and_nothing_else(gallery, keep):
    gone, kept, other = keep("a fox"), keep("a cat"), keep("a dog", owner=BOB)
    gallery.delete([gone], ADA)
    undo = gallery.delete([other], BOB)
    Quota(gallery=gallery, disk_mb=1).check(TextToVideo(prompt="a fox"), ADA)
    assert gallery.bytes(ADA) > gallery.get(kept, ADA).bytes, "while there is room, it can be brought back"
    with pytest.raises(Unavailable, match="delete some to make room"):
        Quota(gallery=gallery, disk_mb=0).check(TextToVideo(prompt="a fox"), ADA)
    assert gallery.bytes(ADA) == gallery.get(kept, ADA).bytes
    gallery.delete([kept], ADA)
    Quota(gallery=gallery, disk_mb=1e-6).check(TextToVideo(prompt="a fox"), ADA)
    assert gallery.bytes(ADA) == 0 and gallery.undo(undo, BOB) == [other]


def test_what_was_deleted_a_month_ago_is_gone_for_good_when_the_studio_starts(gallery, keep, tmp_path):
    old, new = keep("a fox"), keep("a cat")
    undo = [gallery.delete([name], ADA) for name in (old, new)]
    with gallery._database.write() as tables:
        tables.execute("UPDATE clips SET deleted = deleted - 31 * 24 * 3600 WHERE id = ?", (old,))
    here = Studio.open(Settings(data=tmp_path, runner="inline"))
    here.supervisor.tidy()
    here.close()
    assert [gallery.undo(token, ADA) for token in undo] == [[], [new]] and not (tmp_path / "clips" / old).exists()


def test_a_wrong_id_among_many_leaves_all_as_they_are(gallery, keep):
    name = keep("a fox")
    for wrong in ("../" + name, "f" * 32, "", 5, None, "\ud800"):
        with pytest.raises(BadRequest):
            gallery.delete([name, wrong], ADA)
        assert gallery.get(wrong, ADA) is None and gallery.path(wrong, ADA, "clip") is None
    assert gallery.get(name, ADA)


def test_a_zip_holds_every_clip_by_prompt_and_seed_with_its_request_beside_it(gallery, keep, tmp_path):
    prompts = ["A caf\u00e9: ../../etc, \u732b", "a cafe etc", "\u732b", "x" * 500]
    names = [keep(prompt, seed=7) for prompt in prompts]
    with zipfile.ZipFile(gallery.zip(names, ADA, tmp_path / "four.zip")) as archive:
        stems = ["a-cafe-etc-seed-7", "a-cafe-etc-seed-7-2", "still-seed-7", f"{'x' * 60}-seed-7"]
        assert archive.namelist() == [f"{stem}.{end}" for stem in stems for end in ("png", "json")]
        assert [json.loads(archive.read(f"{stem}.json"))["prompt"] for stem in stems] == prompts
    assert not list(tmp_path.glob("*.part")) and not list(tmp_path.glob(".*.part"))


def test_a_lost_database_comes_back_from_the_clips_with_owners_stars_tags_and_what_was_deleted(gallery, keep, tmp_path):
    names = [keep(NASTY), keep("a cat", BOB), keep("a dog")]
    gallery.star(names[0], ADA, True)
    gallery.tag(names[0], ADA, ["sea"])
    token = gallery.delete(names[2:], ADA)
    again = Gallery(Database(tmp_path / "other.db"), tmp_path / "clips")
    assert again.reindex() == 3 and again.reindex() == 0
    assert again.recent(None) == gallery.recent(None)
    assert again.page(ADA, Query(text="script")).total == 1
    assert again.undo(token, ADA) == names[2:]


def test_a_clip_that_was_found_before_its_worker_brought_it_is_its_makers(gallery, keep):
    name = keep("a fox", finder=BOB)
    assert gallery.get(name, ADA) and gallery.get(name, BOB) is None and found(gallery) == ["a fox"]


def test_a_clip_whose_notes_are_lost_says_itself_what_it_is(gallery, keep, tmp_path, clip):
    name = keep("a fox", seed=9)
    film = tmp_path / "clips" / "film"
    film.mkdir()
    export.save(clip, film / "clip.mp4")
    for note in (tmp_path / "clips").rglob("*.json"):
        note.unlink()
    (tmp_path / "clips" / "broken").mkdir()
    (tmp_path / "clips" / "broken" / "clip.mp4").write_bytes(b"no film")
    again = Gallery(Database(tmp_path / "other.db"), tmp_path / "clips")
    assert again.reindex() == 0
    assert again.reindex(BOB) == 2
    with zipfile.ZipFile(again.zip([name], BOB, tmp_path / "one.zip")) as archive:
        assert json.loads(archive.read("a-fox-seed-9.json"))["seed"] == 9
    assert again.get(name, BOB).seed == 9 and again.get(name, BOB).request["prompt"] == "a fox"
    seen = again.get("film", BOB)
    assert (seen.frames, seen.fps, seen.seconds, seen.prompt) == (16, 16, 1.0, clip.origin.prompt)


def test_a_sound_whose_notes_are_lost_is_found_again(tmp_path, gallery):
    asked = TextToSound(prompt="rain", seconds=2, seed=3)
    silence = Clip(frames=np.zeros((0, 0, 0, 3), np.uint8), fps=1, audio=np.zeros((96_000, 2), np.float32))
    for name, request in (("told", asked), ("untold", None)):
        (tmp_path / "clips" / name).mkdir()
        export.save(dataclasses.replace(silence, origin=request), tmp_path / "clips" / name / "clip.wav")
    assert gallery.reindex(BOB) == 2
    seen = gallery.get("told", BOB)
    assert (seen.kind, seen.prompt, seen.seed, seen.seconds) == ("sound", "rain", 3, 2.0)
    assert (seen.frames, seen.fps, seen.width, seen.height) == (0, 1, 0, 0)
    assert gallery.get("untold", BOB).kind == "sound"


@pytest.mark.parametrize(
    "note", ["[]", "{}", "5", '{"created": "now"}', "[" * 99_999, '{"kind": "opera"}', '{"tags": 5}']
)
def test_notes_that_are_none_leave_the_other_clips_alone(gallery, keep, tmp_path, note):
    odd, _ = keep("a fox", seed=9), keep("a cat")
    file = tmp_path / "clips" / odd / "entry.json"
    wrong = json.loads(file.read_text()) | json.loads(note) if note.startswith('{"') else None
    file.write_text(json.dumps(wrong) if wrong else note)
    again = Gallery(Database(tmp_path / "other.db"), tmp_path / "clips")
    assert again.reindex(BOB) == 2
    assert found(again, BOB) == ["a fox"] and found(again, ADA) == ["a cat"]


def test_the_command_lists_stars_tags_deletes_and_brings_back(gallery, keep, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("RUSHES_DATA", str(tmp_path))
    name = keep("a fox by the sea")

    def say(*words: str) -> dict:
        assert main(["gallery", *words, "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    assert say("search", "sea")["clips"][0]["id"] == say()["clips"][0]["id"] == name
    assert say("star", name)["starred"] and say("tag", name, "a", "b")["tags"] == ["a", "b"]
    assert say("list", "--starred", "--tag", "a")["total"] == 1
    token = say("delete", name)["undo"]
    assert say()["total"] == 0 and say("undo", token)["restored"] == [name]
    assert zipfile.is_zipfile(say("zip", str(tmp_path / "a.zip"), name)["file"])
    found_again = say("settings", str(gallery.path(name, None, "clip")))
    assert found_again["source"] == "Rushes" and found_again["settings"]["prompt"] == "a fox by the sea"
    assert main(["gallery", "star", "nothing"]) == 2 and "no clips begin with" in capsys.readouterr().err


def test_the_command_says_in_words_what_was_done(keep, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("RUSHES_DATA", str(tmp_path))
    name = keep("a fox")
    assert main(["gallery"]) == 0 and "a fox\npage 1 of 1, 1 clips" in capsys.readouterr().out
    assert main(["gallery", "zip", str(tmp_path / "a.zip"), name[:8]]) == 0
    assert capsys.readouterr().out == f"file: {tmp_path / 'a.zip'}, clips: {name}\n"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["purge", "--days", "-1"], "days: must be 0 or more, got -1"),
        (["purge", "--days", "-0.5"], "days: must be"),
        (["purge", "--days", "nan"], "days: must be"),
        (["purge", "--days", "inf"], "days: must be"),
        (["purge", "--days", "0", "--owner", BOB], "owner: purge has no use for it"),
        (["undo", "nonsense"], "undo: nothing was deleted under 'nonsense'"),
        (["--page", "0"], "page: must be 1 or more, got 0"),
    ],
)
def test_the_command_refuses_nonsense_and_keeps_what_was_deleted(gallery, keep, tmp_path, capsys, words, says):
    name = keep("a fox")
    token = gallery.delete([name], ADA)
    assert main(["gallery", *words, "--data", str(tmp_path)]) == 2
    said = capsys.readouterr()
    assert says in said.err and said.err.count("\n") == 1 and said.out == ""
    assert gallery.undo(token, ADA) == [name]


def test_the_command_reindex_finds_the_clips_again(keep, tmp_path, monkeypatch, capsys):
    keep("a fox")
    shutil.copytree(tmp_path / "clips", tmp_path / "new" / "clips")
    monkeypatch.setenv("RUSHES_DATA", str(tmp_path / "new"))
    assert main(["reindex", "--json"]) == 0 and json.loads(capsys.readouterr().out) == {"added": 1}


def test_without_a_studio_the_command_says_how_to_make_one(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("RUSHES_DATA", str(tmp_path / "nothing"))
    assert main(["gallery"]) == 3 and "serve makes one" in capsys.readouterr().err
    assert not Path(tmp_path / "nothing").exists()

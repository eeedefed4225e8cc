"""Cards, gallery and comparison as the server sees them: whose clips, which values, what nobody can abuse."""

import dataclasses
import json
import re
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import pytest
from gradio.processing_utils import move_files_to_cache
from gradio.route_utils import delete_files_created_by_app

from pipelines.errors import BadRequest, Unavailable
from pipelines.media import export, foreign
from pipelines.requests import TextToVideo
from studio import measures
from studio.db import Database
from studio.gallery import Gallery, Query
from studio.settings import Settings
from studio.ui import details, lineup, words
from studio.ui.brought import Dropzone
from studio.ui.cards import Acts, Cards, card, changed
from studio.ui.comparison import Compare, Sheet
from studio.ui.element import FOLDER
from studio.ui.guests import Guest, admit
from studio.ui.player import Player
from studio.ui.tabs import compare, gallery
from studio.ui.vote import Vote

PARTS = (Player, Cards, Acts, Compare, Dropzone, Sheet, Vote)
NASTY = "<script>alert(1)</script> ${1+1} {{this}}"
ENGLISH = words.say_in("en")


@pytest.fixture
def shelf(tmp_path):
    """A gallery with three clips: a and b are ada's, c is bob's."""
    database = Database(tmp_path / "rushes.db")
    kept = Gallery(database, tmp_path / "clips")
    for name, owner in (("a", "ada"), ("b", "ada"), ("c", "bob")):
        file = tmp_path / "clips" / name / "clip.mp4"
        file.parent.mkdir(parents=True)
        file.write_bytes(b"film")
        request = TextToVideo(prompt=f"{NASTY} {name}", seconds=2, seed=ord(name))
        size = {"frames": 32, "fps": 16, "width": 64, "height": 48, "elapsed_s": 3.2}
        kept.add(SimpleNamespace(path=file, request=request, **size), owner)
    yield kept
    database.close()


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.__name__)
def test_what_gradio_evaluates_as_javascript_is_static(part):
    markup, style, _ = part.pieces()
    assert not re.search(r"`|\$\{|\{\{|\\", markup + style)
    assert "http" not in markup + style


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.js")), ids=lambda file: file.name)
def test_scripts_never_make_markup_of_text(file: Path):
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", file.read_text("utf-8"))


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.__name__)
def test_what_a_browser_says_the_value_is_counts_for_nothing(part):
    with gr.Blocks(analytics_enabled=False):
        drawn = part()
    assert drawn.preprocess({"cards": "mine"}) is None


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.__name__)
def test_the_page_is_told_data_and_nothing_that_hangs_on_the_studio(part):
    with gr.Blocks(analytics_enabled=False):
        assert json.dumps(part().get_config())


def test_a_part_brings_the_french_of_what_it_says():
    _, _, script = Compare.pieces()
    said = json.loads(script.split("const given = ", 1)[1].split(";\n", 1)[0])["words"]
    assert said["Side by side"] == words.FRENCH["Side by side"]
    assert "Prompt" not in Sheet.pieces()[2].split(";\n", 1)[0]


def test_a_card_is_plain_data_with_addresses_and_no_path(shelf):
    face = card(shelf.get("a", "ada"))
    assert json.loads(json.dumps(face)) == face
    assert face["src"] == "media/a/clip" and face["poster"] == "media/a/poster" and face["file"] == "rushes-a.mp4"
    assert face["prompt"].startswith(NASTY)


def test_a_small_file_is_not_said_to_be_nothing(shelf):
    entry = shelf.get("a", "ada")
    sizes = {4: "1 kB", 999_000: "999 kB", 1_500_000: "1.5 MB"}
    assert [details.told(dataclasses.replace(entry, bytes=each), ENGLISH)["File"] for each in sizes] == [
        *sizes.values()
    ]


def test_a_card_stars_tags_deletes_and_brings_back(shelf):
    assert changed(shelf, "ada", {"act": "star", "clips": ["a"], "on": True}) is None
    assert changed(shelf, "ada", {"act": "tag", "clips": ["a", "b"], "tag": "best"}) is None
    assert shelf.get("a", "ada").starred and shelf.get("b", "ada").tags == ("best",)
    undo = changed(shelf, "ada", {"act": "delete", "clips": ["a", "b"]})
    assert undo["clips"] == ["a", "b"] and shelf.page("ada", Query()).total == 0
    changed(shelf, "ada", {"act": "undo", "clips": [], "token": undo["token"]})
    assert shelf.page("ada", Query()).total == 2


@pytest.mark.parametrize(
    "asked",
    [
        {"act": "delete", "clips": ["c"]},
        {"act": "star", "clips": ["c"], "on": True},
        {"act": "tag", "clips": ["c"], "tag": "mine"},
        {"act": "tag", "clips": ["a"], "tag": " "},
        {"act": "delete", "clips": "c"},
        {"act": "delete", "clips": [{"path": "../c"}]},
        {"act": "format", "clips": ["a"]},
        {},
    ],
)
def test_a_card_does_nothing_to_what_is_not_its_owners_or_makes_no_sense(shelf, asked):
    with pytest.raises(BadRequest):
        changed(shelf, "ada", asked)
    assert shelf.page(None, Query()).total == 3 and not shelf.get("c", "bob").starred


def test_the_filters_of_the_gallery_are_a_query():
    assert gallery.query("fox", "", "", "", "", "", False) == Query(text="fox")
    asked = gallery.query("", "text-to-video", "mini", "1:1", "Today", "best", True)
    assert (asked.task, asked.aspect, asked.tag, asked.starred) == ("text-to-video", "1:1", "best", True)
    assert asked.since is not None
    with pytest.raises(BadRequest):
        gallery.query("", "", "", "", "Yesterday", "", False)


def test_the_details_of_a_clip_are_escaped_and_leave_out_what_is_empty(shelf):
    shown = details.described(shelf.get("a", "ada"), ENGLISH)
    assert "<script>" not in shown and "&lt;script&gt;" in shown
    assert "2 s, 32 frames at 16 fps" in shown and "Negative" not in shown


def test_only_clips_of_the_owner_and_guests_come_to_be_compared_four_at_most(shelf, tmp_path):
    guest = Guest(path=tmp_path / "b.mp4", name="b.mp4", kind="clip")
    there = compare.lineup(shelf, "ada", ["a", "c", "../a", {"a": 1}, guest])
    assert [each.id for each, _ in there] == ["a"]
    there = compare.lineup(shelf, "ada", ["a", guest, "b", "b", guest])
    assert len(there) == 4 and there[1] == (guest, guest.path)


def test_the_table_shows_what_was_asked_and_what_was_measured(shelf, tmp_path):
    clips = [shelf.get("a", "ada"), Guest(path=tmp_path / "b.mp4", name=NASTY, kind="clip", width=4, height=2)]
    fact = {"name": "Sharpness", "value": 12.3456, "unit": "", "says": "more is sharper", "source": "here"}
    table = lineup.compared(clips, [[fact], None], ENGLISH)
    rows = {row["name"]: row["values"] for row in table["rows"]}
    assert rows["Seed"] == ["97", "-"] and rows["Size"] == ["64 x 48 (1:1)", "4 x 2"]
    assert rows["Sharpness"] == ["12.35", "-"]
    stage = lineup.staged(clips, "wipe")
    assert stage["clips"][0]["id"] == "a" and "id" not in stage["clips"][1] and stage["fps"] == 24
    assert lineup.compared([], [], ENGLISH) is None and lineup.staged([], "side") is None


def test_a_clip_is_measured_once_and_a_failure_is_a_sentence(tmp_path):
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"no film")
    assert measures.kept(clip) is None
    with pytest.raises(Unavailable, match="cannot be measured"):
        measures.measure(clip)
    (tmp_path / measures.FACTS).write_text('[{"name": "Sharpness"}]')
    assert measures.measure(clip) == [{"name": "Sharpness"}]


def test_a_file_that_is_brought_is_made_again_by_the_house(clip, tmp_path):
    brought = export.save(clip, tmp_path / "mine.mp4", record=None)
    guest = admit(brought, Settings(data=tmp_path))
    assert (guest.name, guest.kind, guest.width, guest.height, guest.fps) == ("mine.mp4", "clip", 64, 48, 16)
    assert guest.path.is_file() and guest.path.name != "mine.mp4" and foreign.settings_of(guest.path) is None
    (tmp_path / "note.mp4").write_text("no film")
    with pytest.raises(BadRequest, match="neither a film nor a picture"):
        admit(tmp_path / "note.mp4", Settings(data=tmp_path))


def test_gradio_clears_what_was_brought_to_compare(still, tmp_path):
    guest = admit(export.save(still, tmp_path / "mine.png", record=None), Settings(data=tmp_path))
    with gr.Blocks(analytics_enabled=False) as page:
        stage = Compare()
    move_files_to_cache(lineup.staged([guest], "side"), stage, postprocess=True)
    assert guest.path.is_file()
    delete_files_created_by_app(page, None)
    assert not guest.path.exists()

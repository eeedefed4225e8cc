"""The panels that are not Create: what their forms read, what they take in, where acts go, what a click would do."""

import dataclasses
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import numpy as np
import pytest
from gradio.utils import get_upload_folder

from pipelines import catalog
from pipelines.clip import Clip
from pipelines.errors import BadRequest, Unavailable
from pipelines.media import export, video
from pipelines.requests import (
    TASKS,
    EditVideo,
    ImageToVideo,
    Personalize,
    Request,
    TextToSound,
    TextToVideo,
    Upscale,
    VideoToSound,
)
from studio import inputs, shop, takes
from studio.arena import Plan, Prompt, System
from studio.settings import Settings
from studio.studio import Studio
from studio.ui import brought, drawer, outlook, words
from studio.ui.app import TABS
from studio.ui.composer import Composer
from studio.ui.desk import Desk
from studio.ui.panel import Panel
from studio.ui.post import makers, rooms, tab_id
from studio.ui.tabs import animate, edit, sound
from studio.ui.web import Media

ENGLISH = words.say_in("en")
ADA = SimpleNamespace(state=SimpleNamespace(owner="ada"), headers={})
NASTY = "<img src=x onerror=alert(1)>"


@pytest.fixture
def studio(tmp_path: Path):
    opened = Studio.open(Settings(data=tmp_path / "data", runner="inline"))
    yield opened
    opened.close()


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """A picture and a clip whose frames grow brighter."""
    frames = np.repeat(np.arange(10, dtype=np.uint8)[:, None, None, None] * 20, 32 * 32 * 3, axis=1)
    frames = frames.reshape(10, 32, 32, 3)
    export.save(Clip(frames=frames, fps=8, origin=TextToVideo(prompt="light")), tmp_path / "in.mp4")
    return {"video": tmp_path / "in.mp4", "image": export.picture(frames[5], tmp_path / "in.png")}


@pytest.fixture
def kept(studio: Studio, files: dict[str, Path]) -> str:
    """The id of a clip of Ada's."""
    clip = studio.settings.clips / "a" / "clip.mp4"
    clip.parent.mkdir(parents=True)
    shutil.copy(files["video"], clip)
    shape = {"frames": 10, "fps": 8, "width": 32, "height": 32, "elapsed_s": 1.0}
    studio.gallery.add(
        SimpleNamespace(path=clip, request=TextToVideo(prompt="light", seconds=1.25, fps=8), **shape), "ada"
    )
    return "a"


def drawn(studio: Studio, kind: type[Request]) -> Composer:
    with gr.Blocks(analytics_enabled=False):
        return Composer(studio, kind)


def panel(studio: Studio, tab: Any) -> Panel:
    with gr.Blocks(analytics_enabled=False):
        desk = Desk(studio, rooms(TABS), makers(TABS))
        desk.tab = gr.Tab(id=tab_id(tab.NAME))
        return Panel(desk, tab.NAME, tab.MAKES)


def values_of(composer: Composer, **given: object) -> list[object]:
    return [given.get(name, widget.value) for name, widget in composer.form.widgets.items()]


def uploaded(file: Path) -> gr.EventData:
    """The event of a browser that has just sent a file to gradio."""
    place = Path(get_upload_folder()) / "test" / file.name
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(file, place)
    return gr.EventData(None, {"path": str(place), "name": file.name})


def test_every_task_has_a_panel_and_every_act_of_a_card_a_place():
    assert makers(TABS).keys() == TASKS.keys()
    assert {"edit", "sound", "personalize", "extend", "upscale"} <= rooms(TABS).keys()


@pytest.mark.parametrize("kind", TASKS.values(), ids=lambda kind: kind.task)
def test_a_form_becomes_a_job_and_the_job_a_clip(
    kind: type[Request], studio: Studio, files: dict[str, Path], tiny_models: list[str]
):
    if kind is TextToVideo:
        pytest.skip("mini makes it in the other tests")
    composer = drawn(studio, kind)
    given: dict[str, object] = {"prompt": "a cat", "consent": "fictional", "steps": 2, "seed": 3}
    for each in composer.files:
        if each.name not in ("mask", "last"):
            given[each.name] = inputs.take(files[each.media], each.media, studio.settings, asked=each.name)
    asked = composer.read(1, True, *values_of(composer, **given))[0]
    assert asked.model in tiny_models
    asked = dataclasses.replace(asked, **({"seconds": 1.0} if hasattr(asked, "seconds") else {}))
    if asked.media_fields() and composer.files:
        with pytest.raises(BadRequest, match="is a file that you have not brought"):
            studio.jobs.submit(asked, "ada")
    studio.jobs.belongings.add("ada", *map(str, given.values()))
    id = studio.jobs.submit(asked, "ada")
    studio.supervisor.run(id)
    job = studio.jobs.get(id, "ada")
    assert job.state == "done", job.message
    assert studio.gallery.get(job.clip, "ada").task == kind.task


def test_the_takes_of_a_click_are_all_ordered_or_none_is(studio: Studio):
    with pytest.raises(Unavailable, match="0 of your clips are waiting, this would add 51"):
        panel(studio, sound)._submit("ada", [TextToVideo(prompt="a cat")] * 51, "")
    assert studio.jobs.list("ada") == []


def test_nobody_s_face_is_used_before_somebody_has_said_by_what_right(studio: Studio, tiny_models: list[str]):
    composer = drawn(studio, Personalize)
    assert composer.form.widgets["consent"].value is None
    face = f"inputs/{'0' * 64}.png"
    with pytest.raises(BadRequest, match="consent: is missing"):
        composer.read(1, False, *values_of(composer, prompt="a cat", face=face))
    with pytest.raises(BadRequest, match="face: is missing"):
        composer.read(1, False, *values_of(composer, prompt="a cat", consent="own face"))


def test_a_file_comes_in_through_the_door_and_is_shown_small(studio: Studio, files: dict[str, Path]):
    composer = drawn(studio, Personalize)
    reference, shown = composer.files[0]._bring(uploaded(files["image"]), ADA)
    assert (studio.settings.data / reference).is_file() and shown["picture"].startswith("data:image/webp;base64,")
    asked = ImageToVideo(prompt="a cat", image=reference)
    studio.jobs.belongings.check("ada", asked)
    with pytest.raises(BadRequest, match="image: is a file that you have not brought"):
        studio.jobs.belongings.check("bob", asked)
    assert shown["says"] == "in.png" and not (Path(get_upload_folder()) / "test" / "in.png").exists()


def test_a_refused_file_leaves_nothing_and_says_why(studio: Studio, files: dict[str, Path]):
    zone = drawn(studio, VideoToSound).files[0]
    assert zone._bring(uploaded(files["image"]), ADA)[0] == ""
    refused = zone._bring(uploaded(files["image"]), ADA)[1]["refused"]
    assert "must be a film" in refused and not (studio.settings.data / "inputs").exists()
    assert not (Path(get_upload_folder()) / "test" / "in.png").exists()


@pytest.mark.parametrize("path", ["/etc/passwd", "", None, 3, "../../x", "\0"])
def test_a_file_that_was_not_uploaded_does_not_exist(path: object, studio: Studio):
    zone = drawn(studio, ImageToVideo).files[0]
    reference, shown = zone._bring(gr.EventData(None, {"path": path}), ADA)
    assert reference == "" and "was uploaded" in shown["refused"]


def test_a_clip_of_the_gallery_goes_to_the_form_that_its_act_names(studio: Studio, kept: str):
    where = panel(studio, edit)
    order = {"act": "edit", "clip": kept, "clips": [kept], "n": 1}
    changed = where._order(order, ADA)
    assert changed[1] == EditVideo.task and [column.visible for column in changed[2:4]] == [True, False]
    shown = [each["value"] for each in changed[4:] if isinstance(each, dict) and "value" in each]
    assert shown[0].startswith("inputs/") and shown[1]["film"] == f"media/{kept}/clip"
    other = where._order(order | {"act": "upscale"}, ADA)
    assert other[1] == Upscale.task
    assert all(each == gr.skip() for each in where._order(order | {"act": "sound"}, ADA))


def test_extending_a_clip_begins_with_its_last_frame(studio: Studio, kept: str):
    zone = panel(studio, animate)._composers[ImageToVideo.task].files[0]
    reference, _ = zone.of_clip(studio.gallery.get(kept, "ada"), studio.gallery.path(kept, "ada", "clip"), "ada")
    assert video.read(studio.settings.data / reference).frames.mean() > 150


def test_nobody_sends_another_s_clip_anywhere(studio: Studio, kept: str):
    bob = SimpleNamespace(state=SimpleNamespace(owner="bob"), headers={})
    with pytest.raises(gr.Error, match="there is no such clip"):
        panel(studio, sound)._order({"act": "sound", "clip": kept, "clips": [kept], "n": 1}, bob)


def test_what_was_asked_for_goes_back_to_the_tab_that_asks_for_such_things(studio: Studio, tiny_models: list[str]):
    desk = Desk(studio, rooms(TABS), makers(TABS))
    id = studio.jobs.submit(TextToSound(prompt="rain", model="tiny-stable-audio", seconds=1, steps=1), "ada")
    order = {"act": "change", "clip": id, "clips": [id], "n": 1}
    assert desk.post.room(order, "ada") == "Sound" and desk.post.room(order, "bob") == "Create"
    where = panel(studio, sound)
    changed = where._order(order, ADA)
    assert changed[0] == {"job": id, "clip": ""} and changed[1] == TextToSound.task and id in changed


def test_the_files_that_a_dropped_file_names_are_not_filled_in(studio: Studio, files: dict[str, Path]):
    someone = inputs.take(files["image"], "image", studio.settings, asked="image")
    asked = ImageToVideo(prompt="a cat", image=someone, model="wan-2.2-5b").to_dict()
    order = {"act": "reuse", "clip": "", "clips": [], "request": asked, "n": 1}
    changed = panel(studio, animate)._order(order, ADA)
    assert someone not in str(changed) and "data:image" not in str(changed) and "a cat" in str(changed)


def test_where_nothing_can_run_the_button_says_so_and_what_would_help(studio: Studio):
    composer = drawn(studio, EditVideo)
    row, facts = composer._model, shop.outlook(composer._model)
    assert outlook.says(facts, ENGLISH) == "Cannot run here" and not outlook.possible(facts)
    said = outlook.obstacle(row, facts, EditVideo.task, ENGLISH)
    assert "needs an NVIDIA card" in said and "python -m studio models download" in said
    assert "Licence" in outlook.told(row, facts, ENGLISH, takes=1)


def test_where_only_the_weights_are_missing_the_button_downloads_them(monkeypatch: pytest.MonkeyPatch):
    row = catalog.spec("wan-2.1-1.3b")
    facts = dataclasses.replace(shop.outlook(row), reason="wan is not downloaded", disk_free=10**12, offline=False)
    assert outlook.says(facts, ENGLISH).startswith("Download 1") and outlook.possible(facts)
    said = outlook.told(row, facts, ENGLISH, takes=1)
    assert "GB to download" in said and row.licence in said
    assert not outlook.possible(dataclasses.replace(facts, offline=True))
    assert "There is no room" in outlook.obstacle(row, dataclasses.replace(facts, disk_free=0), "edit", ENGLISH)


def test_what_a_licence_says_is_escaped():
    row = dataclasses.replace(catalog.spec("ltx-2.5"), licence=NASTY, forbids=NASTY, gated=True, repo=NASTY)
    facts = dataclasses.replace(shop.outlook(row), licence=NASTY, forbids=NASTY, gated=True, reason=NASTY)
    assert NASTY not in outlook.told(row, facts, ENGLISH, takes=1) + outlook.obstacle(row, facts, "edit", ENGLISH)


def test_every_place_for_a_file_knows_what_to_ask_for():
    medias = {field.metadata.get("media") for kind in TASKS.values() for field in dataclasses.fields(kind)}
    assert medias - {None} <= brought.CALLS.keys()


def test_a_queue_goes_to_a_file_and_comes_back(studio: Studio, files: dict[str, Path], tmp_path: Path):
    studio.jobs.submit(TextToVideo(prompt="a cat"), "ada")
    route = next(each for each in Media(studio).routes() if each.path == "/media/queue")
    answer = route.endpoint(SimpleNamespace(state=SimpleNamespace(owner="ada")))
    queue = shutil.copy(answer.path, tmp_path / "rushes-queue.zip")
    assert len(drawer.add_queue(studio, "bob", uploaded(Path(queue))._data)) == 1
    assert studio.jobs.list("bob")[0].request.prompt == "a cat"
    with pytest.raises(BadRequest, match="is not a queue"):
        drawer.add_queue(studio, "bob", uploaded(files["image"])._data)
    with pytest.raises(BadRequest, match="was uploaded"):
        drawer.add_queue(studio, "bob", {"path": str(queue)})


def test_a_form_opens_with_the_settings_of_the_last_click_but_not_of_a_study(studio: Studio):
    composer = drawn(studio, TextToVideo)

    def opened() -> dict[str, Any]:
        shown = dict(zip(composer.form.widgets, composer._opened(ADA), strict=False))
        return {name: shown[name].get("value") for name in ("prompt", "aspect", "seconds", "steps", "negative")}

    usual = opened()
    assert composer._opened(ADA)[list(composer.form.widgets).index("seed")]["value"] > 0
    studio.jobs.submit(TextToVideo(prompt="a cat", aspect="9:16", seconds=2, steps=12, negative="a dog"), "ada")
    kept = opened()
    assert kept == usual | {"aspect": "9:16", "seconds": 2, "steps": 12}, "and no words"
    systems = tuple(
        System(name=name, settings={"model": "mini", "steps": steps}) for name, steps in (("x", 5), ("y", 6))
    )
    study = studio.arena.create(Plan(title="t", prompts=(Prompt(name="a", text="a fox"),), systems=systems), "ada")
    takes.order(studio.arena, studio.jobs, study, "ada")
    assert opened() == kept

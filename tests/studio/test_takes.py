"""How prompts and clips come into a study: suites, folders, zips, jobs; and the command that does all of it."""

import json
import sqlite3
import zipfile

import gradio as gr
import numpy as np
import pandas as pd
import pytest

from pipelines.clip import Clip
from pipelines.errors import BadRequest, Unavailable
from pipelines.media import export, video
from pipelines.requests import TextToVideo
from pipelines.vocabulary import unknown_words
from studio import pace, prompts, takes
from studio.arena import Plan, Prompt, System
from studio.ballots import Ballots
from studio.cli import main
from studio.made import Made
from studio.settings import Settings
from studio.studio import Studio
from studio.ui import words
from studio.ui.tabs import studies

ME = "browser:me"
ENGLISH = words.say_in("en")


@pytest.fixture
def studio(tmp_path):
    opened = Studio.open(Settings(data=tmp_path / "data"))
    yield opened
    opened.close()


def film(seed: int) -> Clip:
    frames = np.random.default_rng(seed).integers(0, 255, (8, 48, 64, 3), dtype=np.uint8)
    return Clip(frames=frames, fps=8, origin=TextToVideo(prompt="a fox", seed=seed))


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Two systems with a clip for each of two prompts; one file is a picture."""
    made = {}
    for number, name in enumerate(("one", "two")):
        made[name] = tmp_path_factory.mktemp(name)
        export.save(film(number), made[name] / "a.mp4")
        export.save(film(10 + number), made[name] / "b.mp4")
    return made


def test_our_suites_are_whole_and_the_theatres_words_are_known_to_mini():
    for name in prompts.suites():
        suite = prompts.find(name)
        assert len({prompt.name for prompt in suite}) == len({prompt.text for prompt in suite}) == len(suite) >= 16
        assert all(prompt.concept and prompt.motion in prompts.MOTIONS for prompt in suite)
        assert {prompt.motion for prompt in suite} == set(prompts.MOTIONS)
    assert [prompt.text for prompt in prompts.find("theatre") if unknown_words(prompt.text)] == []


def test_the_lists_of_movie_gen_bench_are_read_as_they_are(tmp_path):
    video_bench = tmp_path / "MovieGenVideoBenchWithTag.csv"
    video_bench.write_text(
        'prompt,concept,motion_level\n"A fox, jumping.","animal,camera motion",high\nA hill.,scene,low\n'
    )
    first, second = prompts.read(video_bench)
    assert (first.name, first.text, first.concept, first.motion) == (
        "0001",
        "A fox, jumping.",
        "animal;camera motion",
        "high",
    )
    assert second.concept == "scene"
    audio_bench = tmp_path / "MovieGenAudioBenchSfxMusic.jsonl"
    audio_bench.write_text('{"id": 7, "video_prompt": "v", "audio_prompt": "rain", "music_prompt": "slow piano"}\n')
    (sound,) = prompts.read(audio_bench)
    assert (sound.name, sound.text) == ("7", "rain Music: slow piano")
    table = tmp_path / "bench.parquet"
    pd.DataFrame({"prompt": ["a", "b"], "video": [b"x" * 100] * 2}).to_parquet(table)
    assert [prompt.text for prompt in prompts.read(table)] == ["a", "b"]
    plain = tmp_path / "list.txt"
    plain.write_text("# a comment\na fox\n\na cat\n")
    assert [prompt.text for prompt in prompts.find(str(plain))] == ["a fox", "a cat"]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("x.csv", "name\na\n"),
        ("x.jsonl", "{"),
        ("x.jsonl", '{"prompt": "a"}\n5\n'),
        ("x.json", "3"),
        ("x.parquet", "no"),
        ("x.md", "a"),
        ("x.csv", ""),
    ],
)
def test_what_is_no_list_of_prompts_is_refused_in_a_sentence(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    with pytest.raises(BadRequest) as refused:
        prompts.find(str(tmp_path / name))
    assert refused.value.field == "prompts"
    for wrong in ("nowhere.csv", "hf:owner/name"):
        with pytest.raises(BadRequest):
            prompts.find(wrong)


def test_a_zip_becomes_folders_and_nothing_lands_outside(tmp_path, folders):
    archive, into = tmp_path / "clips.zip", tmp_path / "into"
    into.mkdir()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.write(folders["one"] / "a.mp4", "all/one/a.mp4")
        packed.write(folders["two"] / "a.mp4", "all/../two/a.mp4")
        for name in ("../../evil.mp4", "evil.mp4", "/evil.mp4", "one/notes.txt", "one/.hidden.mp4", "one/..\\evil.mp4"):
            packed.writestr(name, "x")
    found = takes.unpack(archive, into)
    assert set(found) == {"one", "two"} and [file.name for file in found["one"].iterdir()] == ["a.mp4"]
    assert not list(tmp_path.rglob("*evil*"))
    archive.write_bytes(b"PK no zip")
    with pytest.raises(BadRequest, match="no zip"):
        takes.unpack(archive, into)


def test_clips_come_in_without_their_settings_and_missing_ones_are_named(studio, folders):
    suite = (Prompt(name="a", text="x"), Prompt(name="b", text="y"), Prompt(name="../a", text="z"))
    plan = Plan(title="mine", prompts=suite, systems=tuple(System(name=name) for name in folders))
    study = studio.arena.create(plan, ME)
    missing = takes.from_folders(studio.arena, study, ME, folders=folders, progress=lambda *_: None)
    assert missing == ["one: ../a", "two: ../a"]
    kept = [take for take in studio.arena.takes(study, ME) if take.file]
    assert [take.seed for take in kept] == [0, 1, 10, 11]
    for take in kept:
        copy = studio.arena.folder / study / take.file
        assert video.request_of(copy) is None and copy.with_suffix(".webp").is_file()
    with pytest.raises(BadRequest, match="no system"):
        takes.from_folders(studio.arena, study, ME, folders={"three": folders["one"]}, progress=lambda *_: None)


def test_jobs_make_the_clips_of_systems_with_the_same_seed_for_all(studio):
    systems = tuple(System(name=str(steps), settings={"model": "mini", "steps": steps}) for steps in (10, 20))
    plan = Plan(
        title="steps", prompts=(Prompt(name="a", text="a fox"), Prompt(name="b", text="a cat")), systems=systems
    )
    study = studio.arena.create(plan, ME)
    assert takes.order(studio.arena, studio.jobs, study, ME) == 4
    assert takes.order(studio.arena, studio.jobs, study, ME) == 0
    ordered = studio.arena.takes(study, ME)
    jobs = {(take.prompt.name, take.system.name): studio.jobs.get(take.job, ME) for take in ordered}
    seeds = {name: job.request.seed for name, job in jobs.items()}
    assert seeds["a", "10"] == seeds["a", "20"] != seeds["b", "10"]
    assert jobs["b", "20"].request.steps == 20 and jobs["b", "20"].request.prompt == "a cat"
    for number in range(2):
        job = studio.jobs.claim("worker")
        folder = studio.settings.clips / f"{number:032x}"
        folder.mkdir(parents=True)
        path = export.save(film(number), folder / "clip.mp4")
        made = Made(path=path, request=job.request, frames=8, fps=8, width=64, height=48, elapsed_s=1.0)
        studio.jobs.finish(job.id, "done", "", studio.gallery.add(made, ME, job.id))
    studio.jobs.cancel(studio.jobs.list(ME, over=False)[0].id, ME)
    failed = takes.collect(studio.arena, studio.jobs, studio.gallery, study)
    assert len(failed) == 1 and "cancelled" in failed[0]
    assert studio.arena.status(study, ME)["ready"] == 2


def test_settings_that_fit_no_request_are_refused_before_any_job(studio):
    systems = (System(name="x", settings={"model": "mini"}), System(name="y", settings={"model": "mini", "stpes": 3}))
    study = studio.arena.create(Plan(title="t", prompts=(Prompt(name="a", text="a fox"),), systems=systems), ME)
    with pytest.raises(BadRequest, match="no such field"):
        takes.order(studio.arena, studio.jobs, study, ME)
    assert studio.jobs.list(ME) == []


def test_what_cannot_be_ordered_is_said_and_a_word_in_place_of_a_number(studio):
    systems = tuple(System(name=name, settings={"model": "mini"}) for name in ("x", "y"))
    plan = Plan(title="t", task="sound", prompts=(Prompt(name="a", text="rain"),), systems=systems)
    with pytest.raises(BadRequest, match="'sound' cannot be ordered"):
        takes.order(studio.arena, studio.jobs, studio.arena.create(plan, ME), ME)
    assert studies._settings(["mini", "50.0", "", None]) == {"model": "mini", "steps": 50}
    with pytest.raises(BadRequest, match="'fast' is no number"):
        studies._settings(["mini", "fast"])


def test_where_a_job_cannot_be_noted_in_its_study_there_is_no_job(studio):
    systems = tuple(System(name=name, settings={"model": "mini"}) for name in ("x", "y"))
    study = studio.arena.create(Plan(title="t", prompts=(Prompt(name="a", text="a fox"),), systems=systems), ME)
    with studio.database.write() as tables:
        tables.execute("CREATE TRIGGER full BEFORE UPDATE ON takes BEGIN SELECT raise(ABORT, 'full'); END")
    with pytest.raises(sqlite3.IntegrityError):
        takes.order(studio.arena, studio.jobs, study, ME)
    assert studio.jobs.list(ME) == []


def test_the_forms_own_values_make_a_study_whose_clips_are_all_ordered(studio):
    study = studies.created(studio, ME, defaults(title="25 or 50 steps?"), lambda *_: None, ENGLISH)
    made = studio.arena.takes(study, ME)
    assert len(made) > 20 and all(studio.jobs.get(take.job, ME).state == "queued" for take in made)


def test_what_a_study_costs_is_said_before_it_is_made(studio):
    values = defaults(title="")
    assert studies.cost(studio, values, ENGLISH) == "Clips to make: 24. The first ones show how long it takes."
    for row in studies.ROWS:
        work = studio.jobs.work(TextToVideo(prompt="x", steps=row[2], guidance=row[3], seconds=row[4]))
        with studio.database.write() as tables:
            pace.learn(tables, work, pace.Speed(step_s=1, rest_s=5))
    assert studies.cost(studio, values, ENGLISH) == "Clips to make: 24. That takes about 17 min."  # 12 x (30 + 55) s
    values[1] = "film"
    assert "mini does not know: 12." in studies.cost(studio, values, ENGLISH)
    values[5] = "sound"
    with pytest.raises(BadRequest, match="cannot be ordered"):
        studies.cost(studio, values, ENGLISH)


def test_a_draft_is_discarded_with_its_jobs_but_what_people_voted_in_stays(studio, folders):
    plan = Plan(title="t", prompts=(Prompt(name="a", text="x"),), systems=tuple(System(name=name) for name in folders))
    voted = studio.arena.create(plan, ME)
    takes.from_folders(studio.arena, voted, ME, folders=folders, progress=lambda *_: None)
    studio.arena.open(voted, ME)
    draft = studies.created(studio, ME, defaults(title="25 or 50 steps?"), lambda *_: None, ENGLISH)
    jobs = [take.job for take in studio.arena.takes(draft, ME)]
    for study, whose in ((voted, ME), (draft, "browser:you")):
        with pytest.raises(BadRequest):
            takes.discard(studio.arena, study, whose)
    takes.discard(studio.arena, draft, ME)
    assert [study.id for study in studio.arena.studies(None)] == [voted]
    assert len(jobs) > 20 and {studio.jobs.get(job, ME).state for job in jobs} == {"cancelled"}


def test_a_study_that_the_queue_has_no_room_for_leaves_nothing_behind(tmp_path, folders, capsys):
    small = Studio.open(Settings(data=tmp_path / "small", max_waiting=3))
    with pytest.raises(Unavailable, match="this would add 24, and 3 is the most"):
        studies.created(small, ME, defaults(title="25 or 50 steps?"), lambda *_: None, ENGLISH)
    plan = Plan(title="t", prompts=(Prompt(name="a", text="x"),), systems=(System(name="one"), System(name="two")))
    with pytest.raises(BadRequest, match="no folder"), takes.begun(small.arena, plan, ME) as study:
        takes.from_folders(small.arena, study, ME, folders={"one": folders["one"]}, progress=lambda *_: None)
        assert list(small.arena.folder.iterdir())
        raise BadRequest("clips", "no folder")
    assert small.arena.studies(None) == [] and small.jobs.list(None) == [] and not list(small.arena.folder.iterdir())
    small.close()


def test_a_zip_that_would_leave_a_dead_draft_is_refused_with_what_is_missing_and_texts_are_names_too(
    studio, folders, tmp_path
):
    suite, archive = tmp_path / "p.txt", tmp_path / "s.zip"
    values = defaults(title="mine")
    values[4], values[-1] = suite, archive
    with zipfile.ZipFile(archive, "w") as packed:
        for name in ("one", "two"):
            packed.write(folders[name] / "a.mp4", f"{name}/A red_balloon.mp4")
    suite.write_text("a fox\na cat\n")
    with pytest.raises(BadRequest, match=r"missing are one: 0001 \(a fox\), two: 0001 \(a fox\)"):
        studies.created(studio, ME, values, lambda *_: None, ENGLISH)
    assert studio.arena.studies(ME) == []
    suite.write_text("a fox\nA red balloon.\n")
    study = studies.created(studio, ME, values, lambda *_: None, ENGLISH)
    assert studio.arena.study(study, ME).state == "open" and studio.arena.status(study, ME)["ready"] == 2


def defaults(title: str) -> list[object]:
    """The values of the form as the page draws it, with a title."""
    with gr.Blocks(analytics_enabled=False):
        widgets, _ = studies._form()
    _, *values = [studies.ROWS if isinstance(widget, gr.Dataframe) else widget.value for widget in widgets]
    return [title, *values]


def test_the_command_takes_a_study_from_folders_to_a_report(tmp_path, folders, capsys):
    data, suite = tmp_path / "data", tmp_path / "suite.csv"
    suite.write_text("name,prompt,concept,motion\na,a fox,animals,low\nb,a cat,animals,high\n")

    def arena(*words: str) -> dict:
        assert main(["arena", *words, "--json", "--data", str(data)]) == 0
        return json.loads(capsys.readouterr().out)

    sides = [f"--system={name}={folder}" for name, folder in folders.items()]
    made = arena("create", "one or two", "--prompts", str(suite), *sides, "--axis", "overall", "--raters", "1")
    study = made["study"]
    assert made["state"] == "open" and made["missing"] == [] and made["pairs"] == 2
    link = arena("link", study, "--at", "https://studio.example/")["link"]
    assert link.startswith("https://studio.example/vote/")
    opened = Studio.open(Settings(data=data))
    ballots, name = Ballots(opened.arena), link.rsplit("/", 1)[1]
    while ballot := ballots.next(name, "rater"):
        assert all(ballots.media(side, "rater") for side in (ballot.left, ballot.right))
        ballots.cast(name, "rater", ballot.id, {"overall": 1})
    opened.close()
    assert arena("status", study)["done"] == 1.0 and [row["id"] for row in arena("list")["studies"]] == [study]
    told = arena("report", study, "--out", str(tmp_path / "report.html"))
    assert "Preliminary" in told["headline"][0] and "data:image/webp" in (tmp_path / "report.html").read_text()
    assert len(pd.read_csv(arena("export", study, "--out", str(tmp_path / "v.csv"))["file"])) >= 2
    assert arena("close", study)["state"] == "closed"
    assert main(["arena", "discard", study, "--data", str(data)]) == 2
    assert main(["arena", "status", "nothing", "--data", str(data)]) == 2
    assert main(["arena", "create", "x", "--prompts", "film", "--system", "alone", "--data", str(data)]) == 2
    assert capsys.readouterr().err.count("\n") == 3


def test_the_form_makes_a_study_of_a_zip_or_of_models(studio, tmp_path, folders):
    archive = tmp_path / "clips.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for name, folder in folders.items():
            packed.write(folder / "a.mp4", f"{name}/fox-meadow.mp4")
    given = ["<b>mine</b>", "theatre", 2, 1, None, "text-to-video", [], str(archive)]
    study = studies.created(studio, ME, given, lambda *_: None, ENGLISH)
    assert studio.arena.status(study, ME)["pairs"] == 1
    page = studies.told(studio, study, ME, ENGLISH, "https://here.example/studio/?__theme=dark")
    assert 'data-copy="https://here.example/studio/vote/' in page and "<b>" not in page
    given = [
        "steps",
        "theatre",
        2,
        1,
        None,
        "text-to-video",
        [["few", "mini", 10, 4, ""], ["many", "mini", 50.0, None, 2], ["", "", "", "", ""]],
        None,
    ]
    study = studies.created(studio, ME, given, lambda *_: None, ENGLISH)
    assert [take.system.settings for take in studio.arena.takes(study, ME)[:2]] == [
        {"model": "mini", "steps": 10, "guidance": 4},
        {"model": "mini", "steps": 50, "seconds": 2},
    ]
    assert studio.jobs.counts(ME)["queued"] == 4

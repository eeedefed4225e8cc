"""What comes whole from below the page is French for who reads French, and English stays as it is."""

from collections import deque
from pathlib import Path
from types import SimpleNamespace

import pytest

from pipelines import catalog, safety
from pipelines.errors import BadRequest, Unavailable
from pipelines.evaluation import netwin
from pipelines.hub import download, remote
from pipelines.media import door
from pipelines.moviegen import checkpoint, presets
from pipelines.moviegen.nn.tae import TAE
from pipelines.moviegen.nn.transformer import VideoTransformer
from pipelines.moviegen.text_to_video import TextToVideoPipeline
from pipelines.requests import Personalize, TextToVideo
from pipelines.spec import LEVELS
from studio import arena, prompts, service, verdict
from studio.ui import words
from studio.ui.retold import named, refusal, retold

ENGLISH, FRENCH = words.say_in("en"), words.say_in("fr")
FAR = [
    download._message(have, total, deque([(0.0, 0), (seconds, have)]))
    for have, total, seconds in (
        (0, 200_000, 1.0),
        (100_000, 200_000, 1.0),
        (200_000, 200_000, 1.0),
        (3_200_000_000, 14_700_000_000, 10.0),
        (3_200_000_000, 14_700_000_000, 1000.0),
    )
]


@pytest.mark.parametrize("row", catalog.specs(), ids=lambda row: row.name)
def test_every_model_of_the_table_is_described_and_refused_in_french(row):
    for text in filter(None, (row.about, row.forbids, catalog.runs_here(row))):
        assert retold(text, ENGLISH) == text
        assert retold(text, FRENCH) != text


def test_how_far_a_download_is_has_its_french():
    assert [retold(text, ENGLISH) for text in FAR] == FAR
    assert retold(FAR[0], FRENCH) == "0.0 sur 0.2 Mo" and retold(FAR[2], FRENCH) == "0.2 sur 0.2 Mo, v\u00e9rification"
    assert retold(FAR[3], FRENCH) == "3.2 sur 14.7 Go, 320.0 Mo/s, encore 36 s"
    assert retold(FAR[4], FRENCH).endswith("encore 60 min")


def test_what_a_provider_answers_has_its_french():
    for text in (remote.CHARGED, *(answer.format(who="fal-ai") for answer in remote.ANSWERS.values())):
        assert retold(text, FRENCH) != text == retold(text, ENGLISH)


def test_what_happens_where_the_card_is_too_small_has_its_french():
    offload = pytest.importorskip("pipelines.hub.offload")
    tried = [offload.TRIED.format(level=offload.WORDS[level]) for level in LEVELS[1:]]
    for text in (*tried, offload.TOO_LARGE.format(name="wan-2.2-5b")):
        assert "memory" not in retold(text, FRENCH) and " card" not in retold(text, FRENCH)


def test_how_mini_reads_what_it_does_not_know_has_its_french():
    tiny = VideoTransformer(presets.TRANSFORMER["tiny"]), TAE(presets.TAE["tiny"])
    pipeline = TextToVideoPipeline(checkpoint.load_text(), *tiny)
    notes = service.strangers(TextToVideo(prompt="a cat sleeps in a city at night"), pipeline)
    assert notes == ["mini reads city as city street", "mini does not know: sleeps"]
    assert [retold(note, FRENCH) for note in notes] == [
        "mini lit city comme city street",
        "mini ne conna\u00eet pas : sleeps",
    ]


def test_what_mini_seldom_manages_is_noted_for_clips_and_has_its_french():
    (note,) = service.doubts(TextToVideo(prompt="a cat is dancing on a beach"))
    assert retold(note, FRENCH) == "mini r\u00e9ussit rarement : dances"
    assert service.doubts(TextToVideo(prompt="a cat is dancing on a beach", still=True)) == []
    assert service.doubts(TextToVideo(prompt="a cat is dancing on a beach", model="wan-2.2-5b")) == []


@pytest.mark.parametrize("task", ["text-to-video", "edit"])
def test_what_came_out_of_a_study_has_its_french(task):
    study = SimpleNamespace(task=task)
    rate = {"axis": "overall", "a": "x", "b": "y", "part": "", "votes": 1, "wins": 1, "ties": 0, "losses": 0}
    for low in (-40.0, 20.0):
        (said,) = verdict.headline([netwin.Rate(**rate, net=60.0, low=low, high=90.0, p=1.0, preliminary=True)], study)
        assert said == retold(said, ENGLISH) and "votes: 1, prompts: 1. Preliminary" in said
        french = retold(said, FRENCH)
        assert "votes : 1, descriptions : 1. Provisoire : moins de 100 votes." in french and "interval " not in french
    assert retold(*verdict.headline([], study), FRENCH) == "Personne n'a encore vot\u00e9."


def test_a_refusal_begins_with_what_the_page_calls_the_field_and_has_its_french():
    empty = BadRequest("prompt", "is empty; say in a sentence what should be seen")
    assert refusal(empty, ENGLISH) == "Prompt: is empty; say in a sentence what should be seen"
    assert refusal(empty, FRENCH).startswith("Description : est vide ; dites en une phrase")
    assert named(str(empty), FRENCH) == refusal(empty, FRENCH), "kept with a job, it is said in the same way"
    failed = retold(f"25, a fox: failed {empty}", FRENCH)
    assert failed.startswith("25, a fox : \u00e9chec : Description : est vide ; dites"), "and in a study's warning"
    assert refusal(Unavailable("there is no language model on this machine"), FRENCH).startswith("il n'y a pas de")


@pytest.mark.parametrize(
    "asked",
    [
        lambda: TextToVideo(prompt=" "),
        lambda: TextToVideo(prompt="a" * 3000),
        lambda: TextToVideo(prompt="a", seed=-1),
        lambda: TextToVideo(prompt="a", steps=0),
        lambda: TextToVideo(prompt="a", steps=1.5),
        lambda: TextToVideo(prompt="a", seconds=1.01, fps=16),
        lambda: TextToVideo(prompt="a", aspect="9:1"),
        lambda: Personalize(prompt="a", face="inputs/x.png"),
        lambda: arena.Plan(title="", prompts=(), systems=()),
        lambda: arena.Plan(title="a", prompts=(), systems=()),
        lambda: prompts.read(Path(__file__)),
        lambda: door.picture(Path(__file__), Path("/"), asked="face"),
        lambda: safety.default().read("a naked man and his penis"),
    ],
)
def test_what_people_are_refused_most_has_its_french(asked):
    with pytest.raises(BadRequest) as refused:
        asked()
    assert retold(refused.value.message, FRENCH) != refused.value.message


def test_what_is_quoted_inside_is_retold_and_what_is_not_known_stays():
    off = "x is switched off. On the machines of fal-ai. Switch it on with: y"
    assert "Sur les machines de fal-ai." in retold(off, FRENCH)
    assert retold("something {odd} went wrong", FRENCH) == "something {odd} went wrong"

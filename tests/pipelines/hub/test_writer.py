"""A prompt in, a longer one out, through a real causal language model with random weights: limits, cancel, refusals."""

import json
import shutil
import time
from pathlib import Path

import pytest

from pipelines import enhance
from pipelines.errors import BadRequest, Cancelled, Unavailable
from pipelines.hub import language, presence, registry, tiny_text
from pipelines.hub.writer import SAYS, TOKENS, Writer, plain
from pipelines.progress import silent


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_text.talker(tmp_path_factory.mktemp("talker") / "small-talk")


@pytest.fixture
def talker(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The model in a folder that a test may damage, with a registry and a cache of its own."""
    monkeypatch.setenv("RUSHES_MODELS", str(tmp_path / "models.json"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    return Path(shutil.copytree(built, tmp_path / "small-talk"))


def test_a_prompt_goes_in_and_text_comes_out_with_progress(talker: Path):
    heard: list[tuple[float, str]] = []
    text = Writer(talker)("a fox runs", "", lambda *said: heard.append(said))
    assert text and text != "a fox runs" and len(text.split()) <= enhance.LONGEST
    fractions = [fraction for fraction, _ in heard]
    assert 1 < len(heard) <= TOKENS and fractions == sorted(fractions) and heard[0][1] == SAYS
    assert Writer(talker)("a fox runs", "") == text, "the same words, the same prompt"


def test_the_model_reads_the_prompt_and_the_style(talker: Path):
    write = Writer(talker)
    told = write._words.decode(write._asked([{"role": "user", "content": "a fox"}])["input_ids"][0])
    assert told == "a fox\n"
    assert write("a fox runs", "") != write("an owl sleeps under the moon", "")


def test_a_template_without_instructions_gets_them_with_the_prompt(tmp_path: Path):
    strict = "{% if messages[0].role == 'system' %}{{ raise_exception('no') }}{% endif %}{{ messages[0].content }}"
    write = Writer(tiny_text.talker(tmp_path / "strict", strict))
    turns = [{"role": "system", "content": "be brief"}, {"role": "user", "content": "a fox"}]
    assert write._words.decode(write._asked(turns)["input_ids"][0]) == "be brief\n\na fox"


def test_stopping_stops_between_two_words(talker: Path):
    def stop(fraction: float, message: str) -> None:
        if fraction > 3 / TOKENS:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        Writer(talker)("a fox runs", "", stop)


def test_who_is_too_slow_is_given_up(talker: Path):
    begun = time.monotonic()
    with pytest.raises(Unavailable, match=r"small-talk has not finished in 0.2 s"):
        Writer(talker)("a fox runs", "", lambda *_: time.sleep(0.1), wait_s=0.2)
    assert time.monotonic() - begun < 5


def test_what_leaves_out_a_name_is_not_used(talker: Path):
    with pytest.raises(Unavailable, match="small-talk left out 'Anna'"):
        Writer(talker)("the fox meets Anna", "", silent)


@pytest.mark.parametrize(
    ("file", "content", "sentence"),
    [
        ("config.json", "{", "no config.json of a causal language model"),
        ("config.json", '{"architectures": ["T5EncoderModel"]}', "no config.json of a causal language model"),
        ("config.json", '{"architectures": ["XForCausalLM"], "auto_map": {}}', "code of its own, which is never run"),
        ("chat_template.jinja", None, "has no chat template"),
        ("model.safetensors", None, "lacks model.safetensors"),
        ("model.safetensors.index.json", '{"weight_map": []}', "lacks a list of its weights"),
        ("model.safetensors", "damaged", "cannot be read as a language model"),
        ("tokenizer.json", "{", "cannot be read as a language model"),
    ],
)
def test_a_broken_folder_is_refused_with_one_sentence(talker: Path, file: str, content: str | None, sentence: str):
    (talker / file).unlink(missing_ok=True)
    if content is not None:
        (talker / file).write_text(content, encoding="utf-8")
    with pytest.raises(Unavailable, match=sentence) as caught:
        Writer(talker)
    assert "\n" not in str(caught.value)


def test_a_broken_template_is_refused_with_one_sentence(tmp_path: Path):
    write = Writer(tiny_text.talker(tmp_path / "odd", "{{ raise_exception('no') }}"))
    with pytest.raises(Unavailable, match="chat template of .* cannot be used"):
        write("a fox", "")


def test_a_folder_is_named_forgotten_and_switched_off(talker: Path):
    assert language.find() is None and language.choose(str(talker)) == talker == language.find()
    assert language.title(talker) == "small-talk"
    with pytest.raises(BadRequest, match="writer: .*no config.json"):
        language.choose(str(talker.parent))
    assert language.find() == talker, "a refused folder changes nothing"
    assert language.choose("off") is None and language.choose("") is None
    assert registry.writer() == ""


def test_a_usual_one_is_found_in_the_cache_unless_it_is_switched_off(talker: Path):
    place = presence.repository(language.USUAL[0])
    (place / "refs").mkdir(parents=True)
    (place / "refs" / "main").write_text("abc", encoding="ascii")
    assert language.find() is None, "a reference to nothing"
    shutil.copytree(talker, place / "snapshots" / "abc")
    found = language.find()
    assert found == place / "snapshots" / "abc" and language.title(found) == language.USUAL[0]
    assert language.choose("off") is None


def test_thoughts_and_quotation_marks_are_taken_off():
    assert plain("<think>hm\nhm</think>\n\n A fox\nruns. ") == "A fox runs."
    assert plain('"A fox runs."') == "A fox runs." and plain('"A" and "B"') == '"A" and "B"'
    assert plain("<think>without end") == ""


def test_the_registry_keeps_what_else_it_holds(talker: Path):
    registry.switch_remote(True)
    language.choose(str(talker))
    table = json.loads(registry.place().read_text("utf-8"))
    assert table["remote"] is True and table["writer"] == str(talker)

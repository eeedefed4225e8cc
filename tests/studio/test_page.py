"""The page without a browser: what it offers, what its form reads, what it says, and that it brings no torch."""

import ast
import dataclasses
import html
import random
import re
import socket
import subprocess
import sys
from pathlib import Path

import gradio as gr
import pytest
from starlette.requests import Request as StarletteRequest

from pipelines import catalog, vocabulary
from pipelines.consent import STATEMENTS
from pipelines.errors import BadRequest, Unavailable
from pipelines.requests import TASKS, TextToVideo
from pipelines.spec import seldom
from studio import log, prompts
from studio.arena import BY_TASK
from studio.board import Job
from studio.cli import main
from studio.settings import Settings
from studio.studio import Studio
from studio.ui import (
    brought,
    drawer,
    outlook,
    palette,
    parts,
    post,
    pulse,
    sentences,
    stage,
    theme,
    wording,
    words,
)
from studio.ui.app import TABS, build
from studio.ui.composer import Composer
from studio.ui.form import Form, qualities, span
from studio.ui.retold import task_name
from studio.ui.tabs import settings as about

ROOT = Path(__file__).resolve().parents[2]
NASTY = "<img src=x onerror=alert(1)> ${1+1} {{value}} \"quoted\" 'too'"
ENGLISH, FRENCH = words.say_in("en"), words.say_in("fr")


@pytest.fixture
def studio(tmp_path):
    opened = Studio.open(Settings(data=tmp_path))
    yield opened
    opened.close()


@pytest.fixture
def form():
    with gr.Blocks(analytics_enabled=False):
        drawn = Form(TextToVideo, catalog.spec("mini"))
        drawn.draw_rest()
    return drawn


@pytest.fixture
def composer(studio):
    with gr.Blocks(analytics_enabled=False):
        return Composer(studio, TextToVideo)


def values_of(form: Form, **given: object) -> list[object]:
    """What the widgets hold when the page opens, but for some."""
    return [given.get(name, widget.value) for name, widget in form.widgets.items()]


def test_the_page_builds_and_only_the_api_is_public(studio):
    page = build(studio)
    visible = {dep["api_name"] for dep in page.get_config_file()["dependencies"] if dep["api_visibility"] != "private"}
    assert visible == {"submit", "job", "cancel", "clip", "models", "verify"}
    assert page.api_open is False and page.analytics_enabled is False


def test_only_what_draws_the_takes_says_which_are_shown(studio):
    """A take that came between the drawing and somebody else's note of what there is was never shown."""
    listeners = build(studio).fns.values()
    strip = next(block for one in listeners for block in one.outputs if getattr(block, "elem_id", "") == "takes")
    draws = [one for one in listeners if strip in one.outputs]
    (shown,) = set.intersection(*({block for block in one.outputs if isinstance(block, gr.State)} for one in draws))
    assert len(draws) > 1 and [one for one in listeners if shown in one.outputs] == draws


def test_the_page_asks_no_other_host_for_anything():
    sheet = theme.head() + theme.script()
    assert "http" not in sheet and "@import" not in sheet and "url(" not in sheet
    assert theme.Studio()._stylesheets == []


def test_the_form_draws_every_field_and_hides_what_the_model_leaves_no_choice_about(form):
    assert set(form.widgets) == {field.name for field in dataclasses.fields(TextToVideo)}
    assert form.widgets["fps"].visible is False and form.widgets["aspect"].visible is True


def test_the_form_reads_its_defaults_back(form):
    read = form.read(*values_of(form, prompt="a fox"))
    assert read == TextToVideo(prompt="a fox", seed=read.seed, fps=16)


@pytest.mark.parametrize(
    ("name", "value"), [("steps", 0), ("steps", 3.7), ("aspect", "2:1"), ("prompt", ["a", "list"]), ("model", "none")]
)
def test_the_form_refuses_what_no_widget_would_send(form, name, value):
    with pytest.raises(BadRequest, match=name):
        form.read(*values_of(form, **{"prompt": "a fox", name: value}))


def test_several_takes_have_seeds_of_their_own_and_kept_ones_follow_each_other(composer):
    values = values_of(composer.form, prompt="a fox", seed=7)
    free, kept = composer.read(4, False, *values), composer.read(3, True, *values)
    assert len({take.seed for take in free}) == 4 and free[0].seed == 7
    assert [take.seed for take in kept] == [7, 8, 9]
    assert len(composer.read(1_000_000, True, *values)) == 1


def test_reusing_a_take_fills_in_what_was_asked_and_a_remix_leaves_the_seed(composer):
    asked = TextToVideo(prompt="a cat", seed=5, steps=12, aspect="9:16").to_dict()
    names = ["keep", "changing", "go", "leave", *composer.form.widgets]

    def filled(act: str) -> dict[str, object]:
        updates = zip(names, composer.fill(asked, act), strict=True)
        return {name: each["value"] for name, each in updates if isinstance(each, dict) and "value" in each}

    assert filled("reuse") | {"seed": 5, "steps": 12, "aspect": "9:16", "prompt": "a cat"} == filled("reuse")
    assert "seed" not in filled("remix") and filled("remix")["steps"] == 12
    assert filled("seed") == {"seed": 5} and filled("prompt") == {"prompt": "a cat"}


def test_quality_is_a_share_of_what_the_makers_of_a_model_recommend():
    assert qualities(48) == {"Draft": 12, "Good": 24, "Best": 48} and qualities(4) == {"Best": 4}
    assert [span(s, ENGLISH) for s in (None, 0.2, 8.4, 130)] == ["", "1 s", "8 s", "2 min"]


def test_a_word_is_put_where_it_belongs_and_taken_away_again():
    assert sentences.put("", "thing", "unicorn") == "a unicorn"
    assert sentences.put("a fox jumps in a forest", "thing", "owl") == "an owl jumps in a forest"
    assert sentences.put("a fox jumps in a forest", "light", "night") == "a fox jumps in a forest at night"
    assert sentences.put("a fox at night", "light", "night") == "a fox"
    assert sentences.put("My nice hippo.", "camera", "zoom in") == "My nice hippo, camera zooms in"


def test_every_word_of_the_palette_is_understood_when_it_stands_in_a_prompt():
    for axis, names in vocabulary.AXES.items():
        assert all(vocabulary.read(sentences.put("", axis, name)) == {axis: name} for name in names)
    assert palette.asked({"axis": "thing", "name": NASTY}) is palette.asked({"axis": [], "name": 1}) is None


def test_what_mini_does_not_know_is_said_with_what_is_nearest():
    assert sentences.strangers("a puppy and an elefant with qwertz") == [
        ("puppy", "dog"),
        ("elefant", "elephant"),
        ("qwertz", None),
    ]
    assert sentences.strangers("a cat sleeps on its own in a city") == [
        ("sleeps", None),
        ("own", None),
        ("city", "city street"),
    ]
    assert wording.hints("a fox", ENGLISH) == ""
    assert "puppy (nearest: dog), qwertz" in wording.hints("puppy qwertz", ENGLISH)


def test_what_mini_seldom_manages_is_said_and_no_surprise():
    row = palette.MINI
    assert row.seldom and set(row.seldom) < set(vocabulary.AXES["action"])
    assert "mini seldom manages: jumps. It mostly" in wording.hints("a frog is jumping on the moon", ENGLISH)
    assert "jumps" not in wording.hints("a frog falls on a beach", ENGLISH)
    for seed in range(200):
        assert not seldom(row, sentences.surprise(random.Random(seed), without=row.seldom))


@pytest.mark.parametrize("state", ["queued", "running", "failed", "cancelled", "interrupted"])
def test_every_state_of_a_job_has_words_in_both_languages(state):
    job = Job(
        id="a",
        owner="b",
        request=TextToVideo(prompt=NASTY),
        state=state,
        phase="sampling",
        step=3,
        steps=9,
        eta_s=7,
        message="no",
    )
    for say in (ENGLISH, FRENCH):
        assert drawer.standing(job, say) and "{" not in drawer.standing(job, say)
    value = stage.working(job, ENGLISH, False)
    assert value["title"] in (NASTY, "No clip this time") and value["src"] == ""


def test_the_drawer_does_nothing_that_is_not_its_owners(studio):
    name = studio.jobs.submit(TextToVideo(prompt="a fox"), "browser:one")
    for asked in ({"act": "cancel", "job": name}, {"act": "cancel", "job": 3}, {"act": "close"}, {"act": "_hold"}, {}):
        with pytest.raises(BadRequest):
            drawer.obey(studio.jobs, "browser:two", asked)
    drawer.obey(studio.jobs, "browser:one", {"act": "cancel", "job": name})
    assert studio.jobs.get(name, "browser:one").state == "cancelled"


def test_a_pulse_tells_of_what_happens_to_ones_own_jobs_alone(studio):
    def beat(owner: str) -> tuple[str, bool]:
        scope = {"type": "http", "headers": [], "state": {"owner": owner}}
        now = pulse.news(studio, StarletteRequest(scope))
        return now.mark, now.busy

    before = beat("browser:one"), beat("browser:two")
    assert before == (beat("browser:one"), beat("browser:two")) and before[0] != before[1]
    name = studio.jobs.submit(TextToVideo(prompt="a fox"), "browser:one")
    waits = beat("browser:one")
    assert waits != before[0] and waits[1] and beat("browser:two") == before[1]
    studio.jobs.cancel(name, "browser:one")
    assert beat("browser:one")[0] not in (before[0][0], waits[0]) and not beat("browser:one")[1]


def test_every_act_of_a_card_has_a_tab_that_takes_it():
    acts = re.findall(r'data-act="(\w+)"', (ROOT / "assets/ui/acts.html").read_text(encoding="utf-8"))
    rooms = post.rooms(TABS)
    assert rooms["reuse"] == "Create" and len(acts) > 9 and rooms.keys() - {"watch", "change"} == set(acts)


def test_the_ring_around_what_has_the_focus_stands_out_from_every_ground():
    """WCAG 2.2, 1.4.11: 3 to 1. In the dark theme it is the lighter one of assets/css/studio.css."""

    def light(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.05 + sum(share * part for share, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))

    number = theme.Studio().color_accent.removeprefix("*primary_")
    ring = light(getattr(theme.LAMP, f"c{number}"))
    for ground in (theme.INK.c50, theme.INK.c100, "#ffffff"):
        assert light(ground) / ring >= 3
    assert "--color-accent: var(--primary-500)" in theme.head()
    for ground in (theme.INK.c800, theme.INK.c900, theme.INK.c950):
        assert light(theme.LAMP.c500) / light(ground) >= 3


def test_about_shows_the_data_folder_and_the_log_to_the_owner_of_the_machine_alone(studio, tmp_path):
    handler = log.keep(tmp_path)
    log.logging.getLogger("studio.test").error(NASTY)
    log.forget(handler)
    studio.jobs.submit(TextToVideo(prompt="a secret"), "browser:two")
    own = about.about(studio, ENGLISH, admin=True, owner="browser:one")
    assert "browser:two" in own and "secret" not in own
    other = about.about(studio, ENGLISH, admin=False, owner="browser:one")
    assert str(tmp_path) in own and html.escape(NASTY) in own and NASTY not in own
    assert str(tmp_path) not in other and "onerror" not in other and "mini" in other
    assert "browser:two" not in other


def test_about_is_in_french(studio):
    told = html.unescape(about.about(studio, words.say_in("fr"), admin=False, owner="browser:one"))
    assert "Texte en film" in told and "demande une carte NVIDIA" in told and " Go" in told
    assert " GB" not in told and "text-to-video" not in told and "needs an NVIDIA" not in told


def test_what_is_said_in_html_is_escaped():
    shown = parts.pill(NASTY, NASTY) + parts.facts(NASTY, {NASTY: NASTY}) + parts.table(NASTY, [NASTY], [[NASTY]])
    assert "<img src=x" not in shown and html.escape(NASTY) in shown


def test_everything_that_the_page_says_has_its_french():
    said: set[str] = set()
    files = (
        "composer",
        "wording",
        "worn",
        "outlook",
        "panel",
        "drawer",
        "stage",
        "form",
        "palette",
        "models",
        "parts",
        "deleted",
        "web",
        "voting",
        "tabs/gallery",
        "tabs/studies",
        "tabs/settings",
    )
    for file in files:
        for node in ast.walk(ast.parse((ROOT / f"studio/ui/{file}.py").read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("say", "label") and node.args:
                said |= {part.value for part in ast.walk(node.args[0]) if isinstance(part, ast.Constant)}
    said |= {task_name(task) for task in (*TASKS, *BY_TASK)} | {name.capitalize() for name in prompts.suites()}
    tables = (drawer.PHASES, drawer.WORDS, drawer.ACTS, palette.TITLES, STATEMENTS, wording.ASKS, outlook.LEVELS)
    said |= {text for table in tables for text in table.values()} | {tab.NAME for tab in TABS} | set(qualities(50))
    said |= {field.metadata["label"] for kind in TASKS.values() for field in dataclasses.fields(kind)}
    said |= {text for call, hint, _ in brought.CALLS.values() for text in (call, hint)} - {""}
    said |= {text for tab in TABS if hasattr(tab, "MAKES") for text in tab.MAKES.values()}
    assert said - words.FRENCH.keys() - {"label"} == set()


def test_the_web_process_builds_the_page_without_torch(tmp_path):
    code = (
        "import sys, pathlib; from studio.settings import Settings; from studio.studio import Studio; "
        f"from studio.ui.app import build; build(Studio.open(Settings(data=pathlib.Path({str(tmp_path)!r})))); "
        "sys.exit('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_gradio_is_loaded_without_rendering_a_file_for_each_of_its_components():
    code = (
        "import ast, inspect, sys; cut, parts = ast.get_source_segment, []; "
        "ast.get_source_segment = lambda *a: parts.append(a) or cut(*a); "
        "file_of = inspect.getfile; from studio.ui import player; import gradio; "
        "sys.exit(len(parts) > 20 or inspect.getfile is not file_of or not gradio.HTML.EVENTS)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
    assert not list((ROOT / "studio").rglob("*.pyi"))


def test_a_data_folder_that_cannot_be_made_is_named():
    with pytest.raises(Unavailable, match="RUSHES_DATA"):
        Studio.open(Settings(data=Path("/proc/rushes")))


def test_a_port_that_is_taken_is_a_sentence_and_exit_code_3(tmp_path, capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert main(["serve", "--port", port, "--data", str(tmp_path)]) == 3
    said = capsys.readouterr().err
    assert f"127.0.0.1:{port}" in said and said.count("\n") == 1

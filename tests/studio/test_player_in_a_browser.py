"""Player, cards, comparison and vote in a real browser: time, keys, text as text, phones."""

import gradio as gr
import numpy as np
import pytest

from pipelines.clip import Clip
from pipelines.media import export
from studio.benchmarks import browser, lockstep
from studio.ui import drawer
from studio.ui.booth import booth
from studio.ui.cards import Cards
from studio.ui.comparison import Compare, Sheet
from studio.ui.player import Player, shown
from studio.ui.stage import Under
from studio.ui.vote import Vote
from tests.conftest import moving_square

pytestmark = [pytest.mark.browser, pytest.mark.skipif(browser.missing() is not None, reason=str(browser.missing()))]
NASTY = "<script>window.hit=1</script> ${window.hit=2} {{this}} <img src=x onerror='window.hit=3'>"
FPS = lockstep.FPS
# Every clip is there, and was stopped as soon as it was.
STILL = """() => {
  const clocks = ['.player', '.compare', '.vote .compare'].map(part => document.querySelector(part)?.clock);
  return clocks.map(clock => clock?.ready && (clock.pause(), true)).every(there => there);
}"""


def clip(name: str, label: str = "") -> dict:
    return {"id": name, "src": f"media/{name}.mp4", "poster": "", "kind": "clip", "label": label}


def face(name: str, prompt: str) -> dict:
    face = {"file": f"{name}.mp4", "prompt": prompt, "model": "mini", "size": "320 x 180", "seconds": 4.0}
    return clip(name) | face | {"created": 0, "starred": False, "tags": [NASTY]}


def queue(order: str, state: str = "running", acts: str = "cancel duplicate") -> dict:
    """What the drawer shows: job 1 as it is said, job 2 waits."""
    look = {"title": "a fox", "note": state + acts, "fraction": 0.5, "picture": None}
    asked = {"1": (state, acts), "2": ("queued", "cancel up")}
    jobs = [
        look
        | {"id": job, "state": asked[job][0], "acts": [{"act": act, "label": act} for act in asked[job][1].split()]}
        for job in order
    ]
    return {"jobs": jobs, "paused": False, "words": drawer.WORDS}


OLDER = [face("a", "") | {"id": "older"}]
PAGES = {"older": OLDER, "gone": {"cards": OLDER, "undo": {"token": "", "clips": ["a"]}}}


def about(drawn: dict) -> dict:
    """What is said under a stage with job 1 on it."""
    job = next(job for job in drawn["jobs"] if job["id"] == "1")
    return {"what": job["title"], "facts": job["note"], "verbs": job["acts"][:1], "job": "1"}


def acted(event: gr.EventData) -> str:
    return event._data["act"]


UPDATES = {
    "moved": queue("21"),
    "further": queue("12", "running", "cancel duplicate retry"),
    "ended": queue("12", "done", "duplicate"),
    "again": queue("12", "done", "duplicate retry"),
    "nothing": queue("12", "cancelled", ""),
}


NOTES = {name: value["jobs"][0 if name != "moved" else 1]["note"] for name, value in UPDATES.items()}


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """A page with every part on it."""
    folder = tmp_path_factory.mktemp("clips")
    for seed, name in enumerate("ab"):
        lockstep.film(folder / f"{name}.mp4", width=320, height=180, seed=seed)
    tone = np.sin(np.arange(48_000) / 20, dtype=np.float32)[:, None] / 4
    export.save(Clip(frames=moving_square(frames=FPS), fps=FPS, audio=tone, rate=48_000), folder / "short.mp4")

    def draw(page):
        Player(shown(src="media/a.mp4", poster="", fps=FPS, frames=96, kind="clip", says=NASTY))
        grid = Cards([face("a", NASTY), face("b", "a fox")], elem_id="grid")
        Compare({"clips": [clip("a", NASTY), clip("b", "b")], "fps": FPS})
        for name, value in PAGES.items():
            gr.Button(name, elem_id=name).click(lambda value=value: value, None, grid)
        columns = [{"label": NASTY, "poster": ""}, {"label": "b", "poster": ""}]
        Sheet({"columns": columns, "rows": [{"name": NASTY, "values": [NASTY, "2"], "note": NASTY}]})
        axes = [{"name": "overall", "question": NASTY}]
        sides = {"left": "media/a.mp4", "right": "media/short.mp4", "fps": FPS, "kind": "clip"}
        Vote({"id": "1", "prompt": NASTY, "axes": axes, "done": 0, "total": 3, **sides})
        jobs = drawer.Drawer(queue("12"), elem_id="jobs")
        jobs.act(acted, None, gr.HTML("", elem_id="acted"))
        under = Under(about(queue("12")), elem_id="under")
        for name, value in UPDATES.items():
            gr.Button(name, elem_id=name).click(lambda value=value: [value, about(value)], None, [jobs, under])

    with booth(draw, folder) as place:
        yield place


@pytest.fixture(scope="module")
def page(address):
    """The page, drawn, with its clips ready and standing still; errors in its console fail the tests."""
    with browser.browser() as opened:
        window = opened.new_page(viewport={"width": 1280, "height": 900})
        complaints = []
        window.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        window.on("pageerror", lambda error: complaints.append(str(error)))
        window.goto(address)
        window.wait_for_function(STILL)
        yield window
    assert complaints == []


def frame_of(page, part: str) -> list[int]:
    """The frames that all videos of a part stand at, once nothing moves."""
    page.wait_for_function(f"!document.querySelector('{part}').clock.seeking")
    return page.evaluate(
        f"document.querySelector('{part}').clock.media.map(video => Math.floor(video.currentTime * {FPS}))"
    )


def test_a_vote_opens_when_both_were_played_and_not_before(page):
    cast, scale = page.locator(".cast"), page.locator(".vote fieldset")
    assert cast.is_disabled() and scale.evaluate("scale => scale.disabled")
    clock = "document.querySelector('.vote .compare').clock"
    page.evaluate(f"{clock}.listen(1), {clock}.seek(0.6).then(() => {clock}.play())")
    page.wait_for_function(f"{clock}.time > 1.5")  # of 4 s; the other has one, and the sound, and holds its last frame
    assert page.evaluate(f"{clock}.media[1].currentTime > 0.9 && {clock}.wanted") and cast.is_disabled()
    assert page.evaluate(f"Math.round({clock}.duration)") == 4 and scale.evaluate("scale => scale.disabled")
    page.evaluate(f"{clock}.pause(), {clock}.seek(3)")
    assert frame_of(page, ".vote .compare") == [3 * FPS, FPS - 1]
    page.evaluate(f"{clock}.play()")
    page.wait_for_function("!document.querySelector('.vote fieldset').disabled")
    page.wait_for_function(f"{clock}.time < 0.9 && !{clock}.media[1].paused")  # around, together
    page.locator(".vote .compare").focus()
    page.keyboard.press("Shift+B")
    assert scale.locator("input:checked").get_attribute("value") == "-2" and cast.is_enabled()
    page.evaluate("document.querySelector('.vote .compare').clock.pause()")


def test_two_videos_keep_together_through_seeks_and_a_loop(page):
    figures = page.evaluate(lockstep.WATCH, 5)
    assert figures["seeks"] >= 1 and figures["wraps"] >= 1
    assert figures["mean_s"] < lockstep.MEAN_S and figures["max_s"] < 1 / FPS, figures


def test_text_from_outside_is_text_and_a_phone_sees_everything(page):
    assert page.evaluate("window.hit") is None
    assert page.locator(".says").first.inner_text() == NASTY
    assert page.locator(".says").first.get_attribute("dir") == page.locator(".asked").get_attribute("dir") == "auto"
    assert page.locator(".compare .tag span").first.inner_text() == NASTY
    assert page.locator(".sheet thead span").first.text_content() == f"A  {NASTY}"
    assert page.locator(".vote legend").inner_text() == NASTY
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 844})
        assert page.evaluate("document.documentElement.scrollWidth") == width


def test_keys_step_frame_by_frame_and_mark_a_loop(page):
    page.locator(".player").focus()
    for key, frame in (
        ("k", None),
        ("Home", 0),
        (".", 1),
        ("ArrowRight", 2),
        ("Shift+ArrowRight", 2 + FPS),
        (",", 1 + FPS),
    ):
        page.keyboard.press(key)
        assert frame is None or frame_of(page, ".player") == [frame], key
    page.keyboard.press("i")
    page.keyboard.press("Shift+ArrowRight")
    frame_of(page, ".player")
    page.keyboard.press("o")
    start, end = page.evaluate("document.querySelector('.player').clock.span")
    assert round((end - start) * FPS) == FPS
    position = page.locator(".player .timeline")
    assert position.get_attribute("role") == "slider" and position.get_attribute("aria-valuenow") == str(1 + 2 * FPS)
    page.keyboard.press("j")
    page.wait_for_function(f"document.querySelector('.player').clock.frame < {2 * FPS - 4}")
    page.keyboard.press("k")


def test_the_comparison_changes_view_zoom_and_sound_for_all(page):
    part = page.locator(".compare").first
    part.focus()
    for view in ("wipe", "flip", "difference", "opacity", "side"):
        page.keyboard.press("m")
        assert part.get_attribute("data-view") == view
    page.keyboard.press("2")
    assert page.evaluate("document.querySelector('.compare').clock.media.map(video => video.muted)") == [True, False]
    page.keyboard.press("0")
    page.keyboard.press("+")
    assert part.evaluate("part => part.style.getPropertyValue('--zoom')") == "1.25"
    page.keyboard.press("z")
    page.keyboard.press("m")
    part.locator(".handle").focus()
    page.keyboard.press("ArrowRight")
    assert part.locator(".handle").get_attribute("aria-valuenow") == "52"
    part.focus()
    for key in ("k", "x", "Home", "."):
        page.keyboard.press(key)
        landed = frame_of(page, ".compare")
    assert landed == [1, 1]


def test_cards_play_when_pointed_at_and_stay_selected_on_another_page(page):
    page.locator(".thumb").nth(1).hover()
    page.wait_for_selector(".thumb video")
    page.mouse.move(0, 0)
    page.wait_for_selector(".thumb video", state="detached")
    page.locator(".more").first.click()
    assert page.locator(".menu button").count() > 9 and page.locator(".menu [data-act=edit]").is_visible()
    page.keyboard.press("Escape")
    page.locator(".open").first.focus()
    for key in (" ", "ArrowRight", " "):
        page.keyboard.press(key)
    assert page.locator(".tray .count").inner_text() == "2 selected"
    page.evaluate("document.querySelector('#older').click()")
    page.wait_for_selector(".card[data-id=older]")
    assert page.locator(".tray .count").inner_text() == "2 selected"
    page.evaluate("document.querySelector('#gone').click()")  # one of the two
    page.wait_for_selector(".tray .count >> text='1 selected'")


def test_a_press_and_the_focus_outlive_an_update_of_the_drawer(page):
    def update(name: str) -> None:
        page.evaluate(f"document.querySelector('#{name}').click()")
        page.wait_for_function(f"document.querySelector('.job[data-id=\"1\"] .note').textContent === {NOTES[name]!r}")

    page.locator(".counter").click()
    page.locator(".job[data-id='1'] [data-act=cancel]").hover()
    page.mouse.down()
    update("further")
    page.mouse.up()
    page.wait_for_selector("#acted >> text=cancel")
    page.locator(".job[data-id='1'] [data-act=duplicate]").focus()
    focused = "document.activeElement.closest('.job')?.dataset.id + ' ' + document.activeElement.dataset.act"
    for name, place in (("moved", "1 duplicate"), ("ended", "1 duplicate"), ("nothing", "1 undefined")):
        update(name)
        assert page.evaluate(focused) == place, name
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Escape")
    assert page.locator(".counter").get_attribute("aria-expanded") == "false"
    update("moved")
    page.locator("#under [data-act=cancel]").focus()
    update("further")
    assert page.evaluate("document.activeElement.dataset.act") == "cancel"
    update("nothing")
    assert page.evaluate("document.activeElement.className") == "under"


def test_where_a_notice_cannot_be_shown_none_is_offered_and_the_end_is_told_once(page):
    """As in Chrome on Android, whose notices belong to service workers."""
    page.evaluate(
        """() => {
          window.thrown = 0;
          window.Notification = class { constructor() { window.thrown++; throw new TypeError(); } };
          Notification.permission = 'granted';
          Object.defineProperty(document, 'hidden', { get: () => true });
          document.querySelector('.drawer .card').checked = true;
        }"""
    )
    for name in ("moved", "ended", "again"):
        page.evaluate(f"document.querySelector('#{name}').click()")
        page.wait_for_function(f"document.querySelector('.job[data-id=\"1\"] .note').textContent === {NOTES[name]!r}")
    assert page.evaluate("window.thrown") == 1
    assert page.locator(".drawer .notices").evaluate("label => getComputedStyle(label).display") == "none"


def test_what_nobody_sees_stands_still_until_it_is_seen_again(page):
    moving = "[document.querySelector('.player video').paused, document.querySelector('.player').clock.wanted].join()"
    page.evaluate("scrollTo(0, 0), document.querySelector('.player').clock.play()")
    page.wait_for_function(f"{moving} === 'false,true'")
    page.evaluate("document.querySelector('.player').parentElement.hidden = true")
    page.wait_for_function(f"{moving} === 'true,true'")
    page.evaluate("document.querySelector('.player').parentElement.hidden = false")
    page.wait_for_function(f"{moving} === 'false,true'")
    page.evaluate("document.querySelector('.player').clock.pause()")


def test_a_picture_is_drawn_once_however_often_the_screen_is(page):
    drawn = page.evaluate(
        """async () => {
          const clock = document.querySelector('.player').clock, times = [], tell = clock.changed;
          clock.changed = () => { if (!clock.leader.paused) times.push(clock.frame); tell(); };
          await clock.toFrame(0);
          clock.play();
          while (clock.frame < 40) await new Promise(requestAnimationFrame);
          clock.pause();
          clock.changed = tell;
          return times.filter((frame, number) => number && frame === times[number - 1]).length / times.length;
        }"""
    )
    assert drawn < 0.5


def test_no_screen_reader_reads_the_time_that_runs(page):
    live = "all => all.filter(one => one.closest('output, [role=status], [role=alert], [aria-live]')).length"
    assert page.locator(".time, .frame, .speed").evaluate_all(live) == 0


def test_where_there_is_no_sound_none_is_offered(page):
    page.wait_for_function("document.querySelector('.player .sound').disabled")
    options = "document.querySelectorAll('.vote .heard option')"  # none, A without and B with sound
    page.wait_for_function(f"[...{options}].map(one => one.disabled).join() === 'false,true,false'")

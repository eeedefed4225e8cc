"""Player, cards, comparison and vote in a real browser: time, keys, text as text, phones."""

import pytest

from studio.benchmarks import browser, lockstep
from studio.ui.booth import booth
from studio.ui.cards import Cards
from studio.ui.comparison import Compare, Sheet
from studio.ui.player import Player, shown
from studio.ui.vote import Vote

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


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """A page with every part on it."""
    folder = tmp_path_factory.mktemp("clips")
    for seed, name in enumerate("ab"):
        lockstep.film(folder / f"{name}.mp4", width=320, height=180, seed=seed)

    def draw(page):
        Player(shown(src="media/a.mp4", poster="", fps=FPS, frames=96, kind="clip", says=NASTY))
        Cards([face("a", NASTY), face("b", "a fox")], closed=["edit"])
        Compare({"clips": [clip("a", NASTY), clip("b", "b")], "fps": FPS})
        columns = [{"label": NASTY, "poster": ""}, {"label": "b", "poster": ""}]
        Sheet({"columns": columns, "rows": [{"name": NASTY, "values": [NASTY, "2"], "note": NASTY}]})
        axes = [{"name": "overall", "question": NASTY}]
        sides = {"left": "media/a.mp4", "right": "media/b.mp4", "fps": FPS, "kind": "clip"}
        Vote({"id": "1", "prompt": NASTY, "axes": axes, "done": 0, "total": 3, **sides})

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
    page.evaluate("document.querySelector('.vote .compare').clock.seek(3)")
    page.evaluate("document.querySelector('.vote .compare').clock.play()")
    page.wait_for_function("!document.querySelector('.vote fieldset').disabled")
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


def test_cards_play_when_pointed_at_and_say_why_something_is_grey(page):
    page.locator(".thumb").nth(1).hover()
    page.wait_for_selector(".thumb video")
    page.mouse.move(0, 0)
    page.wait_for_selector(".thumb video", state="detached")
    page.locator(".more").first.click()
    page.locator(".menu [data-act=edit]").hover()
    assert "No panel takes this" in page.locator(".menu .why").inner_text()
    assert page.locator(".menu [data-act=edit]").get_attribute("aria-disabled") == "true"
    page.keyboard.press("Escape")
    page.locator(".open").first.focus()
    for key in (" ", "ArrowRight", " "):
        page.keyboard.press(key)
    assert page.locator(".tray .count").inner_text() == "2 selected"

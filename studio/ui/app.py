"""The page as a whole: build it, launch it."""

import socket
import threading
from typing import Any

import gradio as gr
import httpx
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from pipelines import catalog
from pipelines.command import note
from pipelines.errors import Unavailable
from studio import log
from studio.settings import Settings
from studio.studio import Studio
from studio.ui import api, drawer, guard, parts, sessions, stage, theme, words
from studio.ui.desk import Desk
from studio.ui.post import makers, rooms, tab_id
from studio.ui.tabs import animate, compare, create, edit, gallery, personalise, settings, sound, studies, verify

# A tab is a module with NAME and draw(page, studio, desk), ACTS if it takes acts of cards, MAKES if it makes something.
TABS = (create, animate, personalise, edit, sound, gallery, compare, studies, verify, settings)
# Seconds: how often gradio's folder (uploads, copies of clips for the API) is cleared, and of what age.
SWEEP = (3_600, 86_400)
REST_S = 0.02  # between two looks of gradio's queue; its own millisecond takes a tenth of a core while nothing happens
UNHEARD = "localhost is not accessible"  # what gradio raises if its own page takes longer than 3 s to answer it


def build(studio: Studio) -> gr.Blocks:
    """The page of a studio. Its public endpoints are those of studio.ui.api; gradio's queue holds no work."""
    page = gr.Blocks(title="Rushes", fill_width=True, analytics_enabled=False, delete_cache=SWEEP)
    with page.queue(api_open=False, max_size=100):  # before the page is full: gradio describes all of it each time
        desk = Desk(studio, rooms(TABS), makers(TABS))
        _bar(studio, desk)
        with gr.Column(elem_id="desk"):
            desk.tabs.render()
            with gr.Column(elem_id="theatre"):  # beside the tabs that make something; the style hides it elsewhere
                beside = stage.Stage(desk)
        for module in TABS:
            look = {"elem_classes": ["makes"] if hasattr(module, "MAKES") else None}
            with desk.tabs, gr.Tab(words.label(module.NAME), id=tab_id(module.NAME), **look) as desk.tab:
                module.draw(page, studio, desk)
        beside.connect()
        desk.connect(page)
        api.draw(studio)
    return page


def _bar(studio: Studio, desk: Desk) -> None:
    """The line at the top, on every tab."""
    with gr.Row(elem_id="bar"):
        gr.HTML('<h1 class="brand">Rushes</h1>', **parts.PLAIN)
        reason = catalog.runs_here(catalog.spec(studio.settings.model))
        gr.HTML(parts.pill(studio.settings.model, reason), elem_id="model-pill", **parts.PLAIN)
        if studio.people.auth == "local":
            person = gr.HTML("", elem_id="person", **parts.PLAIN)
            desk.greet(lambda request: parts.person(desk.owner(request), words.say_to(request)), [], [person])
        drawer.draw(desk)


def launch(settings: Settings) -> str:
    """Opens the page and stays until Ctrl+C. Raises `Unavailable` if the port is taken."""
    port = free(settings.host, settings.port)
    studio = Studio.open(settings)
    kept = log.keep(settings.data)
    try:
        page, address = start(studio, port)
        note(f"Rushes is open at {address}  (Ctrl+C closes it)")
        try:
            threading.Event().wait()
        finally:
            page.close(verbose=False)
    finally:
        studio.close()
        log.forget(kept)
    return address


def start(studio: Studio, port: int) -> tuple[gr.Blocks, str]:
    """Serves the page of a studio from this process and returns at once: the page and its address.

    Raises `Unavailable` if this machine does not answer itself there.
    """
    for again in (True, False):
        page = build(studio)
        try:
            address = _served(page, studio, port)
        except (ValueError, httpx.TransportError) as error:
            page.close(verbose=False)
            if isinstance(error, ValueError) and UNHEARD not in str(error):
                raise
            note("This machine did not answer in time." + " Trying once more." * again)
            continue
        sessions.hold(page)
        page._queue.sleep_when_free = page._queue.progress_update_sleep_when_free = REST_S
        studio.supervisor.start()  # after the page answers: a model that loads would take the processor from it
        return page, address
    raise Unavailable("the page is not reached from this machine; is it very busy, or does HTTP_PROXY lead elsewhere?")


def _served(page: gr.Blocks, studio: Studio, port: int) -> str:
    return page.launch(
        server_name=studio.settings.host,
        server_port=port,
        max_file_size=f"{studio.settings.max_upload_mb}mb",
        app_kwargs=_around(studio),
        theme=theme.Studio(),
        head=theme.head(),
        js=theme.script(),
        i18n=words.label,
        footer_links=[],
        ssr_mode=False,
        run_history=False,
        enable_monitoring=False,
        state_session_capacity=500,
        prevent_thread_lock=True,
        show_error=True,  # as toasts
        quiet=True,
    )[1]


def _around(studio: Studio) -> dict[str, Any]:
    """What stands around the page, and the examples that come with the project, which everybody may see."""
    around = guard.protect(studio)
    return around | {"routes": [*around["routes"], Mount("/examples", StaticFiles(directory=stage.EXAMPLES))]}


def free(host: str, port: int) -> int:
    """The port itself, or any free one for 0. Raises `Unavailable` if somebody listens there already."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Unavailable(f"cannot listen on {host}:{port} ({error.strerror}); choose another --port") from error
        return probe.getsockname()[1]

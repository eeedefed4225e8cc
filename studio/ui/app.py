"""The page as a whole: build it, launch it."""

import socket
import threading
from dataclasses import dataclass

import gradio as gr

from pipelines import catalog
from pipelines.errors import Unavailable
from studio.runner import Runner
from studio.settings import Settings
from studio.terminal import note
from studio.ui import parts, theme
from studio.ui.desk import Desk, rooms, tab_id
from studio.ui.tabs import create

LONGEST_QUEUE = 20
# A tab is a module with NAME and draw(page, studio, desk), and ACTS if it takes acts of cards. Their order is this one.
TABS = (create,)


@dataclass(frozen=True, kw_only=True)
class Studio:
    """Stands in for studio.studio.Studio until the job store is there."""

    settings: Settings
    runner: Runner


def build(studio: Studio) -> gr.Blocks:
    """The page of a studio. None of its events is public; gradio's queue holds no work."""
    model = studio.settings.model
    with gr.Blocks(title="Rushes", fill_width=True, analytics_enabled=False) as page:
        reason = catalog.runs_here(catalog.spec(model))
        gr.HTML(parts.bar(model, reason), container=False, padding=False, apply_default_css=False)
        order = gr.State({"act": "", "clip": "", "n": 0})
        with gr.Tabs(elem_id="tabs") as tabs:
            desk = Desk(order, tabs, rooms(TABS))
            for module in TABS:
                with gr.Tab(module.NAME, id=tab_id(module.NAME)):
                    module.draw(page, studio, desk)
    return page.queue(api_open=False, max_size=100)


def launch(settings: Settings) -> str:
    """Opens the page and stays until Ctrl+C. Raises `Unavailable` if the port is taken."""
    port = _free(settings.host, settings.port)
    runner = Runner(settings.clips, longest_queue=LONGEST_QUEUE)
    page = build(Studio(settings=settings, runner=runner))
    runner.warm(settings.model)
    try:
        _, address, _ = page.launch(
            server_name=settings.host,
            server_port=port,
            allowed_paths=[str(settings.clips), str(create.EXAMPLES)],
            max_file_size=f"{settings.max_upload_mb}mb",
            theme=theme.Studio(),
            head=theme.head(),
            js=theme.SCRIPT,
            footer_links=["settings"],
            ssr_mode=False,
            run_history=False,
            enable_monitoring=False,
            state_session_capacity=500,
            prevent_thread_lock=True,
            show_error=True,  # toasts; what is raised towards the page is always a sentence of ours
            quiet=True,
        )
        note(f"Rushes is open at {address}  (Ctrl+C closes it)")
        threading.Event().wait()
    finally:
        runner.close()
        page.close(verbose=False)
    return address


def _free(host: str, port: int) -> int:
    """The port itself, or any free one for 0. Raises `Unavailable` if somebody listens there already."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Unavailable(f"cannot listen on {host}:{port} ({error.strerror}); choose another --port") from error
        return probe.getsockname()[1]

"""A page with one part of the studio alone, and clips beside it: for tests and benchmarks in a browser."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gradio as gr
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from studio.ui import theme


@contextmanager
def booth(draw: Callable[[gr.Blocks], Any], clips: Path) -> Iterator[str]:
    """Opens a page with what `draw(page)` puts on it and yields its address. media/NAME is the file NAME in `clips`.

    Only this machine can reach it.
    """

    def media(request: Request) -> Response:
        file = clips / request.path_params["name"]
        return FileResponse(file) if file.is_file() else PlainTextResponse("", status_code=404)

    with gr.Blocks(title="Booth", fill_width=True, analytics_enabled=False) as page:
        draw(page)
    page.queue(api_open=False)
    _, address, _ = page.launch(
        server_name="127.0.0.1",
        server_port=_free_port(),
        app_kwargs={"routes": [Route("/media/{name}", media)]},
        theme=theme.Studio(),
        head=theme.head(),
        footer_links=[],
        ssr_mode=False,
        run_history=False,
        prevent_thread_lock=True,
        quiet=True,
    )
    try:
        yield address
    finally:
        page.close(verbose=False)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]

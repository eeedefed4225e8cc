"""A whole studio that is served in this process, and people who reach it over HTTP."""

import json
import secrets
import socket
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import gradio as gr
import httpx
import numpy as np

from pipelines.clip import Clip
from pipelines.media import export
from pipelines.requests import TextToVideo
from studio.made import Made
from studio.people import COOKIE, People, alias
from studio.settings import Settings
from studio.studio import Studio
from studio.ui.app import start

SECRET = "the secret prompt of ada"


@dataclass(frozen=True)
class Caller:
    """Somebody with a browser's cookie, and the only way that they have: HTTP."""

    http: httpx.Client
    owner: str

    def call(self, name: str, *data: object) -> tuple[str, str]:
        """("complete" or "error", what came with it) of an endpoint."""
        joined = self.http.post(f"/gradio_api/call/{name}", content=json.dumps({"data": data}))
        if joined.status_code != 200:
            return "error", joined.text
        events = self.http.get(f"/gradio_api/call/{name}/{joined.json()['event_id']}").text.strip().split("\n\n")
        event, data = events[-1].split("\n", 1)
        return event.removeprefix("event: "), data.removeprefix("data: ")

    def result(self, name: str, *data: object) -> dict:
        """The first result of a call that has to succeed."""
        event, said = self.call(name, *data)
        assert event == "complete", said
        return json.loads(said)[0]


@dataclass(frozen=True)
class Served:
    """A studio and the page that it is on."""

    studio: Studio
    page: gr.Blocks
    url: str

    def caller(self) -> Caller:
        """Somebody new."""
        token = self.studio.people.newcomer()
        headers = {"Content-Type": "application/json"}
        http = httpx.Client(base_url=self.url, cookies={COOKIE: token}, headers=headers, timeout=30)
        return Caller(http, alias("browser", token))

    def clip_of(self, owner: str, prompt: str = SECRET) -> str:
        """The id of a still that is put into somebody's gallery."""
        return clip_of(self.studio, owner, prompt)


def clip_of(studio: Studio, owner: str, prompt: str = SECRET) -> str:
    """Puts a still into somebody's gallery; its id."""
    path = studio.settings.clips / secrets.token_hex(16) / "clip.png"
    path.parent.mkdir(parents=True)
    request = TextToVideo(prompt=prompt, still=True)
    export.save(Clip(frames=np.zeros((1, 64, 64, 3), np.uint8), fps=16, origin=request), path)
    made = Made(path=path, request=request, frames=1, fps=16, width=64, height=64, elapsed_s=1.0)
    return studio.gallery.add(made, owner)


def served(folder: Path, **settings: object) -> Iterator[Served]:
    """A studio that is paused, so that its jobs wait for ever, and whose callers do not own the machine."""
    opened = Studio.open(Settings(data=folder, runner="inline", **settings))
    opened.jobs.pause(None)
    studio = replace(opened, people=People(opened.database, auth=opened.settings.auth, alone=False))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    page, url = start(studio, port)
    yield Served(studio, page, url.rstrip("/"))
    page.close(verbose=False)
    studio.close()

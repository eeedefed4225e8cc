"""Models on somebody else's machines, through Hugging Face's Inference Providers: off until a person switches them on.

The prompt leaves this machine and the call may cost money; a row says who receives it. Never a fallback.
"""

import queue
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import httpx2
from huggingface_hub import InferenceClient, get_token
from huggingface_hub.errors import HfHubHTTPError

from pipelines import catalog
from pipelines.clip import Clip
from pipelines.errors import Cancelled, Unavailable
from pipelines.media import video
from pipelines.progress import Progress, silent
from pipelines.requests import Request
from pipelines.spec import ModelSpec

LOOK_S = 0.2
LONGEST_S = 900.0
CHARGED = "stopped waiting; the provider may still finish the clip and charge for it"
ANSWERS = {
    401: "{who} does not accept the token; give the studio another with: hf auth login",
    402: "your account has no credit left at {who}; nothing was made",
    403: "your token may not use {who}; it needs the right to call inference providers",
    422: "{who} cannot make this: another length or size may work",
    429: "{who} has had too many requests from you; try again in a minute",
}


def build(name: str) -> "RemotePipeline":
    """What the catalog names. Raises `Unavailable` without a token."""
    return RemotePipeline(catalog.spec(name))


class RemotePipeline:
    """The call that mini has; only the waiting happens here. `wait_s` is how long at most."""

    def __init__(self, row: ModelSpec, *, wait_s: float = LONGEST_S):
        self.row = row
        self._provider = provider(row)
        self._wait_s = wait_s

    def to(self, kind: str) -> Self:
        """Nothing of it is on a device."""
        return self

    def __call__(self, request: Request, progress: Progress = silent, preview: Any = None) -> Clip:
        """The provider's clip as it comes. `progress` may raise `Cancelled`, which stops the waiting only."""
        said = f"waiting for {self._provider}, which received the prompt"
        data = self._waited(lambda: self._asked(request), progress, said)
        with tempfile.TemporaryDirectory(prefix="rushes-") as folder:
            path = Path(folder) / "clip.mp4"
            path.write_bytes(data)
            clip = video.read(path)
        return Clip(frames=clip.frames, fps=clip.fps, audio=clip.audio, rate=clip.rate, origin=request)

    def _asked(self, request: Request) -> bytes:
        client = InferenceClient(provider=self._provider, api_key=get_token(), timeout=60)
        return client.text_to_video(
            request.prompt,
            model=self.row.repo,
            guidance_scale=request.guidance,
            negative_prompt=[request.negative] if request.negative else None,
            num_frames=request.frames,
            num_inference_steps=request.steps,
            seed=request.seed,
        )

    def _waited(self, call: Callable[[], bytes], progress: Progress, message: str) -> bytes:
        """The call in a thread of its own, which a person who stops leaves behind."""
        answer: queue.Queue[bytes | Exception] = queue.Queue()
        threading.Thread(target=_into, args=(answer, call), daemon=True).start()
        for look in range(round(self._wait_s / LOOK_S)):
            try:
                progress(min(0.95, look * LOOK_S / self._wait_s), message)
            except Cancelled as error:
                raise Cancelled(CHARGED) from error
            try:
                found = answer.get(timeout=LOOK_S)
            except queue.Empty:
                continue
            if isinstance(found, Exception):
                raise self._explained(found) from found
            return found
        raise Unavailable(f"{self._provider} has not answered in {self._wait_s:g} s; it may still charge for the clip")

    def _explained(self, error: Exception) -> Unavailable:
        status = error.response.status_code if isinstance(error, HfHubHTTPError) else 0
        if status in ANSWERS:
            return Unavailable(ANSWERS[status].format(who=self._provider))
        if status:
            return Unavailable(f"{self._provider} answered {status}; nothing was made, try again later")
        return Unavailable(f"{self._provider} cannot be reached, or its answer cannot be read")


def provider(row: ModelSpec) -> str:
    """Who receives the prompt: the end of a remote row's name."""
    return row.name.rpartition("@")[2]


def _into(answer: "queue.Queue[bytes | Exception]", call: Callable[[], bytes]) -> None:
    try:
        answer.put(call())
    except (HfHubHTTPError, httpx2.HTTPError, OSError, ValueError, KeyError, TypeError) as error:
        answer.put(error)

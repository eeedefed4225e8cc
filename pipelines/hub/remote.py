"""Models on somebody else's machines, through Hugging Face's Inference Providers: off until a person switches them on.

The prompt, and a picture if one is given, leaves this machine and the call may cost money; a row says who receives it.
Never a fallback. A clip is read as a stranger's file; a picture comes decoded by the client.
"""

import queue
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import httpx2
import numpy as np
from huggingface_hub import InferenceClient, get_token
from huggingface_hub.errors import HfHubHTTPError
from PIL import Image

from pipelines import catalog
from pipelines.clip import Clip
from pipelines.errors import Cancelled, Unavailable
from pipelines.media import video
from pipelines.progress import Progress, silent
from pipelines.requests import ImageToVideo, Request
from pipelines.spec import ModelSpec, size_of

Answer = bytes | Image.Image
BOMB = Image.DecompressionBombError  # a picture that is far larger than what was asked for
LOOK_S = 0.2
LONGEST_S = 900.0
CHARGED = "stopped waiting; the provider may still finish it and charge for it"
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
        """The provider's clip or still as it comes. `progress` may raise `Cancelled`, which stops the waiting only."""
        got = "the prompt and the picture" if isinstance(request, ImageToVideo) else "the prompt"
        said = f"waiting for {self._provider}, which received {got}"
        data = self._waited(lambda: self._asked(request), progress, said)
        clip = _film(data) if isinstance(data, bytes) else Clip(frames=np.asarray(data)[None], fps=request.fps)
        return Clip(frames=clip.frames, fps=clip.fps, audio=clip.audio, rate=clip.rate, origin=request)

    def _asked(self, request: Request) -> Answer:
        """What the provider makes: the bytes of a film, or a picture."""
        client = InferenceClient(provider=self._provider, api_key=get_token(), timeout=60)
        asked: dict[str, Any] = {
            "model": self.row.repo,
            "guidance_scale": request.guidance,
            "num_inference_steps": request.steps,
            "seed": request.seed,
        }
        without = request.negative or None
        if getattr(request, "still", False):
            width, height = size_of(self.row, aspect=request.aspect, resolution=request.resolution)
            asked |= {"negative_prompt": without, "width": width, "height": height}
            return client.text_to_image(request.prompt, **asked).convert("RGB")
        asked |= {"num_frames": request.frames}
        if isinstance(request, ImageToVideo):
            picture = Path(request.image)  # encoded anew by the studio's door, so without a camera's notes
            return client.image_to_video(picture, prompt=request.prompt, negative_prompt=without, **asked)
        return client.text_to_video(request.prompt, negative_prompt=[without] if without else None, **asked)

    def _waited(self, call: Callable[[], Answer], progress: Progress, message: str) -> Answer:
        """The call in a thread of its own, which a person who stops leaves behind."""
        answer: queue.Queue[Answer | Exception] = queue.Queue()
        threading.Thread(target=_into, args=(answer, call), daemon=True, name="provider").start()
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
        raise Unavailable(f"{self._provider} has not answered in {self._wait_s:g} s; it may still charge for it")

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


def _film(data: bytes) -> Clip:
    with tempfile.TemporaryDirectory(prefix="rushes-") as folder:
        path = Path(folder) / "clip.mp4"
        path.write_bytes(data)
        return video.read(path)


def _into(answer: "queue.Queue[Answer | Exception]", call: Callable[[], Answer]) -> None:
    try:
        answer.put(call())
    except (HfHubHTTPError, httpx2.HTTPError, OSError, ValueError, KeyError, TypeError, BOMB) as error:
        answer.put(error)

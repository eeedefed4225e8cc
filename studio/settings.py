"""Where the studio keeps its things and how it listens: read from the environment once, then passed on."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from ipaddress import ip_address
from pathlib import Path

import platformdirs

from pipelines.errors import BadRequest

# Where a model works: in a process of its own beside the web server, or where it is called (ZeroGPU lends its GPU so).
RUNNERS = ("process", "inline")
AUTH = ("none", "local")  # whether people sign in; without, every browser is somebody of its own
HOST = re.compile(r"(\*\.)?[a-z0-9][a-z0-9.-]*")  # a name or an IPv4 address; "*." stands for any name below
SHARED = "*.gradio.live"  # where gradio's share links lead


@dataclass(frozen=True, kw_only=True)
class Settings:
    """The choices of whoever runs the studio. `data` holds everything that it keeps; nothing is created here.

    The quotas are for each owner: jobs that wait, megapixel seconds of one clip, megabytes of clips; None is no limit.
    `hosts`: the names by which others reach the studio, through a proxy or a link; "*.x" is every name below x.
    `space`: this runs in a Space of Hugging Face, which signs people in and shows the page in a frame.
    """

    data: Path
    model: str = "mini"
    runner: str = "process"
    host: str = "127.0.0.1"
    port: int = 7860
    hosts: tuple[str, ...] = ()
    max_upload_mb: int = 300
    auth: str = "none"
    max_waiting: int = 50  # two studies as the page proposes them, of 24 clips each
    max_megapixel_seconds: int | None = None
    max_disk_mb: int | None = None
    space: bool = False
    own_keys: Path | None = None  # a host's certificate, key and watermark secret, instead of those in `data`
    safety: bool | None = None  # whether requests and pictures are checked (`pipelines.safety`); None: if hosted

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> "Settings":
        """Reads the RUSHES_* variables; an empty one counts as not set. Raises `BadRequest` naming the variable."""

        def read(name: str, default: object, check: Callable[[str, str], object]) -> object:
            text = env.get(name, "").strip()
            return check(name, text) if text else default

        return cls(
            data=read("RUSHES_DATA", platformdirs.user_data_path("rushes", appauthor=False), folder),
            model=read("RUSHES_MODEL", cls.model, _text),
            runner=read("RUSHES_RUNNER", cls.runner, _one_of(RUNNERS)),
            host=read("RUSHES_HOST", cls.host, _text),
            port=read("RUSHES_PORT", cls.port, port),
            hosts=read("RUSHES_HOSTS", (), _hosts) + (SHARED,) * (env.get("GRADIO_SHARE", "").lower() == "true"),
            max_upload_mb=read("RUSHES_MAX_UPLOAD_MB", cls.max_upload_mb, _count),
            auth=read("RUSHES_AUTH", cls.auth, _one_of(AUTH)),
            max_waiting=read("RUSHES_MAX_WAITING", cls.max_waiting, _count),
            max_megapixel_seconds=read("RUSHES_MAX_MEGAPIXEL_SECONDS", None, _count),
            max_disk_mb=read("RUSHES_MAX_DISK_MB", None, _count),
            own_keys=read("RUSHES_KEYS", None, folder),
            safety=read("RUSHES_SAFETY", cls.safety, _switch),
            space=bool(env.get("SPACE_ID")),
        )

    @property
    def checked(self) -> bool:
        """Whether requests and pictures must keep the rules of `pipelines.safety`."""
        return not self.alone if self.safety is None else self.safety

    @property
    def keys(self) -> Path:
        """The folder of the certificate, key and secret that mark what is made here."""
        return self.own_keys or self.data / "keys"

    @property
    def clips(self) -> Path:
        """One folder for each clip: clips/<id>/{clip.mp4 | clip.png, request.json}."""
        return self.data / "clips"

    @property
    def previews(self) -> Path:
        """Pictures of the clips that are being made: previews/<job>-<number>.webp."""
        return self.data / "previews"

    @property
    def alone(self) -> bool:
        """Whether nobody but the people at this machine can reach the studio."""
        return loopback(self.host) and not self.hosts and not self.space

    def answers_to(self, host: str) -> bool:
        """Whether a request for this host, a name or an address in lower case, is meant for this studio.

        On this machine alone that matters: a page of anybody's can have its own name lead here (DNS rebinding), and a
        proxy brings strangers.
        """
        if self.space or not loopback(self.host):
            return True
        return loopback(host) or any(fnmatchcase(host, name) for name in self.hosts)


def loopback(host: str) -> bool:
    """Whether a name or an address leads from this machine to itself."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def port(name: str, text: str) -> int:
    """A TCP port from 0 (any free one) to 65535, or `BadRequest`."""
    return _whole(name, text, 0, 65_535)


def _count(name: str, text: str) -> int:
    return _whole(name, text, 1, 10_000_000)


def _whole(name: str, text: str, low: int, high: int) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 20 and low <= int(text) <= high):
        raise BadRequest(name, f"must be a whole number from {low} to {high}, got {text[:40]!r}")
    return int(text)


def folder(name: str, text: str) -> Path:
    """A folder that may be there. Raises `BadRequest` with `name`."""
    if not text:
        raise BadRequest(name, "must be a folder, and is empty")
    try:
        path = Path(text).expanduser().absolute()
        taken = path.exists() and not path.is_dir()
    except (OSError, RuntimeError) as error:  # a name that is too long, a user who is not there
        reason = getattr(error, "strerror", None) or error
        raise BadRequest(name, f"must be a folder, but {text[:40]!r} cannot be one ({reason})") from error
    if taken:
        raise BadRequest(name, f"must be a folder, but {path} is a file")
    return path


def _one_of(choices: tuple[str, ...]) -> Callable[[str, str], str]:
    def check(name: str, text: str) -> str:
        if text not in choices:
            raise BadRequest(name, f"must be one of {', '.join(choices)}, got {text[:40]!r}")
        return text

    return check


def _hosts(name: str, text: str) -> tuple[str, ...]:
    hosts = tuple(host.strip().lower() for host in text.split(","))
    for host in hosts:
        if not HOST.fullmatch(host):
            raise BadRequest(name, f"must be names as in films.example.org, with commas between, got {host[:40]!r}")
    return hosts


def _switch(name: str, text: str) -> bool:
    if text.lower() not in ("on", "off"):
        raise BadRequest(name, f"must be on or off, got {text[:40]!r}")
    return text.lower() == "on"


def _text(name: str, text: str) -> str:
    return text

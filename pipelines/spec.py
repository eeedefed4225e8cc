"""One row of the table of models, and what follows from it: sizes, lengths, memory, the fields that it leaves free."""

from dataclasses import dataclass, fields
from typing import Any

from pipelines import vocabulary
from pipelines.errors import BadRequest
from pipelines.requests import Request

# How much of a model is on the card at a time, the fastest first: everything; one part (text encoder, transformer,
# autoencoder); the autoencoder and a few blocks, the next ones on their way; one layer.
LEVELS = ("whole", "parts", "blocks", "layers")
# How the transformer's weights are kept, with the share of bfloat16's bytes: "fp8" casts each layer as it is used (no
# package), "int8" and "nf4" are bitsandbytes' (CUDA only), "ao-int8" and "ao-fp8" are torchao's.
PRECISIONS = {"bf16": 1.0, "fp8": 0.5, "int8": 0.5, "nf4": 0.3, "ao-int8": 0.5, "ao-fp8": 0.5}
DEVICES = ("cuda", "mps", "cpu")
OPTIONAL = ("faster", "lora", "mask", "strength", "last", "lyrics", "still")  # for models with them in `free`


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """One row. `build` is "module:function"; the function takes the name and returns the pipeline."""

    name: str
    family: str
    tasks: tuple[str, ...]
    licence: str
    download_bytes: int  # 0: comes with the project
    build: str
    fps: tuple[int, ...]
    longest_frames: int
    sizes: tuple[tuple[str, int, int], ...]  # (aspect, width, height), the model's own choice first for each aspect
    weights: str | None = None  # the folder of its `files`, relative to the project; None: not kept in the project
    about: str = ""
    frame_step: int = 1  # the network makes 1 + k * frame_step frames; what is over is left out
    longest_s: float = 16.0  # of a sound
    steps: int = 50
    guidance: float = 4.0
    second_guidance: float = 1.0  # of the expert that ends a clip, as a share of the guidance of the one that begins it
    shifts: tuple[tuple[int, float], ...] = ()  # (short side, flow shift of the steps); others: as the weights say
    negative: str = ""
    prompt_style: str = ""
    seldom: tuple[str, ...] = ()  # of our vocabulary, what its weights show in less than half of the clips asked for it
    free: tuple[str, ...] = ()  # fields beyond the ordinary ones that the model listens to
    devices: tuple[str, ...] = DEVICES
    needs: tuple[tuple[str, str], ...] = ()  # packages: (name to import, what to give to pip)
    repo: str = ""  # owner/name on the Hub, or a folder of this machine
    revision: str | None = None  # a commit or branch; None: main as it is at the download, which records its commit
    files: tuple[str, ...] = ()  # of the folder; or what to fetch of the repo: patterns, empty: what its index names
    forbids: str = ""  # what the licence does not allow, in one sentence
    gated: bool = False
    parts: tuple[tuple[str, int], ...] = ()  # bytes of each part as it is computed with
    working_bytes: int = 0  # what a clip of the largest size takes beside the weights
    precision: str = "bf16"  # of the transformer's weights on the card: one of PRECISIONS
    gguf: tuple[str, ...] = ()  # files with the weights of each transformer, in place of the repository's own
    compiled: bool = False  # torch.compile of the repeated blocks, on a CUDA card
    cards: int = 1  # how many share the work of a clip
    mag_ratios: tuple[float, ...] = ()  # of these very weights, measured: MagCache then makes them "faster"
    source: str = ""  # where the figures come from

    @property
    def aspects(self) -> tuple[str, ...]:
        """The shapes that it makes."""
        return tuple(dict.fromkeys(aspect for aspect, _, _ in self.sizes))

    @property
    def remote(self) -> bool:
        """Whether it runs on somebody else's machine."""
        return self.family == "remote"


def valid_sizes(row: ModelSpec, aspect: str) -> tuple[tuple[int, int], ...]:
    """(width, height) of every size with this shape, the model's own choice first."""
    return tuple((width, height) for name, width, height in row.sizes if name == aspect)


def size_of(row: ModelSpec, *, aspect: str, resolution: int) -> tuple[int, int]:
    """(width, height) of a shape whose short side is `resolution`, or the model's own choice if that is 0.

    Raises `BadRequest` ("resolution") with the sides that it makes.
    """
    sizes = valid_sizes(row, aspect)
    fitting = [size for size in sizes if resolution in (0, min(size))]
    if not fitting:
        sides = " or ".join(str(min(size)) for size in sizes)
        raise BadRequest("resolution", f"{row.name} makes a short side of {sides} at {aspect}, not {resolution}")
    return fitting[0]


def seldom(row: ModelSpec, prompt: str) -> list[str]:
    """What a prompt says that this model seldom shows, by the names of our vocabulary."""
    return [value for value in vocabulary.read(prompt).values() if value in row.seldom]


def valid_frames(row: ModelSpec) -> range:
    """The numbers of frames that the network itself makes."""
    return range(1, row.longest_frames + 1, row.frame_step)


def network_frames(row: ModelSpec, frames: int) -> int:
    """The least number of frames that the network makes and that holds what was asked; the rest is left out."""
    return 1 + -(-(frames - 1) // row.frame_step) * row.frame_step


def memory(row: ModelSpec, level: str) -> int:
    """Bytes on the card for the row at one of `LEVELS`: arithmetic from its parts, not a measurement."""
    share = PRECISIONS[row.precision]
    sizes = {part: round(size * (share if part.startswith("transformer") else 1)) for part, size in row.parts}
    largest = max(sizes.values(), default=0)
    moved = [size for part, size in sizes.items() if part.startswith(("transformer", "text_encoder"))]
    weights = {
        "whole": sum(sizes.values()),
        "parts": largest,
        "blocks": sum(sizes.values()) - sum(moved) + max(moved, default=0) // 10,  # two of 20 to 60 blocks
        "layers": largest // 40,
    }
    return weights[level] + row.working_bytes


def choices(row: ModelSpec, request: type[Request]) -> dict[str, tuple[Any, ...]]:
    """For each field that the model restricts, the values that it takes; a form need not draw what has only one."""
    defaults = {spec.name: spec.default for spec in fields(request)}
    shorts = dict.fromkeys(min(width, height) for _, width, height in row.sizes)
    several = any(len(valid_sizes(row, aspect)) > 1 for aspect in row.aspects)
    table: dict[str, tuple[Any, ...]] = {
        "fps": row.fps,
        "aspect": row.aspects,
        "resolution": (0, *shorts) if several else (0,),
    }
    table |= {name: (defaults.get(name),) for name in OPTIONAL if name not in row.free}
    table |= {"still": (True,)} if row.longest_frames == 1 else {}
    return {name: values for name, values in table.items() if name in defaults and values}


def defaults(row: ModelSpec, request: type[Request]) -> dict[str, Any]:
    """What the row's authors recommend for each field that it has an opinion about, `model` among them."""
    longest = row.longest_frames // row.fps[0] if row.longest_frames else row.longest_s
    table = {
        "model": row.name,
        "steps": row.steps,
        "guidance": row.guidance,
        "negative": row.negative,
        "fps": row.fps[0],
        "aspect": row.aspects[0] if row.sizes else None,
    }
    names = {spec.name: spec.default for spec in fields(request)}
    if "seconds" in names:
        table["seconds"] = float(min(max(1, longest), names["seconds"]))
    if row.longest_frames == 1:
        table["still"] = True
    return {name: value for name, value in table.items() if name in names and value is not None}

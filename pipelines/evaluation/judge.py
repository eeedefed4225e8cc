"""The judge: a small network that names what a clip of the toy theatre shows. Trained on world renders only.

Two nets that share nothing: `Look` names what one frame shows (several frames vote), `Motion` names what moves
from optical flow and thumbnails at sixteen moments spread over the clip, whatever its length.

B batch   F frames looked at   S picture size   L picture size of Look   M moments   G grid of the flow   D width
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn import functional as F

from pipelines import card
from pipelines.errors import Unavailable
from pipelines.moviegen.checkpoint import WEIGHTS, load, save
from pipelines.vocabulary import AXES, COLOURS

SIZE = 96  # pixels of the square that every frame is squeezed to for Motion, whatever its shape
MOMENTS = 16
GRID = SIZE // 4
FLOW_SCALE = 8.0  # stored flow: int8 eighths of a pixel of the SIZE picture
VOTERS = np.linspace(0, MOMENTS - 1, 6).round().astype(int)  # the moments that Look votes on

Labels = dict[str, tuple[str, ...]]


def labels() -> Labels:
    """Attribute -> its names in the order of the network's outputs. Colour: "none" for things of one colour."""
    return {"thing": AXES["thing"], "colour": ("none", *COLOURS)} | {
        axis: AXES[axis] for axis in AXES if axis != "thing"
    }


MOVING = ("action", "camera")  # attributes that a still does not have


@dataclass(frozen=True, eq=False)
class View:
    """A clip as the judge sees it: frames (M, S, S, 3) uint8, the flow at each (M, G, G, 2) int8 in 1/8 pixels.

    What Look sees, some of the frames in its own size, is looks (F, L, L, 3) uint8.
    """

    frames: np.ndarray
    flow: np.ndarray
    looks: np.ndarray


def moments(count: int, fps: int = 16) -> np.ndarray:
    """(M, 2): frames to look at, spread over all of `count`, and each one's partner an eighth of a second later."""
    gap = min(max(1, round(fps / 8)), count - 1)  # short: a spin turns by 35 degrees, which flow still follows
    first = np.linspace(0, count - 1 - gap, MOMENTS).round().astype(int)
    return np.stack([first, first + gap], 1)


def view(frames: np.ndarray, fps: int = 16, look_size: int = SIZE) -> View:
    """frames (T, H, W, 3) uint8 of any size and length -> what the judge sees of them. One frame is repeated."""
    return view_of_moments(frames[moments(len(frames), fps)], look_size)


def view_of_moments(pairs: np.ndarray, look_size: int = SIZE) -> View:
    """pairs (M, 2, H, W, 3) uint8: every moment and its partner."""
    engine = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    frames, fields = [], []
    for pair in pairs:
        small = [cv2.resize(frame, (SIZE, SIZE), interpolation=cv2.INTER_AREA) for frame in pair]
        field = engine.calc(*(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in small), None)
        frames.append(small[0])
        fields.append(cv2.resize(field, (GRID, GRID), interpolation=cv2.INTER_AREA))
    flow = np.clip(np.rint(np.stack(fields) * FLOW_SCALE), -127, 127).astype(np.int8)
    return View(np.stack(frames), flow, resized(pairs[VOTERS, 0], look_size))


def resized(frames: np.ndarray, side: int) -> np.ndarray:
    """(T, H, W, 3) or (T, H, W) uint8, squeezed to squares."""
    return np.stack([cv2.resize(frame, (side, side), interpolation=cv2.INTER_AREA) for frame in frames])


@dataclass(frozen=True, kw_only=True)
class JudgeConfig:
    """Widths of the two nets at their three resolutions, Look's depth at each of them and the size of its pictures.

    `moving` is the width over time.
    """

    look: tuple[int, int, int] = (64, 128, 256)
    look_depth: tuple[int, int, int] = (1, 2, 1)
    look_size: int = SIZE
    motion: tuple[int, int, int] = (64, 96, 128)
    moving: int = 192


class Convolution(nn.Module):
    """3x3 convolution, batch norm, ReLU; adds its input where nothing changes size."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(outputs)
        self.residual = inputs == outputs and stride == 1

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.norm(self.conv(x)))
        return x + y if self.residual else y


def heads(width: int, names: Labels) -> nn.ModuleDict:
    """One linear layer per attribute."""
    return nn.ModuleDict({name: nn.Linear(width, len(values)) for name, values in names.items()})


class Look(nn.Module):
    """What single frames show. (B, F, 3, L, L) in [-1, 1] -> attribute -> logits over all frames.

    The thing is small: it is named square by square, and what most of the squares of all frames show is its name. The
    other attributes belong to the whole picture; their frames vote.
    """

    def __init__(self, widths: tuple[int, int, int], depth: tuple[int, int, int], names: Labels):
        super().__init__()
        c = widths[-1]
        layers: list[nn.Module] = [nn.PixelUnshuffle(4)]  # half of the work for the same result
        for inputs, outputs, count in zip((48, *widths[:-1]), widths, depth, strict=True):
            layers += [Convolution(inputs, outputs, stride=1 if inputs == 48 else 2)]
            layers += [Convolution(outputs, outputs) for _ in range(count)]
        self.trunk = nn.Sequential(*layers)
        self.drop = nn.Dropout(0.1)
        self.where = nn.Conv2d(c, len(names["thing"]) + 1, 1)  # the last one: nothing but the place
        nn.init.constant_(self.where.bias[-1:], 5.0)  # which is so nearly everywhere: spares the first steps
        self.heads = heads(2 * c, {name: values for name, values in names.items() if name != "thing"})

    def forward(self, frames: Tensor) -> dict[str, Tensor]:
        return self.named(self.squares(frames))

    def squares(self, frames: Tensor) -> Tensor:
        """What is in each square of L / 16: (B, F, D, L/16, L/16)."""
        x = rearrange(frames, "b f c h w -> (b f) c h w").contiguous(memory_format=torch.channels_last)
        return self.trunk(x).unflatten(0, frames.shape[:2])

    def located(self, squares: Tensor) -> Tensor:
        """Log-probability of every thing, and of none, in each square: (B, F, things + 1, L/16, L/16)."""
        return self.where(squares.flatten(0, 1)).float().log_softmax(1).unflatten(0, squares.shape[:2])

    def named(self, squares: Tensor) -> dict[str, Tensor]:
        """`squares` -> attribute -> logits (B, names)."""
        x = torch.cat([squares.mean((3, 4)), squares.amax((3, 4))], 2)  # (B, F, 2 D)
        x = self.drop(x)
        thing = self.located(squares)[:, :, :-1].logsumexp((1, 3, 4))
        return {"thing": thing} | {name: head(x).mean(1) for name, head in self.heads.items()}


class Motion(nn.Module):
    """What moves. thumbnails (B, M, 3, G, G) in [-1, 1] and flow (B, M, 2, G, G) in pixels -> attribute -> logits."""

    def __init__(self, widths: tuple[int, int, int], moving: int, names: Labels):
        super().__init__()
        a, b, c = widths
        self.space = nn.Sequential(
            nn.PixelUnshuffle(2),
            Convolution(32, a),
            Convolution(a, a),
            Convolution(a, b, stride=2),
            Convolution(b, b),
            Convolution(b, c, stride=2),
        )
        self.merge = nn.Linear(c * (GRID // 8) ** 2, moving)  # keeps where: a zoom is a flow that depends on place
        self.time = nn.ModuleList([nn.Conv1d(moving, moving, 3, padding=d, dilation=d) for d in (1, 2, 4)])
        self.drop = nn.Dropout(0.1)
        self.heads = heads(2 * moving, names)

    def forward(self, thumbnails: Tensor, flow: Tensor) -> dict[str, Tensor]:
        before = torch.cat([thumbnails[:, :1], thumbnails[:, :-1]], 1)
        x = torch.cat([flow, thumbnails, thumbnails - before], 2)  # (B, M, 8, G, G)
        steps = x.shape[:2]
        x = self.space(x.flatten(0, 1).contiguous(memory_format=torch.channels_last))
        x = F.relu(self.merge(x.flatten(1))).unflatten(0, steps)  # (B, M, D)
        x = rearrange(x, "b m d -> b d m")
        for mix in self.time:
            x = x + F.relu(mix(x))
        x = self.drop(torch.cat([x.mean(2), x.amax(2)], 1))  # (B, 2 D)
        return {name: head(x) for name, head in self.heads.items()}


class Judge(nn.Module):
    """Names every attribute of `labels()` in a clip. Training uses `forward`, others `logits` or `names`."""

    def __init__(self, config: JudgeConfig):
        super().__init__()
        self.config, self.labels = config, labels()
        self.look = Look(
            config.look, config.look_depth, {name: v for name, v in self.labels.items() if name not in MOVING}
        )
        self.motion = Motion(config.motion, config.moving, {name: self.labels[name] for name in MOVING})

    def forward(self, looks: Tensor, thumbnails: Tensor, flow: Tensor) -> dict[str, Tensor]:
        """Shapes as in `Look` and `Motion` -> attribute -> logits (B, names)."""
        return self.look(looks) | self.motion(thumbnails, flow)

    @torch.inference_mode()
    def logits(self, frames: np.ndarray, fps: int = 16) -> dict[str, np.ndarray]:
        """frames (T, H, W, 3) uint8 -> attribute -> logits (names,). A still has no action and no camera."""
        seen = view(frames, fps, self.config.look_size)
        small, looks = (pictures(torch.from_numpy(x)[None]) for x in (seen.frames, seen.looks))
        out = self(looks, thumbnails(small), flows(torch.from_numpy(seen.flow)[None]))
        return {name: x[0].float().numpy() for name, x in out.items() if len(frames) > 1 or name not in MOVING}

    def names(self, frames: np.ndarray, fps: int = 16) -> dict[str, str]:
        """frames (T, H, W, 3) uint8 -> attribute -> what the judge sees."""
        return {name: self.labels[name][int(x.argmax())] for name, x in self.logits(frames, fps).items()}


def pictures(frames: Tensor) -> Tensor:
    """(..., H, W, 3) uint8 -> (..., 3, H, W) in [-1, 1]."""
    return rearrange(frames, "... h w c -> ... c h w").float() / 127.5 - 1


def flows(flow: Tensor) -> Tensor:
    """(..., G, G, 2) int8 -> (..., 2, G, G) in pixels of the S picture."""
    return rearrange(flow, "... h w c -> ... c h w").float() / FLOW_SCALE


def thumbnails(frames: Tensor) -> Tensor:
    """(B, M, 3, S, S) -> (B, M, 3, G, G)."""
    return F.avg_pool2d(frames.flatten(0, 1), SIZE // GRID).unflatten(0, frames.shape[:2])


def save_judge(judge: Judge, folder: Path = WEIGHTS, **about: object) -> Path:
    """Writes judge.safetensors (fp16) and judge.json (sha256, config, labels and `about`) into `folder`."""
    path = folder / "judge.safetensors"
    save(judge, path, labels=judge.labels, **about)
    return path


def load_judge(folder: Path = WEIGHTS) -> Judge:
    """The shipped judge. Raises `Unavailable` when its files are missing, damaged or of another vocabulary."""
    path = folder / "judge.safetensors"
    state, config = load(path)
    with card.fitting(path.with_suffix(".json")):
        judge = Judge(JudgeConfig(**{name: tuple(x) if isinstance(x, list) else x for name, x in config.items()}))
        known = card.read(path.with_suffix(".json"))["labels"]
    if known != {name: list(values) for name, values in judge.labels.items()}:
        raise Unavailable(
            f"{path} knows another vocabulary than this code; train it with: python -m pipelines.training.judge"
        )
    judge.load_state_dict(state)
    return judge.eval().to(memory_format=torch.channels_last)

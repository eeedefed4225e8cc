"""Speed and memory on this machine, as JSON: python -m pipelines.evaluation.bench [--only PART ...]

Nothing is asserted: times are compared only with others of the same run.
"""

import argparse
import importlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from pipelines import device
from pipelines.errors import need
from pipelines.evaluation import report
from pipelines.moviegen.nn.text import Text
from pipelines.moviegen.nn.transformer import PATCH, TransformerConfig, VideoTransformer
from pipelines.moviegen.presets import TRANSFORMER

ROOT = Path(__file__).resolve().parents[2]
PROMPT = "a red panda jumps on a snowy mountain at night, camera zooms in"
WORDS = 20  # text tokens of such a prompt
LATENTS = {"still": (1, 16, 16), "4 s": (8, 16, 16), "16 s": (32, 16, 16)}
# bfloat16 only where the processor computes in it: emulated, it is hundreds of times slower and tells nothing.
DTYPES = {str(dtype).removeprefix("torch."): dtype for dtype in dict.fromkeys((torch.float32, device.dtype("cpu")))}

Work = Callable[[], object]


def seconds_of(works: dict[str, Work], *, rounds: int = 7, least: float = 0.2) -> dict[str, float]:
    """Name -> median seconds of one call. The works take turns, so that a busy moment hits all alike."""
    repeats = {}
    for name, work in works.items():
        work()
        begun = time.perf_counter()
        work()
        repeats[name] = max(1, round(least / max(time.perf_counter() - begun, 1e-6)))
    found: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            begun = time.perf_counter()
            for _ in range(repeats[name]):
                work()
            found[name].append((time.perf_counter() - begun) / repeats[name])
    return {name: statistics.median(values) for name, values in found.items()}


def matmul_rate(dtype: torch.dtype) -> float:
    """FLOP/s of the best of a few square products: what this machine can do at all."""
    with torch.inference_mode():
        works = {size: _product(size, dtype) for size in (512, 1024, 2048)}
        times = seconds_of(works)
    return max(2 * size**3 / taken for size, taken in times.items())


def _product(size: int, dtype: torch.dtype) -> Work:
    a, b = (torch.randn(size, size).to(dtype) for _ in range(2))
    return lambda: a @ b


def forward_flops(config: TransformerConfig, *, tokens: int, words: int) -> int:
    """FLOP of one velocity, two per multiply-add of the matrix products; without the text's keys and values."""
    width = config.width
    attention = 2 * tokens * width * 4 * width + 4 * tokens**2 * width
    cross = 2 * tokens * width * 2 * width + 4 * tokens * words * width
    feed = 2 * tokens * width * 3 * config.hidden
    numbers = config.latents * PATCH**2  # of a token
    ends = 2 * 2 * tokens * numbers * (width + config.prior * numbers)
    return config.depth * (attention + cross + feed) + ends


def tokens_of(latents: tuple[int, int, int]) -> int:
    """Tokens of T' x H' x W' latents."""
    frames, height, width = latents
    return frames * height * width // PATCH**2


def ours(config: TransformerConfig, dtype: torch.dtype, latents: tuple[int, int, int]) -> Work:
    """One velocity of our transformer, random weights, with the text's keys and values ready as in sampling."""
    model = VideoTransformer(config).eval().to(dtype)
    x, t = torch.randn(1, config.latents, *latents).to(dtype), torch.tensor([0.5]).to(dtype)
    states = [torch.randn(1, WORDS, size).to(dtype) for size in config.text]
    with torch.inference_mode():
        condition = model.condition(*(Text(states=s, mask=torch.ones(1, WORDS, dtype=torch.bool)) for s in states))
    return _inference(lambda: model(x, t, condition))


def theirs(config: TransformerConfig, dtype: torch.dtype, latents: tuple[int, int, int]) -> Work:
    """One velocity of diffusers' Wan of the same width, depth, heads, tokens, and feed-forward parameters."""
    need("diffusers", "diffusers==0.42.1")
    wan = importlib.import_module("diffusers").WanTransformer3DModel
    model: nn.Module = wan(
        patch_size=(1, PATCH, PATCH),
        num_attention_heads=config.heads,
        attention_head_dim=config.width // config.heads,
        in_channels=config.latents,
        out_channels=config.latents,
        text_dim=sum(config.text),
        ffn_dim=config.hidden * 3 // 2,  # two matrices where SwiGLU has three
        num_layers=config.depth,
    )
    model = model.eval().to(dtype)
    x, t = torch.randn(1, config.latents, *latents).to(dtype), torch.tensor([500])
    states = torch.randn(1, WORDS, sum(config.text)).to(dtype)
    return _inference(lambda: model(hidden_states=x, timestep=t, encoder_hidden_states=states, return_dict=False))


def _inference(work: Callable[[], Tensor]) -> Work:
    def run() -> Tensor:
        with torch.inference_mode():
            return work()

    return run


def matmul() -> dict[str, Any]:
    """GFLOP/s of plain matrix products by dtype."""
    return {name: round(matmul_rate(dtype) / 1e9, 1) for name, dtype in DTYPES.items()}


def transformer() -> dict[str, Any]:
    """Forward time of mini's transformer and its share of the matmul rate, by dtype and length."""
    config, found = TRANSFORMER["mini"], {}
    for kind, dtype in DTYPES.items():
        rate = matmul_rate(dtype)
        works = {name: ours(config, dtype, latents) for name, latents in LATENTS.items()}
        for name, taken in seconds_of(works).items():
            flops = forward_flops(config, tokens=tokens_of(LATENTS[name]), words=WORDS)
            found[f"{kind} {name}"] = {
                "ms": round(1000 * taken, 2),
                "gflop": round(flops / 1e9, 2),
                "gflop_per_s": round(flops / taken / 1e9, 1),
                "fraction_of_matmul": round(flops / taken / rate, 3),
            }
    return found


def against_wan() -> dict[str, Any]:
    """Milliseconds of one velocity, ours and diffusers' Wan, and their ratio, by dtype and length."""
    config, found = TRANSFORMER["mini"], {}
    for kind, dtype in DTYPES.items():
        for name, latents in LATENTS.items():
            works = {"ours": ours(config, dtype, latents), "wan": theirs(config, dtype, latents)}
            times = seconds_of(works)
            row = {f"{who}_ms": round(1000 * taken, 2) for who, taken in times.items()}
            found[f"{kind} {name}"] = row | {"ratio": round(times["ours"] / times["wan"], 3)}
    return found


def generated(options: list[str], folder: Path) -> dict[str, float]:
    """Runs `python -m studio generate` in a process of its own: seconds until its file is there, peak memory."""
    still = "--still" in options
    path = Path(tempfile.mkdtemp(dir=folder)) / ("clip.png" if still else "clip.mp4")
    command = [sys.executable, "-m", "studio", "generate", PROMPT, "--seed", "7", "--out", str(path), *options]
    begun = time.time()  # compared with the file's own time
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    said = process.stderr.read()
    _, process.returncode, usage = os.wait4(process.pid, 0)  # this child's own peak, not the greatest of all children
    if process.returncode:
        raise RuntimeError(f"{' '.join(command[1:])} failed: {said.decode(errors='replace')[-300:]}")
    return {"first_byte_s": round(path.stat().st_mtime - begun, 2), "peak_mib": round(usage.ru_maxrss / 1024)}


def first_byte() -> dict[str, Any]:
    """From the command to the finished file, which appears at once: a 4 s clip and a still."""
    with tempfile.TemporaryDirectory() as folder:
        return {
            name: generated(options, Path(folder))
            for name, options in (("4 s", ["--seconds", "4"]), ("still", ["--still"]))
        }


def memory() -> dict[str, Any]:
    """Peak memory of making a 4 s and a 16 s clip, few steps each, in processes of their own, and their ratio."""
    with tempfile.TemporaryDirectory() as folder:
        peaks = {
            f"{seconds} s": generated(["--seconds", str(seconds), "--steps", "4"], Path(folder))["peak_mib"]
            for seconds in (4, 16)
        }
    return {"peak_mib": peaks, "ratio": round(peaks["16 s"] / peaks["4 s"], 3)}


PARTS: dict[str, Callable[[], dict[str, Any]]] = {
    part.__name__: part for part in (matmul, transformer, against_wan, first_byte, memory)
}


def main() -> None:
    """Prints one JSON object with the chosen parts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), metavar="PART")
    chosen = parser.parse_args().only
    print(json.dumps({name: PARTS[name]() for name in chosen} | {"machine": report.machine()}, indent=1))


if __name__ == "__main__":
    main()

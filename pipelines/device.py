"""Which device this machine has, how much room is on it, and which numbers it computes with.

torch is imported inside the functions: reading this module costs nothing.
"""

import ctypes
import importlib.util
import itertools
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, kw_only=True)
class Device:
    """`kind` as torch names it (cuda, mps, cpu); `free_bytes` is what a model could take at the moment of asking."""

    kind: str
    label: str
    free_bytes: int


@dataclass(frozen=True, kw_only=True)
class Card:
    """A CUDA card as its driver describes it."""

    label: str
    total_bytes: int
    free_bytes: int


class _Memory(ctypes.Structure):
    _fields_ = [(name, ctypes.c_ulonglong) for name in ("total", "free", "used")]


def cards() -> tuple[Card, ...]:
    """The CUDA cards of this machine, asked of NVIDIA's driver (NVML), so that the web process needs no torch."""
    try:
        nvml = ctypes.CDLL("nvml.dll" if os.name == "nt" else "libnvidia-ml.so.1")
    except OSError:  # no driver, no card
        return ()
    return cards_of(nvml, os.environ.get("CUDA_VISIBLE_DEVICES"))


def cards_of(nvml: Any, visible: str | None = None) -> tuple[Card, ...]:
    """The cards that a driver describes and CUDA may use: `visible` is what CUDA_VISIBLE_DEVICES says, if it is set."""
    count = ctypes.c_uint(0)
    if nvml.nvmlInit_v2() or nvml.nvmlDeviceGetCount_v2(ctypes.byref(count)):
        return ()
    found = (_card(nvml, number) for number in _visible(visible, count.value))
    return tuple(card for card in found if card is not None)


def _visible(text: str | None, count: int) -> Sequence[int]:
    """The numbers up to the first that no card has, as CUDA reads them; cards with other names are not told apart."""
    if text is None or text.startswith(("GPU-", "MIG-")):
        return range(count)
    wanted = itertools.takewhile(lambda part: part.isdecimal() and int(part) < count, text.replace(" ", "").split(","))
    return [int(part) for part in wanted]


def _card(nvml: Any, number: int) -> Card | None:
    """None for one that is lost, or does not answer."""
    handle, label, memory = ctypes.c_void_p(), ctypes.create_string_buffer(96), _Memory()
    if (
        nvml.nvmlDeviceGetHandleByIndex_v2(number, ctypes.byref(handle))
        or nvml.nvmlDeviceGetName(handle, label, len(label))
        or nvml.nvmlDeviceGetMemoryInfo(handle, ctypes.byref(memory))
    ):
        return None
    return Card(label=label.value.decode(errors="replace"), total_bytes=memory.total, free_bytes=memory.free)


def torch_has_cuda() -> bool:
    """Whether the torch that is installed was built for CUDA. Read, not imported: the web process needs no torch."""
    torch = importlib.util.find_spec("torch")
    text = Path(torch.origin).with_name("version.py").read_text(encoding="utf-8") if torch and torch.origin else ""
    return re.search(r"^cuda\b.*= *None$", text, re.MULTILINE) is None


def find() -> Device:
    """The best device here: a CUDA card, then Apple's, then the processor."""
    import torch

    if torch.cuda.is_available():
        free, _ = torch.cuda.mem_get_info()
        return Device(kind="cuda", label=torch.cuda.get_device_name(), free_bytes=free)
    if torch.backends.mps.is_available():
        free = torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
        return Device(kind="mps", label="Apple GPU", free_bytes=free)
    return Device(kind="cpu", label=f"{os.cpu_count()} processor cores", free_bytes=free_memory())


def dtype(kind: str) -> "torch.dtype":
    """bfloat16 where the device computes in it, else float32: the models were never trained for float16's range."""
    import torch

    fast = {
        "cuda": lambda: torch.cuda.is_bf16_supported(including_emulation=False),
        "cpu": torch.cpu._is_avx512_bf16_supported,  # emulated, and slower than float32, where this says no
    }
    return torch.bfloat16 if kind in fast and fast[kind]() else torch.float32


def autocast(kind: str, *, convolutions: bool = False) -> "torch.autocast":
    """Matrix products in bfloat16 where the device computes in it, the rest in float32.

    For a network of `convolutions`, a processor has to have matrix units (AMX): without them, bfloat16 is slower.
    """
    import torch

    narrow, slow = dtype(kind), convolutions and kind == "cpu" and not torch.cpu._is_amx_tile_supported()
    return torch.autocast(kind, narrow, enabled=narrow != torch.float32 and not slow)


def release(kind: str) -> None:
    """Gives cached device memory back, after models have moved away."""
    import torch

    if kind == "cuda":
        torch.cuda.empty_cache()
    elif kind == "mps":
        torch.mps.empty_cache()


def free_memory() -> int:
    """Main memory in bytes that could be taken without swapping; where the system does not say, all there is."""
    table = Path("/proc/meminfo")
    if table.exists():
        rows = dict(line.split(":", 1) for line in table.read_text(encoding="ascii").splitlines())
        return int(rows["MemAvailable"].split()[0]) * 1024
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")

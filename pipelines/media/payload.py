"""What an invisible mark says: 64 bits (which key, which clip, a checksum), and the code that carries them.

The marks of picture and sound share it: `encode` gives signs to spread, `decode` takes what was heard of them.
"""

import binascii
import hashlib
import struct
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

KEY_BITS, CLIP_BITS, CHECK_BITS = 12, 32, 20
MEMORY = 8  # of the convolutional code: 256 states
GENERATORS = (0o557, 0o663, 0o711)  # rate 1/3, 3GPP TS 25.212 section 4.2.3.1
LENGTH = len(GENERATORS) * (KEY_BITS + CLIP_BITS + CHECK_BITS + MEMORY)


@dataclass(frozen=True)
class Payload:
    """The number of the studio's key, 0 to 4095, and of the clip, 0 to 2**32 - 1."""

    key: int
    clip: int

    def __post_init__(self) -> None:
        assert 0 <= self.key < 1 << KEY_BITS, "a key's number has 12 bits"
        assert 0 <= self.clip < 1 << CLIP_BITS, "a clip's number has 32 bits"


@dataclass(frozen=True)
class Found:
    """What a reader found: the payload or None, and how sure it is, 0 to 1.

    The confidence is 1 minus a bound on the chance that something unmarked would have been read so; 0 for nothing.
    """

    payload: Payload | None
    confidence: float


def encode(payload: Payload) -> np.ndarray:
    """The signs (LENGTH,) float32, -1 or 1, of a payload."""
    number = payload.key << CLIP_BITS | payload.clip
    bits = _bits(number << CHECK_BITS | _check(number), KEY_BITS + CLIP_BITS + CHECK_BITS) + [0] * MEMORY
    state, signs = 0, []
    for bit in bits:
        register = bit << MEMORY | state
        signs += [1 - 2 * ((register & generator).bit_count() & 1) for generator in GENERATORS]
        state = register >> 1
    return np.array(signs, np.float32)


def decode(soft: np.ndarray) -> Payload | None:
    """The payload that signs heard as (LENGTH,) floats most likely spell, or None if its checksum is wrong.

    Viterbi 1967: of all messages the one whose signs correlate best, so that the scale of what was heard is free.
    """
    number = _most_likely(soft.astype(np.float64).reshape(-1, len(GENERATORS)))
    number, check = number >> CHECK_BITS, number & (1 << CHECK_BITS) - 1
    if check != _check(number):
        return None
    return Payload(number >> CLIP_BITS, number & (1 << CLIP_BITS) - 1)


def first(guesses: Iterable[np.ndarray]) -> Found:
    """The first of several guesses at what was heard, (LENGTH,) each, whose checksum is right."""
    for asked, soft in enumerate(guesses, 1):
        payload = decode(soft)
        if payload is not None:
            return Found(payload, 1 - asked * 2.0**-CHECK_BITS)
    return Found(None, 0.0)


def randoms(secret: bytes, label: str, count: int) -> np.ndarray:
    """(count,) uint64 that only who has the secret can know. Numpy's generators may change; this never does."""
    stream = hashlib.shake_256(struct.pack("<I", len(secret)) + secret + label.encode())
    return np.frombuffer(stream.digest(8 * count), "<u8")


def _most_likely(soft: np.ndarray) -> int:
    """The message (as a number) whose path through the code's trellis agrees best with soft (STEPS, 3)."""
    states = np.arange(1 << MEMORY)
    # A state was reached by the bit that is now its highest, from one of two: its lower bits and an unknown last one.
    before = ((states << 1) & (len(states) - 1))[:, None] | [0, 1]
    register = (states >> (MEMORY - 1) << MEMORY)[:, None] | before
    signs = np.stack([1.0 - 2 * (np.bitwise_count(register & generator) & 1) for generator in GENERATORS], -1)
    score = np.where(states == 0, 0.0, -np.inf)
    choices = []
    for heard in soft:
        paths = score[before] + signs @ heard
        choice = paths.argmax(1)
        score = paths[states, choice]
        choices.append(before[states, choice])
    number, state = 0, 0
    for step, origin in enumerate(reversed(choices)):
        number |= (state >> (MEMORY - 1)) << step
        state = int(origin[state])
    return number >> MEMORY


def _bits(number: int, count: int) -> list[int]:
    return [number >> place & 1 for place in reversed(range(count))]


def _check(number: int) -> int:
    """The last 20 bits of the CRC-32 of the number."""
    return binascii.crc32(number.to_bytes(8, "big")) & (1 << CHECK_BITS) - 1

"""Trains the transformer on scenes that are rendered and encoded meanwhile: for a graphics card and many cores.

    python -m pipelines.training.live --preset mini --minutes 5 --latent-frames 1024 --workers 13 --compile
    python -m pipelines.training.publish --preset mini --transformer live

Nothing is cached beforehand and hardly anything is seen as often as on a processor. Stills come first, then stills and
clips together, as in `stills` and `clips`. A pool of latents for every shape lives on the card and is for ever renewed.
"""

import logging
import math
import multiprocessing
import os
import queue
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from pipelines import command
from pipelines.moviegen import checkpoint, tiling
from pipelines.moviegen.nn.tae import TAE
from pipelines.moviegen.nn.text import MiniLM, Text
from pipelines.moviegen.nn.transformer import PATCH
from pipelines.training import generator, world
from pipelines.training.data import ahead, pixels
from pipelines.training.generator import MEASURED, TEXT_DROPPED, Batch, numbers
from pipelines.training.latents import CLIPS, FIRST_SEED, STILLS, Bucket, shown
from pipelines.training.loop import place

WORDS = 40  # tokens of a caption at most; longer ones are worded anew
STILLS_ONLY = 0.12  # of the time
STILLS_LATER = 0.2  # of the batches
LARGEST = 256 * 352 * 192 * 3  # bytes of the largest parcel


@dataclass(frozen=True, kw_only=True)
class Mix:
    """What is drawn and kept: buckets with their odds among stills and among clips, how much at once, how much at most.

    A worker sends `frames` of clips or `stills_at_once`; a pool holds `room` latent frames of clips or `room_stills`.
    """

    stills: dict[Bucket, float]
    clips: dict[Bucket, float]
    frames: int = 128
    stills_at_once: int = 64
    wordings: int = 6  # captions of one scene: nothing has to be read twice, but memory is finite
    dropped: float = TEXT_DROPPED
    room: int = 48_000
    room_stills: int = 16_000


ODDS = {"1x1-32": 0.28, "1x1-64": 0.34, "1x1-128": 0.10, "1x1-256": 0.08}  # more of the lengths that are asked for
MIX = Mix(
    stills={bucket: bucket.share for bucket in STILLS}, clips={bucket: ODDS.get(bucket.name, 0.05) for bucket in CLIPS}
)


@dataclass(frozen=True, kw_only=True)
class Parcel:
    """Scenes of one bucket: frames (B, T, H, W, 3) uint8, cover (B, N) uint8, numbers (B, 1 + TELLING), words
    (B, wordings, WORDS) token ids, their lengths (B, wordings)."""

    bucket: str
    frames: Tensor
    cover: Tensor
    numbers: Tensor
    words: Tensor
    lengths: Tensor

    @property
    def mask(self) -> Tensor:
        """Which of the token ids are words (B, wordings, WORDS), True, and which filling."""
        return torch.arange(self.words.shape[2], device=self.words.device) < self.lengths[..., None]

    def pin_memory(self) -> "Parcel":
        """In pages that a card can fetch by itself."""
        return self._each(Tensor.pin_memory)

    def to(self, device: torch.device, *, non_blocking: bool) -> "Parcel":
        return self._each(lambda x: x.to(device, non_blocking=non_blocking))

    def _each(self, change: Callable[[Tensor], Tensor]) -> "Parcel":
        return replace(self, **{name: change(x) for name, x in vars(self).items() if isinstance(x, Tensor)})


class Stream:
    """Parcels without end; `worker` of `workers` has its own seeds."""

    def __init__(self, mix: Mix, text: MiniLM, token: dict[str, int]):
        self.mix, self.text, self.token = mix, text, token
        drawn = {bucket: STILLS_LATER * odds for bucket, odds in mix.stills.items()}
        drawn |= {bucket: (1 - STILLS_LATER) * odds for bucket, odds in mix.clips.items()}
        self.buckets, self.odds = list(drawn), np.array(list(drawn.values())) / sum(drawn.values())

    def parcels(self, worker: int = 0, workers: int = 1) -> Iterator[Parcel]:
        rng, seeds = np.random.default_rng(worker), count(FIRST_SEED + worker, workers)
        while True:
            yield self.parcel(self.buckets[rng.choice(len(self.odds), p=self.odds)], seeds)

    def parcel(self, bucket: Bucket, seeds: Iterator[int]) -> Parcel:
        """The next scenes in the shape of a bucket."""
        still = bucket.frames == 1
        size = self.mix.stills_at_once if still else max(1, self.mix.frames // bucket.frames)
        scenes = [world.sample_scene(next(seeds)) for _ in range(size)]
        frames, covers = zip(*(shown(scene, bucket, **self.token) for scene in scenes), strict=True)
        words = [self._words(scene, number, still=still) for scene in scenes for number in range(self.mix.wordings)]
        rows = pad_sequence([torch.tensor(row) for row in (*words, [0] * WORDS)], batch_first=True)[:-1]
        return Parcel(
            bucket=bucket.name,
            frames=torch.from_numpy(np.stack(frames)),
            cover=torch.from_numpy(np.stack(covers)).flatten(1),
            numbers=torch.tensor([numbers(scene) for scene in scenes]),
            words=rows.unflatten(0, (size, self.mix.wordings)),
            lengths=torch.tensor([len(row) for row in words]).unflatten(0, (size, self.mix.wordings)),
        )

    def _words(self, scene: world.Scene, number: int, *, still: bool) -> list[int]:
        wordings = (np.random.default_rng((scene.seed, number, attempt)) for attempt in count())
        read = (self.text.tokenize(world.caption(scene, wording, still=still)) for wording in wordings)
        return next(ids for ids in read if len(ids) <= WORDS)


class Workers:
    """Processes that draw a stream into slots of shared memory, used again and again: fresh pages cost more time than
    to draw on them. `next` is the next parcel."""

    def __init__(self, stream: Stream, count: int):
        context = multiprocessing.get_context("fork")  # the text encoder's words cannot be sent
        self.slots = torch.empty(3 * count, LARGEST, dtype=torch.uint8).share_memory_()
        self.free, self.ready = context.Queue(), context.Queue()
        for slot in range(len(self.slots)):
            self.free.put(slot)
        self.processes = [
            context.Process(target=self._work, args=(stream, worker, count, os.getpid()), daemon=True)
            for worker in range(count)
        ]
        for process in self.processes:
            process.start()

    def _work(self, stream: Stream, worker: int, workers: int, parent: int) -> None:
        torch.set_num_threads(1)
        for parcel in stream.parcels(worker, workers):
            slot = _patient(self.free, lambda: os.getppid() == parent)  # a killed parent cannot end its child
            if slot is None:
                return
            frames = parcel.frames
            self.slots[slot, : frames.numel()] = frames.flatten()
            small = {name: x.numpy() for name, x in vars(parcel).items() if isinstance(x, Tensor) and x is not frames}
            self.ready.put((slot, parcel.bucket, frames.shape, small))

    def stop(self) -> None:
        for process in self.processes:
            process.terminate()

    def next(self, _: int = 0) -> Parcel:
        drawn = _patient(self.ready, lambda: all(process.is_alive() for process in self.processes))
        assert drawn, "a process that draws scenes has died"
        slot, bucket, shape, small = drawn
        frames = self.slots[slot, : math.prod(shape)].reshape(shape).clone()
        self.free.put(slot)
        return Parcel(bucket=bucket, frames=frames, **{name: torch.from_numpy(x) for name, x in small.items()})


def _patient(line: multiprocessing.Queue, alive: Callable[[], bool]) -> Any:
    """The next of a queue, however long it takes; None once whoever fills it is no longer `alive`."""
    while True:
        with suppress(queue.Empty):
            return line.get(timeout=5)
        if not alive():
            return None


class Pool:
    """The scenes of one bucket on the card, the oldest replaced by the newest: tensors by name, rows are scenes."""

    def __init__(self, room: int):
        self.room, self.put_so_far = room, 0
        self.rows: dict[str, Tensor] = {}

    def put(self, **rows: Tensor) -> None:
        size, here = len(rows["z"]), rows["z"].device
        at = (self.put_so_far + torch.arange(size, device=here)) % self.room
        for name, row in rows.items():
            if name not in self.rows:
                self.rows[name] = row.new_empty(self.room, *row.shape[1:])
            self.rows[name][at] = row
        self.put_so_far += size

    def __len__(self) -> int:
        return min(self.put_so_far, self.room)

    def draw(self, size: int) -> dict[str, Tensor]:
        """`size` random scenes."""
        at = torch.randint(len(self), (size,), device=self.rows["z"].device)
        return {name: row[at] for name, row in self.rows.items()}


class Feed:
    """Batches of scenes that hardly come twice. `batch` also takes in what the workers have drawn meanwhile."""

    def __init__(self, tae: TAE, text: MiniLM, mix: Mix = MIX, *, latent_frames: int, workers: int):
        self.device, self.latent_frames, self.rng = place(), latent_frames, np.random.default_rng(0)
        self.tae, self.text, self.mix = tae.to(self.device), text, mix
        token = {"frames": tae.config.time, "side": PATCH * tae.config.space}
        # the workers start before the text encoder moves to the card
        self.workers = Workers(Stream(mix, text, token), workers)
        self.parcels = ahead(self.workers.next, count(), self.device)
        self.text.to(self.device)
        self.pools = {bucket.name: Pool(mix.room_stills) for bucket in mix.stills}
        self.pools |= {bucket.name: Pool(mix.room // bucket.latent_frames) for bucket in mix.clips}
        self.nothing = self.text([""])

    def close(self) -> None:
        """Ends the workers; nothing can be taken afterwards."""
        self.parcels.close()
        self.workers.stop()

    @torch.no_grad()
    def take(self) -> None:
        """Encodes the next parcel into its pool."""
        parcel = next(self.parcels)
        mask = parcel.mask
        z = tiling.encode_whole(self.tae, pixels(parcel.frames))
        states = self.text.read(parcel.words.flatten(0, 1), mask.flatten(0, 1)).states
        self.pools[parcel.bucket].put(
            z=z.half(), cover=parcel.cover, numbers=parcel.numbers,
            states=states.half().unflatten(0, mask.shape[:2]), mask=mask,
        )  # fmt: skip

    def fill(self) -> None:
        """Waits until every pool has some scenes."""
        while min(map(len, self.pools.values())) < 4:
            self.take()

    def batch(self, stills: float) -> Batch:
        """A random batch of one bucket; a part `stills` of all batches are stills."""
        self.take()
        odds = self.mix.stills if self.rng.random() < stills else self.mix.clips
        bucket = list(odds)[self.rng.choice(len(odds), p=list(odds.values()))]
        rows = self.pools[bucket.name].draw(max(1, self.latent_frames // bucket.latent_frames))
        return Batch.of(rows["z"].float(), self.worded(rows), rows["numbers"], rows["cover"].float() / 255)

    def worded(self, rows: dict[str, Tensor]) -> Text:
        """One of the wordings of each scene; of some none."""
        size, each = len(rows["z"]), torch.arange(len(rows["z"]), device=self.device)
        which = torch.randint(self.mix.wordings, (size,), device=self.device)
        states, mask = rows["states"][each, which].float(), rows["mask"][each, which]
        dropped = torch.rand(size, 1, device=self.device) < self.mix.dropped
        nothing = torch.zeros_like(states[:1])
        nothing[:, : self.nothing.states.shape[1]] = self.nothing.states
        mask = torch.where(dropped, torch.arange(WORDS, device=self.device) < self.nothing.states.shape[1], mask)
        return Text(states=torch.where(dropped[..., None], nothing, states), mask=mask)

    def tokens(self, size: int) -> Tensor:
        """About `size` tokens (size, 4 C), as many of stills as of clips."""
        return generator.tokens_of(lambda: self.batch(0.5).z, size)


def main() -> None:
    parser = generator.options(__doc__, minutes=5, rate=1.5e-3)
    parser.add_argument("--workers", type=int, default=1, help="processes that draw scenes")
    choice = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.manual_seed(0)
    model = generator.pupil(choice).to(place())
    tae, text = checkpoint.load_tae(choice.preset), checkpoint.load_text()
    feed = Feed(tae, text, latent_frames=choice.latent_frames or 512, workers=choice.workers)
    feed.fill()
    if not choice.published:
        model.prior.measure(feed.tokens(MEASURED))
    run = generator.prepared(model, choice, "live", warmup=300)

    def loss() -> Tensor:
        done = run.elapsed / (60 * choice.minutes)
        return generator.step_loss(run, feed.batch(1.0 if done < STILLS_ONLY else STILLS_LATER), choice)

    run.train(loss)
    feed.close()


if __name__ == "__main__":
    command.run(main)

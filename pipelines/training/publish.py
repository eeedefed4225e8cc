"""Turns finished runs into the weights that ship.

    python -m pipelines.training.publish --preset mini --tae clips
    python -m pipelines.training.publish --preset mini --tae finish --share 0.5
    python -m pipelines.training.publish --preset mini --transformer finetune-a finetune-b

Several runs of the transformer are averaged, weight by weight (Movie Gen, section 3.1.5). Commit what this writes to
assets/weights only if `python -m studio evaluate` says that it beats what is there.
"""

import itertools
import logging
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pipelines import command
from pipelines.moviegen import checkpoint, presets
from pipelines.moviegen.nn.tae import TAE, channels_last, inflate
from pipelines.moviegen.nn.transformer import VideoTransformer
from pipelines.training import world
from pipelines.training.data import pixels
from pipelines.training.loop import place

log = logging.getLogger("training")
RUNS = Path("runs")


def main() -> None:
    parser = command.Parser(description=__doc__)
    parser.add_argument("--preset", default="mini", choices=presets.TRANSFORMER)
    parser.add_argument("--tae", metavar="STAGE")
    parser.add_argument("--share", type=float, default=1.0, help="of the new autoencoder; the rest stays as published")
    parser.add_argument("--transformer", metavar="RUN", nargs="+")
    options = parser.parse_args()
    if not (options.tae or options.transformer):
        parser.error("nothing to publish: name a stage by --tae, or runs by --transformer")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    if options.tae:
        publish_tae(options.preset, options.tae, share=options.share)
    if options.transformer:
        publish_transformer(options.preset, options.transformer)


def publish_tae(preset: str, stage: str, *, share: float = 1.0, clips: int = 48) -> None:
    """Saves the autoencoder of a stage with the statistics of its latents, measured on clips and stills.

    A `share` below 1 is a weighted mean with the published one, from which the stage must have begun: a part of what
    was learned for a smaller part of what was forgotten.
    """
    state, facts = _finished(RUNS / "autoencoder" / preset / stage)
    config = presets.TAE[preset]
    model = inflate(state, replace(config, refine=0) if stage in ("image", "clips") else config).eval()
    model = channels_last(model).to(place())
    if stage not in ("decoder", "finish"):  # these have frozen the latents, and with them their statistics
        mean, deviation = statistics(model, _theatre(clips))
        model.mean.copy_(mean)
        model.deviation.copy_(deviation)
    model = model.cpu()
    if share < 1:
        model.load_state_dict(blend(model.state_dict(), checkpoint.load_tae(preset).state_dict(), share))
        facts["share"] = share
    checkpoint.save(model, checkpoint.WEIGHTS / preset / "tae.safetensors", stage=stage, **facts)


def publish_transformer(preset: str, runs: list[str]) -> None:
    """Saves the average of the averaged weights of `runs`."""
    found = [_finished(RUNS / "transformer" / preset / run) for run in runs]
    model = VideoTransformer(presets.TRANSFORMER[preset])
    model.load_state_dict(mean([weights for weights, _ in found], model.state_dict()))
    facts = {"runs": {run: facts for run, (_, facts) in zip(runs, found, strict=True)}}
    checkpoint.save(model, checkpoint.WEIGHTS / preset / "transformer.safetensors", torch.bfloat16, **facts)


def mean(states: list[dict[str, Tensor]], names: Iterable[str]) -> dict[str, Tensor]:
    """The mean of the weights called `names`; what only training has, such as the naming head, stays behind."""
    return {name: torch.stack([weights[name] for weights in states]).mean(dim=0) for name in names}


def blend(new: dict[str, Tensor], old: dict[str, Tensor], share: float) -> dict[str, Tensor]:
    """A `share` of the new weights and the rest of the old ones, of the same names."""
    return {name: torch.lerp(old[name], weight, share) for name, weight in new.items()}


@torch.no_grad()
def statistics(tae: TAE, clips: Iterator[np.ndarray]) -> tuple[Tensor, Tensor]:
    """Mean and deviation of the latents, (C,) each, over clips (T, H, W, 3)."""
    here = next(tae.parameters()).device
    found = [tae.posterior(pixels(clip[None]).to(here))[0].transpose(0, 1).flatten(1) for clip in clips]
    latents = torch.cat(found, dim=1)
    return latents.mean(dim=1), latents.std(dim=1)


def _theatre(clips: int) -> Iterator[np.ndarray]:
    for seed in itertools.islice(itertools.count(500_000), clips):
        yield world.render(world.sample_scene(seed), frames=16)
        yield world.render_still(world.sample_scene(seed + clips))[None]


def _finished(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    state = torch.load(folder / "last.pt", map_location="cpu", weights_only=True)
    facts = {"steps": state["step"], "minutes": round(state["elapsed"] / 60, 1)}
    log.info("%s: %s", folder, facts)
    return state["average"], facts


if __name__ == "__main__":
    command.run(main)

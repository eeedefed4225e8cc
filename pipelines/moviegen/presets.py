"""Sizes of our models: `tiny` for tests, `mini` which ships, up to `paper`, which was never trained here."""

from dataclasses import replace

from pipelines.moviegen.nn.tae import Stage, TAEConfig
from pipelines.moviegen.nn.transformer import TransformerConfig

TAE = {
    "tiny": TAEConfig(
        latents=8, stem=4, refine=4, fold=True,
        stages=(
            Stage(width=8, blocks=0, space=2, time=2),
            Stage(width=16, blocks=0, space=2, time=2),
            Stage(width=16, blocks=0, time=2),
            Stage(width=16, blocks=1),
        ),
    ),
    "mini": TAEConfig(
        latents=48, stem=8, refine=16, fold=True,
        stages=(
            Stage(width=64, blocks=0, extra=1, time=2),
            Stage(width=96, blocks=1, space=2, time=2),
            Stage(width=192, blocks=1, time=2),
            Stage(width=256, blocks=1, extra=1),
        ),
    ),
    "paper": TAEConfig(
        latents=16, stem=1, attention=1,
        stages=(
            Stage(width=128, blocks=2, extra=1, space=2, time=2),
            Stage(width=256, blocks=2, extra=1, space=2, time=2),
            Stage(width=512, blocks=2, extra=1, space=2, time=2),
            Stage(width=512, blocks=2, extra=1),
        ),
    ),
}  # fmt: skip


TRANSFORMER = {
    "tiny": TransformerConfig(latents=8, width=64, depth=2, heads=2, hidden=128, text=(384,), prior=True),
    "mini": TransformerConfig(latents=48, width=320, depth=8, heads=5, hidden=864, text=(384,), prior=True),
    "1b": TransformerConfig(latents=16, width=1536, depth=24, heads=16, hidden=4096, text=(4096, 1280, 1472), side=64),
}
TRANSFORMER["5b"] = replace(TRANSFORMER["1b"], width=3072, depth=32, heads=24, hidden=8192)
TRANSFORMER["paper"] = replace(TRANSFORMER["5b"], width=6144, depth=48, heads=48, hidden=16384)

"""Stage 3 of the transformer: a short run on the prettiest part of the world (by day or sunset, in clear weather).

    python -m pipelines.training.finetune --preset mini --minutes 10 --run finetune-a
    python -m pipelines.training.publish --preset mini --transformer finetune-a finetune-b

Movie Gen fine-tunes on a small hand-picked set and averages several runs (section 3.1.5); here the choice is a rule.
"""

from pipelines import command
from pipelines.training import generator
from pipelines.training.clips import BUCKETS
from pipelines.training.scene import Scene


def pretty(scene: Scene) -> bool:
    """Clear weather and no night: nothing hides the thing."""
    return scene.weather == "clear" and scene.light != "night"


STAGE = generator.Stage(name="finetune", after="clips", buckets=BUCKETS, chosen=pretty)

if __name__ == "__main__":
    command.run(lambda: generator.train(STAGE, generator.options(__doc__, minutes=10, rate=2e-4).parse_args()))

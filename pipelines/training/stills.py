"""Stage 1 of the transformer: stills only, until captions are followed (Movie Gen, section 3.1.3).

python -m pipelines.training.stills --preset mini --minutes 45
"""

from pipelines import command
from pipelines.training import generator
from pipelines.training.latents import STILLS

STAGE = generator.Stage(name="stills", after=None, buckets=tuple((bucket, bucket.share) for bucket in STILLS))

if __name__ == "__main__":
    command.run(lambda: generator.train(STAGE, generator.options(__doc__, minutes=45, rate=1e-3).parse_args()))

"""Stage 2 of the transformer: stills and clips together, one batch of stills for four of clips, all shapes and lengths.

python -m pipelines.training.clips --preset mini --minutes 60
"""

from pipelines.training import generator
from pipelines.training.latents import CLIPS, STILLS

BUCKETS = (*((bucket, 0.2 * bucket.share) for bucket in STILLS), *((bucket, 0.8 * bucket.share) for bucket in CLIPS))
STAGE = generator.Stage(name="clips", after="stills", buckets=BUCKETS)

if __name__ == "__main__":
    generator.train(STAGE, generator.options(__doc__, minutes=60, rate=7e-4))

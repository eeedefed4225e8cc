"""Stage 2 of the transformer: stills and clips together, three batches of stills for seven of clips, of all
shapes and lengths.

A clip longer than 64 frames comes the less often the longer it is, because its batch is larger and costs more.

python -m pipelines.training.clips --preset mini --minutes 60
"""

from pipelines import command
from pipelines.training import generator
from pipelines.training.latents import CLIPS, STILLS

LONG = 64  # frames
BUCKETS = (
    *((bucket, 0.3 * bucket.share) for bucket in STILLS),
    *((bucket, 0.7 * bucket.share * min(1, LONG / bucket.frames)) for bucket in CLIPS),
)
STAGE = generator.Stage(name="clips", after="stills", buckets=BUCKETS)

if __name__ == "__main__":
    command.run(lambda: generator.train(STAGE, generator.options(__doc__, minutes=60, rate=7e-4).parse_args()))

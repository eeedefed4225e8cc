"""The pipeline with tiny networks: shapes, seeds, guidance, progress, cancel, previews, unknown words."""

import numpy as np
import pytest
import torch

from pipelines import vocabulary
from pipelines.errors import Cancelled
from pipelines.moviegen import checkpoint, flow, presets
from pipelines.moviegen.nn.tae import TAE
from pipelines.moviegen.nn.transformer import VideoTransformer
from pipelines.moviegen.text_to_video import EMULATED, TextToVideoPipeline
from pipelines.requests import ASPECTS, TextToVideo


@pytest.fixture(scope="module")
def pipeline():
    torch.manual_seed(0)
    transformer = VideoTransformer(presets.TRANSFORMER["tiny"]).eval()
    for parameter in transformer.parameters():
        if parameter.ndim > 1:
            torch.nn.init.normal_(parameter, std=0.1)
    return TextToVideoPipeline(checkpoint.load_text(), transformer, TAE(presets.TAE["tiny"]).eval())


def asked(**fields):
    return TextToVideo(**{"prompt": "a fox on a beach", "seconds": 1, "steps": 2, "seed": 1, **fields})


@pytest.mark.parametrize("aspect", ASPECTS)
def test_every_shape_has_its_size(pipeline, aspect):
    clip = pipeline(asked(still=True, aspect=aspect))
    assert clip.frames.shape == (1, *vocabulary.ASPECT_SIZES[aspect][::-1], 3)


def test_a_clip_has_exactly_the_frames_that_were_asked_for(pipeline):
    request = asked(seconds=1.25)
    clip = pipeline(request)
    assert len(clip.frames) == request.frames == 20 and clip.origin == request and clip.fps == 16


def test_the_same_seed_gives_the_same_frames_and_another_seed_others(pipeline):
    first, again, other = (pipeline(asked(seed=seed, still=True)).frames for seed in (1, 1, 2))
    assert np.array_equal(first, again) and not np.array_equal(first, other)


@torch.no_grad()
def test_who_samples_by_themselves_get_the_pipeline_s_frames(pipeline):
    request = asked(still=True, steps=4)
    condition, x0 = pipeline.condition(request), pipeline.noise(request)
    velocity = pipeline.velocity(condition, request.guidance, until=flow.FINISH)
    x1 = flow.sample(velocity, x0, flow.finished(flow.linear_quadratic(3, EMULATED)))
    assert np.array_equal(pipeline.decode(x1, 1), pipeline(request).frames)


@pytest.mark.parametrize("change", [{"prompt": "a car in space"}, {"guidance": 9.0}, {"negative": "fog"}, {"steps": 3}])
def test_every_knob_changes_the_picture(pipeline, change):
    assert not np.array_equal(pipeline(asked(still=True)).frames, pipeline(asked(still=True, **change)).frames)


def test_progress_only_rises_and_names_every_step(pipeline):
    seen = []
    pipeline(asked(steps=5), lambda fraction, message: seen.append((fraction, message)))
    fractions, messages = zip(*seen, strict=True)
    assert list(fractions) == sorted(fractions) and fractions[-1] <= 1
    assert {f"step {i} of 5" for i in range(1, 6)} <= set(messages) and "decoding" in messages


@pytest.mark.parametrize("moment", ["reading the prompt", "step 2 of 3", "decoding"])
def test_work_stops_at_the_call_that_is_cancelled(pipeline, moment):
    seen = []

    def stop(fraction, message):
        seen.append(message)
        if message == moment:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        pipeline(asked(steps=3), stop)
    assert seen[-1] == moment


def test_previews_come_every_five_steps(pipeline):
    pictures = []
    pipeline(asked(steps=11), preview=pictures.append)
    assert [picture.shape for picture in pictures] == [(256, 256, 3)] * 2


def test_unknown_words_are_named_with_the_one_that_they_are_read_as(pipeline):
    assert pipeline.unknown("a fox jumps on a beach") == []
    assert pipeline.unknown("a cat sleeps in a city") == [("sleeps", None), ("city", "city street")]
    assert dict(pipeline.unknown("a puppy jumps at the seashore")) == {"puppy": "dog", "seashore": "beach"}


def test_a_thing_and_a_place_that_are_near_are_drawn_as_what_they_are_near_to(pipeline):
    known, near = (
        pipeline(asked(still=True, prompt=p)).frames for p in ("a dog at the beach", "a puppy at the seashore")
    )
    assert np.array_equal(known, near)

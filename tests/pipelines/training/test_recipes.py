"""What recipes are fed with, and one step of each kind with tiny networks."""

import itertools

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from pipelines.errors import Unavailable
from pipelines.moviegen import checkpoint, presets
from pipelines.moviegen.nn.tae import TAE
from pipelines.moviegen.nn.transformer import VideoTransformer
from pipelines.training import autoencoder, data, generator, publish
from pipelines.training.finetune import pretty
from pipelines.training.latents import CLIPS, STILLS, Bucket, Latents, cache, scenes_from
from pipelines.training.losses import divergence, reconstruction
from pipelines.vocabulary import AXES

BUCKET = Bucket(aspect="1:1", frames=1, share=1.0)
SCENES = [data.world.sample_scene(seed) for seed in range(1_000_000, 1_000_006)]


@pytest.fixture(scope="module")
def tae():
    torch.manual_seed(0)
    return TAE(presets.TAE["tiny"]).eval()


@pytest.fixture(scope="module")
def folder(tae, tmp_path_factory):
    folder = tmp_path_factory.mktemp("latents")
    cache(tae, BUCKET, SCENES, folder=folder / BUCKET.name)
    return folder


def test_cached_latents_are_those_of_the_scenes_beside_them(tae, folder):
    latents = Latents(folder / BUCKET.name)
    assert latents.z.shape == (6, 8, 1, 16, 16) and len(latents.scenes) == 6
    again = data.world.render_still(latents.scenes[2])[None, None]
    with torch.no_grad():
        z = tae.encode(data.pixels(again))[0]  # the cached ones are made in bfloat16 where that is fast
        assert torch.allclose(z, latents.z[2].float(), atol=5e-2)


def test_a_shard_that_exists_is_not_made_again(tae, folder):
    shard = next((folder / BUCKET.name).glob("*.pt"))
    before = shard.stat().st_mtime_ns
    cache(tae, BUCKET, SCENES, folder=folder / BUCKET.name)
    assert shard.stat().st_mtime_ns == before


def test_scenes_can_be_drawn_of_some_actions_only():
    drawn = list(itertools.islice(scenes_from(5_000_000, "toy", ("jumps", "dances")), 20))
    assert {scene.action for scene in drawn} == {"jumps", "dances"} and {scene.style for scene in drawn} == {"toy"}
    assert drawn == [data.world.sample_scene(scene.seed, style="toy") for scene in drawn]


def test_what_is_kept_for_validation_is_never_trained_on(folder):
    latents, rng = Latents(folder / BUCKET.name), np.random.default_rng(0)
    trained, unseen = ({scene.seed for scene in latents.draw(100, rng, unseen=part).scenes} for part in (False, True))
    assert trained | unseen == {scene.seed for scene in SCENES} and not trained & unseen and len(unseen) == 1


def test_fine_tuning_draws_only_from_the_pretty_part(folder):
    every, chosen = Latents(folder / BUCKET.name).scenes, Latents(folder / BUCKET.name, pretty).scenes
    dull = [scene for scene in every if scene.weather != "clear" or scene.light == "night"]
    assert dull and chosen and [scene for scene in every if scene not in dull] == chosen


def test_missing_latents_are_named_with_the_command_that_makes_them(tmp_path):
    with pytest.raises(Unavailable, match="training.latents"):
        Latents(tmp_path / "1x1-1")


def test_a_batch_has_captions_and_now_and_then_none(folder):
    stage = generator.Stage(name="test", after=None, buckets=((BUCKET, 1.0),), latent_frames=64)
    read = generator.Reader(checkpoint.load_text())
    batch = generator.Feed(stage, folder, read, seed=0).batch()
    assert batch.z.shape == (64, 8, 1, 16, 16) and len(batch.text.states) == 64
    assert 0 < (batch.text.mask.sum(dim=1) == 2).sum() < 20  # of an empty caption only the two marks are left
    assert all(caption.startswith("Still.") for caption in read.known if caption)


def test_captions_that_were_read_before_are_the_same_again():
    text = checkpoint.load_text()
    read, captions = generator.Reader(text), ["a fox", "a red panda in a forest at night", ""]
    fresh, _ = text(captions), read(captions[1:])
    kept = read(captions)
    assert torch.equal(kept.mask, fresh.mask)
    assert torch.allclose(kept.states[kept.mask], fresh.states[fresh.mask], atol=2e-3)


def test_one_step_of_the_transformer_s_recipe_has_a_gradient_everywhere(folder):
    read = generator.Reader(checkpoint.load_text())
    stage = generator.Stage(name="test", after=None, buckets=((BUCKET, 1.0),), latent_frames=2)
    model = generator.Pupil(presets.TRANSFORMER["tiny"])
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.05)
    sum(generator.losses(model, generator.Feed(stage, folder, read, seed=0).batch())).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in model.parameters())


def test_heads_that_are_new_to_published_weights_learn_alone_at_first(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    choice = generator.options("", minutes=1, rate=1e-3).parse_args(["--preset", "tiny", "--published"])
    stage = generator.Stage(name="test", after=None, buckets=((BUCKET, 1.0),), latent_frames=2)
    batch = generator.Feed(stage, folder, generator.Reader(checkpoint.load_text()), seed=0).batch()
    model = generator.Pupil(presets.TRANSFORMER["tiny"])
    run = generator.prepared(model, choice, stage.name)
    for step, leads in ((0, False), (generator.HEADS_FIRST, True)):
        run.step = step
        generator.step_loss(run, batch, choice)
        generator.naming(model.named, batch).backward()
        assert model.head.weight.grad.abs().sum() > 0 and (model.embed.weight.grad is not None) == leads


def test_blurred_words_are_others_each_time_and_no_words_stay_none():
    text = checkpoint.load_text()(["a fox", ""])
    once, again = generator.blurred(text), generator.blurred(text)
    assert torch.equal(once.mask, text.mask) and not torch.equal(once.states[0], again.states[0])
    assert torch.equal(once.states[1], text.states[1])
    spread = (once.states[0] - text.states[0]).std() / text.states[0].std()
    assert 0 < spread < 1.1 * generator.BLUR


def test_the_cover_says_which_tokens_the_thing_is_in(folder):
    latents = Latents(folder / BUCKET.name)
    mask = data.world.stage_still(latents.scenes[1])[0]
    (moment,) = mask.views
    seen = mask.covers(moment)[0]
    parts = latents.cover[1, 0].float() / 255
    assert parts.shape == (8, 8) and abs(float(parts.mean()) - seen.mean()) < 0.01
    assert float(parts[seen.nonzero()[0][0] // 32, seen.nonzero()[1][0] // 32]) > 0


def test_naming_is_least_for_the_thing_where_it_is_and_nothing_elsewhere(folder):
    stage = generator.Stage(name="test", after=None, buckets=((BUCKET, 1.0),), latent_frames=2)
    batch = generator.Feed(stage, folder, generator.Reader(checkpoint.load_text()), seed=0).batch()
    right = torch.full((2, 64, len(generator.NAMES) + 1), -20.0)
    right[..., -1] = (1 - batch.cover).clamp(min=1e-6).log()
    right[torch.arange(2), :, batch.things] = batch.cover.clamp(min=1e-6).log()
    other = right.roll(1, dims=-1)
    assert generator.naming(right, batch) < 0.3 * generator.naming(torch.zeros_like(right), batch)
    assert generator.naming(right, batch) < generator.naming(other, batch)


def test_telling_is_least_for_the_scene_s_own_values(folder):
    stage = generator.Stage(name="test", after=None, buckets=((BUCKET, 1.0),), latent_frames=2)
    batch = generator.Feed(stage, folder, generator.Reader(checkpoint.load_text()), seed=0).batch()
    unsure = {name: torch.zeros(2, 64, len(AXES[name])) for name in generator.TELLING}
    right = {name: 20 * F.one_hot(batch.told[name], len(AXES[name]))[:, None].expand(-1, 64, -1) for name in unsure}
    wrong = {name: said.roll(1, dims=-1) for name, said in right.items()}
    assert generator.telling(right, batch) < 1e-3 < generator.telling(unsure, batch) < generator.telling(wrong, batch)


def test_what_the_thing_covers_counts_more_and_the_mean_is_one(folder):
    stage = generator.Stage(name="test", after=None, buckets=((BUCKET, 1.0),), latent_frames=4)
    batch = generator.Feed(stage, folder, generator.Reader(checkpoint.load_text()), seed=0).batch()
    weight = generator.emphasis(batch)
    assert weight.shape == (4, 1, 1, 16, 16) and weight.mean() == pytest.approx(1)
    token = weight[:, 0, 0, ::2, ::2].flatten(1)
    ratio = token / token.min() * (1 + generator.EMPHASIS * batch.cover.min())
    assert torch.allclose(ratio, 1 + generator.EMPHASIS * batch.cover, rtol=1e-4)


def test_the_weights_that_leave_are_the_mean_of_the_runs_without_the_head():
    pupils = [generator.Pupil(presets.TRANSFORMER["tiny"]).state_dict() for _ in range(2)]
    model = VideoTransformer(presets.TRANSFORMER["tiny"])
    model.load_state_dict(publish.mean(pupils, model.state_dict()))
    assert torch.allclose(model.embed.weight, (pupils[0]["embed.weight"] + pupils[1]["embed.weight"]) / 2)
    assert "head.weight" in pupils[0]


def test_the_buckets_cover_all_shapes_and_lengths():
    for buckets in (STILLS, CLIPS):
        assert sum(bucket.share for bucket in buckets) == pytest.approx(1)
        assert {bucket.aspect for bucket in buckets} == set(data.ASPECT_SIZES)
    assert {bucket.frames for bucket in CLIPS} == {32, 64, 128, 256}


def test_a_moved_photograph_moves_and_stays_a_photograph():
    rng = np.random.default_rng(3)
    picture = np.kron(rng.integers(0, 255, (20, 30, 3)), np.ones((16, 16, 1))).astype(np.uint8)
    clip = data.moved_photograph(picture, rng)
    assert clip.shape == (data.FRAMES, data.SIDE, data.SIDE, 3) and clip.dtype == np.uint8
    assert (clip[0] != clip[-1]).mean() > 0.1


def test_theatre_crops_are_windows_of_one_clip():
    crops = list(data.theatre_crops(5, np.random.default_rng(0), count=2))
    assert [crop.shape for crop in crops] == [(data.FRAMES, data.SIDE, data.SIDE, 3)] * 2


def test_reconstruction_and_divergence_are_zero_only_at_their_goal():
    x = torch.rand(1, 3, 4, 16, 16)
    assert reconstruction(x, x) == 0 < reconstruction(x + 0.1, x)
    assert divergence(torch.zeros(2), torch.zeros(2)) == 0 < divergence(torch.ones(2), torch.zeros(2))


def test_the_decoder_s_stage_leaves_the_latents_as_they_are(tmp_path):
    image = autoencoder.begin("tiny", autoencoder.STAGES["image"], tmp_path)
    for before in ("image", "clips"):
        (tmp_path / before).mkdir()
        torch.save({"average": image.state_dict()}, tmp_path / before / "last.pt")
    x = torch.rand(1, 3, 1, 32, 32)
    clips, decoder = (autoencoder.begin("tiny", autoencoder.STAGES[name], tmp_path) for name in ("clips", "decoder"))
    assert torch.allclose(clips.posterior(x)[0], decoder.posterior(x)[0], atol=1e-5)
    assert not hasattr(clips.refine, "inner") and hasattr(decoder.refine, "inner")
    assert {p.requires_grad for p in clips.encoder.parameters()} == {True}
    assert {p.requires_grad for p in decoder.encoder.parameters()} == {False}


def test_a_share_of_new_weights_leaves_the_rest_to_the_old():
    blended = publish.blend({"w": torch.tensor([4.0])}, {"w": torch.tensor([0.0])}, 0.25)
    assert blended["w"] == 1


def test_published_latents_have_unit_variance(tae):
    clips = [data.world.render_still(data.world.sample_scene(seed))[None] for seed in range(8)]
    model = TAE(presets.TAE["tiny"]).eval()
    model.load_state_dict(tae.state_dict())
    mean, deviation = publish.statistics(model, iter(clips))
    model.mean.copy_(mean), model.deviation.copy_(deviation)
    with torch.no_grad():
        z = torch.cat([model.encode(data.pixels(clip[None])) for clip in clips])
    assert torch.allclose(z.std(dim=(0, 2, 3, 4)), torch.ones(8), atol=0.05)

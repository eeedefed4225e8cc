"""Every family does every one of its tasks, on random weights of exactly the real classes, reloaded from disk."""

import dataclasses
import gc
import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from pipelines import catalog, device
from pipelines.clip import Clip
from pipelines.errors import BadRequest, Cancelled, Unavailable
from pipelines.media import video
from pipelines.requests import Request

pytest.importorskip("diffusers")

import diffusers
import torch

from pipelines.hub import tiny
from pipelines.hub.common import clip_of
from pipelines.hub.families import FAMILIES
from pipelines.hub.order import Order, order

HERE = [(name, task) for name, (like, _, _) in tiny.MODELS.items() for task in catalog.spec(like).tasks]
ONE_OF_EACH = list({name: (name, task) for name, task in HERE}.values())
A_SCHEDULE = 1_000  # numbers: a scheduler keeps its times of the last clip; one frame has 3,072
Ask = Callable[..., Request]
Get = Callable[[str], Any]


@pytest.fixture(scope="module")
def loaded() -> Iterator[dict[str, Any]]:
    yield {}
    gc.unfreeze()


@pytest.fixture
def model(tiny_models: list[str], loaded: dict[str, Any]) -> Iterator[Get]:
    """A loaded model by name; each is read from disk once."""

    def get(name: str) -> Any:
        if name not in loaded:
            loaded[name] = catalog.load(name).to("cpu")
        return loaded[name]

    yield get


class Stop:
    """A Progress that cancels the first time a message begins with some words."""

    def __init__(self, words: str):
        self.words = words
        self.heard: list[str] = []

    def __call__(self, fraction: float, message: str) -> None:
        self.heard.append(message)
        if message.startswith(self.words):
            raise Cancelled("stopped")


@pytest.mark.parametrize(("name", "task"), HERE)
def test_a_task_gives_what_was_asked_with_progress_that_never_falls(name: str, task: str, model: Get, ask: Ask):
    request = ask(name, task)
    catalog.check(request)
    heard: list[tuple[float, str]] = []
    clip = model(name)(request, lambda *said: heard.append(said))
    _is_what_was_asked(clip, request)
    fractions = [fraction for fraction, _ in heard]
    assert fractions == sorted(fractions) and fractions[0] >= 0 and fractions[-1] <= 1
    assert any(message.startswith("step ") for _, message in heard)
    assert heard[-1][1] == "decoding"


def _is_what_was_asked(clip: Clip, request: Request) -> None:
    assert clip.origin is request
    if request.task == "text-to-sound":
        assert len(clip.frames) == 0 and clip.audio is not None
        assert len(clip.audio) == round(request.seconds * clip.rate)
        return
    factor = 2 if request.task == "upscale" else 1
    assert clip.frames.shape == (10, 32 * factor, 32 * factor, 3)
    assert clip.fps == 8
    if request.model == "tiny-ltx2":
        assert clip.audio is not None and len(clip.audio) == round(10 / 8 * clip.rate)


@pytest.mark.parametrize(("name", "task"), ONE_OF_EACH)
def test_cancelling_stops_at_a_step_and_in_the_decoder_and_leaves_nothing(name: str, task: str, model: Get, ask: Ask):
    pipeline, request = model(name), ask(name, task)
    fresh = pipeline(request)
    gc.freeze()  # what is alive now is not looked at again
    for words in ("step 1", "decoding"):
        stop = Stop(words)
        with pytest.raises(Cancelled):
            pipeline(request, stop)
        assert stop.heard[-1].startswith(words)
        assert sum(message.startswith("step ") for message in stop.heard) <= (1 if words == "step 1" else 99)
        assert _new_numbers() < A_SCHEDULE
    again = pipeline(request)
    assert np.array_equal(again.frames, fresh.frames)
    assert fresh.audio is None or np.array_equal(again.audio, fresh.audio)


def _new_numbers() -> int:
    """Elements of all tensors that came since the freeze and are still alive."""
    gc.collect()
    return sum(item.numel() for item in gc.get_objects() if type(item) in (torch.Tensor, torch.nn.Parameter))


@pytest.mark.parametrize("name", ["tiny-wan-image", "tiny-vace", "tiny-ltx", "tiny-ltx2"])
def test_the_last_frame_that_was_asked_for_is_the_last_of_the_clip(
    name: str, model: Get, ask: Ask, given: dict[str, str]
):
    """The network makes more frames than are wanted. Each frame here says its own number in its brightness."""
    pipeline = model(name)
    for last in (given["last"], ""):
        request = ask(name, "image-to-video", last=last)
        job = order(request, pipeline.row, pipeline._pipe(FAMILIES[pipeline.row.family]["image-to-video"]))
        assert job.frames > job.wanted == 10
        made = np.broadcast_to(np.arange(job.frames)[:, None, None, None] / 255, (job.frames, 32, 32, 3))
        output = SimpleNamespace(frames=[made.astype(np.float32)], audio=[np.zeros((2, 9), np.float32)])
        shown = [int(frame[0, 0, 0]) for frame in clip_of(job, pipeline._family.result(output, job)).frames]
        assert len(shown) == job.wanted and shown[0] == 0
        assert set(np.diff(shown)) <= {1, 2}  # what is over is left out one by one
        assert shown[-1] == (_place_of_last(pipeline._family.arguments(job), job) if last else job.wanted - 1)


def _place_of_last(arguments: dict[str, Any], job: Order) -> int:
    """The number of the frame that a family gives the last picture to; the network's last, as most of them do."""
    known = [number for number, mask in enumerate(arguments.get("mask", [])) if mask.getextrema() == (0, 0)]
    return known[-1] if known else job.frames - 1


def test_another_seed_gives_another_clip(model: Get, ask: Ask):
    clips = [model("tiny-wan")(ask("tiny-wan", "text-to-video", seed=seed)) for seed in (1, 1, 2)]
    assert np.array_equal(clips[0].frames, clips[1].frames)
    assert not np.array_equal(clips[0].frames, clips[2].frames)


@pytest.mark.parametrize("name", ["tiny-wan", "tiny-ltx", "tiny-ltx2", "tiny-vace"])
def test_a_still_is_one_frame(name: str, model: Get, ask: Ask):
    clip = model(name)(ask(name, "text-to-video", still=True))
    assert clip.still and clip.audio is None


def test_a_clip_with_its_sound_made_keeps_every_pixel(model: Get, ask: Ask, given: dict[str, str]):
    clip = model("tiny-ltx2")(ask("tiny-ltx2", "video-to-sound"))
    assert np.array_equal(clip.frames, video.read(Path(given["video"])).frames)
    assert np.abs(clip.audio).max() > 0


@pytest.mark.parametrize("name", ["tiny-wan", "tiny-vace"])
def test_the_steps_are_shifted_as_the_row_says_for_the_size(name: str, model: Get, ask: Ask):
    pipeline, task = model(name), "text-to-video"
    pipe = pipeline._pipe(FAMILIES[pipeline.row.family][task])
    shipped = pipe.scheduler.config.flow_shift
    for shifts, used in (((), shipped), (((480, 9.0),), shipped), (((32, 5.0),), 5.0), (((32, 7.0),), 7.0)):
        row = dataclasses.replace(pipeline.row, shifts=shifts)
        pipeline._family.arguments(order(ask(name, task), row, pipe))
        assert pipe.scheduler.config.flow_shift == used
    for row in catalog.specs():
        assert not row.shifts or dict(row.shifts).keys() == {min(size) for _, *size in row.sizes}, row.name


def test_the_second_expert_has_a_guidance_of_its_own(model: Get, ask: Ask):
    pipeline = model("tiny-wan-image")
    row = dataclasses.replace(pipeline.row, second_guidance=catalog.spec("wan-2.2-14b").second_guidance)
    pipe = pipeline._pipe("WanImageToVideoPipeline")
    given = pipeline._family.arguments(order(ask("tiny-wan-image", "image-to-video", guidance=4.0), row, pipe))
    assert (given["guidance_scale"], given["guidance_scale_2"]) == (4.0, 3.0)


def test_lyrics_change_what_is_sung(model: Get, ask: Ask):
    sung = [model("tiny-ace-step")(ask("tiny-ace-step", "text-to-sound", lyrics=words)) for words in ("", "la la")]
    assert not np.array_equal(sung[0].audio, sung[1].audio)


def test_without_a_mask_all_of_a_clip_is_made_anew_and_a_mask_may_be_a_film(
    model: Get, ask: Ask, given: dict[str, str]
):
    pipeline = model("tiny-vace")

    def mask(path: str) -> list[Any]:
        return order(ask("tiny-vace", "edit", mask=path), pipeline.row, pipeline._pipe("WanVACEPipeline")).mask()

    assert {picture.getextrema() for picture in mask("")} == {(255, 255)}
    assert len({picture.tobytes() for picture in mask(given["mask"])}) == 1
    assert len({picture.tobytes() for picture in mask(given["video"])}) == 10


def test_what_is_black_in_a_mask_is_given_to_the_model_and_white_is_not(model: Get, ask: Ask):
    pipeline = model("tiny-vace")
    job = order(ask("tiny-vace", "edit"), pipeline.row, pipeline._pipe("WanVACEPipeline"))
    assert len(job.mask()) == len(job.clip()) == job.frames == 13  # 4k + 1, cut back to 10
    assert job.clip()[-1].tobytes() == job.clip()[9].tobytes()


@pytest.mark.parametrize(
    ("name", "task", "changes", "sentence"),
    [
        ("tiny-wan", "text-to-video", {"aspect": "16:9"}, "aspect: tiny-wan makes 1:1, not 16:9"),
        ("tiny-wan", "text-to-video", {"resolution": 480}, "a short side of 32 at 1:1, not 480"),
        ("tiny-wan", "text-to-video", {"fps": 16}, "makes 8 frames per second, not 16"),
        ("tiny-wan", "text-to-video", {"seconds": 3}, "clips of up to 2.125 s, not 3 s"),
        ("tiny-lucy", "edit", {"strength": 0.5}, "strength: tiny-lucy has no use for it"),
        ("tiny-wan", "edit", {"lora": "grain=1"}, "there is no LoRA 'grain' for wan"),
        ("tiny-stable-audio", "text-to-sound", {"seconds": 9}, "sounds of up to 4 s, not 9 s"),
    ],
)
def test_what_a_model_cannot_do_is_refused_in_a_sentence(
    name: str, task: str, changes: dict[str, Any], sentence: str, tiny_models: list[str], ask: Ask
):
    with pytest.raises(BadRequest) as caught:
        catalog.check(ask(name, task, **changes))
    assert sentence in str(caught.value)


def test_a_clip_of_another_shape_is_refused_and_not_squeezed(model: Get, ask: Ask, wide: str):
    with pytest.raises(BadRequest, match="is 64 x 32; tiny-lucy takes 1:1: crop it first"):
        model("tiny-lucy")(ask("tiny-lucy", "edit", video=wide))
    with pytest.raises(BadRequest, match="doubles the sides, it cannot make them 3x"):
        model("tiny-ltx-upscaler")(ask("tiny-ltx-upscaler", "upscale", video=wide, factor=3))
    assert model("tiny-ltx-upscaler")(ask("tiny-ltx-upscaler", "upscale", video=wide)).width == 128


def test_every_class_that_is_named_is_in_diffusers_and_takes_its_arguments(model: Get, ask: Ask):
    for name, task in HERE:
        pipeline = model(name)
        kind = getattr(diffusers, FAMILIES[pipeline.row.family][task])
        job = order(ask(name, task), pipeline.row, pipeline._pipe(kind.__name__))
        given = pipeline._family.arguments(job)
        assert set(given) <= set(inspect.signature(kind.__call__).parameters), (name, task)


def test_every_row_names_a_family_and_its_figures_come_from_somewhere():
    for row in catalog.specs():
        if row.repo and not row.remote:
            assert set(row.tasks) <= set(FAMILIES[row.family]), row.name
            assert row.source and row.licence and row.about, row.name
            assert all(width % 16 == height % 16 == 0 for _, width, height in row.sizes), row.name
            assert row.longest_frames % row.frame_step in (0, 1), row.name


def test_hunyuan_sizes_a_clip_by_its_picture_as_its_row_says():
    from diffusers.pipelines.hunyuan_video1_5.image_processor import HunyuanVideo15ImageProcessor

    for _, width, height in catalog.spec("hunyuan-1.5-480p-image").sizes:
        made = HunyuanVideo15ImageProcessor().calculate_default_height_width(height, width, target_size=640)
        assert made == (height, width)


def test_parts_are_shared_between_the_tasks_of_a_model(model: Get, ask: Ask):
    pipeline = model("tiny-wan")
    pipeline(ask("tiny-wan", "edit"))
    assert pipeline._pipe("WanPipeline").transformer is pipeline._pipe("WanVideoToVideoPipeline").transformer
    assert dataclasses.is_dataclass(pipeline.row)


@pytest.mark.parametrize("name", ["tiny-wan", "tiny-ltx", "tiny-stable-audio"])
def test_offloading_by_blocks_changes_no_number_and_can_be_taken_back(name: str, model: Get, ask: Ask):
    from pipelines.hub import offload

    pipeline, request = model(name), ask(name, catalog.spec(name).tasks[0])
    before = pipeline(request)
    for level in ("blocks", "whole"):
        pipeline._place(level)
        offload._tile(pipeline._first, False)  # tiles of a clip this small are the clip itself, but are blended
        after = pipeline(request)
        assert np.array_equal(after.frames, before.frames)
        assert before.audio is None or np.array_equal(after.audio, before.audio)


@pytest.mark.parametrize(("name", "task"), ONE_OF_EACH)
def test_block_by_block_nothing_is_computed_with_weights_that_are_not_on_the_card(
    name: str, task: str, tiny_models: list[str], ask: Ask, watched_card: Callable[[Any], Any]
):
    from pipelines.hub import offload

    pipeline = catalog.load(name)
    with watched_card(pipeline.first):
        offload.place(pipeline.first, "blocks", kind="cpu:0", row=pipeline.row)
        pipeline(ask(name, task))
    if reads := getattr(pipeline.first, "text_encoder", None):  # the largest part of many models: never whole
        assert max(_together(module) for module in reads.modules()) < sum(
            weight.numel() for weight in reads.parameters()
        )


def _together(module: torch.nn.Module) -> int:
    """Elements of the weights that come to the card with a module."""
    hook = getattr(module, "_diffusers_hook", None) and module._diffusers_hook.get_hook("group_offloading")
    return sum(weight.numel() for part in hook.group.modules for weight in part.parameters()) if hook else 0


@pytest.mark.parametrize("level", ["parts", "blocks", "layers"])
def test_a_decoder_that_has_no_tiles_is_left_as_it_is(level: str, tiny_models: list[str], ask: Ask):
    from pipelines.hub import offload

    pipeline = catalog.load("tiny-longcat-audio")
    for where in ("whole", level, "whole", level):
        offload.place(pipeline.first, where, kind="cpu", row=pipeline.row)
    assert not getattr(pipeline.first.vae, "use_tiling", False)


@pytest.mark.parametrize("level", ["whole", "blocks"])
def test_weights_kept_in_8_bits_can_be_parked_and_brought_back(level: str, tiny_models: list[str], ask: Ask):
    """Both networks that share the steps; "cpu:0" is the processor under a name that is not "cpu", as a card's is."""
    from pipelines.hub import offload, speed

    pipeline = catalog.load("tiny-wan-image")
    pipe, row = pipeline.first, dataclasses.replace(pipeline.row, precision="fp8")
    for where, kind in ((level, "cpu:0"), ("whole", "cpu"), ("blocks", "cpu:0"), (level, "cpu:0")):
        offload.place(pipe, where, kind=kind, row=row)
    for network in speed.transformers(pipe):
        assert torch.float8_e4m3fn in {weight.dtype for weight in network.parameters()}
        assert network.dtype == device.dtype("cpu")  # what it computes in
    assert len(pipeline(ask("tiny-wan-image", "image-to-video")).frames) == 10


def test_running_out_of_memory_is_a_sentence_and_the_next_clip_is_made(model: Get, ask: Ask):
    def full(fraction: float, message: str) -> None:
        if message == "decoding":
            raise torch.OutOfMemoryError("CUDA out of memory")

    pipeline, request = model("tiny-wan"), ask("tiny-wan", "text-to-video")
    with pytest.raises(Unavailable, match="ran out of memory on this card; a shorter or smaller clip may fit"):
        pipeline(request, full)
    assert len(pipeline(request).frames) == 10


def test_a_model_that_does_not_fit_where_it_is_placed_is_placed_lower_and_the_next_clip_says_so(
    tiny_models: list[str], ask: Ask, full_card: Callable[..., None]
):
    pipeline, request = catalog.load("tiny-wan"), ask("tiny-wan", "text-to-video")
    full_card(pipeline.first, room=True)
    assert pipeline.to("cuda").level == "parts"
    pipeline._kind = "cpu"  # where the work is done here
    pipeline(request)
    assert pipeline.notes == [
        "The card's memory ran out; trying again with one part of the model on the card at a time."
    ]
    pipeline(request)
    assert pipeline.notes == []


def test_a_model_that_does_not_fit_at_the_next_level_either_is_refused_in_a_sentence(
    tiny_models: list[str], full_card: Callable[..., None]
):
    pipeline = catalog.load("tiny-wan")
    full_card(pipeline.first, room=False)
    with pytest.raises(Unavailable, match="tiny-wan ran out of memory on this card"):
        pipeline.to("cuda")


def _add_lora(pipeline: Any, name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A LoRA with random weights, in a registry of this test's own beside the tiny models."""
    peft = pytest.importorskip("peft")
    from pipelines.hub import loras, registry

    table = folder / "models.json"
    table.write_text(registry.place().read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setenv("RUSHES_MODELS", str(table))
    transformer = pipeline.first.transformer
    transformer.add_adapter(peft.LoraConfig(r=2, target_modules=["to_q"], init_lora_weights=False), "made")
    layers = peft.get_peft_model_state_dict(transformer, adapter_name="made")
    diffusers.WanPipeline.save_lora_weights(folder, transformer_lora_layers=layers)
    transformer.delete_adapters("made")
    pipeline.first.unload_lora_weights()
    loras.add(name, folder / "pytorch_lora_weights.safetensors", pipeline.row.family)


@pytest.mark.parametrize(
    ("name", "experts"),
    [
        ("grain", ["transformer", "transformer_2"]),
        ("low-poly", ["transformer", "transformer_2"]),
        ("grain-HighNoise-v2", ["transformer"]),
        ("grain_low", ["transformer_2"]),
    ],
)
def test_a_lora_is_worn_by_the_experts_that_its_name_says(
    name: str, experts: list[str], model: Get, ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    from pipelines.hub import speed

    pipeline = model("tiny-wan-image")
    _add_lora(pipeline, name, tmp_path, monkeypatch)
    request = ask("tiny-wan-image", "image-to-video", lora=f"{name}=1")
    with speed.hastened(pipeline.first, request, pipeline.row, "cpu"):
        assert [part for part, worn in pipeline.first.get_list_adapters().items() if worn] == experts
    assert len(pipeline(request).frames) == 10


def test_a_lora_is_worn_for_one_clip_and_taken_off(
    model: Get, ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    pipeline = model("tiny-wan")
    plain = pipeline(ask("tiny-wan", "text-to-video"))
    _add_lora(pipeline, "grain", tmp_path, monkeypatch)
    catalog.check(ask("tiny-wan", "text-to-video", lora="grain=1"))
    dressed = pipeline(ask("tiny-wan", "text-to-video", lora="grain=1"))
    assert not np.array_equal(dressed.frames, plain.frames)
    assert np.array_equal(pipeline(ask("tiny-wan", "text-to-video")).frames, plain.frames)

"""Settings come back from files of this studio, of A1111 and of ComfyUI, and nothing that they say is trusted."""

import json
import subprocess
import time
from collections.abc import Callable

import pytest
from PIL import Image, PngImagePlugin

from pipelines.errors import BadRequest
from pipelines.media import cage, export, foreign
from pipelines.media.foreign import settings_of
from pipelines.requests import TASKS, request_from_dict

A1111 = """a red fox, (masterpiece:1.2)
by the sea: at night
Negative prompt: blurry, text
and hands
Steps: 28, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 6.5, Seed: 1234, Size: 640x360, \
Model: "sd, xl", Version: v1.10"""
GRAPH = {
    "3": {
        "class_type": "KSampler",
        "inputs": {
            "seed": 42,
            "steps": 20,
            "cfg": 3,
            "positive": ["6", 0],
            "negative": ["7", 0],
            "latent_image": ["5", 0],
        },
    },
    "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 832, "height": 480, "length": 81}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": ["9", 0], "clip": ["4", 0]}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "blurry", "clip": ["4", 0]}},
    "9": {"class_type": "PrimitiveString", "inputs": {"value": ["10", 0]}},
    "10": {"class_type": "Text", "inputs": {"text": "a red fox"}},
}
CUSTOM = {
    "1": {
        "class_type": "SamplerCustomAdvanced",
        "inputs": {"guider": ["2", 0], "noise": ["3", 0], "sigmas": ["4", 0], "latent_image": ["5", 0]},
    },
    "2": {"class_type": "CFGGuider", "inputs": {"positive": ["6", 0], "negative": ["6", 0], "cfg": 1.5}},
    "3": {"class_type": "RandomNoise", "inputs": {"noise_seed": 2**60}},
    "4": {"class_type": "BasicScheduler", "inputs": {"steps": 9}},
    "5": {"class_type": "EmptyLatentImage", "inputs": {"width": 512, "height": 512}},
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a cat"}},
}


def png(path, **texts):
    info = PngImagePlugin.PngInfo()
    for key, text in texts.items():
        info.add_text(key, text)
    Image.new("RGB", (8, 8)).save(path, pnginfo=info)
    return path


def test_our_own_clips_and_stills_give_the_whole_request_back(tmp_path, clip, still):
    for kept, name in ((clip, "clip.mp4"), (still, "still.png")):
        found = settings_of(export.save(kept, tmp_path / name))
        assert found.source == "Rushes" and found.notes == ()
        assert request_from_dict(found.fields) == kept.origin


@pytest.mark.parametrize("task", TASKS)
def test_the_settings_of_every_task_come_back_whole(task, tmp_path):
    taken, film = f"inputs/{'1' * 64}.png", f"inputs/{'2' * 64}.mp4"
    files = {"image": taken, "last": taken, "face": taken, "mask": taken, "video": film}
    asked = files | {"prompt": "a fox", "consent": "permission", "seed": 7, "fps": 20, "seconds": 1.05}
    known = {name: asked[name] for name in TASKS[task].__dataclass_fields__ if name in asked}
    request = TASKS[task](**known)
    found = settings_of(png(tmp_path / "a.png", rushes=request.to_json()))
    assert found.notes == () and request_from_dict(found.fields) == request


def test_one_field_that_does_not_fit_takes_no_other_with_it(tmp_path):
    written = {"task": "edit", "prompt": "a fox", "video": "/etc/passwd", "steps": 0, "seed": 7}
    found = settings_of(png(tmp_path / "a.png", rushes=json.dumps(written)))
    assert found.fields == {"task": "edit", "prompt": "a fox", "seed": 7}
    assert [note.split(":")[0] for note in found.notes] == ["steps", "video"]


@pytest.mark.parametrize("task", ["flying", [], {}, None, 1])
def test_a_task_that_is_none_is_said_to_be_none(task, tmp_path):
    found = settings_of(png(tmp_path / "a.png", rushes=json.dumps({"task": task})))
    assert found.fields == {} and found.notes[0].startswith("task: there is no ")


def test_a1111_text_in_a_png_gives_prompt_seed_steps_guidance_and_shape(tmp_path):
    found = settings_of(png(tmp_path / "a.png", parameters=A1111))
    assert found.source == "A1111" and found.notes == ()
    assert found.fields == {
        "task": "text-to-video",
        "prompt": "a red fox, (masterpiece:1.2)\nby the sea: at night",
        "negative": "blurry, text\nand hands",
        "steps": 28,
        "guidance": 6.5,
        "seed": 1234,
        "aspect": "16:9",
    }


def test_a1111_text_in_a_jpeg_is_its_user_comment(tmp_path):
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + A1111.encode("utf-16-be")
    Image.new("RGB", (8, 8)).save(tmp_path / "a.jpg", exif=exif)
    assert settings_of(tmp_path / "a.jpg").fields["seed"] == 1234


def test_a_graph_of_comfyui_is_followed_from_its_sampler_to_the_words(tmp_path):
    found = settings_of(png(tmp_path / "a.png", prompt=json.dumps(GRAPH), workflow="{}"))
    assert found.source == "ComfyUI"
    assert found.fields == {
        "task": "text-to-video",
        "prompt": "a red fox",
        "negative": "blurry",
        "seed": 42,
        "steps": 20,
        "guidance": 3,
        "aspect": "16:9",
    }


def test_a_seed_that_is_too_large_here_is_left_out_and_named(tmp_path):
    found = settings_of(png(tmp_path / "a.png", prompt=json.dumps(CUSTOM)))
    assert found.fields["prompt"] == "a cat" and found.fields["guidance"] == 1.5 and found.fields["steps"] == 9
    assert "seed" not in found.fields and "seed: must be between" in found.notes[0]


def test_comfyui_writes_its_graph_into_the_tags_of_a_film(tmp_path, clip):
    made, tagged = export.save(clip, tmp_path / "a.mp4"), tmp_path / "b.mp4"
    tags = ["-metadata", "comment=", "-metadata", f"prompt={json.dumps(GRAPH)}", "-movflags", "use_metadata_tags"]
    subprocess.run([cage.ffmpeg(), "-v", "error", "-i", made, "-c", "copy", *tags, tagged], check=True)
    assert settings_of(tagged).fields["prompt"] == "a red fox"


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "null",
        '{"1": {"inputs": {"positive": ["1", 0], "steps": ["1", 0]}}}',
        '{"1": {"inputs": {"positive": [["1"], 0], "cfg": {}}}}',
        '{"1": {"inputs": {"guider": ["1", 0], "positive": 3, "latent_image": [0, 0]}}, "2": 5}',
    ],
)
def test_graphs_that_make_no_sense_give_nothing_wrong(text, tmp_path):
    found = settings_of(png(tmp_path / "a.png", prompt=text))
    assert found is None or set(found.fields) <= {"task"}


@pytest.mark.parametrize(
    "text", ["", "Steps: x, Seed: 1e999, CFG scale: nan, Size: 0x0", "Negative prompt: a\nSteps: 1"]
)
def test_a1111_text_that_makes_no_sense_gives_nothing_wrong(text, tmp_path):
    found = settings_of(png(tmp_path / "a.png", parameters=text))
    if found is not None:
        request_from_dict({"prompt": "x", **found.fields})


def test_a_file_without_settings_gives_none(tmp_path):
    assert settings_of(png(tmp_path / "a.png")) is None


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n", b"#EXTM3U\nfile:///etc/passwd\n", b"<svg/>"])
def test_what_is_no_picture_and_no_film_is_refused_by_name_only(content, tmp_path):
    file = tmp_path / "strange.png"
    file.write_bytes(content)
    with pytest.raises(BadRequest, match=r"^file: strange\.png is not"):
        settings_of(file)


def _graph(size: int) -> str:
    chain = {str(n): {"inputs": {"model": [str(n + 1), 0]}} for n in range(size)}
    return json.dumps({"sampler": {"inputs": {"positive": ["0", 0], "steps": 1}}} | chain)


@pytest.mark.parametrize(
    ("read", "text"),
    [
        (foreign._a1111, lambda size: "a fox\n" + "a" * size),
        (foreign._a1111, lambda size: "a fox\n" + "a, " * size),
        (foreign._a1111, lambda size: "a fox\n" + ', a: "\\"' * size),
        (lambda text: dict(foreign._pairs(text)), lambda size: "=" + "\\\n" * size),
        (lambda text: dict(foreign._pairs(text)), lambda size: "a\\\n" * size),
        (foreign._comfy, _graph),
    ],
    ids=["a word", "commas", "quotes", "a tag without a name", "a name of many lines", "a chain of nodes"],
)
def test_eight_times_the_text_takes_about_eight_times_as_long(
    read: Callable[[str], object], text: Callable[[int], str]
):
    """A stranger's text must not hold the server up: what looks for the same thing from each place takes 64 times."""

    def took(size: int) -> float:
        written, times = text(size), []
        for _ in range(5):
            begun = time.process_time()
            read(written)
            times.append(time.process_time() - begun)
        return min(times)

    assert took(8000) < 24 * took(1000)

"""The rows of the table of models that come from the Hugging Face Hub. Data only: nothing heavy is imported.

Where a figure comes from stands in `source`: "docs" is diffusers' documentation, "source" the code of 0.42.1,
"counted" the parameters on the meta device, "known" common knowledge that could not be checked without the network.
Bytes are two for each parameter, four for autoencoders of the Wan family, which need float32. No commit is pinned
yet, because none could be looked up where this was written: the download records the one it got.
"""

from typing import Any

from pipelines.spec import ModelSpec

GB = 1_000_000_000
PACKAGES = (
    ("diffusers", "diffusers==0.42.1"),
    ("transformers", "transformers==5.23.0"),
    ("accelerate", "accelerate==1.15.0"),
)
FTFY = (*PACKAGES, ("ftfy", "ftfy==6.3.1"))  # the Wan family cleans prompts with it
PIECES = (*PACKAGES, ("sentencepiece", "sentencepiece==0.2.3"))
AV = (*PIECES, ("av", "av==18.1.0"))  # LTX-2 compresses first frames as the films were that it learned from
UMT5, T5, GEMMA = int(11.4 * GB), int(9.5 * GB), 24 * GB
WAN_480 = (("16:9", 832, 480), ("9:16", 480, 832))
WAN_720 = (("16:9", 1280, 720), ("9:16", 720, 1280))
WAN_5B = (("16:9", 1280, 704), ("9:16", 704, 1280))
LTX = (("3:2", 768, 512), ("16:9", 1024, 576), ("9:16", 576, 1024), ("4:3", 768, 576), ("1:1", 768, 768))
WAN_SHIFTS = ((480, 3.0), (720, 5.0))  # diffusers' documentation of WanPipeline and WanVACEPipeline
WAN_NEGATIVE = (  # diffusers' documentation of WanPipeline
    "Bright tones, overexposed, static, blurred details, subtitles, style, works, paintings, images, static, overall "
    "gray, worst quality, low quality, JPEG compression residue, ugly, incomplete, extra fingers, poorly drawn hands, "
    "poorly drawn faces, deformed, disfigured, misshapen limbs, fused fingers, still picture, messy background, "
    "three legs, many people in the background, walking backwards"
)
LTX_NEGATIVE = "worst quality, inconsistent motion, blurry, jittery, distorted"  # diffusers' documentation of LTX
WAN_STYLE = "One to three full sentences: who, doing what, where, the light, the camera."
LTX_STYLE = "One long flowing paragraph in the present tense, in the order in which things happen; sounds included."
SOUND_STYLE = "What is heard, the room, the recording: 'hammer on a wooden plank, close, dry'."
APACHE, OTHERS = "Apache-2.0", "see the model's card"
TENCENT = "Not licensed in the European Union, the United Kingdom and South Korea."
LTX_FORBIDS = "Companies with 10 million dollars or more of revenue a year need a paid licence."
RESEARCH = "No commercial use."


def _row(name: str, family: str, tasks: str, **cells: Any) -> ModelSpec:
    """What the rows share. The download is taken to be as large as the weights; the Hub is asked before it starts."""
    parts = tuple((part, int(size)) for part, size in cells.pop("parts").items())
    given = {
        "build": "pipelines.hub.common:build",
        "devices": ("cuda",),
        "needs": PACKAGES,
        "longest_frames": 0,
        "fps": (24,),
        "sizes": (),
        "download_bytes": sum(size for _, size in parts),
        **cells,
    }
    return ModelSpec(name=name, family=family, tasks=tuple(tasks.split()), parts=parts, **given)


_WAN: dict[str, Any] = {
    "licence": APACHE,
    "needs": FTFY,
    "fps": (16,),
    "longest_frames": 81,
    "frame_step": 4,
    "guidance": 5.0,
    "negative": WAN_NEGATIVE,
    "prompt_style": WAN_STYLE,
    "free": ("faster", "lora", "still"),
    "source": "sizes, steps, guidance: docs, source; parameters: counted; working memory: estimate; licence: known",
}
_WAN_VAE, _VAE_5B = 0.51 * GB, 2.8 * GB

WAN = (
    _row(
        "wan-2.1-1.3b", "wan", "text-to-video edit",
        **_WAN | {"free": (*_WAN["free"], "strength")},
        about="Small and quick; also repaints a clip in the words of a prompt.",
        repo="Wan-AI/Wan2.1-T2V-1.3B-Diffusers", sizes=WAN_480, working_bytes=5 * GB,
        parts={"text_encoder": UMT5, "transformer": 2.8 * GB, "vae": _WAN_VAE},
    ),
    _row(
        "wan-2.1-14b", "wan", "text-to-video edit",
        **_WAN | {"free": (*_WAN["free"], "strength"), "shifts": WAN_SHIFTS},
        about="The large Wan 2.1, in two sizes of picture.",
        repo="Wan-AI/Wan2.1-T2V-14B-Diffusers", sizes=(*WAN_480, *WAN_720), working_bytes=12 * GB,
        parts={"text_encoder": UMT5, "transformer": 28.6 * GB, "vae": _WAN_VAE},
    ),
    _row(
        "wan-2.2-5b", "wan", "text-to-video image-to-video",
        **_WAN | {"fps": (24,), "longest_frames": 121, "needs": FTFY},
        about="One model for words and for a first frame; fits a card of 24 GB.",
        repo="Wan-AI/Wan2.2-TI2V-5B-Diffusers", sizes=WAN_5B, working_bytes=8 * GB,
        parts={"text_encoder": UMT5, "transformer": 10 * GB, "vae": _VAE_5B},
    ),
    _row(
        "wan-2.2-14b", "wan", "text-to-video",
        **_WAN | {"steps": 40, "guidance": 4.0, "second_guidance": 0.75},  # 4 and 3: its card (known)
        about="Two experts, one for the layout and one for the detail.",
        repo="Wan-AI/Wan2.2-T2V-A14B-Diffusers", sizes=(*WAN_720, *WAN_480), working_bytes=12 * GB,
        parts={"text_encoder": UMT5, "transformer": 28.6 * GB, "transformer_2": 28.6 * GB, "vae": _WAN_VAE},
    ),
    _row(
        "wan-2.2-14b-image", "wan", "image-to-video",
        **_WAN | {"steps": 40, "guidance": 3.5, "free": (*_WAN["free"], "last")},
        about="From a first frame, and a last one if you like.",
        repo="Wan-AI/Wan2.2-I2V-A14B-Diffusers", sizes=(*WAN_720, *WAN_480), working_bytes=12 * GB,
        parts={"text_encoder": UMT5, "transformer": 28.6 * GB, "transformer_2": 28.6 * GB, "vae": _WAN_VAE},
    ),
    _row(
        "wan-2.1-vace-1.3b", "vace", "personalize image-to-video edit text-to-video",
        **_WAN | {"free": (*_WAN["free"], "mask", "last")},
        about="Puts a person or a thing into a clip, fills in where a mask is white.",
        repo="Wan-AI/Wan2.1-VACE-1.3B-diffusers", sizes=WAN_480, working_bytes=6 * GB,
        parts={"text_encoder": UMT5, "transformer": 4.3 * GB, "vae": _WAN_VAE},
    ),
    _row(
        "wan-2.1-vace-14b", "vace", "personalize image-to-video edit text-to-video",
        **_WAN | {"free": (*_WAN["free"], "mask", "last"), "shifts": WAN_SHIFTS},
        about="The large VACE: references and masks at up to 720 lines.",
        repo="Wan-AI/Wan2.1-VACE-14B-diffusers", sizes=(*WAN_480, *WAN_720), working_bytes=14 * GB,
        parts={"text_encoder": UMT5, "transformer": 34.7 * GB, "vae": _WAN_VAE},
    ),
    _row(
        "lucy-edit-5b", "lucy", "edit",
        **_WAN | {"fps": (24,), "licence": "Lucy Edit Dev, non-commercial", "free": ("faster", "lora")},
        about="Changes a clip by an instruction: 'change the shirt to a kimono'.",
        forbids=RESEARCH, repo="decart-ai/Lucy-Edit-Dev", sizes=WAN_480, working_bytes=8 * GB,
        parts={"text_encoder": UMT5, "transformer": 10 * GB, "vae": _VAE_5B},
    ),
    _row(
        "anyflow-1.3b", "anyflow", "text-to-video",
        **_WAN | {"steps": 4, "guidance": 1.0, "negative": "", "free": ("still",), "licence": OTHERS},
        about="Four steps instead of fifty.", forbids="NVIDIA's own licence: read it before you publish.",
        repo="nvidia/AnyFlow-Wan2.1-T2V-1.3B-Diffusers", sizes=WAN_480, working_bytes=5 * GB,
        parts={"text_encoder": UMT5, "transformer": 2.8 * GB, "vae": _WAN_VAE},
    ),
    _row(
        "anyflow-14b", "anyflow", "text-to-video",
        **_WAN | {"steps": 4, "guidance": 1.0, "negative": "", "free": ("still",), "licence": OTHERS},
        about="Four steps, fourteen billion parameters.", forbids="NVIDIA's own licence: read it before you publish.",
        repo="nvidia/AnyFlow-Wan2.1-T2V-14B-Diffusers", sizes=WAN_480, working_bytes=9 * GB,
        parts={"text_encoder": UMT5, "transformer": 28.6 * GB, "vae": _WAN_VAE},
    ),
)  # fmt: skip

_LTX: dict[str, Any] = {
    "needs": PIECES,
    "fps": (24,),
    "frame_step": 8,
    "sizes": LTX,
    "negative": LTX_NEGATIVE,
    "prompt_style": LTX_STYLE,
    "source": "sizes, frames, steps: docs; parameters: counted; working memory: estimate; licence: its text of 2026-08",
}

OTHER_FILMS = (
    _row(
        "ltx-2.5", "ltx2", "text-to-video image-to-video edit video-to-sound",
        **_LTX | {"needs": AV, "longest_frames": 385, "steps": 30, "guidance": 3.0},
        free=("faster", "last", "still", "lora"),
        about="Pictures and sound together; also scores a clip that is silent.",
        licence="LTX-2 Community", forbids=LTX_FORBIDS, gated=True, download_bytes=71 * GB, working_bytes=14 * GB,
        repo="Lightricks/LTX-2.5-Diffusers",
        parts={"text_encoder": GEMMA, "transformer": 44 * GB, "vae": 2.4 * GB, "vocoder": 0.3 * GB},
    ),
    _row(
        "ltx-2.3-distilled", "ltx2", "text-to-video image-to-video video-to-sound",
        **_LTX | {"needs": AV, "longest_frames": 385, "steps": 8, "guidance": 1.0, "negative": ""},
        free=("last", "still"), about="LTX-2.3 in eight steps, with sound.",
        licence="LTX-2 Community", forbids=LTX_FORBIDS, working_bytes=14 * GB,
        repo="diffusers/LTX-2.3-Distilled-Diffusers",
        parts={"text_encoder": GEMMA, "transformer": 44 * GB, "vae": 2.4 * GB, "vocoder": 0.3 * GB},
    ),
    _row(
        "ltx-video-2b", "ltx", "text-to-video image-to-video",
        **_LTX | {"longest_frames": 161, "guidance": 3.0, "free": ("faster", "last", "still", "lora")},
        about="Small, quick, silent.", licence="LTXV open weights", working_bytes=6 * GB,
        repo="Lightricks/LTX-Video-0.9.5",
        parts={"text_encoder": T5, "transformer": 3.8 * GB, "vae": 0.9 * GB},
    ),
    _row(
        "ltx-upscaler", "ltx_upscaler", "upscale",
        **_LTX | {"longest_frames": 161, "negative": "", "sizes": (), "prompt_style": ""},
        about="Doubles the sides of any clip, in the latents of LTX-Video.",
        licence="LTXV open weights", working_bytes=8 * GB, repo="Lightricks/ltxv-spatial-upscaler-0.9.7",
        parts={"vae": 0.9 * GB, "latent_upsampler": 0.25 * GB},
    ),
    _row(
        "hunyuan-1.5-480p", "hunyuan", "text-to-video",
        licence="Tencent Hunyuan Community", forbids=TENCENT, longest_frames=121, frame_step=4, guidance=6.0,
        about="Eight billion parameters; reads long prompts well.", prompt_style=WAN_STYLE, free=("faster", "still"),
        sizes=(("16:9", 848, 480), ("9:16", 480, 848)), working_bytes=10 * GB,
        repo="hunyuanvideo-community/HunyuanVideo-1.5-480p_t2v",
        parts={"text_encoder": 14 * GB, "text_encoder_2": 0.5 * GB, "transformer": 16.7 * GB, "vae": 2.5 * GB},
        source="frames, steps, guidance: docs; parameters: counted; sizes, licence: known; working memory: estimate",
    ),
    _row(
        "hunyuan-1.5-480p-image", "hunyuan", "image-to-video",
        licence="Tencent Hunyuan Community", forbids=TENCENT, longest_frames=121, frame_step=4, guidance=6.0,
        about="The same from a first frame.", prompt_style=WAN_STYLE, working_bytes=10 * GB, free=("faster",),
        # It sizes a clip by its picture, in steps of diffusers' own: upright, the nearest of them is 832 high.
        sizes=(("16:9", 848, 480), ("9:16", 480, 832)), repo="hunyuanvideo-community/HunyuanVideo-1.5-480p_i2v",
        parts={"text_encoder": 14 * GB, "text_encoder_2": 0.5 * GB, "transformer": 16.7 * GB, "vae": 2.5 * GB},
        source="frames, steps, guidance: docs; parameters: counted; sizes, licence: known; working memory: estimate",
    ),
)  # fmt: skip

SOUNDS = (
    _row(
        "stable-audio-open", "stable_audio", "text-to-sound",
        needs=(*PIECES, ("torchsde", "torchsde==0.2.6")), licence="Stability AI Community", gated=True,
        forbids="Companies with a million dollars or more of revenue a year need a paid licence.",
        about="Sounds and short music in stereo.", longest_s=47, steps=100, guidance=7.0, negative="Low quality.",
        prompt_style=SOUND_STYLE, working_bytes=2 * GB, repo="stabilityai/stable-audio-open-1.0",
        parts={"text_encoder": 0.22 * GB, "transformer": 2.1 * GB, "vae": 0.32 * GB},
        source="length, steps, guidance: docs; parameters: counted; licence: known",
    ),
    _row(
        "longcat-audio-1b", "longcat_audio", "text-to-sound",
        licence=OTHERS, about="Effects and ambience, mono.", longest_s=30, steps=16, guidance=4.0, needs=PIECES,
        prompt_style=SOUND_STYLE, working_bytes=2 * GB, repo="ruixiangma/LongCat-AudioDiT-1B-Diffusers",
        parts={"text_encoder": 0.6 * GB, "transformer": 2.0 * GB, "vae": 0.3 * GB},
        source="steps, guidance: defaults of the pipeline (source); parameters: counted; length: estimate",
    ),
    _row(
        "ace-step-1.5", "ace_step", "text-to-sound",
        licence="MIT", about="Music, with lyrics if you write some.", longest_s=300, steps=8, guidance=1.0,
        free=("lyrics",), prompt_style="Style, instruments, mood, tempo, as a list of words.", working_bytes=4 * GB,
        repo="ACE-Step/acestep-v15-xl-turbo-diffusers",
        parts={"text_encoder": 1.2 * GB, "transformer": 8 * GB, "vae": 0.4 * GB},
        source="steps, licence, rate: docs; weights: estimate",
    ),
)  # fmt: skip

HUB: tuple[ModelSpec, ...] = (*WAN, *OTHER_FILMS, *SOUNDS)


def _remote(name: str, task: str, repo: str, **cells: Any) -> ModelSpec:
    """A row on a provider's machine: the name ends in who receives the prompt."""
    who = name.rpartition("@")[2]
    sent = "prompt and the picture are" if task == "image-to-video" else "prompt is"
    made = "still" if cells["longest_frames"] == 1 else "clip"
    return ModelSpec(
        name=name, family="remote", tasks=(task,), repo=repo, download_bytes=0,
        build="pipelines.hub.remote:build", licence="the provider's terms",
        forbids=f"The {sent} sent to Hugging Face and {who}; each {made} may cost money.",
        about=f"On the machines of {who}.", source="sizes and lengths: those of the open weights; the provider decides",
        needs=(), **cells,
    )  # fmt: skip


FLUX = (("1:1", 1024, 1024), ("16:9", 1344, 768), ("9:16", 768, 1344), ("4:3", 1152, 896), ("3:4", 896, 1152))
REMOTE: tuple[ModelSpec, ...] = (
    _remote(
        "wan-2.2-14b@fal-ai", "text-to-video", "Wan-AI/Wan2.2-T2V-A14B", fps=(16,), longest_frames=81,
        sizes=WAN_720[:1], steps=40, guidance=4.0,
    ),
    _remote(
        "hunyuan-video@fal-ai", "text-to-video", "tencent/HunyuanVideo", fps=(24,), longest_frames=129,
        sizes=WAN_720[:1], steps=30, guidance=6.0,
    ),
    _remote(
        "wan-2.2-14b-image@fal-ai", "image-to-video", "Wan-AI/Wan2.2-I2V-A14B", fps=(16,), longest_frames=81,
        sizes=WAN_720[:1], steps=40, guidance=3.5,
    ),
    _remote(
        "flux-schnell@fal-ai", "text-to-video", "black-forest-labs/FLUX.1-schnell", fps=(24,), longest_frames=1,
        sizes=FLUX, steps=4, guidance=0.0, free=("still",),
    ),
)  # fmt: skip

# Asked for, and not to be had: what it is and why. Shown by `models` below the table.
NOT_AVAILABLE = {
    "consisid": "reads faces with files that are no safetensors and that its packages fetch by themselves, unchecked",
    "mmaudio": "no maintained package: not on PyPI, and diffusers has its decoder only as a part of Kandinsky 6",
    "hunyuanvideo-foley": "its package pins numpy 1.26 and gradio 3.50, which cannot live beside this studio",
    "phantom, hunyuancustom, stand-in": "not in diffusers 0.42.1",
    "stable-audio-3": "its weights are not published in diffusers' format; a converted folder can be added as your own",
}

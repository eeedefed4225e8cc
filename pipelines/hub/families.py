"""The families that are driven: for each task, the class of diffusers that does it. Nothing else is ever loaded."""

FAMILIES: dict[str, dict[str, str]] = {
    "wan": {
        "text-to-video": "WanPipeline",
        "image-to-video": "WanImageToVideoPipeline",
        "edit": "WanVideoToVideoPipeline",
    },
    "vace": dict.fromkeys(("personalize", "image-to-video", "edit", "text-to-video"), "WanVACEPipeline"),
    "lucy": {"edit": "LucyEditPipeline"},
    "anyflow": {"text-to-video": "AnyFlowPipeline"},
    "ltx": {"text-to-video": "LTXPipeline", "image-to-video": "LTXConditionPipeline"},
    "ltx_upscaler": {"upscale": "LTXLatentUpsamplePipeline"},
    "ltx2": {
        "text-to-video": "LTX2Pipeline",
        "image-to-video": "LTX2ConditionPipeline",
        "edit": "LTX2InContextPipeline",
        "video-to-sound": "LTX2ConditionPipeline",
    },
    "hunyuan": {"text-to-video": "HunyuanVideo15Pipeline", "image-to-video": "HunyuanVideo15ImageToVideoPipeline"},
    "stable_audio": {"text-to-sound": "StableAudioPipeline"},
    "longcat_audio": {"text-to-sound": "LongCatAudioDiTPipeline"},
    "ace_step": {"text-to-sound": "AceStepPipeline"},
}
CLASSES = {name for tasks in FAMILIES.values() for name in tasks.values()}

"""Tiny models with random weights of the families outside Wan and LTX."""

from typing import Any

import diffusers as d
import transformers as t
from diffusers.pipelines.ace_step import AceStepConditionEncoder

from pipelines.hub.tiny_text import LETTERS, WIDTH, t5, words

SAYS = "{% for message in messages %}{{ message['content'] }}{% endfor %}"


def stable_audio() -> Any:
    """Stereo at 64 samples a second."""
    tokenizer = words()
    transformer = d.StableAudioDiTModel(
        sample_size=64, in_channels=3, num_layers=2, attention_head_dim=4, num_key_value_attention_heads=2,
        out_channels=3, cross_attention_dim=4, time_proj_dim=8, global_states_input_dim=8, cross_attention_input_dim=4,
    ).eval()  # fmt: skip
    vae = d.AutoencoderOobleck(
        encoder_hidden_size=6, downsampling_ratios=[1, 2], decoder_channels=3, decoder_input_channels=3,
        audio_channels=2, channel_multiples=[2, 4], sampling_rate=64,
    ).eval()  # fmt: skip
    reads = d.StableAudioProjectionModel(text_encoder_dim=WIDTH, conditioning_dim=4, min_value=0, max_value=32).eval()
    scheduler = d.CosineDPMSolverMultistepScheduler(solver_order=2, prediction_type="v_prediction", sigma_data=1.0)
    return d.StableAudioPipeline(
        vae=vae, text_encoder=t5(tokenizer), projection_model=reads, tokenizer=tokenizer, transformer=transformer,
        scheduler=scheduler,
    )  # fmt: skip


def _hunyuan_parts(reads: str) -> dict[str, Any]:
    """Text by Qwen, letters inside quotation marks by ByT5; a transformer that reads latents, a picture and a mask."""
    tokens = {token: place for place, token in enumerate(["<|endoftext|>", *LETTERS, "\u0120", "\u010a"])}
    tokenizer = t.Qwen2Tokenizer(vocab=tokens, merges=[], pad_token="<|endoftext|>", unk_token="<|endoftext|>")
    tokenizer.chat_template = SAYS
    qwen = t.Qwen2_5_VLTextConfig(
        vocab_size=len(tokenizer), hidden_size=16, intermediate_size=32, num_hidden_layers=3, num_attention_heads=2,
        num_key_value_heads=1, rope_scaling={"type": "default", "mrope_section": [1, 1, 2]},
    )  # fmt: skip
    bytes_ = t.ByT5Tokenizer()
    transformer = d.HunyuanVideo15Transformer3DModel(
        in_channels=9, out_channels=4, num_attention_heads=2, attention_head_dim=8, num_layers=2, num_refiner_layers=1,
        mlp_ratio=2.0, text_embed_dim=16, text_embed_2_dim=WIDTH, image_embed_dim=12, rope_axes_dim=(2, 2, 4),
        target_size=32, task_type=reads,
    ).eval()  # fmt: skip
    vae = d.AutoencoderKLHunyuanVideo15(
        latent_channels=4, block_out_channels=(16, 16, 16, 16), layers_per_block=1, spatial_compression_ratio=8,
        temporal_compression_ratio=4, downsample_match_channel=False, upsample_match_channel=False,
    ).eval()  # fmt: skip
    return {
        "text_encoder": t.Qwen2_5_VLTextModel(qwen).eval(),
        "tokenizer": tokenizer,
        "text_encoder_2": t5(bytes_, vocab_size=384),
        "tokenizer_2": bytes_,
        "transformer": transformer,
        "vae": vae,
        "scheduler": d.FlowMatchEulerDiscreteScheduler(shift=7.0),
        "guider": d.ClassifierFreeGuidance(guidance_scale=6.0),
    }


def ace_step() -> Any:
    """Stereo music at 64 samples a second, 8 to a latent; it reads 30 s of a silence that comes with its weights."""
    tokens = {token: place for place, token in enumerate(["<|endoftext|>", *LETTERS, "\u0120", "\u010a"])}
    tokenizer = t.Qwen2Tokenizer(vocab=tokens, merges=[], pad_token="<|endoftext|>", unk_token="<|endoftext|>")
    qwen = t.Qwen3Config(
        vocab_size=len(tokenizer), hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=1, head_dim=8,
    )  # fmt: skip
    shared = {"hidden_size": 16, "intermediate_size": 32, "num_attention_heads": 2, "num_key_value_heads": 1}
    transformer = d.AceStepTransformer1DModel(
        **shared, head_dim=8, num_hidden_layers=2, in_channels=12, audio_acoustic_hidden_dim=4, is_turbo=True
    )
    reads = AceStepConditionEncoder(
        **shared, head_dim=8, text_hidden_dim=16, timbre_hidden_dim=4, num_lyric_encoder_hidden_layers=2,
        num_timbre_encoder_hidden_layers=2,
    )  # fmt: skip
    vae = d.AutoencoderOobleck(
        encoder_hidden_size=6, downsampling_ratios=[2, 4], decoder_channels=3, decoder_input_channels=4,
        audio_channels=2, channel_multiples=[2, 4], sampling_rate=64,
    ).eval()  # fmt: skip
    return d.AceStepPipeline(
        vae=vae, text_encoder=t.Qwen3Model(qwen).eval(), tokenizer=tokenizer, transformer=transformer.eval(),
        condition_encoder=reads.eval(), scheduler=d.FlowMatchEulerDiscreteScheduler(num_train_timesteps=1, shift=1.0),
    )  # fmt: skip


def hunyuan() -> Any:
    """HunyuanVideo 1.5 from words."""
    return d.HunyuanVideo15Pipeline(**_hunyuan_parts("t2v"))


def hunyuan_image() -> Any:
    """HunyuanVideo 1.5 from a first frame."""
    eye = t.SiglipVisionConfig(
        hidden_size=12, intermediate_size=24, num_hidden_layers=1, num_attention_heads=2, image_size=32, patch_size=16
    )
    return d.HunyuanVideo15ImageToVideoPipeline(
        **_hunyuan_parts("i2v"), image_encoder=t.SiglipVisionModel(eye).eval(),
        feature_extractor=t.SiglipImageProcessor(size={"height": 32, "width": 32}),
    )  # fmt: skip


def longcat_audio() -> Any:
    """Mono sound at 240 samples a second, 8 to a latent."""
    tokenizer = words()
    vae = d.LongCatAudioDiTVae(
        channels=8, c_mults=[1, 2], strides=[2, 4], latent_dim=4, encoder_latent_dim=8, downsampling_ratio=8,
        sample_rate=240,
    ).eval()  # fmt: skip
    transformer = d.LongCatAudioDiTTransformer(
        dit_dim=32, dit_depth=2, dit_heads=2, dit_text_dim=WIDTH, latent_dim=4
    ).eval()  # fmt: skip
    return d.LongCatAudioDiTPipeline(
        vae=vae, text_encoder=t5(tokenizer, "UMT5"), tokenizer=tokenizer, transformer=transformer,
        scheduler=d.FlowMatchEulerDiscreteScheduler(shift=1.0, invert_sigmas=True),
    )  # fmt: skip

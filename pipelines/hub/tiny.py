"""Every family as a model of a few kilobytes with random weights, of exactly the real classes: for tests and benches.

The numbers are the least that the classes accept. Settings that have to fit each other are named in comments.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import diffusers as d
import torch
import transformers as t
from diffusers.pipelines.ltx.modeling_latent_upsampler import LTXLatentUpsamplerModel
from diffusers.pipelines.ltx2 import LTX2TextConnectors
from diffusers.pipelines.ltx2.vocoder import LTX2Vocoder
from torch import nn

from pipelines.hub import tiny_others as others
from pipelines.hub.hush import hushed
from pipelines.hub.tiny_text import LETTERS, WIDTH, t5, words

LATENTS = 16  # of Wan's autoencoder: its tables of means have as many entries
SMALL = {"sizes": [["1:1", 32, 32]], "fps": [8], "longest_frames": 17, "steps": 2, "negative": "bad"}


def write(folder: Path) -> list[dict[str, Any]]:
    """Saves every tiny model below `folder` and returns what a registry file says of them."""
    entries = []
    for name, (like, build, changes) in MODELS.items():
        torch.manual_seed(0)
        with hushed():
            build().save_pretrained(folder / name)
        entries.append({"name": name, "repo": str(folder / name), "like": like, **changes})
    return entries


def register(folder: Path) -> Path:
    """Saves every tiny model and a registry that lists them; `RUSHES_MODELS` may point to it."""
    path = folder / "models.json"
    path.write_text(json.dumps({"models": write(folder)}), encoding="utf-8")
    return path


def _gemma_words() -> t.GemmaTokenizer:
    special = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>", "<start_of_turn>", "<end_of_turn>", "\u2581", "\n"]
    return t.GemmaTokenizer(vocab={token: place for place, token in enumerate([*special, *LETTERS])}, merges=[])


def _flow(shift: float = 3.0) -> Any:
    return d.UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=shift)


def _wan_parts() -> dict[str, Any]:
    tokenizer = words()
    vae = d.AutoencoderKLWan(
        base_dim=3, z_dim=LATENTS, dim_mult=[1, 1, 1, 1], num_res_blocks=1, temperal_downsample=[False, True, True]
    )
    return {"tokenizer": tokenizer, "text_encoder": t5(tokenizer, "UMT5"), "vae": vae.eval(), "scheduler": _flow()}


def _wan_transformer(kind: str = "WanTransformer3DModel", *, reads: int = LATENTS, **more: Any) -> nn.Module:
    return getattr(d, kind)(
        patch_size=(1, 2, 2), num_attention_heads=2, attention_head_dim=12, in_channels=reads, out_channels=LATENTS,
        text_dim=WIDTH, freq_dim=256, ffn_dim=32, num_layers=2, cross_attn_norm=True,
        rope_max_seq_len=32, **more,
    ).eval()  # fmt: skip


def wan() -> Any:
    """Words to a film, like Wan 2.1."""
    return d.WanPipeline(**_wan_parts(), transformer=_wan_transformer())


def wan_5b() -> Any:
    """One transformer for words and for a first frame, like Wan 2.2 5B: each token has its own time."""
    return d.WanPipeline(**_wan_parts(), transformer=_wan_transformer(), expand_timesteps=True)


def wan_image() -> Any:
    """Two experts that read noise, a picture and a mask of 4 channels, like Wan 2.2 I2V."""
    reads = 2 * LATENTS + 4
    return d.WanImageToVideoPipeline(
        **_wan_parts(), transformer=_wan_transformer(reads=reads), transformer_2=_wan_transformer(reads=reads),
        image_encoder=None, image_processor=None, boundary_ratio=0.9,
    )  # fmt: skip


def vace() -> Any:
    """References and masks: 2 x latents + 8 x 8 pixels of the mask."""
    transformer = _wan_transformer("WanVACETransformer3DModel", vace_layers=[0, 1], vace_in_channels=2 * LATENTS + 64)
    return d.WanVACEPipeline(**_wan_parts(), transformer=transformer)


def lucy() -> Any:
    """An instruction and a clip, whose latents stand beside the noise."""
    transformer = _wan_transformer(reads=2 * LATENTS)
    return d.LucyEditPipeline(
        **_wan_parts(), transformer=transformer, transformer_2=None, boundary_ratio=None, expand_timesteps=True
    )


def anyflow() -> Any:
    """Wan that was taught to jump."""
    parts = _wan_parts() | {"scheduler": d.FlowMapEulerDiscreteScheduler()}
    return d.AnyFlowPipeline(**parts, transformer=_wan_transformer("AnyFlowTransformer3DModel"))


def _ltx_vae() -> nn.Module:
    return d.AutoencoderKLLTXVideo(
        in_channels=3, out_channels=3, latent_channels=8, block_out_channels=(8,) * 4,
        decoder_block_out_channels=(8,) * 4, layers_per_block=(1,) * 5, decoder_layers_per_block=(1,) * 5,
        spatio_temporal_scaling=(True, True, True, False), decoder_spatio_temporal_scaling=(True, True, True, False),
        decoder_inject_noise=(False,) * 5, upsample_residual=(False,) * 4, upsample_factor=(1,) * 4,
        timestep_conditioning=False, patch_size=1, patch_size_t=1, encoder_causal=True, decoder_causal=False,
    ).eval()  # fmt: skip


def ltx() -> Any:
    """LTX-Video: 8 frames and 8 pixels to a latent."""
    tokenizer = words()
    transformer = d.LTXVideoTransformer3DModel(
        in_channels=8, out_channels=8, patch_size=1, patch_size_t=1, num_attention_heads=4, attention_head_dim=8,
        cross_attention_dim=WIDTH, num_layers=2, caption_channels=WIDTH,
    ).eval()  # fmt: skip
    return d.LTXPipeline(
        tokenizer=tokenizer, text_encoder=t5(tokenizer), vae=_ltx_vae(), transformer=transformer,
        scheduler=d.FlowMatchEulerDiscreteScheduler(),
    )  # fmt: skip


def ltx_upscaler() -> Any:
    """LTX-Video's latents to latents with sides twice as long."""
    upsampler = LTXLatentUpsamplerModel(
        in_channels=8, mid_channels=32, num_blocks_per_stage=1, dims=3, spatial_upsample=True, temporal_upsample=False
    )
    return d.LTXLatentUpsamplePipeline(vae=_ltx_vae(), latent_upsampler=upsampler.eval())


def _gemma(tokenizer: Any) -> nn.Module:
    text = t.Gemma3TextConfig(
        vocab_size=len(tokenizer), hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=1, head_dim=8, max_position_embeddings=2048, sliding_window=64,
        layer_types=["full_attention", "full_attention"],
    )  # fmt: skip
    eye = t.SiglipVisionConfig(
        hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2, image_size=28, patch_size=14
    )
    config = t.Gemma3Config(
        text_config=text, vision_config=eye, mm_tokens_per_image=4, boi_token_index=4, eoi_token_index=5,
        image_token_index=6,
    )  # fmt: skip
    return t.Gemma3ForConditionalGeneration(config).eval()


def _ltx2_connectors() -> nn.Module:
    shared = {"num_attention_heads": 4, "attention_head_dim": 4, "num_layers": 1, "num_learnable_registers": None}
    both = {f"{kind}_connector_{key}": value for kind in ("video", "audio") for key, value in shared.items()}
    return LTX2TextConnectors(  # one projection for each of the text encoder's 2 layers and its embedding
        caption_channels=16, text_proj_in_factor=3, connector_rope_base_seq_len=32, rope_theta=10000.0,
        rope_double_precision=False, causal_temporal_positioning=False, rope_type="split", **both,
    ).eval()  # fmt: skip


def _ltx2_sound() -> dict[str, nn.Module]:
    vae = d.AutoencoderKLLTX2Audio(
        base_channels=4, output_channels=2, ch_mult=(1,), num_res_blocks=1, attn_resolutions=None, in_channels=2,
        resolution=32, latent_channels=2, norm_type="pixel", causality_axis="height", dropout=0.0,
        mid_block_add_attention=False, sample_rate=16000, mel_hop_length=160, is_causal=True, mel_bins=8,
    ).eval()  # fmt: skip
    vocoder = LTX2Vocoder(
        in_channels=16, hidden_channels=32, out_channels=2, upsample_kernel_sizes=[4, 4], upsample_factors=[2, 2],
        resnet_kernel_sizes=[3], resnet_dilations=[[1, 3, 5]], leaky_relu_negative_slope=0.1,
        output_sampling_rate=16000,
    ).eval()  # fmt: skip
    return {"audio_vae": vae, "vocoder": vocoder}


def ltx2() -> Any:
    """Pictures and sound together."""
    tokenizer = _gemma_words()
    transformer = d.LTX2VideoTransformer3DModel(
        in_channels=4, out_channels=4, patch_size=1, patch_size_t=1, num_attention_heads=2, attention_head_dim=8,
        cross_attention_dim=16, audio_in_channels=4, audio_out_channels=4, audio_num_attention_heads=2,
        audio_attention_head_dim=4, audio_cross_attention_dim=8, num_layers=2, qk_norm="rms_norm_across_heads",
        caption_channels=16, rope_double_precision=False, rope_type="split",
    ).eval()  # fmt: skip
    vae = d.AutoencoderKLLTX2Video(
        in_channels=3, out_channels=3, latent_channels=4, block_out_channels=(8,), decoder_block_out_channels=(8,),
        layers_per_block=(1,), decoder_layers_per_block=(1, 1), spatio_temporal_scaling=(True,),
        decoder_spatio_temporal_scaling=(True,), decoder_inject_noise=(False, False),
        downsample_type=("spatiotemporal",), upsample_residual=(False,), upsample_factor=(1,),
        timestep_conditioning=False, patch_size=4, patch_size_t=1, encoder_causal=True, decoder_causal=False,
    ).eval()  # fmt: skip
    return d.LTX2Pipeline(
        scheduler=d.FlowMatchEulerDiscreteScheduler(), vae=vae, text_encoder=_gemma(tokenizer), tokenizer=tokenizer,
        connectors=_ltx2_connectors(), transformer=transformer, **_ltx2_sound(),
    )  # fmt: skip


Model = tuple[str, Callable[[], Any], dict[str, Any]]
# Name: the row that it is like, how it is built, what is different.
MODELS: dict[str, Model] = {
    "tiny-wan": ("wan-2.1-1.3b", wan, SMALL),
    "tiny-wan-5b": ("wan-2.2-5b", wan_5b, SMALL),
    "tiny-wan-image": ("wan-2.2-14b-image", wan_image, SMALL),
    "tiny-vace": ("wan-2.1-vace-1.3b", vace, SMALL),
    "tiny-lucy": ("lucy-edit-5b", lucy, SMALL),
    "tiny-anyflow": ("anyflow-1.3b", anyflow, SMALL | {"negative": ""}),
    "tiny-ltx": ("ltx-video-2b", ltx, SMALL),
    "tiny-ltx-upscaler": ("ltx-upscaler", ltx_upscaler, {"longest_frames": 17}),
    "tiny-ltx2": ("ltx-2.5", ltx2, SMALL),
    "tiny-hunyuan": ("hunyuan-1.5-480p", others.hunyuan, SMALL),
    "tiny-hunyuan-image": ("hunyuan-1.5-480p-image", others.hunyuan_image, SMALL),
    "tiny-stable-audio": ("stable-audio-open", others.stable_audio, {"steps": 2, "longest_s": 4}),
    "tiny-longcat-audio": ("longcat-audio-1b", others.longcat_audio, {"steps": 2, "longest_s": 4}),
    "tiny-ace-step": ("ace-step-1.5", others.ace_step, {"steps": 2, "longest_s": 4}),
}

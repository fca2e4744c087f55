"""ECG-FM (bowang-lab/ECG-FM): the pretrained encoder, named as fairseq-signals does."""

from __future__ import annotations

from functools import partial

from engine.zoo.architectures.wav2vec2 import WaveConfig, WaveEncoder
from engine.zoo.published.hubert_ecg import ALIASES
from engine.zoo.published.importer import Dropped, RenamedImporter, Renaming

NAMES: Renaming = (
    (r"^convolutions\.(\d+)\.", r"feature_extractor.conv_layers.\1.0."),
    (r"^first_norm\.", "feature_extractor.conv_layers.0.2."),
    (r"^norm\.", "encoder.layer_norm."),
    (r"^token_norm\.", "layer_norm."),
    (r"^projection\.", "post_extract_proj."),
    (r"^places\.length$", "conv_pos.pos_conv.0.weight_g"),
    (r"^places\.direction$", "conv_pos.pos_conv.0.weight_v"),
    (r"^places\.bias$", "conv_pos.pos_conv.0.bias"),
    (r"^blocks\.(\d+)\.query\.", r"encoder.layers.\1.self_attn.q_proj."),
    (r"^blocks\.(\d+)\.key\.", r"encoder.layers.\1.self_attn.k_proj."),
    (r"^blocks\.(\d+)\.value\.", r"encoder.layers.\1.self_attn.v_proj."),
    (r"^blocks\.(\d+)\.output\.", r"encoder.layers.\1.self_attn.out_proj."),
    (r"^blocks\.(\d+)\.attention_norm\.", r"encoder.layers.\1.self_attn_layer_norm."),
    (r"^blocks\.(\d+)\.inner\.", r"encoder.layers.\1.fc1."),
    (r"^blocks\.(\d+)\.outer\.", r"encoder.layers.\1.fc2."),
    (r"^blocks\.(\d+)\.feedforward_norm\.", r"encoder.layers.\1.final_layer_norm."),
)

DROPPED = (
    Dropped("mask_emb", "what stood for a hidden token"),
    Dropped(r"(quantizer|project_q|final_proj)\..+", "the codebook and the ways to it"),
)

NETWORK = partial(WaveEncoder, WaveConfig(((2, 2),) * 4, 256, 12))

IMPORTERS = {"pretrained": RenamedImporter({"pretrained": NETWORK}, NAMES, DROPPED, ALIASES)}

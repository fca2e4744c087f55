"""HuBERT-ECG (Edoar-do/HuBERT-ECG): the three released sizes of the pretrained encoder, named as transformers does."""

from __future__ import annotations

from functools import partial

from engine.zoo.architectures.wav2vec2 import WaveConfig, WaveEncoder
from engine.zoo.published.importer import Dropped, RenamedImporter, Renaming

CONVOLUTIONS = ((10, 4), (3, 2), (3, 2), (2, 2), (2, 2))
SIZES = {"small": (512, 8, 8), "base": (768, 12, 12), "large": (960, 16, 12)}
"""Width, depth and heads."""

NAMES: Renaming = (
    (r"^convolutions\.(\d+)\.", r"feature_extractor.conv_layers.\1.conv."),
    (r"^first_norm\.", "feature_extractor.conv_layers.0.layer_norm."),
    (r"^token_norm\.", "feature_projection.layer_norm."),
    (r"^projection\.", "feature_projection.projection."),
    (r"^places\.length$", "encoder.pos_conv_embed.conv.weight_g"),
    (r"^places\.direction$", "encoder.pos_conv_embed.conv.weight_v"),
    (r"^places\.bias$", "encoder.pos_conv_embed.conv.bias"),
    (r"^norm\.", "encoder.layer_norm."),
    (r"^blocks\.(\d+)\.query\.", r"encoder.layers.\1.attention.q_proj."),
    (r"^blocks\.(\d+)\.key\.", r"encoder.layers.\1.attention.k_proj."),
    (r"^blocks\.(\d+)\.value\.", r"encoder.layers.\1.attention.v_proj."),
    (r"^blocks\.(\d+)\.output\.", r"encoder.layers.\1.attention.out_proj."),
    (r"^blocks\.(\d+)\.attention_norm\.", r"encoder.layers.\1.layer_norm."),
    (r"^blocks\.(\d+)\.inner\.", r"encoder.layers.\1.feed_forward.intermediate_dense."),
    (r"^blocks\.(\d+)\.outer\.", r"encoder.layers.\1.feed_forward.output_dense."),
    (r"^blocks\.(\d+)\.feedforward_norm\.", r"encoder.layers.\1.final_layer_norm."),
)

DROPPED = (
    Dropped("masked_spec_embed", "what stood for a hidden token"),
    Dropped(r"final_proj\.\d+\.(weight|bias)|label_embedding\.\d+\.weight", "the codebook and the way to it"),
)

ALIASES: Renaming = (
    (r"\.parametrizations\.weight\.original0$", ".weight_g"),
    (r"\.parametrizations\.weight\.original1$", ".weight_v"),
)
"""Weight norm as newer versions of torch save it."""

NETWORKS = {
    size: partial(WaveEncoder, WaveConfig(CONVOLUTIONS, 512, 1, width, depth, heads))
    for size, (width, depth, heads) in SIZES.items()
}

IMPORTERS = dict.fromkeys(SIZES, RenamedImporter(NETWORKS, NAMES, DROPPED, ALIASES))

"""ECG-JEPA (sehunfromdaegu/ECG_JEPA): the encoder of its two released checkpoints, with fixed places."""

from __future__ import annotations

from engine.zoo.architectures.ecg_jepa import EcgJepaEncoder
from engine.zoo.published.importer import RenamedImporter, Renaming

NAMES: Renaming = (
    (r"^blocks\.(\d+)\.attention_norm\.", r"encoder_blocks.blocks.\1.norm1."),
    (r"^blocks\.(\d+)\.inputs\.", r"encoder_blocks.blocks.\1.attn.qkv."),
    (r"^blocks\.(\d+)\.output\.", r"encoder_blocks.blocks.\1.attn.proj."),
    (r"^blocks\.(\d+)\.feedforward_norm\.", r"encoder_blocks.blocks.\1.norm2."),
    (r"^blocks\.(\d+)\.inner\.", r"encoder_blocks.blocks.\1.mlp.fc1."),
    (r"^blocks\.(\d+)\.outer\.", r"encoder_blocks.blocks.\1.mlp.fc2."),
    (r"^patch\.", "W_P."),
    (r"^places$", "pos_embed"),
)

IMPORTERS = dict.fromkeys(
    ("multiblock", "random"), RenamedImporter({"multiblock": EcgJepaEncoder, "random": EcgJepaEncoder}, NAMES)
)

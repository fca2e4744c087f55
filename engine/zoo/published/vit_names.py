"""How ST-MEM and MERL, which took the same public ViT, name the tensors of its blocks."""

from __future__ import annotations

from engine.zoo.published.importer import Renaming

BLOCK_NAMES: Renaming = (
    (r"^blocks\.(\d+)\.attention_norm\.", r"block\1.attn.norm."),
    (r"^blocks\.(\d+)\.inputs\.", r"block\1.attn.fn.to_qkv."),
    (r"^blocks\.(\d+)\.output\.", r"block\1.attn.fn.to_out.0."),
    (r"^blocks\.(\d+)\.feedforward_norm\.", r"block\1.ff.norm."),
    (r"^blocks\.(\d+)\.inner\.", r"block\1.ff.fn.net.0."),
    (r"^blocks\.(\d+)\.outer\.", r"block\1.ff.fn.net.3."),
)

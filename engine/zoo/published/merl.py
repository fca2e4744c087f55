"""MERL (cheliu-computation/MERL-ICML2024): the released encoders without the text they were trained to agree with."""

from __future__ import annotations

from engine.zoo.architectures.merl import STAGES, MerlResNet, MerlVit
from engine.zoo.published.importer import Dropped, RenamedImporter, Renaming
from engine.zoo.published.vit_names import BLOCK_NAMES

RESNET_NAMES: Renaming = (
    *((rf"^stages\.{index}\.", f"layer{index + 1}.") for index in range(len(STAGES))),
    (r"\.first\.", ".conv1."),
    (r"\.first_norm\.", ".bn1."),
    (r"\.second\.", ".conv2."),
    (r"\.second_norm\.", ".bn2."),
    (r"\.projection\.", ".shortcut.0."),
    (r"\.projection_norm\.", ".shortcut.1."),
    (r"^enter\.", "conv1."),
    (r"^enter_norm\.", "bn1."),
)

VIT_NAMES: Renaming = (*BLOCK_NAMES, (r"^patch\.", "to_patch_embedding."), (r"^places$", "pos_embedding"))

DROPPED = (Dropped(r"linear\.(weight|bias)", "a head of ten outputs that was never trained"),)

IMPORTERS = {
    "resnet18": RenamedImporter({"resnet18": MerlResNet}, RESNET_NAMES, DROPPED),
    "vit-tiny": RenamedImporter({"vit-tiny": MerlVit}, VIT_NAMES),
}

"""ECGFounder (PKUDigitalHealth/ECGFounder): Net1D for twelve leads or one, with its 150 answers."""

from __future__ import annotations

from functools import partial

from engine.zoo.architectures.ecgfounder import FounderNetwork
from engine.zoo.published.importer import Dropped, RenamedImporter, Renaming

NAMES: Renaming = (
    (r"^enter\.", "first_conv.conv."),
    (r"^stages\.(\d+)\.(\d+)\.", r"stage_list.\1.block_list.\2."),
    (r"\.enter\.", ".conv1.conv."),
    (r"\.mix\.", ".conv2.conv."),
    (r"\.leave\.", ".conv3.conv."),
    (r"\.excitation\.squeeze\.", ".se_fc1."),
    (r"\.excitation\.excite\.", ".se_fc2."),
    (r"^answers\.", "dense."),
)

DROPPED = (
    Dropped(r"(first_bn|stage_list\.\d+\.block_list\.\d+\.bn[123])\.\w+", "batch norms that its network never uses"),
)

NETWORKS = {"12-lead": partial(FounderNetwork, 12), "1-lead": partial(FounderNetwork, 1)}

IMPORTERS = dict.fromkeys(NETWORKS, RenamedImporter(NETWORKS, NAMES, DROPPED))

"""The study's released checkpoints (AI4HealthUOL/ecg-pretraining-strategies): five objectives on S4."""

from __future__ import annotations

from engine.contract.backbone import S4Config
from engine.zoo.published.s4_importer import S4Importer

BIDIRECTIONAL = S4Importer(S4Config(causal=False))

IMPORTERS = {
    "cpc": S4Importer(S4Config(causal=True)),
    "data2vec": BIDIRECTIONAL,
    "dinosr": BIDIRECTIONAL,
    "jepa": BIDIRECTIONAL,
    "hubert++": BIDIRECTIONAL,
}

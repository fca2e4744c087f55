"""ECG-CPC (AI4HealthUOL/ecg-fm-benchmarking): the study's causal S4, pretrained earlier and on 10 s."""

from __future__ import annotations

from engine.contract.backbone import S4Config
from engine.zoo.published.s4_importer import S4Importer

IMPORTERS = {"cpc": S4Importer(S4Config(causal=True))}

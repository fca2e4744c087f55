"""Objectives as kept and the losses they gave in November 2026: what was half trained then must go on the same today.

Each file is a state after two steps of training, with the names that checkpoints have. The losses were made in float64
from it, by the code that its tests hold to plain transcriptions; with dropout, so the draws of every kind are held too.
"""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from engine.backbones.registry import build_backbone
from engine.contract.config import CPCConfig, Data2vecConfig, DinoSRConfig, HuBERTConfig, JEPAConfig, S4Config
from engine.objectives.base import Batch
from engine.objectives.registry import OBJECTIVES, build_objective

GOLDEN = Path(__file__).resolve().parent.parent / "golden" / "objectives"
HEAD = {"head_state_size": 4}
TASKS = {
    "cpc": CPCConfig(offsets=(3, 7), negatives=9, temperature=0.5),
    "jepa": JEPAConfig(**HEAD, decay=0.9),
    "data2vec": Data2vecConfig(**HEAD, decay=0.9),
    "dinosr": DinoSRConfig(**HEAD, decay=0.9, codes=8),
    "hubert": HuBERTConfig(decay=0.9, codes=(4, 6)),
}
LOSSES = json.loads((GOLDEN / "losses.json").read_text())


def build(name):
    task, fidelity = name.split("-")
    backbone = build_backbone(S4Config(width=8, depth=2, state_size=4, causal=task == "cpc"), seed=0)
    return build_objective(backbone, TASKS[task].model_copy(update={"fidelity": fidelity}), seed=0)


def batch(step):
    """Four crops that no random generator makes."""
    t = torch.arange(12 * 160, dtype=torch.float64).view(12, 160)
    x_BCT = torch.stack([torch.sin(0.013 * (crop + 1) * t) + 0.3 * torch.cos(0.7 * t + crop) for crop in range(4)])
    return Batch.whole(x_BCT, 7, "train", step)


def losses_of(objective):
    """Total and parts of a training step and of a look, in float64."""
    told = {}
    for mode in (True, False):
        loss = objective.double().train(mode)(batch(2))
        values = {"total": loss.total, **loss.parts}
        told["training" if mode else "looking"] = {key: float(value.detach()) for key, value in values.items()}
    return told


def test_every_objective_is_kept_in_both_fidelities():
    assert set(LOSSES) == {f"{task}-{fidelity}" for task in OBJECTIVES for fidelity in ("intended", "as_released")}


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_kept_states_give_the_losses_they_gave(name):
    objective = build(name)
    objective.load_state_dict(load_file(GOLDEN / f"{name}.safetensors"), strict=True)
    found = losses_of(objective)
    for mode, values in LOSSES[name].items():
        assert set(values) <= set(found[mode])
        for part, value in values.items():
            assert found[mode][part] == pytest.approx(value, rel=1e-6, abs=1e-9), (mode, part)

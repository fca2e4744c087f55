"""All objectives by name. Membership is a promise that the tests keep for every entry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from engine.backbones.base import Backbone
from engine.contract.config import ObjectiveConfig
from engine.objectives.base import Objective
from engine.objectives.cpc import CPC
from engine.objectives.data2vec import Data2vec
from engine.objectives.dinosr import DinoSR
from engine.objectives.hubert import hubert
from engine.objectives.jepa import JEPA

OBJECTIVES: dict[str, Callable[[Backbone, Any], Objective]] = {
    "cpc": CPC,
    "jepa": JEPA,
    "data2vec": Data2vec,
    "dinosr": DinoSR,
    "hubert": hubert,
}


def build_objective(backbone: Backbone, config: ObjectiveConfig, seed: int) -> Objective:
    """An objective around a backbone, its own weights drawn from `seed`; the global random state is left alone."""
    with torch.random.fork_rng(devices=[]):
        # Not the backbone's own draws again: head and stem would start correlated.
        torch.manual_seed(seed + 1_000_003)
        return OBJECTIVES[config.name](backbone, config)

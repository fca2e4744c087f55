"""All backbones by name. Membership is a promise that the tests keep for every entry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from engine.backbones.base import Backbone, count_parameters
from engine.backbones.net1d import Net1DBackbone
from engine.backbones.s4 import S4Backbone
from engine.backbones.transformer import TransformerBackbone
from engine.contract.backbone import S4_STEM, Net1DConfig, TransformerConfig
from engine.contract.config import BackboneConfig, S4Config

BACKBONES: dict[str, Callable[[Any], Backbone]] = {
    "s4": S4Backbone,
    "transformer": TransformerBackbone,
    "net1d": Net1DBackbone,
}

_MATCHED = {"stem_kernels": S4_STEM.kernels, "stem_strides": S4_STEM.strides}

SHOWN: dict[str, BackboneConfig] = {
    "s4-causal": S4Config(),
    "s4-bidirectional": S4Config(causal=False),
    "transformer": TransformerConfig(),
    "net1d": Net1DConfig(idle_norms=True),
    "transformer-matched": TransformerConfig(**_MATCHED),
    "net1d-matched": Net1DConfig(**_MATCHED),
}
"""The full-size variants that `isoline-engine models` lists: the published ones, and those with as many tokens as S4.

The published Net1D holds norm layers that it never uses; the matched one goes without.
"""

CROP_SAMPLES = 600
"""2.5 s at 240 Hz: what sizes and costs are quoted for."""

COUNTER_NOTE = "torch's counter takes the weight gradient of grouped convolutions for that of dense ones"


def build_backbone(config: BackboneConfig, seed: int | None = None) -> Backbone:
    """A backbone with fresh random weights.

    Args:
        config: which one, and how large.
        seed: makes the weights a function of it and leaves the global random state alone; None draws from that state.
    """
    with torch.random.fork_rng(devices=[], enabled=seed is not None):
        if seed is not None:
            torch.manual_seed(seed)
        backbone = BACKBONES[config.name](config)
    backbone.config = config
    return backbone


def describe_backbones() -> list[dict[str, Any]]:
    """Name, parameters, tokens and GFLOPs per 2.5 s crop (600 samples) of every backbone at full size.

    GFLOPs are two per multiply-add of matrix products, as published; `convolution_gflops` is what the fast
    convolutions add to a forward pass. `counter_gflops` is what torch's counter says of forward and backward pass
    where that is wrong, and `counter_note` why.
    """
    return [_row(name, config) for name, config in SHOWN.items()]


def _row(name: str, config: BackboneConfig) -> dict[str, Any]:
    backbone = build_backbone(config, seed=0)
    cost = backbone.products(CROP_SAMPLES)
    wrong = cost.phantom > 0
    return {
        "name": name,
        "parameters": count_parameters(backbone),
        "tokens": config.tokens(CROP_SAMPLES),
        "forward_gflops": cost.forward / 1e9,
        "forward_backward_gflops": cost.forward_backward / 1e9,
        "convolution_gflops": cost.convolution / 1e9,
        "counter_gflops": (cost.forward_backward + cost.phantom) / 1e9 if wrong else None,
        "counter_note": COUNTER_NOTE if wrong else None,
    }

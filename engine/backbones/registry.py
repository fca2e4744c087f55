"""All backbones by name. Membership is a promise that the tests keep for every entry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from engine.backbones.base import Backbone, count_trainable
from engine.backbones.s4 import S4Backbone
from engine.contract.config import BackboneConfig, S4Config

BACKBONES: dict[str, Callable[[Any], Backbone]] = {"s4": S4Backbone}

SHOWN: dict[str, BackboneConfig] = {"s4-causal": S4Config(), "s4-bidirectional": S4Config(causal=False)}
"""The full-size variants that `isoline-engine models` lists."""

CROP_SAMPLES = 600
"""2.5 s at 240 Hz: what sizes and costs are quoted for."""


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
    convolutions add to a forward pass.
    """
    rows = []
    for name, config in SHOWN.items():
        backbone = build_backbone(config, seed=0)
        cost = backbone.products(CROP_SAMPLES)
        rows.append(
            {
                "name": name,
                "parameters": count_trainable(backbone),
                "tokens": CROP_SAMPLES // backbone.stride,
                "forward_gflops": cost.forward / 1e9,
                "forward_backward_gflops": cost.forward_backward / 1e9,
                "convolution_gflops": cost.convolution / 1e9,
            }
        )
    return rows

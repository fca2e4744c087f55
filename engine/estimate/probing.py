"""What the linear probes along a pretraining take, told without a label: on made-up ones, as many and as long.

A probe embeds every window of its recordings and fits its models. Embedding is timed on a batch of noise, the fits on
features of noise of at most `FITTED` recordings, for whose number they are nearly linear.

Legend: N recordings, L labels, D width.
"""

from __future__ import annotations

import time

import numpy as np
import torch

from engine.backbones.base import Backbone
from engine.contract.config import EstimateConfig
from engine.evaluation.probe import cross_validated

FITTED, WINDOWS = 256, 32
FOLDS = 5


def probe_points(config: EstimateConfig) -> int:
    """How often it is probed: at the first step, at the last, and every so many between them."""
    probe = config.pretrain.probe
    if probe is None:
        return 0
    return 2 + ((config.pretrain.steps - 1) // probe.every if probe.every else 0)


def probe_seconds(config: EstimateConfig, backbone: Backbone, device: torch.device) -> float:
    """Seconds of all probes of a pretraining; 0 where it has none or its recordings are not counted."""
    points = probe_points(config)
    if not points or not config.probe_windows:
        return 0.0
    each = _embedding(config, backbone, device) / WINDOWS * config.probe_windows
    return points * (each + _fits(config, backbone.width))


@torch.inference_mode()
def _embedding(config: EstimateConfig, backbone: Backbone, device: torch.device) -> float:
    was_training = backbone.training
    backbone.eval()
    x_BCT = torch.randn(WINDOWS, 12, config.pretrain.samples, device=device)
    backbone(x_BCT[:1])
    began = time.perf_counter()
    backbone(x_BCT).tokens_BLD.sum().item()  # reading waits for the device
    backbone.train(was_training)
    return time.perf_counter() - began


def _fits(config: EstimateConfig, width: int) -> float:
    """Labels are as common as coins: harder to fit than any real ones."""
    probe = config.pretrain.probe
    assert probe is not None
    count, labels = min(FITTED, config.probe_recordings), max(1, len(probe.labels))
    noise = np.random.default_rng(0)
    y_NL = noise.integers(0, 2, (count, labels)).astype(np.float64)
    held = count // FOLDS
    split = [f"fold-{n % FOLDS}" for n in range(count)] if probe.folds else ["test"] * held + ["train"] * (count - held)
    began = time.perf_counter()
    cross_validated(noise.normal(size=(count, width)), y_NL, [f"p{n}" for n in range(count)], split)
    return (time.perf_counter() - began) / count * config.probe_recordings

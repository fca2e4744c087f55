"""Learning rates as a function of the step alone, so that a resumed run needs no memory of them."""

from __future__ import annotations

import math

from engine.contract.config import PretrainConfig


def rate_share(step: int, config: PretrainConfig) -> float:
    """The share of the full learning rate that holds for a step, counted from 0.

    It rises in a straight line over the warm-up, whose last step has the full rate; then it stays (the study's
    schedule, method specification, section 4) or falls along a half-cosine to `final_rate`, which the last step has.
    """
    if step < config.warmup_steps:
        return (step + 1) / config.warmup_steps
    if config.schedule == "constant":
        return 1.0
    length = config.steps - 1 - config.warmup_steps
    done = min(1.0, (step - config.warmup_steps) / length) if length > 0 else 1.0
    return config.final_rate + (1 - config.final_rate) * (1 + math.cos(math.pi * done)) / 2

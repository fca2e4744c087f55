"""The collapse watch: how much life is left in what a model makes of recordings it does not learn from.

An objective with a teacher can be satisfied by features that say nothing: all the same, or the same few directions for
every token. The loss does not tell; it falls. What tells is measured here at each look, on held-out crops of which
nothing is hidden, in evaluation mode and full precision:

    effective rank     how many directions the features of tokens really use: the exponential of the entropy of their
                       normalised singular values (Roy and Vetterli 2007), features centred, in float64
    target variance    how much targets differ from token to token, averaged over features; targets are normalised, so
                       1 is as much as can be and 0 is one target for all
    prediction variance   the same of what the student says, in the targets' space
    codes used         how many codes at least one token of a batch has
    teacher entropy    how undecided the teacher's soft assignments are, in nats

Shapes: B batch, L tokens of a crop, N tokens, D width.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from engine.metrics.embedding_spread import effective_rank
from engine.objectives.base import Batch, Objective
from engine.ranks.reduce import global_sum

CROPS = 128
"""Crops that are looked at, the first of those that are given."""
TOKENS_OF_A_CROP = 64
"""Tokens of each crop that count, evenly spaced: 8,192 in all, and neighbours say much the same."""
PARTS = ("target_variance", "prediction_variance", "codes_used", "teacher_entropy")
"""What objectives tell themselves."""

FIRST_STEP = 100
"""No verdict before: until then batch norms in evaluation mode still use much of the statistics they started with."""
LEAST_RANK_SHARE = 0.10
"""Effective rank over width: a pair must keep a tenth to count as working. Fresh networks have 11 to 60 % on ECGs."""
LEAST_TARGET_VARIANCE = 1e-7
"""Targets of a fresh teacher have 2e-5 and more; equal ones have what float32 rounds, below 1e-12."""
LEAST_PREDICTION_SHARE = 1e-10
"""Prediction variance over target variance: below it a student says the same of everything but for what float32
rounds. It is so low because a student may know no more than the mean for long: HuBERT++ had 2e-7 after 50 steps."""
LEAST_CODE_SHARE = 0.01
"""Codes that a batch uses: a fresh DinoSR has 4 % and more in use, one that gives every token the same code 0.4 %."""
NO_SPREAD = 1e-12
"""Variance over mean square below which float32 features are one vector and its rounding."""


class Scatter:
    """Sums over tokens from which rank and variance follow, so that no token needs to be kept; float64."""

    def __init__(self, width: int, device: torch.device) -> None:
        self._sums = torch.zeros(width + 1, width, dtype=torch.float64, device=device)
        self._count = torch.zeros((), dtype=torch.float64, device=device)

    def add(self, rows_ND: Tensor) -> None:
        """Take in this rank's tokens."""
        rows_ND = rows_ND.double()
        self._sums[:-1] += rows_ND.T @ rows_ND
        self._sums[-1] += rows_ND.sum(0)
        self._count += len(rows_ND)

    def singular_values(self) -> Tensor:
        """Of the centred tokens of all ranks, [D], ascending, over the root of their number; 0 if all are the same."""
        summed, count = global_sum(self._sums), global_sum(self._count)
        square_DD, mean_D = summed[:-1] / count, summed[-1] / count
        covariance_DD = square_DD - torch.outer(mean_D, mean_D)
        if covariance_DD.trace() <= NO_SPREAD * square_DD.trace():
            return torch.zeros_like(mean_D)
        values_D: Tensor = torch.linalg.eigvalsh(covariance_DD).clamp_min(0).sqrt()
        return values_D


@torch.inference_mode()
def watch(objective: Objective, batches: Iterable[Batch]) -> dict[str, float]:
    """Measures of an objective on the first crops of these held-out batches, the same on every rank.

    Returns:
        "effective_rank"; "effective_rank_share", the same over the width; of "target_variance", "prediction_variance",
        "codes_used" and "teacher_entropy" those that the objective knows; "code_share", codes used of all, where there
        are codes. Empty without crops.
    """
    mode = objective.training
    objective.eval()
    width, scatter = objective.backbone.width, None
    sums: dict[str, Tensor] = {}
    seen = 0
    for batch in batches:
        tokens_BLD = objective.backbone(batch.x_BCT).tokens_BLD
        scatter = scatter or Scatter(width, tokens_BLD.device)
        every = max(1, tokens_BLD.shape[1] // TOKENS_OF_A_CROP)
        scatter.add(tokens_BLD[:, ::every].flatten(0, 1))
        parts = objective(batch).parts
        for name in PARTS:
            if name in parts:
                sums[name] = sums.get(name, torch.zeros((), dtype=torch.float64)) + batch.size * parts[name].double()
        seen += batch.size
        if seen >= CROPS:
            break
    objective.train(mode)
    if scatter is None:
        return {}
    rank = effective_rank(scatter.singular_values().cpu().numpy())
    told = {name: float(global_sum(value)) / seen for name, value in sums.items()}
    shares = {"code_share": told["codes_used"] / objective.codes} if "codes_used" in told else {}
    return {"effective_rank": rank, "effective_rank_share": rank / width, **told, **shares}


def judge(measures: Mapping[str, float], step: int) -> str:
    """Why a run counts as collapsed by the measures of a look after so many steps; empty when it does not."""
    if step < FIRST_STEP or not measures:
        return ""
    reasons = []
    if measures["effective_rank_share"] < LEAST_RANK_SHARE:
        share = measures["effective_rank_share"]
        reasons.append(f"features use {measures['effective_rank']:.1f} directions, {share:.1%} of the width")
    target, said = measures.get("target_variance"), measures.get("prediction_variance")
    if target is not None and target < LEAST_TARGET_VARIANCE:
        reasons.append(f"targets hardly differ from token to token (variance {target:.1e})")
    elif target is not None and said is not None and said < LEAST_PREDICTION_SHARE * target:
        reasons.append(f"predictions hardly differ from token to token (variance {said:.1e}, targets {target:.1e})")
    if measures.get("code_share", 1.0) < LEAST_CODE_SHARE:
        reasons.append(f"{measures['codes_used']:.0f} codes are in use, {measures['code_share']:.1%} of all")
    return "; ".join(reasons)

"""How pure the top of the ranking is: average precision, the area under the precision-recall curve in steps.

The sum over thresholds of (recall gained there) times (precision there), as scikit-learn's `average_precision_score`:
no interpolation between thresholds, which would flatter (Davis and Goadrich 2006); recordings with equal scores are
called together. Chance gives the prevalence, which stands beside every value.

Legend: N recordings, P patients, B resamples, G groups of equal scores.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.metrics.discrimination import Floats, Ranked
from engine.native import ranks


def average_precision(y_N: ArrayLike, score_N: ArrayLike, weight_N: ArrayLike | None = None) -> float:
    """Average precision of one ranking.

    Args:
        y_N: 1 for positive, 0 for negative.
        score_N: finite scores, higher means more likely positive.
        weight_N: non-negative weights; all 1 when left out.

    Returns:
        The area, or NaN when no positive has weight.
    """
    y = np.asarray(y_N, dtype=np.float64)
    weight = np.ones(len(y)) if weight_N is None else np.asarray(weight_N, dtype=np.float64)
    ranked = Ranked.of(y, np.asarray(score_N, dtype=np.float64), np.arange(len(y)))
    return float(resampled_precision(ranked, weight[:, None])[0])


def resampled_precision(ranked: Ranked, weight_PB: NDArray[np.generic]) -> Floats:
    """Average precision of every resample; NaN where no positive was drawn.

    Args:
        ranked: the recordings of one label, sorted by score.
        weight_PB: how often each patient was drawn in each resample.
    """
    compiled = ranked.compiled_weights(weight_PB)
    if compiled is None:
        return ranked.in_chunks(weight_PB, lambda part_PB: _chunk(ranked, part_PB))
    area_B, positives_B = ranks.average_precisions(*_steps(ranked), compiled)
    with np.errstate(invalid="ignore"):
        return np.asarray(area_B / np.where(positives_B > 0, positives_B, np.nan), dtype=np.float64)


def _chunk(ranked: Ranked, weight_PB: NDArray[np.generic]) -> Floats:
    positive_GB, negative_GB = ranked.group_sums(weight_PB)
    positive_GB, negative_GB = positive_GB[::-1], negative_GB[::-1]
    found_GB = np.cumsum(positive_GB, axis=0)
    called_GB = found_GB + np.cumsum(negative_GB, axis=0)
    # Where nothing has been called yet nothing was gained either.
    precision_GB = np.divide(found_GB, called_GB, out=np.zeros_like(found_GB), where=called_GB > 0)
    area_B = np.einsum("gb,gb->b", positive_GB, precision_GB)
    return np.divide(area_B, found_GB[-1], out=np.full(len(area_B), np.nan), where=found_GB[-1] > 0)


def _steps(ranked: Ranked) -> tuple[NDArray[np.int32], NDArray[np.uint8]]:
    """What compiled code does along the scores, highest first: a group's recordings, then its threshold."""
    act_N = np.where(ranked.positive_N, ranks.FOUND, ranks.ABOVE).astype(np.uint8)
    groups = len(ranked.first_G)
    gaining_G = np.flatnonzero(np.bincount(ranked.group_N[ranked.positive_N], minlength=groups))
    turn_M = np.concatenate([2 * (groups - 1 - ranked.group_N), 2 * (groups - 1 - gaining_G) + 1])
    order_M = np.argsort(turn_M, kind="stable")
    patient_M = np.concatenate([ranked.patient_N, np.zeros(len(gaining_G), dtype=np.intp)]).astype(np.int32)
    act_M = np.concatenate([act_N, np.full(len(gaining_G), ranks.THRESHOLD, dtype=np.uint8)])
    return patient_M[order_M], act_M[order_M]

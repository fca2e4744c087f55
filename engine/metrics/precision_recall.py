"""How pure the top of the ranking is: average precision, the area under the precision-recall curve in steps.

The sum over thresholds of (recall gained there) times (precision there), as scikit-learn's `average_precision_score`:
no interpolation between thresholds, which would flatter (Davis and Goadrich 2006); recordings with equal scores are
called together. Chance gives the prevalence, which stands beside every value.

Legend: N recordings, P patients, B resamples, G groups of equal scores.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.contract.estimate import Estimate, Interval
from engine.metrics.discrimination import Counts, Floats, Ints, Ranked
from engine.metrics.estimates import SMALL_CLASS
from engine.metrics.proportions import bootstrap, clopper_pearson, shares
from engine.metrics.uncertainty import freedom_of, logit_percentile_interval, logit_t_interval
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


def precision_estimate(
    y_N: Floats, score_N: Floats, patient_N: Ints, weight_PB: Counts, problem: str, confidence: float = 0.95
) -> Estimate:
    """Average precision of one label with its patient-clustered intervals and counts.

    From 500 patients in each class on the bootstrap is reported; below, Student's interval on the logit scale from the
    patients' influence on the area. Where every positive stands above every negative nothing varies: then the exact
    interval of as many successes as there are positive patients (Boyd et al., ECML PKDD 2013).

    Args:
        y_N: 1, 0, or NaN where unknown.
        score_N: non-finite where missing.
        patient_N: patient code of each recording, 0..P-1.
        weight_PB: the multiplicities that all statistics of this test set share.
        problem: why the ranking cannot be judged; empty when it can.
        confidence: of the intervals.
    """
    known = np.isfinite(y_N) & np.isfinite(score_N)
    y, score, patient = y_N[known], score_N[known], patient_N[known]
    positive_patients, negative_patients = (len(np.unique(patient[rows])) for rows in (y > 0.5, y <= 0.5))
    counts = {
        "records": len(y),
        "patients": len(np.unique(patient)),
        "positive_records": int((y > 0.5).sum()),
        "positive_patients": positive_patients,
        "negative_patients": negative_patients,
    }
    if problem:
        return Estimate(not_estimable=problem, **counts)
    value = average_precision(y, score)
    if min(positive_patients, negative_patients) < 2:
        return Estimate(value=value, not_estimable="no interval: a class has only one patient", **counts)
    if value >= 1:
        bounds = clopper_pearson(positive_patients, positive_patients, confidence)
        exact = _told(bounds, "Clopper-Pearson on positive patients (perfect separation)", confidence)
        return Estimate(value=1.0, interval=exact, **counts)
    variance, freedom = _clustered_variance(influence_on_precision(y, score), patient)
    analytic = _told(
        logit_t_interval(value, variance, min(positive_patients - 1, freedom), confidence),
        "influence of patients on the area, logit, t",
        confidence,
    )
    resampled_B = resampled_precision(Ranked.of(y, score, patient), weight_PB)
    beside = bootstrap(resampled_B, confidence, logit_percentile_interval, "logit percentile")
    if beside is None or min(positive_patients, negative_patients) < SMALL_CLASS:
        return Estimate(value=value, interval=analytic, beside=beside, **counts)
    return Estimate(value=value, interval=beside, beside=analytic, **counts)


def influence_on_precision(y_N: Floats, score_N: Floats) -> Floats:
    """What one more weight on each recording does to the average precision: its derivative by the weights, [N].

    Checked against finite differences of the weighted area. Sums to 0.
    """
    order = np.argsort(-score_N, kind="stable")
    ordered, positive = score_N[order], (y_N[order] > 0.5).astype(np.float64)
    last = np.flatnonzero(np.r_[ordered[1:] != ordered[:-1], True])
    group = np.searchsorted(last, np.arange(len(ordered)))
    found_G, called_G = np.cumsum(positive)[last], last + 1.0
    gained_G = np.diff(found_G, prepend=0.0)
    area = float(np.sum(gained_G * found_G / called_G))
    # A recording counts in the precision of its own threshold and of all lower ones.
    lower_G = np.cumsum((gained_G / called_G)[::-1])[::-1]
    lower_called_G = np.cumsum((gained_G * found_G / called_G**2)[::-1])[::-1]
    of_area = positive * ((found_G / called_G)[group] + lower_G[group]) - lower_called_G[group]
    influence_N = np.empty(len(ordered))
    influence_N[order] = (of_area - positive * area / found_G[-1]) / found_G[-1]
    return influence_N


def _clustered_variance(influence_N: Floats, patient_N: Ints) -> tuple[float, float]:
    """Variance, and its degrees of freedom by the patients' shares."""
    part_P: Floats = np.bincount(patient_N, weights=influence_N).astype(np.float64)
    patients = len(np.unique(patient_N))
    return float(patients / (patients - 1) * np.sum(part_P**2)), freedom_of(part_P)


def _told(bounds: tuple[float, float], method: str, confidence: float) -> Interval:
    return Interval(low=bounds[0], high=bounds[1], method=method, confidence=confidence)


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
    return shares(area_B, found_GB[-1])


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

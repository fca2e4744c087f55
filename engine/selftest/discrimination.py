"""Subjects of discrimination and thresholds: from a case's inputs to named numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from engine.contract.operating import ThresholdRule
from engine.metrics import proportions
from engine.metrics.confusion import Confusion, clustered_variance, kappa, kappa_gradient
from engine.metrics.discrimination import Ranked, auroc
from engine.metrics.multiplicity import benjamini_hochberg, holm
from engine.metrics.paired import mcnemar, tango
from engine.metrics.precision_recall import average_precision, resampled_precision
from engine.metrics.thresholds import ThresholdTable, choose_threshold
from engine.metrics.uncertainty import Influence

Answer = Mapping[str, float]


def _discrimination(y: Sequence[int], first: Sequence[float], second: Sequence[float]) -> Answer:
    """AUROC, DeLong's variances of one and of the difference of two, and the largest Youden index."""
    y_N, scores = np.array(y, dtype=np.float64), [np.array(one, dtype=np.float64) for one in (first, second)]
    each = np.arange(len(y_N), dtype=np.intp)
    influences = [Influence.of(y_N, score_N, each, len(y_N)) for score_N in scores]
    table = ThresholdTable.of(y_N, scores[0])
    chosen, _ = choose_threshold(y_N, scores[0], ThresholdRule(kind="youden"))
    place = int(np.flatnonzero(table.threshold_K == chosen)[0])
    return {
        "auroc": auroc(y_N, scores[0]),
        "variance": influences[0].variance(),
        "difference": auroc(y_N, scores[0]) - auroc(y_N, scores[1]),
        "difference_variance": influences[0].minus(influences[1]).variance(),
        "youden": float(table.sensitivity_K[place] + table.specificity_K[place] - 1),
    }


def _average_precision(y: Sequence[int], score: Sequence[float], weight: Sequence[int]) -> Answer:
    """Average precision, and both areas with multiplicities as resamples have them."""
    weight_PB = np.array(weight, dtype=np.int16)[:, None]
    y_N, score_N = np.array(y, dtype=np.float64), np.array(score, dtype=np.float64)
    ranked = Ranked.of(y_N, score_N, np.arange(len(y_N), dtype=np.intp))
    return {
        "alone": average_precision(y_N, score_N),
        "weighted": float(resampled_precision(ranked, weight_PB)[0]),
        "weighted_auroc": float(ranked.resampled(weight_PB)[0]),
    }


def _proportions(events: int, trials: int, confidence: float) -> Answer:
    """Score and exact interval."""
    score, exact = (made(events, trials, confidence) for made in (proportions.wilson, proportions.clopper_pearson))
    return {"wilson_low": score[0], "wilson_high": score[1], "exact_low": exact[0], "exact_high": exact[1]}


def _kappa(true_positives: int, false_positives: int, false_negatives: int, true_negatives: int) -> Answer:
    """Kappa and its variance; ours has n / (n - 1), which makes up for few patients."""
    counts = true_positives, false_positives, false_negatives, true_negatives
    y_N, called_N = np.repeat([1.0, 0.0, 1.0, 0.0], counts), np.repeat([True, True, False, False], counts)
    n = len(y_N)
    confusion = Confusion.of(y_N, called_N, np.arange(n, dtype=np.intp), np.ones((n, 1), dtype=np.int16))
    variance = clustered_variance(kappa_gradient(confusion.total_4), confusion)
    return {"kappa": float(kappa(confusion.total_4)), "variance": variance * (n - 1) / n}


def _multiplicity(p: Sequence[float]) -> Answer:
    """Adjusted p-values."""
    return {
        f"{made.__name__}_{place}": float(value)
        for made in (holm, benjamini_hochberg)
        for place, value in enumerate(made(p))
    }


def _paired_rates(first_only: int, second_only: int, pairs: int) -> Answer:
    """Tango's interval and McNemar's exact p-value."""
    low, high = tango(first_only, second_only, pairs, 0.95)
    return {"low": low, "high": high, "p": mcnemar(first_only, second_only)}


SUBJECTS: dict[str, Callable[..., Answer]] = {
    "discrimination": _discrimination,
    "average_precision": _average_precision,
    "proportions": _proportions,
    "kappa": _kappa,
    "multiplicity": _multiplicity,
    "paired_rates": _paired_rates,
}

"""Overall performance of probabilities: Brier score, its scaled form, log loss, and what the Brier score is made of.

Murphy's decomposition needs groups; the CORP decomposition (Dimitriadis, Gneiting, Jordan, PNAS 118:e2016191118, 2021)
takes them from isotonic regression, so that nobody chooses them.

Sources: Brier, Mon Weather Rev 78:1-3 (1950); Murphy, J Appl Meteor 12:595-600 (1973), with Stephenson et al., Weather
Forecast 23:752-757 (2008), for what groups hide; Steyerberg et al., Epidemiology 21:128-138 (2010), scaled Brier.

Legend: N recordings, P patients, B resamples, G groups.
"""

from __future__ import annotations

import numpy as np

from engine.contract.calibration import CorpParts, MurphyParts, OverallResults
from engine.contract.estimate import Estimate
from engine.metrics.calibration import Probabilities
from engine.metrics.discrimination import Counts, Floats, Ints
from engine.metrics.isotonic import blocks, pooled
from engine.metrics.patient_sums import PatientSums, Sampled, bootstrap_interval, estimate

GROUPS = 10


def overall_results(
    y_N: Floats, p_N: Floats, patient_N: Ints, weight_PB: Counts, confidence: float = 0.95
) -> OverallResults:
    """Overall performance of one label; arguments as of `calibration_results`."""
    told = Probabilities.of(y_N, p_N, patient_N)
    if told.problem:
        none = told.size.undefined(told.problem)
        return OverallResults(brier=none, scaled_brier=none, log_loss=none)
    score, scaled = brier(told, weight_PB)
    loss = log_loss(told, weight_PB)
    wrong = "infinite: a probability of 0 or 1 was wrong"
    return OverallResults(
        brier=estimate(score, told.size, confidence, "log"),
        scaled_brier=estimate(scaled, told.size, confidence, "log of 1 -"),
        log_loss=estimate(loss, told.size, confidence, "log", wrong),
        murphy=murphy(told.y_N, told.p_N),
        corp=corp(told, weight_PB, confidence),
    )


def brier(told: Probabilities, weight_PB: Counts) -> tuple[Sampled, Sampled]:
    """Brier score, and 1 minus its ratio to that of the sample's own prevalence."""
    rows = np.array([np.ones(len(told.y_N)), told.y_N, (told.y_N - told.p_N) ** 2])
    sums = PatientSums.of(rows, told.patient_N, weight_PB)

    def scaled(sum_M: Floats) -> Floats:
        ratio: Floats = sum_M[2] * sum_M[0] / (sum_M[1] * (sum_M[0] - sum_M[1]))
        return 1 - ratio

    return sums.sampled(lambda sum_M: sum_M[2] / sum_M[0]), sums.sampled(scaled)


def log_loss(told: Probabilities, weight_PB: Counts) -> Sampled:
    """Mean negative log likelihood, natural logarithm; undefined where a certain probability was wrong."""
    right_N = np.where(told.y_N > 0.5, told.p_N, 1 - told.p_N)
    with np.errstate(divide="ignore"):
        loss_N = -np.log(right_N)
    if not np.isfinite(loss_N).all():
        return Sampled(np.nan, np.full(len(weight_PB), np.nan), np.full(weight_PB.shape[1], np.nan))
    sums = PatientSums.of(np.array([np.ones(len(loss_N)), loss_N]), told.patient_N, weight_PB)
    return sums.sampled(lambda sum_M: sum_M[1] / sum_M[0])


def murphy(y_N: Floats, p_N: Floats, groups: int = GROUPS) -> MurphyParts:
    """Reliability, resolution, uncertainty, and what groups of about equal size hide; equal values stay together."""
    order = np.argsort(p_N, kind="stable")
    cuts = np.sort(p_N)[np.linspace(0, len(p_N), groups + 1).astype(np.intp)[1:-1]]
    group_N = np.searchsorted(np.unique(cuts), p_N[order], side="right")
    _, place_N, count_G = np.unique(group_N, return_inverse=True, return_counts=True)
    share_G = count_G / len(y_N)
    observed_G = np.bincount(place_N, weights=y_N[order]) / count_G
    predicted_G = np.bincount(place_N, weights=p_N[order]) / count_G
    mean = float(y_N.mean())
    reliability = float(share_G @ (predicted_G - observed_G) ** 2)
    resolution = float(share_G @ (observed_G - mean) ** 2)
    uncertainty = mean * (1 - mean)
    score = float(np.mean((y_N - p_N) ** 2))
    return MurphyParts(
        groups=len(count_G),
        reliability=reliability,
        resolution=resolution,
        uncertainty=uncertainty,
        within=score - (reliability - resolution + uncertainty),
    )


def corp(told: Probabilities, weight_PB: Counts, confidence: float = 0.95) -> CorpParts:
    """Miscalibration, discrimination and uncertainty with bootstrap intervals."""
    parts = corp_parts(told, np.ones((len(weight_PB), 1)))[:, 0]
    parts_3B = corp_parts(told, weight_PB)
    told_3 = []
    for value, value_B in zip(parts, parts_3B, strict=True):
        interval = bootstrap_interval(value_B, confidence)
        reason = "" if interval is not None else "no interval: most resamples lack a class, or do not vary"
        told_3.append(Estimate(value=float(value), interval=interval, not_estimable=reason, **told.size.counts()))
    return CorpParts(miscalibration=told_3[0], discrimination=told_3[1], uncertainty=told_3[2])


def corp_parts(told: Probabilities, weight_PB: np.ndarray) -> Floats:
    """Miscalibration, discrimination and uncertainty in each resample, [3, B]."""
    order, starts = blocks(told.y_N, told.p_N)
    patient, y = told.patient_N[order], told.y_N[order]
    squared = (y - told.p_N[order]) ** 2
    parts = []
    step = max(1, 2_000_000 // len(y))
    for first in range(0, weight_PB.shape[1], step):
        weight_NB = weight_PB[:, first : first + step].astype(np.float64)[patient]
        weight_GB = np.add.reduceat(weight_NB, starts, axis=0)
        sum_GB = np.add.reduceat(weight_NB * y[:, None], starts, axis=0)
        drawn_B = weight_GB.sum(axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean_B = sum_GB.sum(axis=0) / drawn_B
            score_B = squared @ weight_NB / drawn_B
            value_GB = pooled(sum_GB, weight_GB)
            fitted_B = mean_B - (weight_GB * value_GB**2).sum(axis=0) / drawn_B
        uncertainty_B = mean_B * (1 - mean_B)
        parts.append(np.array([score_B - fitted_B, uncertainty_B - fitted_B, uncertainty_B]))
    return np.concatenate(parts, axis=1)

"""Decision curves: net benefit of acting on a model's risk, against treating all or none.

Net benefit at threshold t is TP/n - FP/n * t/(1-t); a recording is called positive when its probability is not below t,
as in dcurves. At another prevalence the true and false positive rates are kept and the shares of the classes changed.

The interval of the gain over the better default is too narrow where few positive patients meet a model that ranks
nearly all of them above the others: at AUROC 0.96 with 10 positive patients of 100 a nominal 95 % held the truth in 84
to 85 % of 2,000 made tests (docs/coverage.md), nearly always by a truth below it. `cautions` names such labels.

Sources: Vickers and Elkin, Med Decis Making 26:565-574 (2006); Vickers et al., BMC Med Inform Decis Mak 8:53 (2008),
interventions avoided.

Legend: N recordings, P patients, B resamples, T thresholds.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.contract.errors import UsageError
from engine.contract.estimate import Estimate
from engine.contract.utility import NetBenefit, UtilityResults
from engine.metrics.calibration import Probabilities
from engine.metrics.discrimination import Counts, Floats, Ints
from engine.metrics.patient_sums import PatientSums, Sampled, estimate

FEW, HIGH = 20, 0.9
"""Positive patients below which, and AUROC from which on, the gain over the default is told with a caution."""
THRESHOLDS = tuple(round(0.01 * percent, 2) for percent in range(1, 51))


def utility_results(
    y_N: Floats,
    p_N: Floats,
    patient_N: Ints,
    weight_PB: Counts,
    confidence: float = 0.95,
    *,
    thresholds: Sequence[float] = THRESHOLDS,
    prevalence: float | None = None,
) -> UtilityResults:
    """Decision curve of one label.

    Args:
        y_N: 1, 0, or NaN where unknown.
        p_N: probabilities, or flags 0 and 1 (then give the one threshold that the flag stands for).
        patient_N: patient code of each recording, 0..P-1.
        weight_PB: the multiplicities that all statistics of this test set share.
        confidence: of the pointwise intervals.
        thresholds: within 0 and 1, in the range that clinicians would act at.
        prevalence: share of positives where the model is to be used; the sample's own when None.

    Raises:
        UsageError: a threshold or the prevalence is not within 0 and 1.
    """
    _within("thresholds", thresholds)
    _within("prevalence", [] if prevalence is None else [prevalence])
    told = Probabilities.of(y_N, p_N, patient_N)
    if told.problem:
        return UtilityResults(prevalence=prevalence, reweighted=prevalence is not None, not_estimable=told.problem)
    share = float(told.y_N.mean()) if prevalence is None else prevalence
    return UtilityResults(
        prevalence=share,
        reweighted=prevalence is not None,
        points=[_point(told, weight_PB, threshold, prevalence, confidence) for threshold in thresholds],
    )


def cautions(label: str, positive_patients: int | None, auroc: float | None) -> str:
    """A note where the interval of the gain over the default is too narrow to be read as it stands; else empty.

    Args:
        label: its name.
        positive_patients: of the test; None where not told.
        auroc: of the label; None where there is none.
    """
    if positive_patients is None or auroc is None or positive_patients >= FEW or auroc < HIGH:
        return ""
    return (
        f"Net benefit of {label} over treating all or none: with {positive_patients} positive patients and an AUROC of "
        f"{auroc:.2f} its interval is too narrow and too high; of made tests like this one it held the truth in 84 of "
        "100, not in 95. Read the model's own net benefit"
    )


def net_benefit(sum_M: Floats, threshold: float, prevalence: float | None = None) -> tuple[Floats, Floats]:
    """Net benefit of the model and of treating all.

    Args:
        sum_M: [4, any]: recordings, positives, true positives, false positives.
        threshold: risk from which on one acts.
        prevalence: share of positives; the sample's own when None.
    """
    worth = threshold / (1 - threshold)
    count, positives, hits, alarms = sum_M
    share = positives / count if prevalence is None else np.full_like(count, prevalence)
    model = hits / positives * share - alarms / (count - positives) * (1 - share) * worth
    return model, share - (1 - share) * worth


def _point(
    told: Probabilities, weight_PB: Counts, threshold: float, prevalence: float | None, confidence: float
) -> NetBenefit:
    called_N = (told.p_N >= threshold).astype(np.float64)
    rows = np.array([np.ones_like(called_N), told.y_N, called_N * told.y_N, called_N * (1 - told.y_N)])
    sums = PatientSums.of(rows, told.patient_N, weight_PB)

    def model(sum_M: Floats) -> Floats:
        return net_benefit(sum_M, threshold, prevalence)[0]

    def avoided(sum_M: Floats) -> Floats:
        by_model, by_all = net_benefit(sum_M, threshold, prevalence)
        return (by_model - by_all) * (1 - threshold) / threshold

    def gain(sum_M: Floats) -> Floats:
        by_model, by_all = net_benefit(sum_M, threshold, prevalence)
        return by_model - np.maximum(by_all, 0.0)

    def told_of(sampled: Sampled) -> Estimate:
        return estimate(sampled, told.size, confidence)

    return NetBenefit(
        threshold=threshold,
        model=told_of(sums.sampled(model)),
        treat_all=float(net_benefit(sums.whole_M[:, None], threshold, prevalence)[1][0]),
        avoided=told_of(sums.sampled(avoided)),
        gain=told_of(sums.sampled(gain)),
    )


def _within(thing: str, values: Sequence[float]) -> None:
    if not all(0 < value < 1 for value in values):
        raise UsageError(thing, "one is not within 0 and 1", "Give shares between 0 and 1, for instance 0.1")

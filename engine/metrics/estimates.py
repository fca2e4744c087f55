"""Which number and which interval is reported: the rules that turn scores into `Estimate`s.

Below 500 patients in a class the clustered analytic interval is reported and the bootstrap stands beside it; from 500
on, where both agree, it is the other way round. The percentile bootstrap is somewhat too narrow in smaller classes
(docs/coverage.md). What cannot be estimated is None with the reason. Every estimate carries its counts.

Legend: N recordings, P patients of the whole test set, B resamples, L labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.special import stdtr

from engine.contract.operating import EffectiveSize
from engine.contract.results import Estimate, Interval
from engine.metrics.discrimination import Counts, Floats, Ints, Ranked, label_problem
from engine.metrics.uncertainty import (
    Bounds,
    Influence,
    logit_percentile_interval,
    logit_t_interval,
    macro_freedom,
    macro_variance,
    newcombe_interval,
    percentile_interval,
    t_interval,
)

SMALL_CLASS = 500
"""Patients in the smaller class below which the bootstrap is no longer the reported interval."""


@dataclass(frozen=True)
class Measured:
    """One label of one model, measured on the recordings that have both a known label and a finite score.

    Attributes:
        value: the AUROC, None when it is undefined.
        problem: why it is undefined.
        influence: per patient, None unless both classes have two patients.
        resampled_B: AUROC of every common resample, NaN where a class is missing.
    """

    value: float | None
    problem: str
    records: int
    patients: int
    positive_records: int
    positive_patients: int
    negative_patients: int
    resampled_B: Floats = field(repr=False)
    influence: Influence | None = field(default=None, repr=False)

    @property
    def small(self) -> bool:
        """Whether a class is too small for the bootstrap to be the reported interval."""
        return min(self.positive_patients, self.negative_patients) < SMALL_CLASS

    @property
    def interval_problem(self) -> str:
        """Why there can be no interval at all; empty when there can be one."""
        if self.problem:
            return self.problem
        if self.positive_patients < 2:
            return "no interval: only one patient has positive recordings"
        return "no interval: only one patient has negative recordings" if self.negative_patients < 2 else ""


def measure(y_N: Floats, score_N: Floats, patient_N: Ints, weight_PB: Counts) -> Measured:
    """Measure one label.

    Args:
        y_N: 1, 0, or NaN where unknown.
        score_N: higher means more likely positive; non-finite where missing.
        patient_N: patient code of each recording, 0..P-1.
        weight_PB: the multiplicities that all statistics of this test set share.
    """
    known = np.isfinite(y_N) & np.isfinite(score_N)
    y, score, patient = y_N[known], score_N[known], patient_N[known]
    positive = y > 0.5
    positive_patients, negative_patients = len(np.unique(patient[positive])), len(np.unique(patient[~positive]))
    problem = _problem(y, score)
    ranked = Ranked.of(y, score, patient)
    once = np.ones((weight_PB.shape[0], 1))
    estimable = not problem and min(positive_patients, negative_patients) > 1
    return Measured(
        value=None if problem else float(ranked.resampled(once)[0]),
        problem=problem,
        records=len(y),
        patients=len(np.unique(patient)),
        positive_records=int(positive.sum()),
        positive_patients=positive_patients,
        negative_patients=negative_patients,
        resampled_B=np.full(weight_PB.shape[1], np.nan) if problem else ranked.resampled(weight_PB),
        influence=Influence.of(y, score, patient, weight_PB.shape[0]) if estimable else None,
    )


def _problem(y_N: Floats, score_N: Floats) -> str:
    positive_N = y_N > 0.5
    if len(score_N) == 0:
        return "no recording has both a known label and a score"
    if strange := label_problem(y_N):
        return strange
    if not positive_N.any():
        return f"no positive recordings among {len(score_N)}"
    if positive_N.all():
        return f"no negative recordings among {len(score_N)}"
    return "all scores are equal" if np.all(score_N == score_N[0]) else ""


def auroc_estimate(measured: Measured, confidence: float = 0.95) -> Estimate:
    """AUROC of one label with its intervals and counts."""
    analytic = bootstrap = None
    if measured.influence is not None and measured.value is not None:
        analytic = _analytic_auroc(measured.value, measured.influence, confidence)
        if 0 < measured.value < 1:
            bootstrap = _bootstrap(measured.resampled_B, confidence, paired=False)
    reason = measured.interval_problem
    return _estimate(measured.value, analytic, bootstrap, measured.small, reason, **_counts(measured))


def effective_size(measured: Measured, y_N: Floats, score_N: Floats) -> EffectiveSize:
    """How many independent recordings would place the AUROC as precisely: the clustered variance over DeLong's.

    Args:
        measured: the label.
        y_N: 1, 0, or NaN where unknown.
        score_N: non-finite where missing.
    """
    if measured.influence is None:
        return EffectiveSize(not_estimable=measured.problem or measured.interval_problem)
    known = np.isfinite(y_N) & np.isfinite(score_N)
    each = np.arange(int(known.sum()), dtype=np.intp)
    alone = Influence.of(y_N[known], score_N[known], each, len(each)).variance()
    if alone <= 0:
        return EffectiveSize(not_estimable="the scores show no variance")
    effect = measured.influence.variance() / alone
    if effect <= 0:
        return EffectiveSize(not_estimable="the patients show no variance")
    return EffectiveSize(design_effect=effect, records=measured.records / effect)


def macro_estimate(labels: Sequence[Measured], records: int, patients: int, confidence: float = 0.95) -> Estimate:
    """Mean AUROC over the labels that can be estimated (see `in_macro`), errors summed over shared patients."""
    used = [label for label in labels if in_macro(label)]
    counts = {"records": records, "patients": patients}
    influences = [label.influence for label in used if label.influence is not None]
    if not used:
        return Estimate(not_estimable="no label has two patients in each class and differing scores", **counts)
    value = float(np.mean([label.value for label in used]))
    analytic = bootstrap = None
    if 0 < value < 1:
        variance, freedom = macro_variance(influences), macro_freedom(influences)
        bounds = logit_t_interval(value, variance, freedom, confidence)
        analytic = _interval(bounds, f"{_summed(influences)}, logit, t", confidence)
        bootstrap = _bootstrap(np.mean([label.resampled_B for label in used], axis=0), confidence, paired=False)
    reason = "no interval: every label is separated perfectly"
    return _estimate(value, analytic, bootstrap, any(label.small for label in used), reason, **counts)


def in_macro(label: Measured) -> bool:
    """Whether a label counts in the macro mean: it has a value, and two patients in each class."""
    return label.value is not None and label.influence is not None


def difference_estimate(model: Measured, reference: Measured, confidence: float = 0.95) -> Estimate:
    """AUROC of the model minus that of the reference, both measured on the same recordings and resamples."""
    if model.value is None or reference.value is None:
        return Estimate(not_estimable=model.problem or reference.problem, **_counts(model))
    value = model.value - reference.value
    analytic = bootstrap = None
    reason = model.interval_problem or "no interval: both rank every recording alike, or both separate perfectly"
    if model.influence is not None and reference.influence is not None:
        gap = model.influence.minus(reference.influence)
        if (variance := gap.variance()) > 0:
            name = "DeLong" if gap.one_each else "Obuchowski 1997 clustered"
            bounds = t_interval(value, variance, gap.degrees_of_freedom(), confidence)
            analytic = _interval(bounds, f"{name} covariance of the paired difference, t", confidence)
            bootstrap = _bootstrap(model.resampled_B - reference.resampled_B, confidence, paired=True)
    return _estimate(value, analytic, bootstrap, model.small, reason, **_counts(model))


def macro_difference(
    pairs: Sequence[tuple[Measured, Measured]], records: int, patients: int, confidence: float = 0.95
) -> Estimate:
    """Macro AUROC of the model minus the reference's, over the labels that both can be estimated for."""
    used = [(a, b) for a, b in pairs if in_macro(a) and in_macro(b)]
    counts = {"records": records, "patients": patients}
    if not used:
        return Estimate(not_estimable="no label can be estimated for both models", **counts)
    value = float(np.mean([_value(a) - _value(b) for a, b in used]))
    gaps = [a.influence.minus(b.influence) for a, b in used if a.influence is not None and b.influence is not None]
    analytic = bootstrap = None
    if (variance := macro_variance(gaps)) > 0:
        bounds = t_interval(value, variance, macro_freedom(gaps), confidence)
        analytic = _interval(bounds, f"{_summed(gaps)} of the paired difference, t", confidence)
        resampled_B = np.mean([a.resampled_B - b.resampled_B for a, b in used], axis=0)
        bootstrap = _bootstrap(resampled_B, confidence, paired=True)
    reason = "no interval: both rank every recording alike"
    return _estimate(value, analytic, bootstrap, any(a.small for a, _ in used), reason, **counts)


def difference_p(pairs: Sequence[tuple[Measured, Measured]]) -> float | None:
    """That the mean paired difference over labels is 0: Student's test on its patient-clustered variance.

    Args:
        pairs: both models on each label; a single one for a label's own difference.

    Returns:
        The two-sided p value; None where no variance tells it.
    """
    used = [(a, b) for a, b in pairs if in_macro(a) and in_macro(b)]
    gaps = [a.influence.minus(b.influence) for a, b in used if a.influence is not None and b.influence is not None]
    if not gaps or not (variance := macro_variance(gaps)) > 0:
        return None
    value = float(np.mean([_value(a) - _value(b) for a, b in used]))
    freedom = macro_freedom(gaps) if len(gaps) > 1 else gaps[0].degrees_of_freedom()
    return float(2 * stdtr(freedom, -abs(value) / np.sqrt(variance)))


def _value(measured: Measured) -> float:
    return float("nan") if measured.value is None else measured.value


def _analytic_auroc(value: float, influence: Influence, confidence: float) -> Interval:
    variance = influence.variance()
    if variance <= 0 or not 0 < value < 1:
        counts = influence.positive_patients, influence.negative_patients
        method = "Newcombe 2006 score interval on patients (the scores show no variance)"
        return _interval(newcombe_interval(value, *counts, confidence), method, confidence)
    name = "DeLong" if influence.one_each else "Obuchowski 1997 patient-clustered"
    bounds = logit_t_interval(value, variance, influence.degrees_of_freedom(), confidence)
    return _interval(bounds, f"{name} variance, logit, t", confidence)


def _summed(influences: Sequence[Influence]) -> str:
    kind = "DeLong" if all(influence.one_each for influence in influences) else "patient-clustered"
    return f"{kind} variance summed over labels"


def _bootstrap(resampled_B: Floats, confidence: float, *, paired: bool) -> Interval | None:
    """The bootstrap interval; None when too many resamples lack a class to mean anything."""
    undefined = int(np.isnan(resampled_B).sum())
    if 2 * undefined > len(resampled_B):
        return None
    left_out = f" ({undefined:,} without both classes left out)" if undefined else ""
    count = f"{len(resampled_B):,}{' common' if paired else ''} resamples{left_out}"
    if paired:
        bounds = percentile_interval(resampled_B, confidence)
        method = f"patient-clustered bootstrap of the paired difference, {count}, percentile"
    else:
        bounds = logit_percentile_interval(resampled_B, confidence)
        method = f"patient-clustered bootstrap, {count}, logit percentile"
    return _interval(bounds, method, confidence)


def _interval(bounds: Bounds, method: str, confidence: float) -> Interval:
    return Interval(low=bounds[0], high=bounds[1], method=method, confidence=confidence)


def _estimate(
    value: float | None, analytic: Interval | None, bootstrap: Interval | None, small: bool, reason: str, **counts: int
) -> Estimate:
    interval, beside = (analytic, bootstrap) if small else (bootstrap, analytic)
    if interval is None:
        interval, beside = beside, None
    told = "" if value is not None and interval is not None else reason
    return Estimate(value=value, interval=interval, beside=beside, not_estimable=told, **counts)


def _counts(measured: Measured) -> dict[str, int]:
    return {
        "records": measured.records,
        "patients": measured.patients,
        "positive_records": measured.positive_records,
        "positive_patients": measured.positive_patients,
        "negative_patients": measured.negative_patients,
    }

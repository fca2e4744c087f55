"""What else differs between two models on the same patients, and how p values are told together.

Macro differences, one a reference, are what a comparison is made for: they are corrected by Holm. Labels are looked
through, so their differences are corrected by Benjamini and Hochberg over all of them, unless they were named in
advance.

Legend: N recordings of the test part, L labels, P patients, B resamples.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from engine.contract.config import CompareConfig
from engine.contract.estimate import Estimate
from engine.contract.results import Difference
from engine.evaluation.opened import Opened
from engine.metrics.brier import brier
from engine.metrics.calibration import Probabilities
from engine.metrics.cka import Patients
from engine.metrics.multiplicity import benjamini_hochberg, holm
from engine.metrics.paired import non_inferiority, paired_rate_difference
from engine.metrics.patient_sums import PatientSums, SampleSize, estimate

if TYPE_CHECKING:
    from engine.evaluation.comparison import Evaluation

Floats = NDArray[np.float64]
Rows = NDArray[np.bool_]

MACRO = "macro"


def corrected(differences: Sequence[Difference], config: CompareConfig) -> list[Difference]:
    """The same with p values corrected over those told together, and the verdict of the margin."""
    told = list(differences)
    for of_macro in (True, False):
        places = [n for n, one in enumerate(told) if (one.label == MACRO) is of_macro and one.p_value is not None]
        p_M = [p for n in places if (p := told[n].p_value) is not None]
        first = of_macro or config.confirmatory
        adjusted = (holm if first else benjamini_hochberg)(p_M).tolist() if p_M else []
        for place, p_value in zip(places, adjusted, strict=True):
            name = "Holm" if first else "Benjamini-Hochberg"
            told[place] = told[place].model_copy(update={"adjusted_p": float(p_value), "correction": name})
    if config.margin is None:
        return told
    return [one.model_copy(update={"verdict": non_inferiority(one.estimate, config.margin).verdict}) for one in told]


def further_differences(
    config: CompareConfig,
    opened: Opened,
    rows: NDArray[np.intp],
    patients: Patients,
    evaluations: Sequence[Evaluation],
) -> list[Difference]:
    """Sensitivity and specificity at the models' own thresholds, Brier scores, and errors of measured numbers.

    Each where both models have it, on the recordings that both have it for.
    """
    examined, told = evaluations[0], []
    for other in evaluations[1:]:
        pair = _Pair(examined, other, patients, config.confidence)
        for column, label in enumerate(opened.labels):
            told += pair.of_label(label, opened.y_NL[rows, column])
        for column, target in enumerate(opened.targets):
            told += pair.of_number(target, opened.target_NK[rows, column])
    return told


class _Pair:
    """Two models on one test part."""

    def __init__(self, examined: Evaluation, other: Evaluation, patients: Patients, confidence: float) -> None:
        self._sides, self._patients, self._confidence = (examined, other), patients, confidence

    def of_label(self, label: str, y_N: Floats) -> list[Difference]:
        """Rates at thresholds, and Brier scores."""
        score, threshold, probability = (self._both(name, label) for name in ("scores", "thresholds", "probabilities"))
        known_N = np.isfinite(y_N) & np.isfinite(score).all(axis=0) & np.isfinite(threshold).all(axis=0)
        told = []
        for measure, kind_N in (("sensitivity", y_N == 1), ("specificity", y_N == 0)):
            chosen_N = known_N & kind_N
            if chosen_N.any():
                alert = score[:, chosen_N] >= threshold[:, chosen_N]
                right = alert if measure == "sensitivity" else ~alert
                codes = np.unique(self._patients.code_N[chosen_N], return_inverse=True)[1]
                told.append(
                    self._made(label, measure, paired_rate_difference(right[0], right[1], codes, self._confidence))
                )
        both_N = np.isfinite(probability).all(axis=0) & np.isfinite(y_N)
        if both_N.any():
            told.append(self._made(label, "Brier", self._brier(np.where(both_N, y_N, np.nan), probability)))
        return told

    def of_number(self, target: str, measured_N: Floats) -> list[Difference]:
        """Mean absolute error."""
        off = np.abs(self._both("predictions", target) - measured_N)
        known_N = np.isfinite(off).all(axis=0)
        if not known_N.any():
            return []
        codes_N, weight_PB = self._patients.code_N[known_N], self._patients.weight_PB
        rows = np.vstack([off[:, known_N], np.ones(int(known_N.sum()))])
        gap = PatientSums.of(rows, codes_N, weight_PB).sampled(lambda sum_M: (sum_M[0] - sum_M[1]) / sum_M[2])
        return [self._made(target, "MAE", estimate(gap, SampleSize.of(codes_N), self._confidence))]

    def _brier(self, y_N: Floats, probability: Floats) -> Estimate:
        codes_N, weight_PB = self._patients.code_N, self._patients.weight_PB
        sides = [Probabilities.of(y_N, p_N, codes_N) for p_N in probability]
        problem = sides[0].problem or sides[1].problem
        if problem:
            return sides[0].size.undefined(problem)
        first, second = (brier(side, weight_PB)[0] for side in sides)
        return estimate(first.minus(second), sides[0].size, self._confidence)

    def _both(self, array: str, name: str) -> Floats:
        record_ids = self._sides[0].record_ids
        return np.stack([side.told(record_ids, array, name) for side in self._sides])

    def _made(self, label: str, measure: str, told: Estimate) -> Difference:
        names = [side.name for side in self._sides]
        return Difference(model=names[0], reference=names[1], label=label, estimate=told, measure=measure)

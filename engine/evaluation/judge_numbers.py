"""From predictions of measured numbers to results: errors and agreement, in units and in standard deviations.

Legend: N recordings of the test part, K targets, P patients, B resamples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from engine.contract.estimate import Estimate
from engine.contract.evaluation import EvaluationSettings, TargetResult
from engine.contract.regression import RegressionResults
from engine.contract.subgroups import SubgroupResults
from engine.metrics.discrimination import Counts, Ints
from engine.metrics.patient_sums import PatientSums, Sampled, SampleSize, estimate
from engine.metrics.proportions import rescaled
from engine.metrics.regression import regression_results
from engine.metrics.subgroups import Asked, subgroup_results
from engine.metrics.uncertainty import draw_multiplicities, patient_codes

Floats = NDArray[np.float64]


def judge_targets(
    targets: Sequence[str],
    measured_NK: Floats,
    predicted_NK: Floats,
    patients: Sequence[str],
    settings: EvaluationSettings,
    *,
    spread_K: Floats,
    groups: Mapping[str, Sequence[str]],
    problems: Mapping[int, str] | None = None,
) -> tuple[list[TargetResult], Estimate | None]:
    """Measure every target on common patient resamples; the mean standardised error over them.

    Args:
        targets: names of the columns.
        measured_NK: of the test part, NaN where unknown.
        predicted_NK: NaN where missing.
        patients: of the test part.
        settings: of the evaluation.
        spread_K: standard deviation of the training recordings.
        groups: by attribute the group of each recording of the test part.
        problems: per column, why nothing could be predicted.
    """
    codes_N, count = patient_codes(patients)
    weight_PB = draw_multiplicities(count, settings.resamples, settings.seed)
    told: list[TargetResult] = []
    for column, target in enumerate(targets):
        measured_N, predicted_N = measured_NK[:, column], predicted_NK[:, column]
        found = regression_results(measured_N, predicted_N, codes_N, weight_PB, settings.confidence)
        if problem := (problems or {}).get(column):
            found = _explained(found, problem)
        spread = float(spread_K[column])
        told.append(
            TargetResult(
                target=target,
                regression=found,
                standardised_mae=_standardised(found.mae, spread),
                subgroups=_subgroups(measured_N, predicted_N, codes_N, weight_PB, settings, groups),
            )
        )
    return told, _macro(measured_NK, predicted_NK, spread_K, codes_N, weight_PB, settings.confidence)


def _explained(found: RegressionResults, problem: str) -> RegressionResults:
    names = [name for name in type(found).model_fields if isinstance(getattr(found, name), Estimate)]
    told = {name: getattr(found, name).model_copy(update={"not_estimable": problem}) for name in names}
    return found.model_copy(update=told)


def _standardised(mae: Estimate, spread: float) -> Estimate:
    if not spread > 0:
        return Estimate(not_estimable="the measured values of the training recordings do not vary", records=mae.records)
    return rescaled(mae, lambda value: value / spread, "")


def _macro(
    measured_NK: Floats,
    predicted_NK: Floats,
    spread_K: Floats,
    codes_N: Ints,
    weight_PB: Counts,
    confidence: float,
) -> Estimate | None:
    """Mean over the targets of their error in standard deviations; the targets that can be judged."""
    off_NK = np.abs(predicted_NK - measured_NK) / np.where(spread_K > 0, spread_K, np.nan)
    used = [column for column in range(off_NK.shape[1]) if np.isfinite(off_NK[:, column]).any()]
    if off_NK.shape[1] == 0:
        return None
    if not used:
        return Estimate(not_estimable="no target has both measured and predicted values")
    known_NK = np.isfinite(off_NK[:, used])
    rows = np.vstack([np.where(known_NK, off_NK[:, used], 0.0).T, known_NK.T.astype(np.float64)])
    sums = PatientSums.of(rows, codes_N, weight_PB)
    sampled = sums.sampled(lambda sum_M: (sum_M[: len(used)] / sum_M[len(used) :]).mean(axis=0))
    size = SampleSize.of(codes_N[known_NK.any(axis=1)])
    return estimate(sampled, size, confidence, "log", "it needs two recordings")


def _subgroups(
    measured_N: Floats,
    predicted_N: Floats,
    codes_N: Ints,
    weight_PB: Counts,
    settings: EvaluationSettings,
    groups: Mapping[str, Sequence[str]],
) -> list[SubgroupResults]:
    off_N = np.abs(predicted_N - measured_N)

    def mae(rows_N: NDArray[np.bool_]) -> Sampled:
        rows = np.array([off_N[rows_N], np.ones(int(rows_N.sum()))])
        return PatientSums.of(rows, codes_N[rows_N], weight_PB).sampled(lambda sum_M: sum_M[0] / sum_M[1])

    asked = Asked("mean absolute error", mae, codes_N, np.isfinite(off_N), scale="log", higher_is_better=False)
    return [
        subgroup_results(attribute, groups[attribute], asked, settings.confidence, confirmatory=settings.confirmatory)
        for attribute in settings.subgroups
        if any(groups.get(attribute, ()))
    ]

"""What ranks and probabilities say of two versions: AUROC, average precision, Brier score, each as a paired difference.

Legend: N recordings, P patients, B resamples, L labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from engine.contract.output_types import WHY_NOT
from engine.contract.version_change import Change
from engine.evaluation.version_pair import Pair, as_change
from engine.metrics.brier import brier
from engine.metrics.calibration import Probabilities
from engine.metrics.discrimination import Floats, Ranked
from engine.metrics.estimates import (
    Measured,
    auroc_estimate,
    difference_estimate,
    difference_p,
    in_macro,
    macro_difference,
    macro_estimate,
    measure,
)
from engine.metrics.patient_sums import Sampled, SampleSize, estimate
from engine.metrics.precision_recall import (
    average_precision,
    influence_on_precision,
    precision_estimate,
    resampled_precision,
)

Rows = NDArray[np.bool_]
Measures = tuple[Measured, Measured]


def measured(pair: Pair, rows_N: Rows | None = None) -> Measures:
    """Both versions' AUROC on the recordings that both scored, of these rows; none where one of them is a flag."""
    among_N = pair.both_N if rows_N is None else pair.both_N & rows_N
    y_N = np.where(among_N, pair.y_N, np.nan)
    shared = pair.sample.patient_N, pair.sample.weight_PB
    old, new = (measure(y_N, score_N, *shared) for score_N in pair.score_2N)
    if "flag" not in pair.outputs:
        return old, new
    return _unranked(old), _unranked(new)


def _unranked(found: Measured) -> Measured:
    nowhere_B = np.full(len(found.resampled_B), np.nan)
    return replace(found, value=None, problem=WHY_NOT["flag"], influence=None, resampled_B=nowhere_B)


def auroc_change(pair: Pair, sides: Measures) -> Change:
    """Of AUROC."""
    confidence = pair.sample.config.confidence
    difference = difference_estimate(sides[1], sides[0], confidence)
    told = auroc_estimate(sides[0], confidence), auroc_estimate(sides[1], confidence)
    return pair.change("AUROC", told, difference, difference_p([(sides[1], sides[0])]))


def macro_change(pairs: Sequence[Pair], sides: Sequence[Measures]) -> Change:
    """Of the macro AUROC, over the labels that both versions can be measured on: the primary number."""
    config = pairs[0].sample.config
    used = [(old, new) for old, new in sides if in_macro(old) and in_macro(new)]
    rows_N = np.any([pair.both_N & np.isfinite(pair.y_N) for pair in pairs], axis=0)
    counts = int(rows_N.sum()), len(np.unique(pairs[0].sample.patient_N[rows_N]))
    turned = [(new, old) for old, new in used]
    told = [macro_estimate([one[place] for one in used], *counts, config.confidence) for place in (0, 1)]
    difference = macro_difference(turned, *counts, config.confidence)
    if all("flag" in pair.outputs for pair in pairs):
        none = difference.model_copy(update={"not_estimable": WHY_NOT["flag"]})
        told, difference = [none, none], none
    return as_change(
        "macro AUROC",
        (told[0], told[1]),
        difference,
        difference_p(turned),
        config.margin,
        less_is_better=False,
        same=all(pair.identical for pair in pairs),
    )


def precision_change(pair: Pair, problem: str) -> Change:
    """Of average precision, on the recordings that both scored."""
    confidence, sample = pair.sample.config.confidence, pair.sample
    known_N = pair.both_N & np.isfinite(pair.y_N)
    y_N = np.where(known_N, pair.y_N, np.nan)
    shared = sample.patient_N, sample.weight_PB
    old, new = (precision_estimate(y_N, score_N, *shared, problem, confidence) for score_N in pair.score_2N)
    size = SampleSize.of(sample.patient_N[known_N], pair.y_N[known_N])
    if problem:
        return pair.change("average precision", (old, new), size.undefined(problem), None)
    first, second = (_precision(pair, score_N, known_N) for score_N in pair.score_2N)
    gap = second.minus(first)
    difference = estimate(gap, size, confidence)
    # An average precision hangs on the positives: their patients are its degrees of freedom.
    return pair.change("average precision", (old, new), difference, t_p_value(gap, (size.positive_patients or 0) - 1))


def brier_change(pair: Pair) -> Change | None:
    """Of the Brier score, where both versions give probabilities; less is better."""
    known_N = np.isfinite(pair.y_N) & np.isfinite(pair.probability_2N).all(axis=0)
    if not known_N.any():
        return None
    y_N, sample, confidence = np.where(known_N, pair.y_N, np.nan), pair.sample, pair.sample.config.confidence
    sides = [Probabilities.of(y_N, p_N, sample.patient_N) for p_N in pair.probability_2N]
    if problem := sides[0].problem or sides[1].problem:
        none = sides[0].size.undefined(problem)
        return pair.change("Brier", (none, none), none, None, less_is_better=True)
    first, second = (brier(side, sample.weight_PB)[0] for side in sides)
    gap, size = second.minus(first), sides[0].size
    told = estimate(first, size, confidence, "log"), estimate(second, size, confidence, "log")
    p_value = t_p_value(gap, size.fewest - 1)
    return pair.change("Brier", told, estimate(gap, size, confidence), p_value, less_is_better=True)


def t_p_value(gap: Sampled, freedom: int) -> float | None:
    """That a paired difference is 0, by Student's test on its patient-clustered variance; None where none tells it."""
    variance = gap.variance
    if freedom < 1 or not variance > 0:
        return None
    return float(2 * stdtr(freedom, -abs(gap.value) / np.sqrt(variance)))


def _precision(pair: Pair, score_N: Floats, known_N: Rows) -> Sampled:
    y, score, patient = pair.y_N[known_N], score_N[known_N], pair.sample.patient_N[known_N]
    patients, people = pair.sample.weight_PB.shape[0], len(np.unique(patient))
    part_P = np.bincount(patient, weights=influence_on_precision(y, score), minlength=patients)
    error_P = np.sqrt(people / (people - 1)) * part_P if people > 1 else np.full(patients, np.nan)
    ranked = Ranked.of(y, score, patient)
    return Sampled(average_precision(y, score), error_P, resampled_precision(ranked, pair.sample.weight_PB))

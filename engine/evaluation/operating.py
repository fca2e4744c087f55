"""At a threshold: chosen on training patients, read on patients that it has not seen.

A threshold that was given is taken as it is. Else, with folds, each fold's is chosen on the out-of-fold scores of all
other folds' patients; with a training and a test part, on the training patients that have scores. What already is a
flag has no threshold to choose.

Legend: N recordings of the test part, M of the manifest, L labels, P patients, B resamples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from engine.contract.operating import OperatingPoint, ThresholdRule
from engine.contract.output_types import OutputType
from engine.evaluation.flags import FLAGS
from engine.evaluation.probe import parts_of
from engine.metrics.confusion import FN, FP, TN, TP, Confusion, operating_measures
from engine.metrics.discrimination import Counts, Floats, Ints, label_problem
from engine.metrics.prevalence import at_prevalence
from engine.metrics.thresholds import choose_threshold

FLAG = "scores are flags: 1 is positive"
GIVEN = "given with the evaluation"


@dataclass(frozen=True)
class Cuts:
    """The thresholds of the test part.

    Attributes:
        threshold_NL: of each recording and label; NaN where there is none.
        rule: how they were chosen, as printed; by label.
        chosen_on: whose recordings.
        problems: per label index, why there is none.
        prevalences: by label, local prevalences to carry the numbers to.
    """

    threshold_NL: Floats
    rule: list[str]
    chosen_on: str
    problems: dict[int, str]
    prevalences: Mapping[str, Sequence[float]] = field(default_factory=dict)


def cuts_of(
    y_ML: Floats,
    score_ML: Floats,
    split: Sequence[str],
    rows_N: Ints,
    rule: ThresholdRule,
    prevalences: Mapping[str, Sequence[float]] | None = None,
    kinds: Sequence[OutputType] = (),
    given: Sequence[float | None] = (),
) -> Cuts:
    """Choose a threshold for every label, in every part that is scored.

    Args:
        y_ML: labels of all recordings of the manifest, NaN where unknown.
        score_ML: their scores, NaN where there is none.
        split: their parts.
        rows_N: places of the test part's recordings.
        rule: how to choose.
        prevalences: by label, where else to read the numbers.
        kinds: what the outputs of each label are; scores where nothing is said.
        given: of each label, the threshold that is not to be chosen; None, or no entry at all, where it is.

    Raises:
        WorldError: the split has neither folds nor a train and a test part.
    """
    parts = parts_of(split)
    threshold_ML, problems = np.full(score_ML.shape, np.nan), dict[int, str]()
    words = [rule.words] * score_ML.shape[1]
    for label in range(score_ML.shape[1]):
        score_M = score_ML[:, label]
        if is_flag(score_M) or (kinds and kinds[label] in FLAGS):
            threshold_ML[:, label], words[label] = 1.0, FLAG
            continue
        if given and given[label] is not None:
            threshold_ML[:, label], words[label] = given[label], GIVEN
            continue
        for part in parts:
            chosen, problem = choose_threshold(y_ML[part.train_N, label], score_M[part.train_N], rule)
            threshold_ML[part.score_N, label] = chosen
            if problem:
                problems.setdefault(label, f"on training patients: {problem}")
    chosen_on = "patients of the other folds" if len(parts) > 1 else "training patients"
    return Cuts(threshold_ML[rows_N], words, chosen_on, problems, prevalences or {})


def is_flag(score_M: Floats) -> bool:
    """Whether scores are nothing but 0 and 1, both of them."""
    return bool(np.array_equal(np.unique(score_M[np.isfinite(score_M)]), [0.0, 1.0]))


def operating_point(
    cuts: Cuts,
    place: tuple[int, str],
    y_N: Floats,
    score_N: Floats,
    patient_N: Ints,
    weight_PB: Counts,
    confidence: float,
) -> OperatingPoint:
    """One label at its threshold.

    Args:
        cuts: the thresholds.
        place: the label's column and name.
        y_N: 1, 0, or NaN where unknown.
        score_N: non-finite where missing.
        patient_N: patient code of each recording, 0..P-1.
        weight_PB: the multiplicities that all statistics of this test set share.
        confidence: of the intervals.
    """
    column, label = place
    told = {"rule": cuts.rule[column], "chosen_on": cuts.chosen_on}
    threshold_N = cuts.threshold_NL[:, column]
    silent_N = ~np.isfinite(score_N)
    if cuts.rule[column] == FLAG:
        told["chosen_on"] = "nobody: they came with the scores"
    if cuts.rule[column] == GIVEN:
        told["chosen_on"] = ""
    if problem := label_problem(y_N) or cuts.problems.get(column, ""):
        return OperatingPoint(**told, not_estimable=problem)
    if not (np.isfinite(y_N) & ~silent_N).any():
        return OperatingPoint(**told, not_estimable="no recording has both a known label and a score")
    called_N: NDArray[np.bool_] = np.greater_equal(score_N, threshold_N, where=~silent_N, out=np.zeros(len(y_N), bool))
    confusion = Confusion.of(y_N, called_N, patient_N, weight_PB, silent_N)
    own = np.unique(threshold_N[np.isfinite(threshold_N)]).tolist()
    total_4, silent_2 = confusion.total_4, confusion.silent_2P.sum(axis=1)
    return OperatingPoint(
        **told,
        threshold=own[0] if len(own) == 1 else None,
        thresholds=own if len(own) > 1 else [],
        true_positives=int(total_4[TP]),
        false_positives=int(total_4[FP]),
        false_negatives=int(total_4[FN]),
        true_negatives=int(total_4[TN]),
        positives_without_output=int(silent_2[0]),
        negatives_without_output=int(silent_2[1]),
        measures=operating_measures(confusion, confidence),
        elsewhere=[
            at_prevalence(confusion, prevalence, confidence=confidence)
            for prevalence in cuts.prevalences.get(label, [])
        ],
    )

"""What is told of a label beside its discrimination: calibration, utility, a correction, subgroups, failures.

Probabilities are told of models that give some: probes, heads, and scores that somebody calls probabilities. A
correction is fitted on patients who are not tested: with folds on the other folds' patients, else on training patients,
scored by models that have not seen them.

Legend: N recordings of the test part, M of the manifest, L labels, P patients, B resamples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.contract.calibration import CalibrationResults
from engine.contract.evaluation import EvaluationSettings
from engine.contract.recalibration import RecalibrationResults
from engine.contract.subgroups import SubgroupResults
from engine.evaluation.flags import net_benefit_point, rate_groups
from engine.metrics.brier import overall_results
from engine.metrics.calibration import calibration_results
from engine.metrics.discrimination import Counts, Ints
from engine.metrics.gallery import failures
from engine.metrics.recalibration import recalibration_over_folds, recalibration_results
from engine.metrics.subgroups import auroc_measure, subgroup_results
from engine.metrics.utility import utility_results

Floats = NDArray[np.float64]

THRESHOLDS = 50
"""Points of a decision curve."""


@dataclass(frozen=True)
class Beyond:
    """All that the pages of labels are made from.

    Attributes:
        settings: of the evaluation.
        y_ML: labels of all recordings of the manifest, NaN where unknown.
        probability_ML: probabilities of theirs; None where the model gives none.
        patients: of all recordings.
        split: part of all recordings.
        rows_N: places of the test part's recordings.
        record_ids: of all recordings.
        groups: by attribute the group of all recordings, "" where it is not known.
    """

    settings: EvaluationSettings
    y_ML: Floats
    probability_ML: Floats | None
    patients: Sequence[str]
    split: Sequence[str]
    rows_N: NDArray[np.intp]
    record_ids: Sequence[str]
    groups: Mapping[str, Sequence[str]]

    def pages(
        self, column: int, label: str, score_N: Floats, codes_N: Ints, weight_PB: Counts, flag: bool = False
    ) -> dict[str, Any]:
        """Fields of the label's result.

        Args:
            column: of the label.
            label: its name.
            score_N: scores of the test part.
            codes_N: patients of the test part, 0..P-1.
            weight_PB: the multiplicities that all statistics of the test part share.
            flag: whether the scores are flags: one point, no ranks and no probabilities.
        """
        y_N = self.y_ML[self.rows_N, column]
        people = [self.patients[row] for row in self.rows_N.tolist()]
        records = [self.record_ids[row] for row in self.rows_N.tolist()]
        worst = {"failures": failures(label, y_N, score_N, records, people)}
        if flag:
            return {**self._of_flags(label, y_N, score_N, codes_N, weight_PB), **worst}
        return {
            **self._of_probabilities(column, label, y_N, codes_N, weight_PB),
            "subgroups": self._subgroups(y_N, score_N, codes_N, weight_PB),
            **worst,
        }

    def _of_flags(self, label: str, y_N: Floats, flag_N: Floats, codes_N: Ints, weight_PB: Counts) -> dict[str, Any]:
        """Net benefit at one point, gaps of sensitivity and specificity."""
        shares = self.settings.local_prevalence.get(label, ())
        groups = {
            name: [group_M[row] for row in self.rows_N.tolist()] for name, group_M in self.groups.items() if group_M
        }
        prevalence, confidence = shares[0] if shares else None, self.settings.confidence
        return {
            "utility": net_benefit_point(y_N, flag_N, codes_N, weight_PB, confidence, prevalence),
            "subgroups": rate_groups(y_N, flag_N, codes_N, weight_PB, groups, self.settings),
        }

    def _of_probabilities(
        self, column: int, label: str, y_N: Floats, codes_N: Ints, weight_PB: Counts
    ) -> dict[str, Any]:
        if self.probability_ML is None or not np.isfinite(self.probability_ML[:, column]).any():
            return {}
        p_N, confidence = self.probability_ML[self.rows_N, column], self.settings.confidence
        shares = self.settings.local_prevalence.get(label, ())
        low, high = self.settings.decision_range
        calibration = calibration_results(y_N, p_N, codes_N, weight_PB, confidence)
        return {
            "calibration": calibration,
            "overall": overall_results(y_N, p_N, codes_N, weight_PB, confidence),
            "utility": utility_results(
                y_N,
                p_N,
                codes_N,
                weight_PB,
                confidence,
                thresholds=np.linspace(low, high, THRESHOLDS).round(6).tolist(),
                prevalence=shares[0] if shares else None,
            ),
            "recalibration": self._recalibration(column, y_N, p_N, codes_N, weight_PB, calibration),
        }

    def _recalibration(
        self,
        column: int,
        y_N: Floats,
        p_N: Floats,
        codes_N: Ints,
        weight_PB: Counts,
        before: CalibrationResults,
    ) -> RecalibrationResults:
        assert self.probability_ML is not None
        part_M, confidence = np.asarray(self.split, dtype=str), self.settings.confidence
        part_N = part_M[self.rows_N]
        if len(set(part_N.tolist())) > 1:
            fold_N = np.unique(part_N, return_inverse=True)[1]
            return recalibration_over_folds(y_N, p_N, codes_N, fold_N, weight_PB, confidence, before)
        held = np.flatnonzero((part_M != "test") & np.isfinite(self.probability_ML[:, column]))
        if not len(held):
            reason = "no patient outside the test has a probability"
            return RecalibrationResults(correction="none", reason="nothing to fit on", not_estimable=reason)
        names = np.asarray(self.patients, dtype=str)
        return recalibration_results(
            (self.y_ML[held, column], self.probability_ML[held, column], names[held].tolist()),
            (y_N, p_N, names[self.rows_N].tolist()),
            weight_PB,
            confidence,
            before,
        )

    def _subgroups(self, y_N: Floats, score_N: Floats, codes_N: Ints, weight_PB: Counts) -> list[SubgroupResults]:
        asked = auroc_measure(y_N, score_N, codes_N, weight_PB)
        told = []
        for attribute in self.settings.subgroups:
            group_M = self.groups.get(attribute, ())
            group_N = [group_M[row] for row in self.rows_N.tolist()] if group_M else []
            if any(group_N):
                told.append(
                    subgroup_results(
                        attribute,
                        group_N,
                        asked,
                        self.settings.confidence,
                        margin=self.settings.gap_margin,
                        confirmatory=self.settings.confirmatory,
                    )
                )
        return told

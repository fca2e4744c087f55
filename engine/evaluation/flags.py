"""What is told of a flag: one point, of which rates, agreement and net benefit are told, and nothing that needs ranks.

A category counts as a flag, once somebody has signed which label it means.

Legend: N recordings of the test part, P patients, B resamples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from engine.contract.evaluation import EvaluationSettings
from engine.contract.output_types import WHY_NOT, OutputType
from engine.contract.subgroups import SubgroupResults
from engine.contract.utility import UtilityResults
from engine.metrics.discrimination import Counts, Floats, Ints
from engine.metrics.estimates import Measured
from engine.metrics.subgroups import rate_measure, subgroup_results
from engine.metrics.utility import utility_results

FLAGS: tuple[OutputType, ...] = ("flag", "category")
"""Outputs that are one point."""

NO_RANKING = WHY_NOT["flag"]
_OF_SCORES = ("", "all scores are equal")


def unranked(measured: Measured) -> Measured:
    """The same counts without an AUROC: ranks of flags would tell the mean of sensitivity and specificity, no curve."""
    problem = NO_RANKING if measured.problem in _OF_SCORES else measured.problem
    nowhere_B = np.full(len(measured.resampled_B), np.nan)
    return replace(measured, value=None, problem=problem, influence=None, resampled_B=nowhere_B)


def net_benefit_point(
    y_N: Floats, flag_N: Floats, codes_N: Ints, weight_PB: Counts, confidence: float, prevalence: float | None = None
) -> UtilityResults:
    """Net benefit at one risk: the share of positives, where treating all and treating none are worth the same.

    There it is prevalence times (sensitivity + specificity - 1) (Vickers and Elkin 2006, at threshold = prevalence).

    Args:
        y_N: 1, 0, or NaN where unknown.
        flag_N: 1, 0, or NaN where there is no output.
        codes_N: patient of each recording.
        weight_PB: the multiplicities that all statistics of this test part share.
        confidence: of the interval.
        prevalence: where the model is to be used; the sample's own when None.
    """
    known_N = np.isfinite(y_N) & np.isfinite(flag_N)
    share = float(y_N[known_N].mean()) if prevalence is None and known_N.any() else prevalence
    if share is None or not 0 < share < 1:
        return UtilityResults(not_estimable="both classes are needed, with an output each")
    return utility_results(y_N, flag_N, codes_N, weight_PB, confidence, thresholds=[share], prevalence=prevalence)


def rate_groups(
    y_N: Floats,
    flag_N: Floats,
    codes_N: Ints,
    weight_PB: Counts,
    groups: Mapping[str, Sequence[str]],
    settings: EvaluationSettings,
) -> list[SubgroupResults]:
    """Gaps of sensitivity and of specificity, by attribute."""
    told = []
    for attribute in settings.subgroups:
        group_N = groups.get(attribute, ())
        if not any(group_N):
            continue
        for name in ("Sensitivity", "Specificity"):
            asked = rate_measure(name, y_N, flag_N, codes_N, weight_PB)
            told.append(
                subgroup_results(
                    attribute,
                    group_N,
                    asked,
                    settings.confidence,
                    margin=settings.gap_margin,
                    confirmatory=settings.confirmatory,
                )
            )
    return told

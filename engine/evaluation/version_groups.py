"""Where a new version does worse: AUROC, sensitivity and specificity of both versions within groups.

The difference is taken within the group, new minus old on the same recordings, so a group that was always harder does
not count as a regression. Every group is told; one with too few patients as what nothing can be said of. P values are
corrected over all groups, labels and measures together.

Legend: N recordings of the test part, P patients, B resamples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from engine.contract.version_change import Change, Direction, GroupChange
from engine.evaluation.version_measures import auroc_change, measured
from engine.evaluation.version_pair import Pair
from engine.evaluation.version_thresholds import rates
from engine.metrics.subgroups import LEAST_PATIENTS

Rows = NDArray[np.bool_]


def group_changes(pair: Pair, groups: Mapping[str, Sequence[str]]) -> list[GroupChange]:
    """Every group of every attribute that the config names.

    Args:
        pair: the label.
        groups: by attribute the group of each recording, "" where it is not known.
    """
    told = []
    for attribute in pair.sample.config.subgroups:
        name_N = np.array(groups.get(attribute, ()), dtype=str)
        for group in sorted(set(name_N.tolist()) - {""}):
            told.append(_group(pair, attribute, group, name_N == group))
    return told


def _group(pair: Pair, attribute: str, group: str, rows_N: Rows) -> GroupChange:
    told_N = rows_N & pair.both_N & np.isfinite(pair.y_N)
    counts = [_patients(pair, told_N & (pair.y_N == kind)) for kind in (1, 0)]
    changes = []
    if min(counts) >= LEAST_PATIENTS and "flag" not in pair.outputs:
        changes.append(auroc_change(pair, measured(pair, rows_N)))
    if not pair.policy_problem("own"):
        both = rates(pair, pair.calls("own"), rows_N & pair.both_N)
        enough = {"sensitivity": counts[0] >= LEAST_PATIENTS, "specificity": counts[1] >= LEAST_PATIENTS}
        changes += [one for one in both if enough[one.name]]
    return GroupChange(
        name=f"{attribute}: {group}",
        attribute=attribute,
        group=group,
        direction=worst_of(changes),
        reason="" if changes else _reason(pair, counts),
        records=int(told_N.sum()),
        patients=_patients(pair, told_N),
        changes=changes,
    )


def worst_of(changes: Sequence[Change]) -> Direction:
    """What is said of several changes together: a loss first, then a gain, then that none is shown."""
    found = {one.direction for one in changes}
    order: tuple[Direction, ...] = ("worse", "better", "no change shown", "unchanged")
    return next((one for one in order if one in found), "insufficient evidence")


def _reason(pair: Pair, counts: Sequence[int]) -> str:
    if max(counts) >= LEAST_PATIENTS:
        return pair.policy_problem("own") or f"{LEAST_PATIENTS} patients of each class are needed"
    have = f"{counts[0]:,} patients with the label and {counts[1]:,} without"
    return f"insufficient evidence: {have}, {LEAST_PATIENTS} are needed"


def _patients(pair: Pair, rows_N: Rows) -> int:
    return len(np.unique(pair.sample.patient_N[rows_N]))

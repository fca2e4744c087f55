"""Which device, year or place the drift comes from: each local group for itself against the whole reference.

Patients who are in the reference as well, or in two groups, stay with each: a group's own shift is asked for, not how
groups differ.

Legend: N recordings of both sides, D features, Q permutations.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from engine.contract.drift import DriftConfig, GroupedBy, GroupShift
from engine.contract.estimate import Estimate
from engine.evaluation.opened import Opened
from engine.evaluation.two_samples import kernel_of, told_apart
from engine.metrics.drift import permuted_sides
from engine.metrics.multiplicity import benjamini_hochberg
from engine.metrics.uncertainty import patient_codes

FEWEST = 10
"""Patients of a group below which nothing is compared."""

MOST = 12
"""Groups of an attribute that are told, the largest ones."""

Floats = NDArray[np.float64]
Rows = NDArray[np.bool_]


def group_shifts(
    config: DriftConfig, opened: Opened, x_ND: Floats, local_N: Rows
) -> tuple[list[GroupShift], list[str]]:
    """Every local group against the reference, and what is left out.

    Args:
        config: the attributes, and how much is drawn.
        opened: `groups` names the group of every recording, "" where it is not known.
        x_ND: embeddings.
        local_N: which recordings are local.
    """
    shifts: list[GroupShift] = []
    notes: list[str] = []
    for attribute in config.by:
        group_N = np.array(opened.groups.get(attribute, [""] * len(local_N)), dtype=str)
        found = Counter(group_N[local_N & (group_N != "")].tolist())
        if len(found) < 2:  # a single group is all local recordings, which are compared already
            continue
        chosen = [name for name, _ in sorted(found.items(), key=lambda item: (-item[1], item[0]))]
        if len(chosen) > MOST:
            notes.append(f"By {attribute}, the {MOST} largest of {len(chosen):,} groups are told")
        if unknown := int((local_N & (group_N == "")).sum()):
            notes.append(f"The {attribute} of {unknown:,} local recordings is not known; they are in no group")
        for name in chosen[:MOST]:
            rows_N = ~local_N | (local_N & (group_N == name))
            shifts.append(_shift(config, attribute, name, opened.patients, x_ND, local_N, rows_N))
    return _corrected(shifts), notes


def _shift(
    config: DriftConfig,
    attribute: GroupedBy,
    name: str,
    patients: list[str],
    x_ND: Floats,
    local_N: Rows,
    rows_N: Rows,
) -> GroupShift:
    people = [patients[row] for row in np.flatnonzero(rows_N)]
    side_N = local_N[rows_N]
    of_group = {person for person, local in zip(people, side_N.tolist(), strict=True) if local}
    counts = {"records": int(side_N.sum()), "patients": len(of_group)}
    if len(of_group) < FEWEST:
        nobody = Estimate(not_estimable=f"insufficient evidence: {len(of_group)} patients, {FEWEST} are needed")
        return GroupShift(attribute=attribute, group=name, classifier=nobody, **counts)
    codes_N, _ = patient_codes(people)
    sides_NQ = permuted_sides(side_N, codes_N, config.permutations, config.seed)
    return GroupShift(
        attribute=attribute,
        group=name,
        classifier=told_apart(config, people, x_ND[rows_N], side_N),
        kernel=kernel_of(config, x_ND[rows_N], side_N, sides_NQ),
        **counts,
    )


def _corrected(shifts: list[GroupShift]) -> list[GroupShift]:
    """The same with p values corrected over all groups that have one."""
    tested = [place for place, one in enumerate(shifts) if one.kernel is not None]
    p_M = [one.kernel.p_value for one in shifts if one.kernel is not None]
    told = list(shifts)
    for place, adjusted in zip(tested, benjamini_hochberg(p_M).tolist() if p_M else [], strict=True):
        told[place] = told[place].model_copy(update={"adjusted_p": float(adjusted)})
    return told

"""What changing one thing does: every value of an axis against the axis's first, all else alike, paired by seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from engine.contract.results import StudyDifference, StudyRow
from engine.contract.study import AxisValue
from engine.study.grid import run_name
from engine.study.seeds import SEED, by_place, by_seed, seed_mean

METRICS = ("probe_after", "probe_gain", "effective_rank_share", "validation_loss")
"""What is compared; losses only where the objective, what it sees and what it hides are the same."""

OTHER_LOSS = ("objective", "window_s", "rate_hz", "normalisation", "clip_mv", "backbone")
"""Axes, or the first parts of dotted ones, along which a loss changes its meaning. A backbone makes the stem and so the
targets of its own losses: they are compared with their trivial levels, not with each other."""


def differences(axes: Mapping[str, Sequence[AxisValue]], rows: Sequence[StudyRow]) -> list[StudyDifference]:
    """All differences of a study, axis by axis, in the order of the axes."""
    places = by_place(rows)
    told = []
    for axis, values in axes.items():
        if axis == SEED or len(values) < 2:
            continue
        for place, examined in places.items():
            at = dict(place)
            if at[axis] == values[0]:
                continue
            reference = places.get(tuple((a, values[0] if a == axis else v) for a, v in place), [])
            told += _paired(axis, at, values[0], examined, reference)
    return told


def _paired(
    axis: str,
    at: dict[str, AxisValue],
    first: AxisValue,
    examined: Sequence[StudyRow],
    reference: Sequence[StudyRow],
) -> list[StudyDifference]:
    told = []
    for metric in METRICS:
        if metric == "validation_loss" and axis.partition(".")[0] in OTHER_LOSS:
            continue
        new, old = by_seed(examined, metric), by_seed(reference, metric)
        gaps = [new[seed] - old[seed] for seed in new if seed in old]
        if gaps:
            told.append(
                StudyDifference(
                    axis=axis,
                    examined=str(at[axis]),
                    reference=str(first),
                    among=run_name({a: v for a, v in at.items() if a != axis}),
                    metric=metric,
                    estimate=seed_mean(gaps),
                )
            )
    return told

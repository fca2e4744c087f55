"""Which recordings a model gets most wrong: no statistic, but where to look.

A false positive is told by the share of positives that it outscores, a false negative by the share of negatives that
outscore it; no threshold is needed. One recording a patient, so that one odd heart does not fill the list.

Legend: N recordings.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from engine.contract.gallery import Failure

Floats = NDArray[np.float64]

COUNT = 10
"""Failures of each kind that are kept for a label."""


def failures(
    label: str, y_N: Floats, score_N: Floats, records: Sequence[str], patients: Sequence[str], count: int = COUNT
) -> list[Failure]:
    """The worst failures of one label: false positives first, each kind from the worst on.

    Only recordings on the wrong side of chance are told (`share` above one half), so a list may be short, or empty.

    Args:
        label: its name.
        y_N: 1, 0, NaN where unknown.
        score_N: higher means more likely positive; non-finite where missing.
        records: their ids.
        patients: whose they are.
        count: at most so many of each kind.
    """
    known_N = np.isfinite(y_N) & np.isfinite(score_N)
    rows = np.flatnonzero(known_N)
    positive = y_N[rows] > 0.5
    score = score_N[rows]
    told: list[Failure] = []
    if not positive.any() or positive.all():
        return told
    beaten = _share_below(score[positive], score[~positive])
    for place in _worst(beaten, rows[~positive], records, patients, count):
        row = int(rows[~positive][place])
        told.append(_failure(label, "false positive", row, score_N, records, float(beaten[place])))
    beating = 1 - _share_below(score[~positive], score[positive])
    for place in _worst(beating, rows[positive], records, patients, count):
        row = int(rows[positive][place])
        told.append(_failure(label, "false negative", row, score_N, records, float(beating[place])))
    return told


def _share_below(others: Floats, score: Floats) -> Floats:
    """Share of `others` below each score, ties counted half."""
    ordered = np.sort(others)
    below, upto = np.searchsorted(ordered, score, side="left"), np.searchsorted(ordered, score, side="right")
    return np.asarray((below + upto) / (2 * len(others)), dtype=np.float64)


def _worst(
    share: Floats, rows: NDArray[np.intp], records: Sequence[str], patients: Sequence[str], count: int
) -> list[int]:
    """Places of the largest shares above one half, one a patient; of equals the one whose id comes first."""
    order = sorted(range(len(rows)), key=lambda place: (-share[place], records[int(rows[place])]))
    chosen: list[int] = []
    seen: set[str] = set()
    for place in order:
        patient = patients[int(rows[place])]
        if share[place] <= 0.5 or len(chosen) == count:
            break
        if patient not in seen:
            seen.add(patient)
            chosen.append(place)
    return chosen


def _failure(label: str, kind: str, row: int, score_N: Floats, records: Sequence[str], share: float) -> Failure:
    return Failure.model_validate(
        {"record": records[row], "label": label, "kind": kind, "score": float(score_N[row]), "share": share}
    )

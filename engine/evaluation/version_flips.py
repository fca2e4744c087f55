"""Which recordings two versions call differently, to be looked at: new errors first, those that moved most.

How far a recording moved is told by its quantile among all recordings that both versions scored, since scores of two
versions need not be on one scale. One recording a patient, so that one odd heart does not fill the list.

Legend: N recordings of the test part.
"""

from __future__ import annotations

import numpy as np

from engine.contract.version_change import Flip, FlipKind, Policy
from engine.evaluation.version_pair import Pair
from engine.metrics.association import ranks_of
from engine.metrics.discrimination import Floats

COUNT = 10
"""Flips of each kind that are kept for a label."""


def worst_flips(pair: Pair, count: int = COUNT) -> list[Flip]:
    """The flips that moved most, at the kept threshold where there is one, else at each version's own."""
    policy: Policy = "own" if pair.policy_problem("kept") else "kept"
    if pair.policy_problem(policy):
        return []
    old_N, new_N = pair.calls(policy)
    moved_N = _quantiles(pair, 1) - _quantiles(pair, 0)
    with_N, without_N = pair.both_N & (pair.y_N == 1), pair.both_N & (pair.y_N == 0)
    lost_N, won_N = old_N & ~new_N, new_N & ~old_N
    kinds: dict[FlipKind, np.ndarray] = {
        "new miss": with_N & lost_N,
        "new false alarm": without_N & won_N,
        "miss mended": with_N & won_N,
        "false alarm gone": without_N & lost_N,
    }
    told = []
    for kind, rows_N in kinds.items():
        for row in _worst(pair, np.flatnonzero(rows_N).tolist(), moved_N, count):
            old, new = (float(one) for one in pair.score_2N[:, row])
            told.append(
                Flip(
                    record=pair.sample.record_ids[row],
                    label=pair.label,
                    kind=kind,
                    policy=policy,
                    old_score=old,
                    new_score=new,
                    moved=float(moved_N[row]),
                )
            )
    return told


def _worst(pair: Pair, rows: list[int], moved_N: Floats, count: int) -> list[int]:
    """Those that moved furthest, one a patient; of equals the one whose id comes first."""
    chosen: dict[str, int] = {}
    for row in sorted(rows, key=lambda row: (-abs(moved_N[row]), pair.sample.record_ids[row])):
        if len(chosen) == count:
            break
        chosen.setdefault(pair.sample.patients[row], row)
    return list(chosen.values())


def _quantiles(pair: Pair, version: int) -> Floats:
    """Place of each recording among those that both scored, 0 to 1; NaN for the others."""
    place_N = np.full(len(pair.y_N), np.nan)
    score_N = pair.score_2N[version, pair.both_N]
    place_N[pair.both_N] = (ranks_of(score_N) - 0.5) / max(1, len(score_N))
    return place_N

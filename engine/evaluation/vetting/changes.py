"""How far a model's outputs are from what they were: order, size, calls.

Shapes: R recordings, K classes or features of all outputs looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.contract.card import Output

Floats = NDArray[np.float64]
Layers = Mapping[str, Floats]
"""By output: numbers of recordings, [R, K]."""

ENOUGH = 3
"""Recordings from which a rank correlation means anything."""

EXCLUSIVE = 1e-3
"""How near to 1 rows must sum for the largest class to be the call."""


@dataclass(frozen=True)
class Change:
    """Wrong against right, over recordings that both have numbers for.

    Attributes:
        spearman: mean over columns that move on both sides; None where none does, or there are too few recordings.
        shift: mean absolute difference in standard deviations of the right side, mean over columns.
        changed_calls: share of recordings of which a call changes; None where nothing is called.
        still: whether the wrong side says the same of every recording, and the right one did not.
        beyond: share of numbers without bounds that lie further out than the right side's whole range beyond its ends;
            a probability is plausible wherever it lies.
    """

    spearman: float | None
    shift: float | None
    changed_calls: float | None
    still: bool
    beyond: float


def looked_at(outputs: Sequence[Output]) -> list[Output]:
    """Answers, where the model gives any; else its embeddings."""
    answers = [output for output in outputs if output.kind != "embedding"]
    return answers or list(outputs)


def change_of(outputs: Sequence[Output], right: Layers, wrong: Layers) -> Change | None:
    """Compare both sides on recordings that both know; None where there is none."""
    chosen = looked_at(outputs)
    right_RK, wrong_RK = (np.concatenate([side[output.name] for output in chosen], axis=1) for side in (right, wrong))
    both_R = np.isfinite(right_RK).all(axis=1) & np.isfinite(wrong_RK).all(axis=1)
    if not both_R.any():
        return None
    right_RK, wrong_RK = right_RK[both_R], wrong_RK[both_R]
    spread_K = right_RK.std(axis=0)
    moves_K = spread_K > 0
    gap_K = np.abs(wrong_RK - right_RK).mean(axis=0)
    low_K, high_K, span_K = right_RK.min(axis=0), right_RK.max(axis=0), np.ptp(right_RK, axis=0)
    beyond = (wrong_RK < low_K - span_K) | (wrong_RK > high_K + span_K)
    return Change(
        spearman=_spearman(right_RK, wrong_RK),
        shift=float((gap_K[moves_K] / spread_K[moves_K]).mean()) if moves_K.any() else None,
        changed_calls=_changed_calls(
            chosen, {n: a[both_R] for n, a in right.items()}, {n: a[both_R] for n, a in wrong.items()}
        ),
        still=bool(
            len(wrong_RK) > 1 and moves_K.any() and (wrong_RK.std(axis=0)[moves_K] < 0.01 * spread_K[moves_K]).all()
        ),
        beyond=float(beyond[:, _open(chosen, right)].mean()) if _open(chosen, right).any() else 0.0,
    )


def _open(outputs: Sequence[Output], right: Layers) -> NDArray[np.bool_]:
    """Columns of numbers without bounds."""
    free = [output.judged_as not in ("probability", "flag") for output in outputs]
    return np.repeat(free, [right[output.name].shape[1] for output in outputs])


def _spearman(one_RK: Floats, other_RK: Floats) -> float | None:
    """Mean over columns of the correlation of average ranks (Spearman's, ties included)."""
    from scipy.stats import rankdata  # not above: it takes a second to load

    if len(one_RK) < ENOUGH:
        return None
    a, b = (rankdata(side, axis=0) - (len(side) + 1) / 2 for side in (one_RK, other_RK))
    size_K = np.sqrt((a**2).sum(axis=0) * (b**2).sum(axis=0))
    moves_K = size_K > 0
    if not moves_K.any():
        return None
    return float(np.clip(((a * b).sum(axis=0)[moves_K] / size_K[moves_K]).mean(), -1, 1))


def _changed_calls(outputs: Sequence[Output], right: Layers, wrong: Layers) -> float | None:
    changed = []
    for output in outputs:
        called = [calls(output, side[output.name], right[output.name]) for side in (right, wrong)]
        if called[0] is not None and called[1] is not None:
            changed.append((called[0] != called[1]).any(axis=1))
    return float(np.any(changed, axis=0).mean()) if changed else None


def calls(output: Output, value_RK: Floats, right_RK: Floats) -> NDArray[np.int64] | None:
    """What a model calls each recording: the class of the largest value, or which of them reach one half.

    Args:
        output: what is called by it; scores and logits without activation call nothing.
        value_RK: its numbers.
        right_RK: those of the right side, which tell whether its classes exclude each other.
    """
    if output.judged_as not in ("probability", "flag"):
        return None
    sums_R = right_RK[np.isfinite(right_RK).all(axis=1)].sum(axis=1)
    exclusive = output.kind != "flag" and value_RK.shape[1] > 1 and np.abs(sums_R - 1).max(initial=0) < EXCLUSIVE
    if exclusive:
        return np.asarray(np.argmax(value_RK, axis=1)[:, None], dtype=np.int64)
    return (value_RK >= 0.5).astype(np.int64)

"""Are local recordings like those that a model is known on? Tests on two samples, and what a shifted share implies.

* **Kernel test**: unbiased maximum mean discrepancy under a Gaussian kernel (Gretton et al., JMLR 13:723-773, 2012,
  equation 3), bandwidth by the median distance, p by permuting which side a *patient* stands on.
* **Plain features**: largest gap of the two distribution functions (Kolmogorov and Smirnov), p by the same
  permutations; population stability index over the tenths of the reference.
* **Prior shift**: if only a label's share p moved, a test of known sensitivity and false alarms is positive in
  p sens + (1 - p) far of the recordings; solved for p (Rogan and Gladen, Am J Epidemiol 107:71-76, 1978; Lipton et
  al., ICML 2018, call it black box shift estimation). If how the disease looks moved too, it is wrong, unseen.

Legend: N recordings of both samples, D features, Q permutations, B resamples, U distinct values.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Rows = NDArray[np.bool_]

LARGEST = 2000
"""Recordings a side that the kernel test compares: 4,000 x 4,000 float64 are 128 MB."""
TENTHS = 10


@dataclass(frozen=True)
class Discrepancy:
    """A kernel test's outcome."""

    squared: float
    bandwidth: float
    p_value: float


def permuted_sides(local_N: Rows, patient_N: NDArray[np.intp], permutations: int, seed: int) -> NDArray[np.bool_]:
    """Who stands on the local side under the null: whole patients exchange sides, [N, Q].

    As many patients as there are stand on the local side; one who has recordings on both sides is moved whole, too.
    """
    patients = int(patient_N.max()) + 1
    local_patients = len(np.unique(patient_N[local_N]))
    rng = np.random.default_rng(seed)
    sides_PQ = np.zeros((patients, permutations), dtype=np.bool_)
    for column in range(permutations):
        sides_PQ[rng.permutation(patients)[:local_patients], column] = True
    return np.asarray(sides_PQ[patient_N])


def kernel_test(x_ND: Floats, local_N: Rows, sides_NQ: NDArray[np.bool_]) -> Discrepancy:
    """Maximum mean discrepancy between the rows that are local and the others.

    Args:
        x_ND: finite features of both samples.
        local_N: which rows are local; both sides need two.
        sides_NQ: the same under the null, as `permuted_sides` draws them.

    Raises:
        ValueError: a side has fewer than two rows.
    """
    if min(local_N.sum(), (~local_N).sum()) < 2:
        raise ValueError("each side needs two recordings")
    squared_NN = _squared_distances(x_ND)
    bandwidth = float(np.median(np.sqrt(squared_NN[np.triu_indices(len(x_ND), 1)])))
    if bandwidth == 0:
        return Discrepancy(0.0, 0.0, 1.0)
    kernel_NN = np.exp(squared_NN / (-2 * bandwidth**2))
    np.fill_diagonal(kernel_NN, 0.0)
    squared = float(_discrepancies(kernel_NN, local_N[:, None])[0])
    null_Q = _discrepancies(kernel_NN, sides_NQ)
    null_Q = null_Q[np.isfinite(null_Q)]
    return Discrepancy(squared, bandwidth, float((1 + np.sum(null_Q >= squared - 1e-15)) / (1 + len(null_Q))))


def _squared_distances(x_ND: Floats) -> Floats:
    centred_ND = x_ND - x_ND.mean(axis=0)
    norm_N = np.einsum("nd,nd->n", centred_ND, centred_ND)
    return np.asarray(np.maximum(norm_N[:, None] + norm_N - 2 * centred_ND @ centred_ND.T, 0.0))


def _discrepancies(kernel_NN: Floats, sides_NQ: NDArray[np.bool_]) -> Floats:
    """Unbiased MMD^2 of each column's sides; NaN where one has fewer than two rows. The kernel's diagonal is zero."""
    side_NQ = sides_NQ.astype(np.float64)
    within_NQ = kernel_NN @ side_NQ
    local_Q, rows = side_NQ.sum(axis=0), len(side_NQ)
    both_Q = np.einsum("nq,nq->q", side_NQ, within_NQ)
    across_Q = within_NQ.sum(axis=0) - both_Q
    other_Q, rest_Q = rows - local_Q, kernel_NN.sum() - both_Q - 2 * across_Q
    with np.errstate(invalid="ignore", divide="ignore"):
        told_Q = both_Q / (local_Q * (local_Q - 1)) + rest_Q / (other_Q * (other_Q - 1))
        told_Q -= 2 * across_Q / (local_Q * other_Q)
    return np.where((local_Q > 1) & (other_Q > 1), told_Q, np.nan)


def distribution_gap(value_N: Floats, sides_NQ: NDArray[np.bool_]) -> Floats:
    """Largest gap between the distribution functions of both sides, for every column of sides; NaN if one is empty."""
    order = np.argsort(value_N, kind="stable")
    last_U = np.flatnonzero(np.r_[np.diff(value_N[order]) > 0, True])
    side_NQ = sides_NQ[order]
    below_NQ = np.cumsum(side_NQ, axis=0, dtype=np.int64)[last_U]
    local_Q = side_NQ.sum(axis=0)
    other_Q = len(value_N) - local_Q
    with np.errstate(invalid="ignore", divide="ignore"):
        gap_UQ = np.abs(below_NQ / local_Q - ((last_U + 1)[:, None] - below_NQ) / other_Q)
    return np.asarray(np.where((local_Q > 0) & (other_Q > 0), gap_UQ.max(axis=0), np.nan), dtype=np.float64)


def gap_test(value_N: Floats, local_N: Rows, sides_NQ: NDArray[np.bool_]) -> tuple[float, float]:
    """Gap of the distribution functions of local and reference, and its p by the permutations."""
    gap = float(distribution_gap(value_N, local_N[:, None])[0])
    null_Q = distribution_gap(value_N, sides_NQ)
    null_Q = null_Q[np.isfinite(null_Q)]
    return gap, float((1 + np.sum(null_Q >= gap - 1e-12)) / (1 + len(null_Q)))


def stability_index(reference_N: Floats, local_N: Floats) -> float:
    """Population stability index: sum of (p - q) ln(p / q) over the tenths of the reference, half a case added to each.

    Below 0.1 is commonly called stable and above 0.25 shifted; both are habits of credit scoring, not of statistics.
    """
    cuts = np.unique(np.quantile(reference_N, np.arange(1, TENTHS) / TENTHS))
    return share_divergence(
        np.bincount(np.searchsorted(cuts, reference_N, side="left"), minlength=len(cuts) + 1),
        np.bincount(np.searchsorted(cuts, local_N, side="left"), minlength=len(cuts) + 1),
    )


def share_divergence(reference_G: NDArray[np.integer], local_G: NDArray[np.integer]) -> float:
    """The index over counts of groups, half a case added to each so that an empty one does not make it infinite."""
    p_G = (local_G + 0.5) / (local_G.sum() + 0.5 * len(local_G))
    q_G = (reference_G + 0.5) / (reference_G.sum() + 0.5 * len(reference_G))
    return float(np.sum((p_G - q_G) * np.log(p_G / q_G)))


def implied_share(alerts: Floats, sensitivity: Floats, false_alarms: Floats) -> Floats:
    """Share of a label that a share of alerts implies; all [B]. Cut to 0 to 1; NaN where a test tells nothing apart."""
    with np.errstate(invalid="ignore", divide="ignore"):
        share = (alerts - false_alarms) / (sensitivity - false_alarms)
    return np.asarray(np.where(sensitivity > false_alarms, np.clip(share, 0.0, 1.0), np.nan), dtype=np.float64)

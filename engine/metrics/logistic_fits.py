"""Logistic regression of one design on many resamples at once, and what each patient adds to a coefficient's error.

Newton's method on all resamples together: each step is three matrix products and B small systems, from the whole
sample's solution on, so that three or four steps suffice. No resample is fitted in a loop.

Sources: iteratively reweighted least squares (McCullagh and Nelder, 1989); the one-step jackknife over clusters,
(M - A_i)^-1 s_i, is the CR3 sandwich (Bell and McCaffrey 2002; Preisser and Qaqish, Biometrika 83:551-562, 1996).

Legend: N recordings, K coefficients, P patients, B resamples.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.metrics.discrimination import Counts, Floats, Ints

_CELLS = 1_000_000
_STEPS = 40
_NEAR = 1e-8
"""A step this small leaves an error of its square."""
_REACH = 20.0
"""Longest step on a logit scale; halved at every turn back."""
_FAR = 60.0
"""A coefficient beyond this on a logit scale means that the classes are separated."""


def fit(x_NK: Floats, y_N: Floats, offset_N: Floats | None = None) -> Floats:
    """Coefficients of the whole sample, [K]; NaN where the classes are separated or a class is missing."""
    weight_NB = np.ones((len(y_N), 1))
    start_K = np.zeros(x_NK.shape[1])
    return _newton(x_NK, y_N, weight_NB, _offset(offset_N, len(y_N)), start_K)[:, 0]


def fit_resamples(
    x_NK: Floats,
    y_N: Floats,
    patient_N: Ints,
    weight_PB: Counts,
    start_K: Floats,
    offset_N: Floats | None = None,
) -> Floats:
    """Coefficients in every resample, [K, B]; NaN where a resample has no solution.

    Args:
        x_NK: the design, its constant column among them.
        y_N: 1 and 0.
        patient_N: patient code of each recording, 0..P-1.
        weight_PB: how often each patient was drawn in each resample.
        start_K: the whole sample's solution.
        offset_N: added to the linear predictor with coefficient 1.
    """
    resamples = weight_PB.shape[1]
    told_KB = np.full((x_NK.shape[1], resamples), np.nan)
    if not np.isfinite(start_K).all():
        return told_KB
    offset = _offset(offset_N, len(y_N))
    step = max(1, _CELLS // max(1, len(y_N)))
    for first in range(0, resamples, step):
        columns = slice(first, first + step)
        weight_NB = weight_PB[:, columns].astype(np.float64)[patient_N]
        told_KB[:, columns] = _newton(x_NK, y_N, weight_NB, offset, start_K)
    return told_KB


def coefficient_errors(
    x_NK: Floats, y_N: Floats, patient_N: Ints, patients: int, beta_K: Floats, offset_N: Floats | None = None
) -> Floats:
    """Each patient's share of each coefficient's error, [K, P]: squares and products sum to the covariance."""
    eta_N = x_NK @ beta_K + _offset(offset_N, len(y_N))
    p_N = sigmoid(eta_N)
    score_PK = _by_patient(x_NK * (y_N - p_N)[:, None], patient_N, patients)
    cross_NKK = x_NK[:, :, None] * x_NK[:, None, :] * (p_N * (1 - p_N))[:, None, None]
    width = x_NK.shape[1]
    part_PKK = _by_patient(cross_NKK.reshape(len(y_N), -1), patient_N, patients).reshape(-1, width, width)
    present = int((np.bincount(patient_N, minlength=patients) > 0).sum())
    try:
        moved_PK = np.linalg.solve(part_PKK.sum(axis=0) - part_PKK, score_PK[:, :, None])[:, :, 0]
    except np.linalg.LinAlgError:  # all that tells a coefficient comes from one patient
        return np.full((width, patients), np.nan)
    return np.asarray(moved_PK.T * np.sqrt((present - 1) / present))


def sigmoid(eta: NDArray[Any]) -> NDArray[Any]:
    """1 / (1 + exp(-eta)), by numpy's vectorised exponential."""
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(eta, -700, 700))))


def _newton(x_NK: Floats, y_N: Floats, weight_NB: Floats, offset_N: Floats, start_K: Floats) -> Floats:
    beta_KB = np.repeat(start_K[:, None], weight_NB.shape[1], axis=1)
    cross_LN = (x_NK[:, :, None] * x_NK[:, None, :]).reshape(len(y_N), -1).T.copy()
    drawn_B = weight_NB.sum(axis=0)
    positive_B = y_N @ weight_NB
    alive_B = (positive_B > 0) & (positive_B < drawn_B)
    solved_B = np.zeros(len(alive_B), dtype=bool)
    reach_B, last_KB = np.full(len(alive_B), _REACH), np.zeros_like(beta_KB)
    for _ in range(_STEPS):
        todo = np.flatnonzero(alive_B & ~solved_B)
        if len(todo) == 0:
            break
        # Most often all columns are still to do: then no copy.
        weight = weight_NB if len(todo) == weight_NB.shape[1] else weight_NB[:, todo]
        step_KB = _step(x_NK, cross_LN, y_N, weight, offset_N, beta_KB[:, todo])
        # Where all probabilities are far too low or high, full steps leap over the solution to and fro.
        reach_B[todo] = np.where((step_KB * last_KB[:, todo]).sum(axis=0) < 0, reach_B[todo] / 2, reach_B[todo])
        step_KB = np.minimum(np.maximum(step_KB, -reach_B[todo]), reach_B[todo])
        last_KB[:, todo] = step_KB
        beta_KB[:, todo] += step_KB
        solved_B[todo] = np.abs(step_KB).max(axis=0) < _NEAR * (1 + np.abs(beta_KB[:, todo]).max(axis=0))
        alive_B[todo] &= np.isfinite(step_KB).all(axis=0) & (np.abs(beta_KB[:, todo]).max(axis=0) < _FAR**2)
    slopes = np.abs(beta_KB).max(axis=0)
    beta_KB[:, ~solved_B | (slopes >= _FAR**2)] = np.nan
    return beta_KB


def _step(x_NK: Floats, cross_LN: Floats, y_N: Floats, weight_NB: Floats, offset_N: Floats, beta_KB: Floats) -> Floats:
    p_NB = sigmoid(x_NK @ beta_KB + offset_N[:, None])
    gradient_KB = x_NK.T @ (weight_NB * (y_N[:, None] - p_NB))
    width = x_NK.shape[1]
    hessian_BKK = (cross_LN @ (weight_NB * p_NB * (1 - p_NB))).T.reshape(-1, width, width)
    # Scaled to a unit diagonal, with a ridge far below rounding of the answer: separated resamples stay solvable and
    # are told by their coefficients, which never settle.
    size_BK = np.sqrt(np.maximum(np.einsum("bkk->bk", hessian_BKK), 1e-30))
    scaled_BKK = hessian_BKK / size_BK[:, :, None] / size_BK[:, None, :] + 1e-13 * np.eye(width)
    moved_BK = np.linalg.solve(scaled_BKK, (gradient_KB.T / size_BK)[:, :, None])[:, :, 0] / size_BK
    return np.asarray(np.clip(moved_BK, -_REACH, _REACH).T)


def _by_patient(value_NM: Floats, patient_N: Ints, patients: int) -> Floats:
    columns = [np.bincount(patient_N, weights=column, minlength=patients) for column in value_NM.T]
    return np.stack(columns, axis=1)


def _offset(offset_N: Floats | None, records: int) -> Floats:
    return np.zeros(records) if offset_N is None else offset_N

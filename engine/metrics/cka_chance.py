"""What chance does to CKA: the band over patients, and what features that have nothing to do with each other give.

Band: HSIC is a U-statistic, so a resample of patients moves it, to first order, by the sum of its recordings' shares
(`hsic`); numerator and both denominators are moved with the same multiplicities, and the ratio is made anew in each
resample. No resample needs a product of features, so two thousand cost as much as one more look at the data. Where a
few recordings carry most of a layer's spread, the first order is not enough: it makes the layer's own HSIC negative in
some resamples, which none can be. Such a pair has no band.

Null: recordings of one model are permuted against those of the other, one recording a patient, since recordings of one
patient are not exchangeable with others. Permuted debiased CKA has the mean 0 and the variance 2 / (n (n - 3)),
whatever the features are (Szekely and Rizzo, J Multivar Anal 117:193-213, 2013, for the same inner product); its shape
depends on them and is what permutations tell.

Legend: N recordings, P patients, B resamples, R layers of one model, C of the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.metrics.discrimination import Counts, Ints
from engine.metrics.hsic import Floats, Hsic, Hsics, Kernel, Real, gaussian, linear
from engine.metrics.uncertainty import percentile_interval

PERMUTATIONS, PERMUTED = 200, 512
"""Permutations of the null, and on how many patients at most."""
MOST_BROKEN = 0.01
"""Share of resamples whose HSIC may be negative before a band is none."""
CARRIED = "none where a few recordings carry most of a layer's spread"


def band(found: Hsics, code_N: Ints, weight_PB: Counts, confidence: float) -> dict[str, Any]:
    """Lower and upper ends of every pair's CKA over the resamples, as fields of a result.

    Args:
        found: HSIC with its shares.
        code_N: patient of each recording, 0..P-1.
        weight_PB: the multiplicities that all statistics of this test set share.
        confidence: of the band.
    """
    pairs = [*(pair for row in found.cross_RC for pair in row), *found.own_R, *found.own_C]
    drawn = _resampled(pairs, code_N, weight_PB)
    rows, columns = len(found.own_R), len(found.own_C)
    cross_RCB = drawn[: rows * columns].reshape(rows, columns, -1)
    own_RB, own_CB = drawn[rows * columns : -columns], drawn[-columns:]
    low: list[list[float | None]] = []
    high: list[list[float | None]] = []
    with np.errstate(divide="ignore", invalid="ignore"):
        # No CKA lies beyond 1, whatever an unbiased estimate of few recordings says.
        cka_RCB = np.clip(cross_RCB / (np.sqrt(own_RB)[:, None] * np.sqrt(own_CB)), -1.0, 1.0)
    for row in cka_RCB:
        bounds = [_bounds(cka_B, confidence) for cka_B in row]
        low.append([pair[0] for pair in bounds])
        high.append([pair[1] for pair in bounds])
    method = f"patient-clustered bootstrap of the linearised HSIC, {weight_PB.shape[1]:,} resamples, percentile"
    if any(np.isfinite(pair.value) for pair in pairs) and any(end is None for row in low for end in row):
        method = f"{method}; {CARRIED}"
    return {"low": low, "high": high, "band": method}


def _bounds(cka_B: Floats, confidence: float) -> tuple[float | None, float | None]:
    whole_B = cka_B[np.isfinite(cka_B)]
    if len(whole_B) < (1 - MOST_BROKEN) * len(cka_B):
        return None, None
    return percentile_interval(whole_B, confidence)


def _resampled(pairs: Sequence[Hsic], code_N: Ints, weight_PB: Counts) -> Floats:
    """HSIC of every pair in every resample, [pairs, B]."""
    moved = [
        np.bincount(code_N, weights=pair.share_N - pair.value, minlength=len(weight_PB))
        for pair in pairs
        if pair.share_N is not None
    ]
    value = np.array([pair.value for pair in pairs])
    drawn = value[:, None] + 4 / len(code_N) * (np.stack(moved) @ weight_PB.astype(np.float64))
    return np.asarray(drawn, dtype=np.float64)


def null(
    rows: Sequence[Real],
    columns: Sequence[Real],
    code_N: Ints,
    rbf_share: float | None,
    confidence: float,
    seed: int,
    permutations: int = PERMUTATIONS,
) -> dict[str, Any]:
    """Share of permutations that give a CKA as high, and what they stay below, as fields of a result.

    Args:
        rows: layers of one model as `hsic.view` gives them.
        columns: the other's.
        code_N: patient of each recording.
        rbf_share: width of a Gaussian kernel; None for the linear one.
        confidence: of what permutations stay below.
        seed: start of the draws.
        permutations: how many.
    """
    rng = np.random.default_rng(seed)
    chosen_N = np.sort(rng.permutation(np.unique(code_N, return_index=True)[1])[:PERMUTED])
    n = len(chosen_N)
    if n < 4:
        return {}
    left_RNN = np.stack([_unit(x[chosen_N], rbf_share) for x in rows])
    right_CE = np.stack([_unit(x[chosen_N], rbf_share) for x in columns]).reshape(len(columns), -1)
    seen_RC = left_RNN.reshape(len(rows), -1) @ right_CE.T
    drawn = np.empty((permutations, len(rows), len(columns)))
    for one in range(permutations):
        order = rng.permutation(n)
        drawn[one] = left_RNN[:, order[:, None], order].reshape(len(rows), -1) @ right_CE.T
    p_RC = (1 + (drawn >= seen_RC).sum(axis=0)) / (1 + permutations)
    told = f"{permutations} permutations of {n:,} patients, one recording each"
    varies_RC = np.outer(left_RNN.any(axis=(1, 2)), right_CE.any(axis=1))
    return {
        "p_values": _matrix(p_RC, varies_RC),
        "chance": _matrix(np.quantile(drawn, confidence, axis=0), varies_RC),
        "null": told,
    }


def _unit(x_ND: Real, rbf_share: float | None) -> NDArray[np.float32]:
    """A U-centred kernel matrix of length 1: the inner product of two is their debiased CKA; 0 where nothing varies."""
    kernel: Kernel = linear if rbf_share is None else gaussian(x_ND, rbf_share)
    centred_NN = u_centred(kernel(x_ND, x_ND))
    length = float(np.linalg.norm(centred_NN))
    return np.asarray(centred_NN / length if length > 0 else centred_NN, dtype=np.float32)


def u_centred(kernel_NN: Floats) -> Floats:
    """A kernel matrix with its diagonal and all row sums at 0 (Szekely and Rizzo 2014, definition 2)."""
    n = len(kernel_NN)
    off_NN = kernel_NN - np.diag(np.diag(kernel_NN))
    mean_N = off_NN.sum(axis=1) / (n - 2)
    told_NN = off_NN - mean_N[:, None] - mean_N + off_NN.sum() / ((n - 1) * (n - 2))
    np.fill_diagonal(told_NN, 0)
    return np.asarray(told_NN, dtype=np.float64)


def _matrix(value_RC: Floats, varies_RC: NDArray[np.bool_]) -> list[list[float | None]]:
    return [
        [float(value) if varies else None for value, varies in zip(*row, strict=True)]
        for row in zip(value_RC, varies_RC, strict=True)
    ]

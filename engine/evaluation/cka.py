"""Similarity of layers: debiased linear CKA (method specification, section 7).

The biased form tends to 1 as features outnumber recordings, whatever the features are; this one uses the unbiased HSIC
of Song et al. (JMLR 13:1393-1434, 2012) on all recordings at once and may come out slightly below 0 or above 1.

Legend: N recordings, D features, L layers.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from engine.contract.results import CKA

Floats = NDArray[np.float64]


def debiased_cka(x_ND: NDArray[np.floating], y_ND: NDArray[np.floating]) -> float | None:
    """Debiased linear CKA of two sets of features of the same recordings; None when it is undefined."""
    return compare_layers({"x": x_ND}, {"y": y_ND})[0][0]


def compare_layers(
    rows: Mapping[str, NDArray[np.floating]], columns: Mapping[str, NDArray[np.floating]]
) -> list[list[float | None]]:
    """Debiased CKA of every layer of one model with every layer of another.

    Args:
        rows: features per layer, [N, D] each, all of the same recordings in the same order.
        columns: the other model's, of the same recordings.

    Returns:
        One list a row layer. None where a layer does not vary or fewer than four recordings are there.
    """
    views_r = [_view(x) for x in rows.values()]
    views_c = [_view(x) for x in columns.values()]
    own_r = [unbiased_hsic(v, v) for v in views_r]
    own_c = [unbiased_hsic(v, v) for v in views_c]
    return [
        [_ratio(unbiased_hsic(r, c), own_r[i], own_c[j]) for j, c in enumerate(views_c)] for i, r in enumerate(views_r)
    ]


def unbiased_hsic(x_ND: Floats, y_ND: Floats) -> float:
    """Unbiased HSIC of linear kernels, by features or by Gram matrices, whichever costs less.

    In features: with k_i the squared length of row i, tr(K~L~) = |X'Y|^2 - sum k_i l_i, K~1 = X(X'1) - k, so that no
    N x N matrix is needed. NaN below four recordings.
    """
    n = len(x_ND)
    if n < 4:
        return float("nan")
    k_N, l_N = np.einsum("nd,nd->n", x_ND, x_ND), np.einsum("nd,nd->n", y_ND, y_ND)
    if x_ND.shape[1] * y_ND.shape[1] <= n * (x_ND.shape[1] + y_ND.shape[1]):
        trace = np.sum((x_ND.T @ y_ND) ** 2)
    else:
        trace = np.sum((x_ND @ x_ND.T) * (y_ND @ y_ND.T))
    trace -= k_N @ l_N
    k_sums_N = x_ND @ x_ND.sum(axis=0) - k_N
    l_sums_N = y_ND @ y_ND.sum(axis=0) - l_N
    cross = k_sums_N @ l_sums_N
    total = trace + k_sums_N.sum() * l_sums_N.sum() / ((n - 1) * (n - 2)) - 2 * cross / (n - 2)
    return float(total / (n * (n - 3)))


def similarity(
    names: tuple[str, str], rows: Mapping[str, NDArray[np.floating]], columns: Mapping[str, NDArray[np.floating]]
) -> CKA:
    """CKA between two models' layers as a result with its counts and its warning."""
    records = len(next(iter(rows.values())))
    widest = max(x.shape[1] for x in [*rows.values(), *columns.values()])
    return CKA(
        rows=names[0],
        columns=names[1],
        row_layers=list(rows),
        column_layers=list(columns),
        values=compare_layers(rows, columns),
        records=records,
        warning=_warning(records, widest),
    )


def _warning(records: int, features: int) -> str:
    if records < 4:
        return f"{records} recordings are too few: unbiased HSIC needs four"
    if records < features:
        return f"fewer recordings ({records}) than features ({features}): values are unbiased but uncertain"
    return ""


def _view(x_ND: NDArray[np.floating]) -> Floats:
    """Features in float64, centred (unbiased HSIC does not see the shift, its rounding does) and scaled to order 1."""
    x = np.asarray(x_ND, dtype=np.float64)
    if not len(x):
        return x
    x = x - x.mean(axis=0)
    size = float(np.sqrt(np.mean(x**2)))
    return np.asarray(x / size if size > 0 else x, dtype=np.float64)


def _ratio(cross: float, own_x: float, own_y: float) -> float | None:
    if not (own_x > 0 and own_y > 0 and np.isfinite(cross)):
        return None
    return float(cross / np.sqrt(own_x * own_y))

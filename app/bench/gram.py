"""Unbiased CKA the plain way: one Gram matrix a layer, then every pair of layers by the formula.

Source: Song et al., JMLR 13:1393-1434 (2012), equation 5, as the method specification writes it.

Legend: N recordings, D features, L layers.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def gram_cka(layers: Sequence[NDArray[np.floating]]) -> Floats:
    """CKA of all layers with all layers, [L, L]."""
    kernels = [_gram(np.asarray(x_ND, dtype=np.float64)) for x_ND in layers]
    hsic_LL = np.array([[_hsic(k, other) for other in kernels] for k in kernels])
    own_L = np.sqrt(np.diag(hsic_LL))
    return np.asarray(hsic_LL / np.outer(own_L, own_L), dtype=np.float64)


def _gram(x_ND: Floats) -> Floats:
    kernel_NN = x_ND @ x_ND.T
    np.fill_diagonal(kernel_NN, 0)
    return np.asarray(kernel_NN, dtype=np.float64)


def _hsic(k_NN: Floats, l_NN: Floats) -> float:
    n = len(k_NN)
    trace = np.sum(k_NN * l_NN)
    sums = k_NN.sum() * l_NN.sum() / ((n - 1) * (n - 2))
    cross = 2 / (n - 2) * (k_NN.sum(axis=0) @ l_NN.sum(axis=0))
    return float((trace + sums - cross) / (n * (n - 3)))

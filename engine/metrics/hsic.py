"""Unbiased HSIC between the layers of models, without a recording-by-recording matrix where features are few.

The estimator is that of Song et al., JMLR 13:1393-1434 (2012), equation 5: with K, L kernels whose diagonals are set to
0, s = K1 and t = L1,

    HSIC = [tr(KL) + (1's)(1't) / ((n - 1)(n - 2)) - 2 s't / (n - 2)] / (n (n - 3)).

For linear kernels tr(KL) = |X'Y|^2 - sum k_i l_i with k_i, l_i the squared lengths of the rows: one product of all
layers side by side gives every pair. Other kernels, and layers wider than there are recordings, go by rows of the
kernels' matrices, a block at a time.

It is a U-statistic of order 4. Its share g_i of recording i (ibid., theorem 5: h / (2 (n - 1)(n - 2)(n - 3))) has the
statistic as its mean; without recording i the statistic is exactly (n HSIC - 4 g_i) / (n - 4), and a small change of
the recordings' weights moves it by 4 (g_i - HSIC) / n each. That is what intervals are made of.

Legend: N recordings, D features, R layers of one model, C of the other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Real = NDArray[np.floating]
Kernel = Callable[[Real, Real], Floats]
"""Kernel of some rows with all rows, [n, N]; the first rows are among the second."""

LEAST = 4
"""Recordings that the unbiased estimator needs."""
CHUNK = 2048
"""Rows whose products are summed in the precision of the features, before they meet the others in float64."""
BLOCK_ELEMENTS = 4_000_000
"""Elements of a block of kernel rows, over all layers."""


@dataclass(frozen=True)
class Hsic:
    """HSIC of a pair of layers.

    Attributes:
        value: NaN below four recordings.
        share_N: each recording's share, their mean is the value; None where it was not asked for.
    """

    value: float
    share_N: Floats | None = None


@dataclass(frozen=True)
class Hsics:
    """HSIC of every layer of one model with every layer of the other, and of each with itself."""

    cross_RC: list[list[Hsic]]
    own_R: list[Hsic]
    own_C: list[Hsic]


def view(x_ND: Real) -> Real:
    """Features centred (unbiased HSIC does not see the shift, its rounding does) and scaled to order 1.

    Float32 features stay float32, with sums in float64; anything else becomes float64.
    """
    kind = np.float32 if x_ND.dtype == np.float32 else np.float64
    if not len(x_ND):
        return np.asarray(x_ND, dtype=kind)
    x = np.asarray(x_ND, dtype=kind) - x_ND.mean(axis=0, dtype=np.float64).astype(kind)
    x -= x.mean(axis=0, dtype=np.float64).astype(kind)  # of features far from 0 the mean itself was rounded
    size = float(np.sqrt(np.mean(_lengths(x)) / x.shape[1]))
    if size > 0:
        x /= kind(size)
    return np.asarray(x)


def _lengths(x_ND: Real) -> Floats:
    """Squared lengths of the rows; so short a sum loses nothing in the precision of its terms."""
    return np.asarray(np.einsum("nd,nd->n", x_ND, x_ND), dtype=np.float64)


def pairwise(
    rows: Sequence[Real], columns: Sequence[Real], rbf_share: float | None = None, shares: bool = False
) -> Hsics:
    """HSIC of all pairs of layers.

    Args:
        rows: layers of one model as `view` gives them, [N, D] each.
        columns: the other's; the same object for the layers of one model among themselves.
        rbf_share: width of a Gaussian kernel as a share of the median distance; None for the linear kernel.
        shares: whether to tell each recording's share, at about three times the cost.
    """
    same = rows is columns
    if not rows or not columns or len(rows[0]) < LEAST:
        none = Hsic(float("nan"))
        return Hsics([[none] * len(columns) for _ in rows], [none] * len(rows), [none] * len(columns))
    layers = list(rows) if same else [*rows, *columns]
    first = 0 if same else len(rows)
    pairs = {(min(i, first + j), max(i, first + j)) for i in range(len(rows)) for j in range(len(columns))}
    pairs |= {(i, i) for i in range(len(layers))}
    found = _of_pairs(layers, sorted(pairs), rbf_share, shares)
    return Hsics(
        [[found[min(i, first + j), max(i, first + j)] for j in range(len(columns))] for i in range(len(rows))],
        [found[i, i] for i in range(len(rows))],
        [found[first + j, first + j] for j in range(len(columns))],
    )


Pairs = list[tuple[int, int]]


def _of_pairs(layers: list[Real], pairs: Pairs, rbf_share: float | None, shares: bool) -> dict[tuple[int, int], Hsic]:
    width = sum(x.shape[1] for x in layers)
    if rbf_share is not None:
        sums = _by_rows(layers, pairs, [gaussian(x, rbf_share) for x in layers], shares)
    elif 2 * len(layers[0]) < width:
        sums = _by_rows(layers, pairs, [linear] * len(layers), shares)
    else:
        sums = _by_features(layers, pairs, shares)
    return {pair: sums.hsic(pair) for pair in pairs}


@dataclass(frozen=True)
class _Sums:
    """What HSIC is put together from.

    Attributes:
        sums_NL: row sums of every layer's kernel, its diagonal left out.
        trace: tr(KL) of each pair.
        products: K (L1) of each ordered pair of layers, [N]; empty without shares.
        rows: (K * L) 1 of each pair, [N]; empty without shares.
    """

    sums_NL: Floats
    trace: dict[tuple[int, int], float]
    products: dict[tuple[int, int], Floats]
    rows: dict[tuple[int, int], Floats]

    def hsic(self, pair: tuple[int, int]) -> Hsic:
        n, (i, j) = len(self.sums_NL), pair
        s_N, t_N, trace = self.sums_NL[:, i], self.sums_NL[:, j], self.trace[pair]
        cross, s, t = float(s_N @ t_N), float(s_N.sum()), float(t_N.sum())
        value = (trace + s * t / ((n - 1) * (n - 2)) - 2 * cross / (n - 2)) / (n * (n - 3))
        if not self.rows:
            return Hsic(value)
        h_N = (
            (n - 2) ** 2 * self.rows[pair]
            + (n - 2) * (trace - self.products[i, j] - self.products[j, i])
            - n * s_N * t_N
            + t * s_N
            + s * t_N
            - cross
        )
        return Hsic(value, h_N / (2.0 * (n - 1) * (n - 2) * (n - 3)))


def _by_features(layers: list[Real], pairs: Pairs, shares: bool) -> _Sums:
    ends = np.cumsum([x.shape[1] for x in layers])
    starts = ends - [x.shape[1] for x in layers]
    beside_ND = np.concatenate(layers, axis=1)
    length_NL = np.stack([_lengths(x) for x in layers], axis=1)
    sums_NL = np.stack([_times(x, x.sum(axis=0, dtype=np.float64)) for x in layers], axis=1) - length_NL
    among = _products(beside_ND, pairs, starts, ends)
    trace, products, rows = {}, {}, {}
    for i, j in pairs:
        trace[i, j] = float(np.vdot(among[i, j], among[i, j])) - float(length_NL[:, i] @ length_NL[:, j])
        if not shares:
            continue
        mapped_ND = layers[i] @ among[i, j].astype(layers[i].dtype)
        both_N = np.einsum("nd,nd->n", mapped_ND, layers[j]).astype(np.float64)
        rows[i, j] = both_N - length_NL[:, i] * length_NL[:, j]
        for a, b in ((i, j), (j, i)):
            t_N = sums_NL[:, b]
            products[a, b] = _times(layers[a], t_N.astype(layers[a].dtype) @ layers[a]) - length_NL[:, a] * t_N
    return _Sums(sums_NL, trace, products, rows)


def _times(x_ND: Real, vector_D: Floats) -> Floats:
    return np.asarray(x_ND @ vector_D.astype(x_ND.dtype), dtype=np.float64)


def _products(
    beside_ND: Real, pairs: Pairs, starts: NDArray[np.intp], ends: NDArray[np.intp]
) -> dict[tuple[int, int], Floats]:
    """X'Y of each pair: all at once where most pairs are asked for, since a product with itself costs half."""
    count = len(starts)
    chunks = [beside_ND[at : at + CHUNK] for at in range(0, len(beside_ND), CHUNK)]
    if 2 * len(pairs) >= count * (count + 1):
        whole_DD = _summed([x.T @ x for x in chunks])
        return {(i, j): whole_DD[starts[i] : ends[i], starts[j] : ends[j]] for i, j in pairs}
    return {
        (i, j): _summed([x[:, starts[i] : ends[i]].T @ x[:, starts[j] : ends[j]] for x in chunks]) for i, j in pairs
    }


def _summed(parts: list[Real]) -> Floats:
    """Sum in float64."""
    total = parts[0].astype(np.float64)
    for part in parts[1:]:
        total += part
    return total


def _by_rows(layers: list[Real], pairs: Pairs, kernels: Sequence[Kernel], shares: bool) -> _Sums:
    n, count = len(layers[0]), len(layers)
    sums_NL, among_LL = np.empty((n, count)), np.zeros((count, count))
    rows: dict[tuple[int, int], Floats] = {pair: np.empty(n) for pair in pairs} if shares else {}
    for at, block_LnN in _blocks(layers, kernels):
        sums_NL[at] = block_LnN.sum(axis=2).T
        flat_LE = block_LnN.reshape(count, -1)
        among_LL += flat_LE @ flat_LE.T
        for (i, j), row_N in rows.items():
            row_N[at] = np.einsum("nm,nm->n", block_LnN[i], block_LnN[j])
    products: dict[tuple[int, int], Floats] = {}
    if shares:
        mapped_LNL = np.empty((count, n, count))
        for at, block_LnN in _blocks(layers, kernels):
            mapped_LNL[:, at] = block_LnN @ sums_NL
        products = {(a, b): mapped_LNL[a, :, b] for i, j in pairs for a, b in ((i, j), (j, i))}
    return _Sums(sums_NL, {(i, j): float(among_LL[i, j]) for i, j in pairs}, products, rows)


def _blocks(layers: list[Real], kernels: Sequence[Kernel]) -> Iterator[tuple[slice, Floats]]:
    """Rows of every layer's kernel with its diagonal at 0, [L, rows, N], so many at a time as memory is meant for."""
    n = len(layers[0])
    size = max(1, BLOCK_ELEMENTS // (n * len(layers)))
    for start in range(0, n, size):
        at = slice(start, min(start + size, n))
        block_LnN = np.stack([kernel(x[at], x) for kernel, x in zip(kernels, layers, strict=True)])
        block_LnN[:, np.arange(at.stop - start), np.arange(start, at.stop)] = 0
        yield at, block_LnN


def linear(some_ND: Real, all_ND: Real) -> Floats:
    """Rows of the linear kernel."""
    return np.asarray(some_ND, dtype=np.float64) @ np.asarray(all_ND, dtype=np.float64).T


def gaussian(x_ND: Real, share: float) -> Kernel:
    """A Gaussian kernel whose width is this share of the median distance of a layer's recordings.

    Source: Kornblith et al., ICML 2019 (arXiv:1905.00414), section 3.
    """
    width = share * median_distance(x_ND)

    def kernel(some_ND: Real, all_ND: Real) -> Floats:
        square = _square_distances(np.asarray(some_ND, dtype=np.float64), np.asarray(all_ND, dtype=np.float64))
        return np.exp(square / (-2 * width**2)) if width > 0 else np.zeros_like(square)

    return kernel


def median_distance(x_ND: Real, most: int = 1000) -> float:
    """Median distance of two recordings, on evenly spaced ones where there are many."""
    x = np.asarray(x_ND[:: -(-len(x_ND) // most)], dtype=np.float64)
    square_NN = _square_distances(x, x)
    return float(np.sqrt(np.median(square_NN[np.triu_indices(len(x), 1)])))


def _square_distances(some_ND: Floats, all_ND: Floats) -> Floats:
    lengths = np.einsum("nd,nd->n", some_ND, some_ND)[:, None] + np.einsum("nd,nd->n", all_ND, all_ND)
    return np.asarray(np.maximum(lengths - 2 * some_ND @ all_ND.T, 0), dtype=np.float64)

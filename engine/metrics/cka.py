"""Similarity of layers: debiased CKA, its band over patients, and what chance would give (method, section 7).

The biased form tends to 1 as features outnumber recordings, whatever the features are (arXiv:2405.01012); this one uses
the unbiased HSIC and may come out slightly below 0 or above 1. Reported values rest on all recordings at once;
`preview` sums the same over minibatches, as Nguyen et al. (ICLR 2021, arXiv:2010.15327) do, in a fraction of the time.

Legend: N recordings, P patients, B resamples, D features, R layers of one model, C of the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.contract.similarity import CKA
from engine.metrics.cka_chance import band, null
from engine.metrics.discrimination import Counts, Ints
from engine.metrics.hsic import Hsics, Real, pairwise, view

Layers = Mapping[str, Real]
Matrix = list[list[float | None]]

PREVIEW_BATCH = 256
RBF_MOST = 5000
"""Recordings beyond which a Gaussian kernel, whose cost grows with their square, is made on evenly spaced ones."""


@dataclass(frozen=True)
class Patients:
    """Whose recordings they are, and the resamples of them that every statistic shares.

    Attributes:
        code_N: patient of each recording, 0..P-1.
        weight_PB: how often each patient occurs in each resample.
    """

    code_N: Ints
    weight_PB: Counts


def debiased_cka(x_ND: Real, y_ND: Real) -> float | None:
    """Debiased linear CKA of two sets of features of the same recordings; None when it is undefined."""
    return compare_layers({"x": x_ND}, {"y": y_ND})[0][0]


def compare_layers(rows: Layers, columns: Layers, rbf_share: float | None = None) -> Matrix:
    """Debiased CKA of every layer of one model with every layer of another.

    Args:
        rows: features per layer, [N, D] each, all of the same recordings in the same order.
        columns: the other model's, of the same recordings; the same mapping for the layers of one model.
        rbf_share: width of a Gaussian kernel as a share of the median distance; None for the linear kernel.

    Returns:
        One list a row layer. None where a layer does not vary or fewer than four recordings are there.
    """
    return _ratios(pairwise(*_views(rows, columns), rbf_share))


def preview_layers(rows: Layers, columns: Layers, batch: int = PREVIEW_BATCH) -> Matrix:
    """The same from HSIC summed over minibatches: for a first look; the last, smaller batch is left out.

    Args:
        rows: features per layer, [N, D] each.
        columns: the other model's.
        batch: recordings of a minibatch.
    """
    left, right = _views(rows, columns)
    n = len(left[0]) if left else 0
    starts = range(0, n - batch + 1, batch) if n > batch else [0]
    parts = []
    for at in starts:
        part = [x[at : at + batch] for x in left]
        parts.append(pairwise(part, part if left is right else [x[at : at + batch] for x in right]))
    cross_RC = np.sum([[[pair.value for pair in row] for row in part.cross_RC] for part in parts], axis=0)
    own_R = np.sum([[pair.value for pair in part.own_R] for part in parts], axis=0)
    own_C = np.sum([[pair.value for pair in part.own_C] for part in parts], axis=0)
    return [
        [_ratio(cross, a, b) for cross, b in zip(row, own_C, strict=True)]
        for row, a in zip(cross_RC, own_R, strict=True)
    ]


def similarity(
    names: tuple[str, str],
    rows: Layers,
    columns: Layers,
    patients: Patients | None = None,
    *,
    rbf_share: float | None = None,
    confidence: float = 0.95,
    seed: int = 0,
) -> CKA:
    """CKA between two models' layers as a result, with its counts and its warning.

    Args:
        names: of the models.
        rows: features per layer, [N, D] each.
        columns: the other model's, of the same recordings.
        patients: for the band over resamples and the null; without them there are none.
        rbf_share: width of a Gaussian kernel as a share of the median distance; None for the linear kernel.
        confidence: of the band.
        seed: start of the permutations.
    """
    records = len(next(iter(rows.values())))
    widest = max(x.shape[1] for x in [*rows.values(), *columns.values()])
    some_N = np.arange(records)
    if rbf_share is not None and records > RBF_MOST:
        some_N = np.linspace(0, records - 1, RBF_MOST).round().astype(np.intp)
    left, right = _views(rows, columns, some_N)
    found = pairwise(left, right, rbf_share, shares=patients is not None)
    told = CKA(
        rows=names[0],
        columns=names[1],
        row_layers=list(rows),
        column_layers=list(columns),
        values=_ratios(found),
        records=len(some_N),
        warning=_warning(len(some_N), records, widest),
        method=_method(rbf_share),
    )
    if patients is None or len(some_N) < 4:
        return told
    code_N = patients.code_N[some_N]
    return told.model_copy(
        update=band(found, code_N, patients.weight_PB, confidence)
        | null(left, right, code_N, rbf_share, confidence, seed)
    )


def _views(rows: Layers, columns: Layers, some_N: NDArray[np.intp] | None = None) -> tuple[list[Real], list[Real]]:
    """Both models' layers ready for HSIC; one list for both where they are one model."""

    def told(layers: Layers) -> list[Real]:
        return [view(x if some_N is None else x[some_N]) for x in layers.values()]

    left = told(rows)
    return left, left if rows is columns else told(columns)


def _method(rbf_share: float | None) -> str:
    kernel = "linear CKA" if rbf_share is None else f"RBF CKA, width {rbf_share:g} of the median distance"
    return f"{kernel}, unbiased HSIC (Song et al. 2012), mean-pooled features per record"


def _warning(used: int, records: int, features: int) -> str:
    if used < 4:
        return f"{used} recordings are too few: unbiased HSIC needs four"
    if used < features:
        return f"fewer recordings ({used}) than features ({features}): values are unbiased but uncertain"
    return "" if used == records else f"made on {used:,} of {records:,} recordings, evenly spaced"


def _ratios(found: Hsics) -> Matrix:
    return [
        [_ratio(pair.value, a.value, b.value) for pair, b in zip(row, found.own_C, strict=True)]
        for row, a in zip(found.cross_RC, found.own_R, strict=True)
    ]


def _ratio(cross: float, own_x: float, own_y: float) -> float | None:
    if not (own_x > 0 and own_y > 0 and np.isfinite(cross)):
        return None
    return float(cross / np.sqrt(own_x * own_y))

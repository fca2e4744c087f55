"""Subjects of the self-test that compare models: scaling laws, correlations of few points, CKA, how embeddings lie."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from engine.metrics.association import association
from engine.metrics.cka import debiased_cka
from engine.metrics.cka_chance import u_centred
from engine.metrics.embedding_spread import embedding_spread
from engine.metrics.scaling_law import Floats, fits

Answer = Mapping[str, float]
Rows = Sequence[Sequence[float]]


def _scaling_law(size: Sequence[float], value: Sequence[float]) -> Answer:
    """Both laws of a series."""
    law, plain = fits("reference", "error", size, value)
    return {"exponent": law.b, "floor": law.c, "plain_exponent": plain.b, "plain_factor": plain.a}


def _association(x: Sequence[float], y: Sequence[float]) -> Answer:
    """Pearson's correlation with its interval, and Spearman's."""
    told = association("reference", "x", "y", x, y)
    interval = told.pearson.interval
    low, high = (interval.low, interval.high) if interval else (np.nan, np.nan)
    return {"pearson": _number(told.pearson.value), "low": low, "high": high, "spearman": _number(told.spearman.value)}


def _cka(x: Rows, y: Rows) -> Answer:
    """Debiased CKA by products of features, and the inner product that its null rests on, of distances."""
    a_NN, b_NN = (u_centred(_distances(np.array(rows, dtype=np.float64))) for rows in (x, y))
    distances = float((a_NN * b_NN).sum() / (np.linalg.norm(a_NN) * np.linalg.norm(b_NN)))
    return {"linear": _number(debiased_cka(np.array(x, dtype=np.float64), np.array(y))), "distances": distances}


def _distances(x_ND: Floats) -> Floats:
    return np.asarray(np.sqrt(((x_ND[:, None] - x_ND) ** 2).sum(axis=2)), dtype=np.float64)


def _embedding_spread(x: Rows, patient: Sequence[int]) -> Answer:
    """Effective rank, alignment and uniformity."""
    code_N = np.array(patient, dtype=np.intp)
    once_PB = np.ones((int(code_N.max()) + 1, 2), dtype=np.int16)
    told = embedding_spread("reference", "layer", np.array(x, dtype=np.float64), code_N, once_PB)
    return {name: _number(getattr(told, name).value) for name in ("effective_rank", "alignment", "uniformity")}


def _number(value: float | None) -> float:
    return float("nan") if value is None else value


SUBJECTS: dict[str, Callable[..., Answer]] = {
    "scaling_law": _scaling_law,
    "association": _association,
    "cka": _cka,
    "embedding_spread": _embedding_spread,
}

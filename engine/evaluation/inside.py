"""Looking inside the models of a comparison: how alike their layers are, and how their embeddings lie.

Legend: N recordings of the test part, P patients, B resamples, D features.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.contract.similarity import CKA, EmbeddingSpread
from engine.metrics.cka import Patients, similarity
from engine.metrics.embedding_spread import embedding_spread

Layers = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Embedded:
    """Features of one model.

    Attributes:
        record_ids: recordings, in the order of the features.
        layers: [N, D] each.
    """

    name: str
    record_ids: Sequence[str]
    layers: Layers


def similarities(
    models: Sequence[Embedded],
    patients: Patients,
    *,
    rbf_share: float | None,
    confidence: float,
    seed: int,
    on_pair: Callable[[int], None],
) -> list[CKA]:
    """CKA of the first model's layers among themselves and with those of every other model.

    Args:
        models: of the same recordings.
        patients: of the first model's recordings.
        rbf_share: width of a Gaussian kernel; None for the linear one.
        confidence: of the bands.
        seed: start of the permutations.
        on_pair: told how many models are done; may raise to stop.
    """
    told = []
    for number, other in enumerate(models, 1):
        rows, columns, whole_N = _alike(models[0], other)
        those = Patients(patients.code_N[whole_N], patients.weight_PB)
        names = models[0].name, other.name
        told.append(similarity(names, rows, columns, those, rbf_share=rbf_share, confidence=confidence, seed=seed))
        on_pair(number)
    return told


def _alike(first: Embedded, other: Embedded) -> tuple[Layers, Layers, NDArray[np.bool_]]:
    """Both models' layers on the recordings that both embedded, in the first's order, and which those are."""
    if other is first:
        whole_N = _whole(first.layers)
        layers = {name: x_ND[whole_N] for name, x_ND in first.layers.items()}
        return layers, layers, whole_N
    place = {record_id: row for row, record_id in enumerate(other.record_ids)}
    rows = [place[record_id] for record_id in first.record_ids]
    theirs = {name: x_ND[rows] for name, x_ND in other.layers.items()}
    whole_N = _whole(first.layers) & _whole(theirs)
    return (
        {name: x_ND[whole_N] for name, x_ND in first.layers.items()},
        {name: x_ND[whole_N] for name, x_ND in theirs.items()},
        whole_N,
    )


def _whole(layers: Layers) -> NDArray[np.bool_]:
    whole_N: NDArray[np.bool_] = np.all([np.isfinite(x_ND).all(axis=1) for x_ND in layers.values()], axis=0)
    return whole_N


def spreads(models: Sequence[Embedded], patients: Patients, confidence: float) -> list[EmbeddingSpread]:
    """How the last layer's embeddings of each model lie, on the same recordings and resamples.

    Args:
        models: of the same recordings.
        patients: of the first model's recordings.
        confidence: of the intervals.
    """
    told = []
    for model in models:
        layer, last_ND = list(model.layers.items())[-1]
        place = {record_id: row for row, record_id in enumerate(model.record_ids)}
        x_ND = last_ND[[place[record_id] for record_id in models[0].record_ids]]
        whole_N = np.isfinite(x_ND).all(axis=1)
        code_N = patients.code_N[whole_N]
        told.append(embedding_spread(model.name, layer, x_ND[whole_N], code_N, patients.weight_PB, confidence))
    return told

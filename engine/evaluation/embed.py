"""One embedding per model and recording: mean over tokens, then over the recording's windows, for every layer.

On a CPU every recording goes through the model by itself, so that its numbers cannot depend on which recordings were
asked for with it; measured, that costs nothing there. On a GPU windows of several recordings share a batch.

Legend: N windows, C leads, T samples, L tokens, D width of a layer, F features of all layers side by side.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from engine.backbones.fused import Encoder, for_inference
from engine.contract.errors import WorldError
from engine.data.store import Store
from engine.evaluation.cache import EmbeddingCache
from engine.signal.condition import check_card, model_input
from engine.zoo.native import LoadedModel

BLOCK = 64
"""Recordings that are computed, kept and reported at a time."""

Features = NDArray[np.float32]


@dataclass
class Embedded:
    """Embeddings of recordings, in the order asked for.

    Attributes:
        layers: per layer [recordings, D]; a row of NaN where the model cannot take the recording.
        refused: reason for each recording that it cannot take.
        computed: how many were not in the cache.
    """

    layers: dict[str, Features]
    refused: dict[str, str] = field(default_factory=dict)
    computed: int = 0


def embed(
    model: LoadedModel,
    store: Store,
    record_ids: Sequence[str],
    cache: EmbeddingCache,
    *,
    device: torch.device | None = None,
    batch_size: int = 64,
    on_progress: Callable[[int], None] | None = None,
) -> Embedded:
    """Embed recordings, or take what is kept of them.

    Args:
        model: what embeds.
        store: where the signals are.
        record_ids: which ones, each once.
        cache: where embeddings of this model are kept.
        device: where it runs; the CPU when left out.
        batch_size: windows at a time.
        on_progress: told how many recordings are done, at the start and after each block is kept; may raise to stop.

    Raises:
        WorldError: a recording is not in the store, the card asks for what cannot be done, or the cache cannot be
            written.
    """
    check_card(model.preprocessing)
    device = device or torch.device("cpu")
    place = {record_id: row for row, record_id in enumerate(record_ids)}
    widths = model.module.layer_widths
    all_NF = np.full((len(place), sum(widths)), np.nan, dtype=np.float32)
    missing = dict.fromkeys(place)
    for record_id, features_F in cache.read(record_ids):
        all_NF[place[record_id]] = features_F
        del missing[record_id]
    layers = dict(zip(model.layers, np.split(all_NF, np.cumsum(widths)[:-1], axis=1), strict=True))
    told = Embedded(layers, computed=len(missing))
    encode = for_inference(model.module.to(device))
    told_done = on_progress or (lambda done: None)
    told_done(done := len(place) - len(missing))
    for block in _blocks(list(missing)):
        windows = _read(model, store, block, told.refused)
        kept = list(windows)
        if kept:
            features_NF = _forward(encode, list(windows.values()), batch_size, device)
            cache.write(kept, features_NF)
            all_NF[[place[record_id] for record_id in kept]] = features_NF
        done += len(block)
        told_done(done)
    return told


def _blocks(record_ids: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(record_ids), BLOCK):
        yield record_ids[start : start + BLOCK]


def _read(
    model: LoadedModel, store: Store, block: Sequence[str], refused: dict[str, str]
) -> dict[str, NDArray[np.float32]]:
    """Model input x_NCT of each recording of a block; those that the model cannot take are put among the refused."""
    windows = {}
    for record_id in block:
        row = store.find(record_id)
        if row is None:
            raise WorldError(f"record {record_id}", "it is not in the store", "Import it again")
        signal_CT = store.signal(row)
        try:
            windows[record_id] = model_input(signal_CT, store.entry(row).rate_hz, model.preprocessing)
        except WorldError as error:
            refused[record_id] = error.reason
    return windows


def _forward(encode: Encoder, windows: list[NDArray[np.float32]], batch_size: int, device: torch.device) -> Features:
    """Embeddings [recordings, F]."""
    groups = [windows] if device.type != "cpu" else [[x_NCT] for x_NCT in windows]
    pooled_NF = np.concatenate([_pooled(encode, np.concatenate(group), batch_size, device) for group in groups])
    ends = np.cumsum([len(x_NCT) for x_NCT in windows])[:-1]
    means = [part_NF.mean(axis=0, dtype=np.float64) for part_NF in np.split(pooled_NF, ends)]
    return np.stack(means).astype(np.float32)


def _pooled(encode: Encoder, x_NCT: NDArray[np.float32], batch_size: int, device: torch.device) -> Features:
    """Mean over tokens of every layer, [N, F]."""
    parts = []
    with torch.inference_mode():
        for start in range(0, len(x_NCT), batch_size):
            batch_NCT = torch.from_numpy(x_NCT[start : start + batch_size]).to(device)
            layers = encode(batch_NCT).layers
            parts.append(torch.cat([layer_NLD.mean(dim=1) for layer_NLD in layers], dim=1).cpu().numpy())
    return np.concatenate(parts)

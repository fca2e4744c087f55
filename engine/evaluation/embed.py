"""One embedding per model and recording: mean over tokens, then over the recording's windows, for every layer.

On a CPU every recording goes through the model by itself, so that its numbers cannot depend on which recordings were
asked for with it; measured, that costs nothing there. On a GPU windows of several recordings share a batch.

Recordings are told by their places in what was asked for, in arrays: eleven million cost no object each. Whoever only
wants the cache filled (`fill`) holds a block of embeddings at a time, not all.

Legend: N windows, C leads, T samples, L tokens, D width of a layer, F features of all layers side by side, R recordings
asked for, M those of them that are not kept yet.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from engine.backbones.fused import Encoder, for_inference
from engine.contract.errors import WorldError
from engine.data import layout
from engine.data.embedding_cache import EmbeddingCache, Names
from engine.data.store import Store
from engine.signal.condition import check_card, model_input
from engine.signal.leads import CANONICAL
from engine.zoo.external import LoadedExternal
from engine.zoo.native import LoadedModel

BLOCK = 64
"""Recordings that are computed, kept and reported at a time."""

Features = NDArray[np.float32]
Network = LoadedModel | LoadedExternal
Embedder = Callable[[list[NDArray[np.float32]]], Features]
"""Windows x_NCT of each of some recordings to their embeddings [R, F]."""

Places = NDArray[np.int64]
RecordIds = Sequence[str] | NDArray[np.bytes_]
"""Ids of recordings, each once; an array of bytes takes a fifth of the memory of texts."""


@dataclass
class Filled:
    """What was made of recordings that were asked for.

    Attributes:
        refused: reason for each recording that the model cannot take.
        computed: how many were not in the cache.
    """

    refused: dict[str, str] = field(default_factory=dict)
    computed: int = 0


@dataclass
class Embedded(Filled):
    """Embeddings of recordings, in the order asked for.

    Attributes:
        layers: per layer [R, D]; a row of NaN where the model cannot take the recording.
    """

    layers: dict[str, Features] = field(default_factory=dict)


def embed(
    model: Network,
    store: Store,
    record_ids: RecordIds,
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
    names = Names(record_ids)
    widths = widths_of(model)
    all_RF = np.full((len(names), sum(widths)), np.nan, dtype=np.float32)
    kept_R = np.zeros(len(names), dtype=np.bool_)
    for places, features_NF in cache.read(names):
        all_RF[places], kept_R[places] = features_NF, True
    layers = dict(zip(model.layers, np.split(all_RF, np.cumsum(widths)[:-1], axis=1), strict=True))
    told = Embedded(layers=layers, computed=int((~kept_R).sum()))
    run = _Run(model, store, names, cache, device or torch.device("cpu"), batch_size, on_progress or (lambda _: None))
    for places, features_NF in run.compute(np.flatnonzero(~kept_R), told.refused):
        all_RF[places] = features_NF
    return told


def fill(
    model: Network,
    store: Store,
    record_ids: RecordIds,
    cache: EmbeddingCache,
    *,
    device: torch.device | None = None,
    batch_size: int = 64,
    on_progress: Callable[[int], None] | None = None,
) -> Filled:
    """Compute what is not kept yet and keep it; else as `embed`. Embeddings are held a block at a time."""
    check_card(model.preprocessing)
    names = Names(record_ids)
    missing_M = np.flatnonzero(~cache.holds(names))
    told = Filled(computed=len(missing_M))
    run = _Run(model, store, names, cache, device or torch.device("cpu"), batch_size, on_progress or (lambda _: None))
    for _ in run.compute(missing_M, told.refused):
        pass
    return told


@dataclass
class _Run:
    """A model at work on recordings."""

    model: Network
    store: Store
    names: Names
    cache: EmbeddingCache
    device: torch.device
    batch_size: int
    told: Callable[[int], None]

    def compute(self, missing_M: Places, refused: dict[str, str]) -> Iterator[tuple[Places, Features]]:
        """Compute and keep what is missing, block by block: places, and embeddings [n, F] of those that worked."""
        rows_M = self.store.find_many(self.names.ids_R[missing_M])
        if (rows_M < 0).any():
            absent = self.names.name(int(missing_M[np.argmin(rows_M)]))
            raise WorldError(f"record {absent}", "it is not in the store", "Import it again")
        forward = embedder_of(self.model, self.device, self.batch_size)
        done = len(self.names) - len(missing_M)
        self.told(done)
        for start in range(0, len(missing_M), BLOCK):
            block = slice(start, start + BLOCK)
            places, windows = self._read(missing_M[block], rows_M[block], refused)
            if windows:
                features_NF = forward(windows)
                self.cache.write([self.names.name(place) for place in places], features_NF)
                yield np.array(places, dtype=np.int64), features_NF
            done += len(missing_M[block])
            self.told(done)

    def _read(
        self, places: Places, rows: Places, refused: dict[str, str]
    ) -> tuple[list[int], list[NDArray[np.float32]]]:
        """Places and input x_NCT of those of a block that the model can take; the others are put among the refused."""
        taken, windows = [], []
        for place, row in zip(places.tolist(), rows.tolist(), strict=True):
            signal_CT, told = self.store.signal(row), self.store.index_row(row)
            try:
                feed, rate_hz = self.model.preprocessing, float(told["rate_hz"])
                windows.append(model_input(signal_CT, rate_hz, feed, derived_leads(told)))
                taken.append(place)
            except WorldError as error:
                refused[self.names.name(place)] = error.reason
        return taken, windows


def widths_of(model: Network) -> tuple[int, ...]:
    """How many numbers a recording has of each layer; of an external model, of each of its outputs."""
    return model.layer_widths if isinstance(model, LoadedExternal) else model.module.layer_widths


def embedder_of(model: Network, device: torch.device, batch_size: int) -> Embedder:
    """The model as a function of recordings' windows; whoever asks an external model closes it.

    Args:
        model: what embeds.
        device: where a model of ours runs.
        batch_size: windows at a time.
    """
    if isinstance(model, LoadedExternal):
        return lambda windows: model.features(windows, batch_size)
    encode = for_inference(model.module.to(device))
    return lambda windows: _forward(encode, windows, batch_size, device)


def derived_leads(row: np.void) -> tuple[str, ...]:
    """Leads of a line of the store's index that were computed from others."""
    if not row["derived"]:
        return ()
    return tuple(lead for lead, flag in zip(CANONICAL, layout.flags(int(row["derived"])), strict=True) if flag)


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

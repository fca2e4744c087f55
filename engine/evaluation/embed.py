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
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

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


class Keeper(Protocol):
    """What keeps tokens that are made on the way to embeddings."""

    there_R: NDArray[np.bool_]
    """Recordings asked for whose tokens are kept already."""

    def expect(self, record_ids: Sequence[str], counts: Sequence[int]) -> None:
        """Hear whose windows come next, and how many of each."""
        ...

    def take(self, tokens_NLD: Tensor) -> None:
        """Tokens of the next windows, which need not end with a recording."""
        ...


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
    keeper: Keeper | None = None,
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
        keeper: what keeps tokens, too, of a model of ours; recordings whose tokens it lacks are computed again.

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
    told = Embedded(layers=layers)
    run = _Run(model, store, names, cache, device or torch.device("cpu"), batch_size, on_progress, keeper, kept_R)
    for places, features_NF in run.compute(told):
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
    keeper: Keeper | None = None,
) -> Filled:
    """Compute what is not kept yet and keep it; else as `embed`. Embeddings are held a block at a time."""
    check_card(model.preprocessing)
    names = Names(record_ids)
    kept_R, told = cache.holds(names), Filled()
    run = _Run(model, store, names, cache, device or torch.device("cpu"), batch_size, on_progress, keeper, kept_R)
    for _ in run.compute(told):
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
    on_progress: Callable[[int], None] | None
    keeper: Keeper | None
    kept_R: NDArray[np.bool_]

    def compute(self, told: Filled) -> Iterator[tuple[Places, Features]]:
        """Compute and keep what is missing, block by block: places, and embeddings [n, F] of those that worked."""
        missing_M = np.flatnonzero(~self.kept_R if self.keeper is None else ~(self.kept_R & self.keeper.there_R))
        told.computed = len(missing_M)
        rows_M = self.store.find_many(self.names.ids_R[missing_M])
        if (rows_M < 0).any():
            absent = self.names.name(int(missing_M[np.argmin(rows_M)]))
            raise WorldError(f"record {absent}", "it is not in the store", "Import it again")
        take = None if self.keeper is None else self.keeper.take
        forward = embedder_of(self.model, self.device, self.batch_size, take)
        done = len(self.names) - len(missing_M)
        self._say(done)
        for start in range(0, len(missing_M), BLOCK):
            block = slice(start, start + BLOCK)
            taken, windows = self._read(missing_M[block], rows_M[block], told.refused)
            if windows:
                places = np.array(taken, dtype=np.int64)
                if self.keeper is not None:
                    self.keeper.expect([self.names.name(place) for place in taken], [len(x_NCT) for x_NCT in windows])
                features_NF = forward(windows)
                self._keep(places, features_NF)
                yield places, features_NF
            done += len(missing_M[block])
            self._say(done)

    def _say(self, done: int) -> None:
        if self.on_progress is not None:
            self.on_progress(done)

    def _keep(self, places: Places, features_NF: Features) -> None:
        """Write what is not kept yet: recordings whose tokens alone were missing have their embeddings."""
        new_N = ~self.kept_R[places]
        if new_N.any():
            self.cache.write([self.names.name(place) for place in places[new_N].tolist()], features_NF[new_N])

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


def embedder_of(
    model: Network, device: torch.device, batch_size: int, take: Callable[[Tensor], None] | None = None
) -> Embedder:
    """The model as a function of recordings' windows; whoever asks an external model closes it.

    Args:
        model: what embeds.
        device: where a model of ours runs.
        batch_size: windows at a time.
        take: handed the tokens of a model of ours, [N, L, D], window by window in order.
    """
    if isinstance(model, LoadedExternal):
        return lambda windows: model.features(windows, batch_size)
    encode = for_inference(model.module.to(device))
    return lambda windows: _forward(encode, windows, batch_size, device, take)


def derived_leads(row: np.void) -> tuple[str, ...]:
    """Leads of a line of the store's index that were computed from others."""
    if not row["derived"]:
        return ()
    return tuple(lead for lead, flag in zip(CANONICAL, layout.flags(int(row["derived"])), strict=True) if flag)


def _forward(
    encode: Encoder,
    windows: list[NDArray[np.float32]],
    batch_size: int,
    device: torch.device,
    take: Callable[[Tensor], None] | None,
) -> Features:
    """Embeddings [recordings, F]."""
    groups = [windows] if device.type != "cpu" else [[x_NCT] for x_NCT in windows]
    pooled_NF = np.concatenate([_pooled(encode, np.concatenate(group), batch_size, device, take) for group in groups])
    ends = np.cumsum([len(x_NCT) for x_NCT in windows])[:-1]
    means = [part_NF.mean(axis=0, dtype=np.float64) for part_NF in np.split(pooled_NF, ends)]
    return np.stack(means).astype(np.float32)


def _pooled(
    encode: Encoder,
    x_NCT: NDArray[np.float32],
    batch_size: int,
    device: torch.device,
    take: Callable[[Tensor], None] | None,
) -> Features:
    """Mean over tokens of every layer, [N, F]."""
    parts = []
    with torch.inference_mode():
        for start in range(0, len(x_NCT), batch_size):
            batch_NCT = torch.from_numpy(x_NCT[start : start + batch_size]).to(device)
            told = encode(batch_NCT)
            parts.append(torch.cat([layer_NLD.mean(dim=1) for layer_NLD in told.layers], dim=1).cpu().numpy())
            if take is not None:
                take(told.tokens_BLD)
    return np.concatenate(parts)

"""Embedding inside a run: the model loaded, the cache found, progress told. The door to torch for evaluations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from engine.contract.config import (
    EmbedConfig,
    EvaluateConfig,
    ExternalModel,
    NativeModel,
    RandomModel,
    StressConfig,
)
from engine.contract.drift import DriftConfig
from engine.contract.errors import UsageError
from engine.contract.events import EventWriter, Warned
from engine.contract.run import RunFolder
from engine.data.embedding_cache import EmbeddingCache, cache_key
from engine.data.store import Store
from engine.evaluation.embed import Embedded, Filled, Keeper, Network, RecordIds, embed, fill
from engine.evaluation.head_data import Crops
from engine.evaluation.kept_windows import KeptWindows, WindowKeeper, kind_for
from engine.evaluation.progress import Pace
from engine.signal.condition import is_plain
from engine.training.device import pick_device, set_threads
from engine.zoo.external import LoadedExternal, load_external
from engine.zoo.native import load_model

Made = TypeVar("Made")
_Config = EmbedConfig | EvaluateConfig | StressConfig | DriftConfig


def embed_run(
    folder: RunFolder,
    config: _Config,
    events: EventWriter,
    record_ids: Sequence[str],
) -> tuple[Embedded, Network]:
    """Embed recordings of a run with its model, as far as they are not in the cache.

    Raises:
        WorldError: the model, the store or a recording is missing or damaged.
    """
    asked = _Asked.of(folder, config, events, len(record_ids))
    return asked.by(embed, record_ids), asked.model


def fill_run(
    folder: RunFolder, config: EmbedConfig, events: EventWriter, record_ids: NDArray[np.bytes_]
) -> tuple[Filled, Network]:
    """Fill the cache with the embeddings of a run's recordings, without holding all of them; else as `embed_run`."""
    asked = _Asked.of(folder, config, events, len(record_ids))
    return asked.by(fill, record_ids), asked.model


@dataclass(frozen=True)
class _Asked:
    """What a run's config names, opened."""

    config: _Config
    events: EventWriter
    model: Network
    store: Store
    cache: EmbeddingCache
    device: torch.device
    batch_size: int
    place: Path
    pace: Pace

    @classmethod
    def of(cls, folder: RunFolder, config: _Config, events: EventWriter, records: int) -> _Asked:
        assert isinstance(config.model, NativeModel | RandomModel | ExternalModel)
        set_threads(config.threads)
        device = pick_device(config.device)
        model = load_network(config.model, config.threads)
        place = Path(config.cache) if config.cache else folder.path / "cache"
        told = model.identity if isinstance(model, LoadedExternal) else model.sha256
        cache = EmbeddingCache(place, cache_key(told, model.preprocessing))
        pace = Pace(folder, events, "records", "embedding", records, first=None)
        store = Store.open(Path(config.store))
        return cls(config, events, model, store, cache, device, config.batch_size, place, pace)

    def by(self, make: Callable[..., Made], record_ids: RecordIds) -> Made:
        keeper = self._keeper(record_ids)
        kept: AbstractContextManager[Keeper | None] = nullcontext() if keeper is None else keeper
        with kept, self.model.opened() if isinstance(self.model, LoadedExternal) else nullcontext():
            return make(
                self.model,
                self.store,
                record_ids,
                self.cache,
                device=self.device,
                batch_size=self.batch_size,
                on_progress=self.pace.step,
                keeper=keeper,
            )

    def _keeper(self, record_ids: RecordIds) -> WindowKeeper | None:
        """What keeps windows for the modes that come next; None where none needs them, or they cannot be kept."""
        config = self.config
        if not isinstance(config, EmbedConfig | EvaluateConfig) or (kind := kind_for(config.keep_for)) is None:
            return None
        if isinstance(self.model, LoadedExternal) or not is_plain(self.model.preprocessing):
            told = "Nothing is kept for the modes that come next: they cannot train a head on this model"
            self.events.emit(Warned(message=told))
            return None
        crops = Crops.of(self.model, self.store, record_ids)
        return KeptWindows(self.place, crops, record_ids, 1e9 * config.token_gb, self.events).keeper(kind)


def load_network(source: NativeModel | RandomModel | ExternalModel, threads: int = 0) -> Network:
    """Load what turns recordings into features. Raises WorldError where it is missing or damaged."""
    return load_external(source, threads) if isinstance(source, ExternalModel) else load_model(source)


def probed_layer(model: Network) -> str:
    """The layer that a linear probe takes: the last of ours, the first embedding of an external model.

    Raises:
        UsageError: an external model that gives no embedding.
    """
    if not isinstance(model, LoadedExternal):
        return model.layers[-1]
    found = [output.name for output in model.outputs if output.kind == "embedding"]
    if not found:
        reason = "it gives answers and no embedding, so that there is nothing to probe"
        raise UsageError(f"model {model.name}", reason, "Choose mode 'own'")
    return found[0]


def compared_layer(model: Network) -> str:
    """The layer in which recordings are compared with one another: as `probed_layer`, or else the first answers."""
    if isinstance(model, LoadedExternal) and all(output.kind != "embedding" for output in model.outputs):
        return model.layers[0]
    return probed_layer(model)

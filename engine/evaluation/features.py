"""Embedding inside a run: the model loaded, the cache found, progress told. The door to torch for evaluations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from engine.contract.config import EmbedConfig, EvaluateConfig, NativeModel, RandomModel, StressConfig
from engine.contract.drift import DriftConfig
from engine.contract.events import EventWriter
from engine.contract.run import RunFolder
from engine.data.embedding_cache import EmbeddingCache, cache_key
from engine.data.store import Store
from engine.evaluation.embed import Embedded, Filled, RecordIds, embed, fill
from engine.evaluation.progress import Pace
from engine.training.device import pick_device, set_threads
from engine.zoo.native import LoadedModel, load_model

Made = TypeVar("Made")


def embed_run(
    folder: RunFolder,
    config: EmbedConfig | EvaluateConfig | StressConfig | DriftConfig,
    events: EventWriter,
    record_ids: Sequence[str],
) -> tuple[Embedded, LoadedModel]:
    """Embed recordings of a run with its model, as far as they are not in the cache.

    Raises:
        WorldError: the model, the store or a recording is missing or damaged.
    """
    asked = _Asked.of(folder, config, events, len(record_ids))
    return asked.by(embed, record_ids), asked.model


def fill_run(
    folder: RunFolder, config: EmbedConfig, events: EventWriter, record_ids: NDArray[np.bytes_]
) -> tuple[Filled, LoadedModel]:
    """Fill the cache with the embeddings of a run's recordings, without holding all of them; else as `embed_run`."""
    asked = _Asked.of(folder, config, events, len(record_ids))
    return asked.by(fill, record_ids), asked.model


@dataclass(frozen=True)
class _Asked:
    """What a run's config names, opened."""

    model: LoadedModel
    store: Store
    cache: EmbeddingCache
    device: torch.device
    batch_size: int
    pace: Pace

    @classmethod
    def of(
        cls,
        folder: RunFolder,
        config: EmbedConfig | EvaluateConfig | StressConfig | DriftConfig,
        events: EventWriter,
        records: int,
    ) -> _Asked:
        assert isinstance(config.model, NativeModel | RandomModel)
        set_threads(config.threads)
        device = pick_device(config.device)
        model = load_model(config.model)
        place = Path(config.cache) if config.cache else folder.path / "cache"
        cache = EmbeddingCache(place, cache_key(model.sha256, model.preprocessing))
        pace = Pace(folder, events, "records", "embedding", records, first=None)
        return cls(model, Store.open(Path(config.store)), cache, device, config.batch_size, pace)

    def by(self, make: Callable[..., Made], record_ids: RecordIds) -> Made:
        return make(
            self.model,
            self.store,
            record_ids,
            self.cache,
            device=self.device,
            batch_size=self.batch_size,
            on_progress=self.pace.step,
        )

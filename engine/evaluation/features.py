"""Embedding inside a run: the model loaded, the cache found, progress told. The door to torch for evaluations."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from engine.contract.config import EmbedConfig, EvaluateConfig, NativeModel, RandomModel, StressConfig
from engine.contract.events import EventWriter
from engine.contract.run import RunFolder
from engine.data.store import Store
from engine.evaluation.cache import EmbeddingCache, cache_key
from engine.evaluation.embed import Embedded, embed
from engine.evaluation.progress import Pace
from engine.training.device import pick_device, set_threads
from engine.zoo.native import LoadedModel, load_model


def embed_run(
    folder: RunFolder,
    config: EmbedConfig | EvaluateConfig | StressConfig,
    events: EventWriter,
    record_ids: Sequence[str],
) -> tuple[Embedded, LoadedModel]:
    """Embed recordings of a run with its model, as far as they are not in the cache.

    Raises:
        WorldError: the model, the store or a recording is missing or damaged.
    """
    assert isinstance(config.model, NativeModel | RandomModel)
    set_threads(config.threads)
    device = pick_device(config.device)
    model = load_model(config.model)
    place = Path(config.cache) if config.cache else folder.path / "cache"
    cache = EmbeddingCache(place, cache_key(model.sha256, model.preprocessing))
    pace = Pace(folder, events, "records", "embedding", len(record_ids), first=None)
    embedded = embed(
        model,
        Store.open(Path(config.store)),
        record_ids,
        cache,
        device=device,
        batch_size=config.batch_size,
        on_progress=pace.step,
    )
    return embedded, model

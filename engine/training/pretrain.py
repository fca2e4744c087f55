"""The pretraining worker: a run folder in, a backbone with its card out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from engine.backbones.base import count_trainable
from engine.contract.card import ModelCard
from engine.contract.config import PretrainConfig
from engine.contract.errors import WorldError
from engine.contract.events import EventWriter, Warned
from engine.contract.results import PretrainResults, ProbeChange, ProbePoint
from engine.contract.run import ManifestRow, RunFolder
from engine.data.manifest import Manifest
from engine.data.store import Store
from engine.kernels.products import route_products
from engine.training.batches import ALONE, Cropper, Rows, Share, TrainingBatches, ValidationBatches
from engine.training.checkpoint import checkpoint_name, newest_checkpoint
from engine.training.device import set_threads
from engine.training.distributed import Ranks, joined
from engine.training.keeping import points_of
from engine.training.learner import Learner
from engine.training.lineage import FRESH, Corpus, Origin, Standing, model_card
from engine.training.loop import Data, Loop
from engine.training.once import resampled_once
from engine.training.parent import Parent, load_parent
from engine.training.probing import Probe
from engine.zoo.native import weights_sha256


def run(folder: RunFolder, config: PretrainConfig, events: EventWriter, probe: Probe | None = None) -> PretrainResults:
    """Pretrain, or go on pretraining, what a run folder describes.

    Args:
        folder: the run.
        config: what is asked; with several `ranks` this process is one of them and starts the others where no
            launcher did.
        events: where it says what it does; on ranks other than the first, nowhere.
        probe: a linear probe that is asked along the way (see `engine.training.probing`).

    Raises:
        Stopped: somebody asked; a checkpoint stands.
        WorldError: records missing or too few, no usable checkpoint or parent, a loss that is not a number, a full
            disk, memory that ran out, a GPU or a rank that is gone.
    """
    with joined(folder, config, events) as ranks:
        set_threads(config.threads, ranks.local_world)
        if ranks.device.type == "cpu":
            route_products()
        loop = _prepared(folder, config, events, ranks, probe)
        loop.run()
    return _results(folder, config, loop, probe)


def open_data(
    config: PretrainConfig,
    manifest: Sequence[ManifestRow],
    events: EventWriter,
    share: Share = ALONE,
    stop_asked: Callable[[], bool] = lambda: False,
) -> Data:
    """Batches of the recordings that a manifest names.

    Raises:
        WorldError: records missing or too few, or no room on the disk to resample them once.
        Stopped: somebody asked for it while they were resampled; what is there stays.
    """
    store, columns = Store.open(Path(config.store)), Manifest.of(manifest)
    cropper = Cropper(store, config)
    rows, held_out = (_usable_rows(store, cropper, columns, split, events) for split in ("train", "validation"))
    if config.resample == "once":
        resampled = resampled_once(store, np.concatenate([rows, held_out]), config, events, stop_asked)
        rows, held_out = resampled.find_same(store, rows), resampled.find_same(store, held_out)
        cropper = Cropper(resampled, config)
    training = TrainingBatches(cropper, rows, config, share)
    return Data(training, ValidationBatches(cropper, held_out, config, share))


def _prepared(
    folder: RunFolder, config: PretrainConfig, events: EventWriter, ranks: Ranks, probe: Probe | None
) -> Loop:
    for caution in config.cautions:
        events.emit(Warned(message=caution))
    manifest = Manifest.read(folder.manifest_path)
    data = open_data(config, manifest, events, ranks.share, folder.stop_asked)
    parent = _parent(folder, config)
    learner = Learner(config, ranks.device, parent.backbone if parent else None)
    parameters, corpus = count_trainable(learner.backbone), Corpus.of(manifest)

    def card(now: Standing) -> ModelCard:
        return model_card(config, corpus, folder.path.name, parameters, now)

    origin = Origin.of(parent) if parent else FRESH
    return Loop(folder, config, learner, data, events, ranks, card, origin, probe)


def _parent(folder: RunFolder, config: PretrainConfig) -> Parent | None:
    """The parent of a run at its beginning; later its weights are not needed any more, and may be gone."""
    if not config.parent or newest_checkpoint(folder.checkpoints).path is not None:
        return None
    return load_parent(config)


def _results(folder: RunFolder, config: PretrainConfig, loop: Loop, probe: Probe | None) -> PretrainResults:
    kept = loop.kept()
    step = loop.step if kept is None else kept.step
    return PretrainResults(
        checkpoint=f"{folder.checkpoints.name}/{checkpoint_name(step)}",
        weights_sha256=kept.sha256 if kept else weights_sha256(loop.learner.backbone, config.backbone),
        steps=loop.step,
        kept_step=None if kept is None else step,
        parameters=count_trainable(loop.learner.backbone),
        final=loop.final(kept),
        seconds=round(loop.seconds, 3),
        stopped_early=loop.step < config.steps,
        collapse=loop.collapse if kept is None else kept.about["collapse"],
        collapsed=loop.collapsed if kept is None else kept.about["collapsed"],
        probes=(points := points_of(loop.probes, step)),
        forgetting=_forgetting(config, points, probe),
    )


def _forgetting(config: PretrainConfig, points: Sequence[ProbePoint], probe: Probe | None) -> list[ProbeChange]:
    """What a continued pretraining did to the probe: last point minus first."""
    steps = [point.step for point in points]
    if probe is None or not config.parent or len(steps) < 2:
        return []
    return probe.change(steps[0], steps[-1])


def _usable_rows(store: Store, cropper: Cropper, manifest: Manifest, split: str, events: EventWriter) -> Rows:
    """Rows of the store for one side of the split, without recordings that are too slow or shorter than a crop."""
    rows_N = _rows(store, manifest.part(split))
    for ill_suited, what in ((cropper.slow, "slower than the model's rate"), (cropper.short, "shorter than a crop")):
        out_N = ill_suited(rows_N)
        if out_N.any():
            events.emit(Warned(message=f"{out_N.sum()} {split} recordings are {what} and are left out"))
            rows_N = rows_N[~out_N]
    return rows_N


def _rows(store: Store, manifest: Manifest) -> Rows:
    rows_N = store.find_many(manifest.ids_N)
    if (rows_N < 0).any():
        raise WorldError(
            "store",
            f"record {manifest[int(np.argmin(rows_N))].record_id} of the manifest is not in it",
            "Import it again, or make a new cohort",
        )
    return rows_N

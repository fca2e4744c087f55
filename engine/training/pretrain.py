"""The pretraining worker: a run folder in, a backbone with its card out."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from engine.backbones.base import count_trainable
from engine.contract.card import Lineage, ModelCard, Preprocessing
from engine.contract.config import PretrainConfig
from engine.contract.errors import WorldError
from engine.contract.events import EventWriter, Warned
from engine.contract.results import PretrainResults
from engine.contract.run import ManifestRow, RunFolder
from engine.data.splits import split_digest
from engine.data.store import Store
from engine.training.batches import Cropper, TrainingBatches, ValidationBatches
from engine.training.checkpoint import checkpoint_name, sha256
from engine.training.device import pick_device, set_threads
from engine.training.learner import WEIGHTS, Learner
from engine.training.loop import Loop


def run(folder: RunFolder, config: PretrainConfig, events: EventWriter) -> PretrainResults:
    """Pretrain, or go on pretraining, what a run folder describes.

    Raises:
        Stopped: somebody asked; a checkpoint stands.
        WorldError: records missing or too few, no usable checkpoint, a loss that is not a number, a full disk.
    """
    set_threads(config.threads)
    device = pick_device(config.device)
    store = Store.open(Path(config.store))
    manifest = folder.manifest()
    cropper = Cropper(store, config)
    training = TrainingBatches(cropper, _usable_rows(store, cropper, manifest, "train", events), config)
    validation = ValidationBatches(cropper, _usable_rows(store, cropper, manifest, "validation", events), config)
    learner = Learner(config, device)
    parameters = count_trainable(learner.backbone)

    def card(step: int, files: dict[str, bytes]) -> ModelCard:
        weights = hashlib.sha256(files[WEIGHTS]).hexdigest()
        return model_card(config, manifest, folder.path.name, step, weights, parameters)

    loop = Loop(folder, config, learner, training, validation, events, card)
    loop.run()
    final = folder.checkpoints / checkpoint_name(loop.step)
    return PretrainResults(
        checkpoint=f"{folder.checkpoints.name}/{final.name}",
        weights_sha256=sha256(final / WEIGHTS),
        steps=loop.step,
        parameters=parameters,
        final=loop.final(),
        seconds=round(loop.seconds, 3),
    )


def model_card(
    config: PretrainConfig, manifest: Sequence[ManifestRow], run_id: str, step: int, weights: str, parameters: int
) -> ModelCard:
    """Identity, lineage and preprocessing contract of the model as it stands at a step."""
    used = [row for row in manifest if row.split in ("train", "validation")]
    train = [row for row in used if row.split == "train"]
    lineage = Lineage(
        objective=config.objective.name,
        fidelity=config.objective.fidelity,
        backbone=config.backbone.summary,
        parameters=parameters,
        corpus=f"{len(train)} recordings of the workspace to train on, {len(used) - len(train)} held out",
        corpus_sha256=split_digest([row.record_id for row in used], [row.split for row in used]),
        records=len(train),
        patients=len({row.patient for row in train}),
        steps=step,
        seed=config.seed,
        run_id=run_id,
    )
    return ModelCard(
        name=config.name,
        source="native",
        developer="pretrained in this workspace",
        intended_use="features for linear probes on recordings of this workspace",
        output="embedding",
        weights_sha256=weights,
        lineage=lineage,
        preprocessing=Preprocessing(rate_hz=config.rate_hz, window_s=config.window_s, clip_mv=config.clip_mv),
    )


def _usable_rows(
    store: Store, cropper: Cropper, manifest: Sequence[ManifestRow], split: str, events: EventWriter
) -> list[int]:
    """Rows of the store for one side of the split, without recordings shorter than a crop."""
    rows = [_row(store, row.record_id) for row in manifest if row.split == split]
    usable = [row for row in rows if cropper.room(row) >= 0]
    if len(usable) < len(rows):
        short = len(rows) - len(usable)
        events.emit(Warned(message=f"{short} {split} recordings are shorter than a crop and are left out"))
    return usable


def _row(store: Store, record_id: str) -> int:
    row = store.find(record_id)
    if row is None:
        raise WorldError(
            "store", f"record {record_id} of the manifest is not in it", "Import it again, or make a new cohort"
        )
    return row

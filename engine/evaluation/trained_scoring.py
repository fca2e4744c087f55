"""Scoring by modes that are trained on crops: model, tokens, trainings, features afterwards, the kept checkpoint."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from engine.backbones.base import Backbone
from engine.backbones.fused import for_inference
from engine.backbones.weights import weights_bytes
from engine.contract.card import DERIVED_STAMP, UNKNOWN, Lineage, ModelCard
from engine.contract.config import EvaluateConfig, NativeModel, RandomModel
from engine.contract.errors import WorldError
from engine.contract.evaluation import MODES
from engine.contract.events import EventWriter
from engine.contract.run import RunFolder
from engine.data.splits import split_digest
from engine.data.store import Store
from engine.evaluation.frozen_examples import frozen_examples
from engine.evaluation.head_data import Crops, Examples, in_batches
from engine.evaluation.opened import Opened
from engine.evaluation.probe import parts_of
from engine.evaluation.progress import Pace
from engine.evaluation.scoring import Scored
from engine.evaluation.trained import TRAINED, Trained, cross_trained
from engine.kernels.products import route_products
from engine.training.checkpoint import checkpoint_name, sha256_of, write_checkpoint
from engine.training.device import pick_device, set_threads
from engine.zoo.native import CARD, WEIGHTS, LoadedModel, load_model

Features = NDArray[np.float32]

WINDOWS_NOTE = "In every epoch the head saw one of each recording's consecutive windows; the study cuts a crop anywhere"
ANYWHERE_NOTE = "In every epoch the head saw a crop of each recording cut anywhere, as in the study"


def trained_scores(
    folder: RunFolder, config: EvaluateConfig, events: EventWriter, opened: Opened, notes: list[str]
) -> Scored:
    """Train on every part and score everybody; else as `scoring.score`."""
    assert isinstance(config.model, NativeModel | RandomModel)
    _refuse_to_keep_folds(config, len(parts_of(opened.split)))
    set_threads(config.threads)
    device = pick_device(config.device)
    if device.type == "cpu":
        route_products()
    model = load_model(config.model)
    crops = Crops.of(model, Store.open(Path(config.store)), opened.record_ids)
    examples: Examples = crops
    if config.mode not in TRAINED:
        examples = frozen_examples(folder, config, events, crops, opened.record_ids, device)
    pace = Pace(folder, events, "epochs", "training", config.training.epochs * len(parts_of(opened.split)))
    told = cross_trained(config, opened, crops, examples, device, pace.step)
    refused = int((~crops.usable()).sum())
    seen = [] if config.mode in TRAINED else [WINDOWS_NOTE if config.training.crops == "windows" else ANYWHERE_NOTE]
    told_notes = [*notes, *seen, *([f"{refused} recordings are shorter than a window and left out"] if refused else [])]
    return Scored(
        model.sha256,
        MODES[config.mode],
        told.score_NL,
        told.probability_NL,
        told.prediction_NK,
        told.problems,
        layers=_layers(model, crops, told, device, config.batch_size, folder, events),
        notes=told_notes,
        training=told.histories,
        checkpoint=_kept(folder, config, opened, model, told),
        number_problems=told.number_problems,
    )


def _refuse_to_keep_folds(config: EvaluateConfig, parts: int) -> None:
    """Raise WorldError before anything is trained where a model is to be kept and there would be one a fold."""
    if config.training.keep_model and config.mode in TRAINED and parts > 1:
        raise WorldError(
            "finetuned model",
            f"there are {parts}, one a fold, and none of them is the model",
            "Evaluate on a cohort with a training and a test part to keep it",
        )


def _layers(
    model: LoadedModel,
    crops: Crops,
    told: Trained,
    device: torch.device,
    batch_size: int,
    folder: RunFolder,
    events: EventWriter,
) -> dict[str, Features]:
    """Pooled features of the trained models, each recording's by the one that scored it; none of a frozen model.

    Features of a frozen model stand with its linear probe. Layers of different folds are those of different models, so
    only a single part has layers that can be compared.
    """
    if len(told.models) != 1:
        return {}
    trunk = told.models[0]
    usable_N = crops.usable()
    out = {
        name: np.full((len(usable_N), width), np.nan, dtype=np.float32)
        for name, width in zip(trunk.layer_names, trunk.layer_widths, strict=True)
    }
    encode = for_inference(trunk)
    pace = Pace(folder, events, "records", "features of the trained model", int(usable_N.sum()))
    with torch.inference_mode():
        done = 0
        for rows, x_WCT, counts in in_batches(crops, np.flatnonzero(usable_N), device, batch_size):
            for name, layer_WLD in zip(out, encode(x_WCT).layers, strict=True):
                parts = torch.split(layer_WLD.mean(dim=1), counts)
                out[name][rows] = torch.stack([part_WD.mean(dim=0) for part_WD in parts]).float().cpu().numpy()
            done += len(rows)
            pace.step(done)
    return out


def _kept(folder: RunFolder, config: EvaluateConfig, opened: Opened, model: LoadedModel, told: Trained) -> str:
    """Write the finetuned weights as a checkpoint of our format; the path below the run folder."""
    if not config.training.keep_model or not told.models:
        return ""
    trunk = told.models[0]
    weights = weights_bytes(trunk.cpu(), model.backbone)
    epoch = told.histories[0].best_epoch
    card = _card(config, model, _shaped(folder, opened, model, trunk), sha256_of(weights), epoch)
    files = {WEIGHTS: weights, CARD: card.model_dump_json(indent=2).encode()}
    place = folder.path / "checkpoints"
    place.mkdir(exist_ok=True)
    write_checkpoint(place, epoch, files, keep=1)
    return f"checkpoints/{checkpoint_name(epoch)}"


def _shaped(folder: RunFolder, opened: Opened, model: LoadedModel, trunk: Backbone) -> Lineage:
    """How the weights came to be, with the recordings whose labels shaped them or chose the epoch."""
    rows = [row for row, part in enumerate(opened.split) if part in ("train", "validation")]
    corpora = {opened.groups["dataset"][row] for row in rows} - {""} if "dataset" in opened.groups else set()
    return Lineage(
        backbone=model.backbone.summary,
        parameters=sum(parameter.numel() for parameter in trunk.parameters()),
        corpus=", ".join(sorted(corpora)) or UNKNOWN,
        corpus_sha256=split_digest([opened.record_ids[row] for row in rows], [opened.split[row] for row in rows]),
        records=len(rows),
        patients=len({opened.patients[row] for row in rows}),
        run_id=folder.path.name,
        parent_sha256=model.sha256,
        parent_name=model.name,
    )


def _card(config: EvaluateConfig, model: LoadedModel, lineage: Lineage, digest: str, epoch: int) -> ModelCard:
    """The parent's notes first: a child inherits what its parent learned from."""
    labels = ", ".join([*config.labels, *config.targets])
    own = f"Trained on the labels {labels}; epoch {epoch} of {config.training.epochs}"
    return ModelCard(
        name=f"{model.name}, {MODES[config.mode]}",
        source="native",
        output="embedding",
        weights_sha256=digest,
        preprocessing=model.preprocessing,
        stamp=DERIVED_STAMP,
        lineage=lineage.model_copy(update={"objective": f"{MODES[config.mode]} on labels", "seed": config.seed}),
        notes=tuple(dict.fromkeys([*model.notes, own])),
    )

"""What a model of any source says about a run's recordings, in whatever mode; the door to torch for evaluations.

Scores of others and age + sex are scored without torch.

Legend: N recordings, L labels, K measured numbers, D features.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.contract.answers import answers, notes_of
from engine.contract.config import (
    BaselineModel,
    EvaluateConfig,
    ExternalModel,
    NativeModel,
    PredictionsModel,
    RandomModel,
)
from engine.contract.errors import UsageError
from engine.contract.evaluation import MODES, FewLabelResults, HeadHistory
from engine.contract.events import EventWriter
from engine.contract.output_types import OutputType
from engine.contract.run import RunFolder
from engine.evaluation.baseline import known_features
from engine.evaluation.few_labels import few_label_results, probes
from engine.evaluation.opened import Opened, supplied_scores
from engine.evaluation.own import own_scores
from engine.evaluation.probe import FeatureMaker, cross_validated, parts_of, training_outcome
from engine.evaluation.progress import Pace
from engine.evaluation.ridge import cross_validated_numbers

POOLED_NOTE = "Scores of different folds are pooled as log-odds without their fold's intercept"
TRAINED_NOTE = "Scores of different folds are pooled as log-odds less those of the label's share in their training part"

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Scored:
    """What a model of any source says about the manifest's recordings.

    Attributes:
        score_NL: NaN where there is no score.
        probability_NL: None when the source gives none.
        prediction_NK: of measured numbers; None when the source gives none.
        problems: per label index, why it has no score.
        number_problems: per target index, why it has no prediction.
        layers: pooled features per layer, for all recordings of the manifest.
        training: one a part that was trained on crops.
        checkpoint: path below the run folder of the finetuned model, where it is kept.
        few_labels: the curve over fewer labelled patients, where one was asked for.
        kinds: by label what a vendor's or supplied answers are; empty for what was trained here.
    """

    sha256: str
    mode: str
    score_NL: Floats
    probability_NL: Floats | None = None
    prediction_NK: Floats | None = None
    problems: dict[int, str] = field(default_factory=dict)
    layers: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    training: list[HeadHistory] = field(default_factory=list)
    checkpoint: str = ""
    number_problems: dict[int, str] = field(default_factory=dict)
    few_labels: FewLabelResults | None = None
    kinds: tuple[OutputType, ...] = ()


def score(folder: RunFolder, config: EvaluateConfig, events: EventWriter, opened: Opened) -> Scored:
    """Score all recordings with the config's model, each by a model that has not seen its patient.

    Raises:
        UsageError: the model cannot be taken in this mode.
        WorldError: model, scores or recordings are missing or damaged.
        Stopped: somebody asked.
    """
    source = config.model
    refuse_mode(config)
    if isinstance(source, PredictionsModel):
        return _supplied(source, opened)
    if isinstance(source, BaselineModel):
        return _baseline(folder, config, events, opened, source)
    if isinstance(source, ExternalModel) and config.mode == "own":
        return _own(folder, config, events, opened, source)
    if config.mode == "linear":
        return _probed(folder, config, events, opened)
    from engine.evaluation.trained_scoring import trained_scores

    return trained_scores(folder, config, events, opened, _pooled(opened, TRAINED_NOTE))


def refuse_mode(config: EvaluateConfig) -> None:
    """Raise UsageError where a model cannot be taken in a mode."""
    source, mode = config.model, config.mode
    if mode == "own" and not isinstance(source, ExternalModel):
        reason = "it cannot be taken in mode 'own': that is for outputs of a vendor's model"
        raise UsageError(f"model {source.name}", reason, "Choose mode 'linear'")
    if mode not in ("linear", "own") and not isinstance(source, NativeModel | RandomModel):
        what = (
            "nothing of it can be trained here" if isinstance(source, ExternalModel) else "there is no network to train"
        )
        reason = f"it cannot be taken in mode '{mode}': {what}"
        raise UsageError(f"model {source.name}", reason, "Choose mode 'linear'")
    if mode == "supervised" and not isinstance(source, RandomModel):
        reason = "mode 'supervised' begins from random weights, and it has others"
        raise UsageError(f"model {source.name}", reason, "Choose mode 'finetune', or a model of random weights")


def _own(
    folder: RunFolder, config: EvaluateConfig, events: EventWriter, opened: Opened, source: ExternalModel
) -> Scored:
    """The answers of a vendor's model, as they are."""
    from engine.evaluation.features import embed_run

    if opened.targets:
        raise UsageError(
            f"model {source.name}", "its own outputs answer labels, not measured numbers", "Leave them out"
        )
    chosen = answers(source.name, source.outputs, opened.labels, config.classes)
    embedded, model = embed_run(folder, config, events, opened.record_ids)
    score_NL, probability_NL = own_scores(embedded.layers, chosen)
    layers = {one.name: embedded.layers[one.name] for one in source.outputs if one.kind == "embedding"}
    notes = [*notes_of(chosen), *model.notes, *_refused(embedded.refused)]
    kinds = tuple(one.judged_as for one in chosen)
    return Scored(source.sha256, MODES["own"], score_NL, probability_NL, layers=layers, notes=notes, kinds=kinds)


def _refused(refused: Mapping[str, str]) -> list[str]:
    if not refused:
        return []
    return [f"{len(refused)} recordings cannot be fed to the model (for instance: {next(iter(refused.values()))})"]


def _probed(folder: RunFolder, config: EvaluateConfig, events: EventWriter, opened: Opened) -> Scored:
    from engine.evaluation.features import embed_run, probed_layer

    embedded, model = embed_run(folder, config, events, opened.record_ids)
    features_ND = embedded.layers[probed_layer(model)].astype(np.float64)
    scored = _probe(folder, config, events, opened, features_ND)
    told = model.notes if isinstance(config.model, ExternalModel) else ()  # a native card's notes stand on the card
    notes = [*_pooled(opened, POOLED_NOTE), *told, *_refused(embedded.refused)]
    return replace(scored, sha256=model.sha256, mode=MODES["linear"], layers=embedded.layers, notes=notes)


def _pooled(opened: Opened, note: str) -> list[str]:
    return [note] if len(parts_of(opened.split)) > 1 else []


def _supplied(source: PredictionsModel, opened: Opened) -> Scored:
    told = supplied_scores(Path(source.file), opened.record_ids, [*opened.labels, *opened.targets])
    score_NL, prediction_NK = np.split(told.score_NL, [len(opened.labels)], axis=1)
    notes = []
    if told.foreign:
        named = "1 supplied score names" if told.foreign == 1 else f"{told.foreign:,} supplied scores name"
        notes.append(f"{named} a recording or a label outside this evaluation")
    likely_L = np.array([source.kind_of(label) == "probability" for label in opened.labels], dtype=bool)
    probability_NL = np.where(likely_L, score_NL, np.nan) if likely_L.any() else None
    kinds = tuple(source.kind_of(label) for label in opened.labels)
    mode = "scores as supplied"
    return Scored(told.sha256, mode, score_NL, probability_NL, prediction_NK, notes=notes, kinds=kinds)


def _baseline(
    folder: RunFolder, config: EvaluateConfig, events: EventWriter, opened: Opened, source: BaselineModel
) -> Scored:
    def features(train_N: NDArray[np.bool_]) -> Floats:
        return known_features(opened, source.features, train_N)

    definition = source.model_dump(mode="json", exclude={"name"})
    digest = hashlib.sha256(json.dumps(definition, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
    scored = _probe(folder, config, events, opened, features)
    return replace(scored, sha256=digest, mode=" + ".join(source.features), notes=_pooled(opened, POOLED_NOTE))


def _probe(
    folder: RunFolder, config: EvaluateConfig, events: EventWriter, opened: Opened, features: Floats | FeatureMaker
) -> Scored:
    """Scores and predictions by linear probes; whose they are and in which mode is for the caller to say."""
    known = opened.patients, opened.split, config.seed
    pace = Pace(folder, events, "folds", "linear probe", len(parts_of(opened.split)))
    told = cross_validated(features, opened.y_NL, *known, on_part=lambda done, _: pace.step(done))
    within = training_outcome(features, opened.y_NL, *known)
    score_NL, probability_NL = (
        np.where(np.isfinite(inner), inner, outer)
        for inner, outer in zip(within, (told.score_NL, told.probability_NL), strict=True)
    )
    numbers = cross_validated_numbers(features, opened.target_NK, *known)
    return Scored(
        "",
        "",
        score_NL,
        probability_NL,
        numbers.prediction_NK,
        told.problems,
        number_problems=numbers.problems,
        few_labels=_few_labels(folder, config, events, opened, features),
    )


def _few_labels(
    folder: RunFolder, config: EvaluateConfig, events: EventWriter, opened: Opened, features: Floats | FeatureMaker
) -> FewLabelResults | None:
    if config.few_labels is None or not opened.labels:
        return None
    pace = Pace(folder, events, "probes", "few-label curve", probes(config.few_labels))
    return few_label_results(
        config.few_labels,
        features,
        opened.y_NL,
        opened.patients,
        opened.split,
        series=config.model.name,
        confidence=config.confidence,
        seed=config.seed,
        told=pace.step,
    )

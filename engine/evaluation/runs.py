"""The workers of embed, evaluate and compare runs. Scores of others and age + sex are judged without torch.

Legend: N recordings, L labels.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from engine.contract.config import (
    CompareConfig,
    EmbedConfig,
    EvaluateConfig,
    ExternalModel,
    NativeModel,
    RandomModel,
)
from engine.contract.errors import UsageError, WorldError
from engine.contract.estimate import Estimate
from engine.contract.evaluation import TargetResult
from engine.contract.events import EventWriter, Warned
from engine.contract.results import CompareResults, EmbedResults, EvaluateResults, KnownLeaks
from engine.contract.run import RunFolder
from engine.data.manifest import Manifest
from engine.evaluation import comparison
from engine.evaluation.judge import Judged, TestPart, judge, tested
from engine.evaluation.judge_numbers import judge_targets
from engine.evaluation.label_page import Beyond
from engine.evaluation.opened import Opened, label_digests, open_labels
from engine.evaluation.operating import FLAG, Cuts, cuts_of
from engine.evaluation.probe import parts_of
from engine.evaluation.progress import Pace
from engine.evaluation.scoring import Scored, score

PREDICTIONS, FEATURES = "predictions.npz", "features.safetensors"

Floats = NDArray[np.float64]


def embed(folder: RunFolder, config: EmbedConfig, events: EventWriter) -> EmbedResults:
    """Fill the cache with the model's embeddings of the manifest's recordings.

    Raises:
        WorldError: the model or a recording is missing or damaged.
        UsageError: the model is no network.
    """
    if not isinstance(config.model, NativeModel | RandomModel | ExternalModel):
        raise UsageError(f"model {config.model.name}", "it has no layers to embed with", "Choose a network")
    from engine.evaluation.embed import widths_of
    from engine.evaluation.features import fill_run

    manifest = Manifest.read(folder.manifest_path)
    filled, model = fill_run(folder, config, events, manifest.ids_N)
    return EmbedResults(
        model_sha256=model.sha256,
        records=len(manifest) - len(filled.refused),
        computed=filled.computed - len(filled.refused),
        layers=list(model.layers),
        width=widths_of(model)[-1],
    )


def evaluate(folder: RunFolder, config: EvaluateConfig, events: EventWriter) -> EvaluateResults:
    """Score the test part with the config's model and measure how well it discriminates.

    Raises:
        WorldError: labels, model, scores or recordings are missing, damaged or do not belong together.
    """
    began = time.monotonic()
    opened, leaks = open_labels(folder, config.labels, config.targets), _leaks(folder, events)
    parts_of(opened.split)
    scored = score(folder, config, events, opened)
    part = tested(opened)
    rows = part.rows_N
    cuts = cuts_of(
        opened.y_NL,
        scored.score_NL,
        opened.split,
        rows,
        config.threshold,
        config.local_prevalence,
        scored.kinds,
        [config.given_thresholds.get(label) for label in opened.labels],
    )
    judged = _judged(folder, config, events, opened, scored, rows, cuts)
    targets, macro_mae = _judged_numbers(config, opened, scored, rows)
    _keep(folder, opened, part, scored, cuts)
    missing_note = (
        [f"{judged.missing} of {len(rows)} recordings lack a score and are left out"] if judged.missing else []
    )
    return EvaluateResults(
        model=config.model.name,
        model_sha256=scored.sha256,
        mode=scored.mode,
        macro=judged.macro if opened.labels else Estimate(not_estimable="no label was asked for"),
        labels=judged.labels,
        targets=targets,
        macro_mae=macro_mae,
        task=config.task,
        few_labels=scored.few_labels,
        training=scored.training,
        checkpoint=scored.checkpoint,
        split_id=config.split_id,
        split_kind=part.kind,
        test_sha256=part.sha256,
        labels_sha256=label_digests(opened, rows),
        records=len(rows),
        patients=len({opened.patients[row] for row in rows}),
        missing_scores=judged.missing,
        layers=list(scored.layers),
        notes=[*scored.notes, *missing_note, *judged.notes, *unused_thresholds(config, opened.labels, cuts)],
        leaks=leaks,
        seed=config.seed,
        resamples=config.resamples,
        seconds=round(time.monotonic() - began, 3),
    )


def unused_thresholds(config: EvaluateConfig, labels: Sequence[str], cuts: Cuts) -> list[str]:
    """That a threshold was given for what is a flag."""
    flags = [label for label, rule in zip(labels, cuts.rule, strict=True) if rule == FLAG]
    unused = [label for label in config.given_thresholds if label in flags]
    if not unused:
        return []
    return [f"The threshold given for {', '.join(unused)} has no effect: what is a flag already has none"]


def _judged(
    folder: RunFolder,
    config: EvaluateConfig,
    events: EventWriter,
    opened: Opened,
    scored: Scored,
    rows: NDArray[np.intp],
    cuts: Cuts,
) -> Judged:
    pace = Pace(folder, events, "labels", "intervals", len(opened.labels))
    beyond = Beyond(
        config,
        opened.y_NL,
        scored.probability_NL,
        opened.patients,
        opened.split,
        rows,
        opened.record_ids,
        opened.groups,
    )
    return judge(
        opened.labels,
        opened.y_NL[rows],
        scored.score_NL[rows],
        [opened.patients[row] for row in rows],
        resamples=config.resamples,
        confidence=config.confidence,
        seed=config.seed,
        problems=scored.problems,
        cuts=cuts,
        beyond=beyond,
        on_label=pace.step,
        kinds=scored.kinds,
    )


def _judged_numbers(
    config: EvaluateConfig, opened: Opened, scored: Scored, rows: NDArray[np.intp]
) -> tuple[list[TargetResult], Estimate | None]:
    if not opened.targets:
        return [], None
    taught_N = np.array([part != "test" for part in opened.split])
    with np.errstate(invalid="ignore"):
        spread_K = np.ma.masked_invalid(opened.target_NK[taught_N]).std(axis=0).filled(0.0)
    predicted_NK = np.full(opened.target_NK.shape, np.nan) if scored.prediction_NK is None else scored.prediction_NK
    return judge_targets(
        opened.targets,
        opened.target_NK[rows],
        predicted_NK[rows],
        [opened.patients[row] for row in rows],
        config,
        spread_K=np.atleast_1d(spread_K),
        groups={name: [told[row] for row in rows.tolist()] for name, told in opened.groups.items()},
        problems=scored.number_problems,
    )


def compare(folder: RunFolder, config: CompareConfig, events: EventWriter) -> CompareResults:
    """Paired differences of evaluations of one split, and CKA between their models' layers.

    Raises:
        WorldError: an evaluation is unfinished or damaged, or they are not of the same test part.
    """
    began = time.monotonic()
    opened = open_labels(folder, config.labels, config.targets)
    evaluations = [
        comparison.Evaluation.read(Path(path), name)
        for path, name in zip(config.evaluations, config.names, strict=True)
    ]
    compared = comparison.compare(folder, config, events, opened, evaluations)
    return CompareResults(
        examined=config.names[0],
        models=list(config.names),
        differences=compared.differences,
        further=compared.further,
        margin=config.margin,
        ranking=compared.ranking,
        cka=compared.cka,
        spread=compared.spread,
        split_id=config.split_id,
        test_sha256=evaluations[0].results.test_sha256,
        seed=config.seed,
        resamples=config.resamples,
        notes=compared.notes,
        seconds=round(time.monotonic() - began, 3),
    )


def _leaks(folder: RunFolder, events: EventWriter) -> KnownLeaks | None:
    """What was known of leaks when the run was started, said at once: each finding, and what nobody has looked for."""
    if not folder.leaks_path.exists():
        return None
    known = KnownLeaks.model_validate_json(folder.leaks_path.read_text(encoding="utf-8"))
    for told in known.findings:
        events.emit(Warned(message=f"Leak: {told}"))
    for told in (*known.off_label, *known.unsearched):
        events.emit(Warned(message=told))
    return known


def _keep(folder: RunFolder, opened: Opened, part: TestPart, scored: Scored, cuts: Cuts) -> None:
    """Write predictions.npz and features.safetensors of the test part, each whole or not at all."""
    rows = part.rows_N
    arrays = {
        "record_id": np.array(opened.record_ids, dtype=np.str_)[rows],
        "patient": np.array(opened.patients, dtype=np.str_)[rows],
        "fold": np.array(opened.split, dtype=np.str_)[rows],
        "labels": np.array(opened.labels, dtype=np.str_),
        "scores": scored.score_NL[rows],
        "thresholds": cuts.threshold_NL,
    }
    if scored.probability_NL is not None:
        arrays["probabilities"] = scored.probability_NL[rows]
    if opened.targets and scored.prediction_NK is not None:
        arrays |= {"targets": np.array(opened.targets, dtype=np.str_), "predictions": scored.prediction_NK[rows]}
    try:
        draft = folder.path / f"{PREDICTIONS}.tmp"
        with draft.open("wb") as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]
        os.replace(draft, folder.path / PREDICTIONS)
        if scored.layers:
            draft = folder.path / f"{FEATURES}.tmp"
            # Not `save_file`: when the disk is full it raises an error of its own, which is no OSError.
            draft.write_bytes(save({name: np.ascontiguousarray(x_ND[rows]) for name, x_ND in scored.layers.items()}))
            os.replace(draft, folder.path / FEATURES)
    except OSError as error:
        reason = f"scores cannot be written ({error.strerror or type(error).__name__})"
        raise WorldError("run folder", reason, "Free some space, then resume the run") from None

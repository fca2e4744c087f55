"""Asking for an evaluation: what model, cohort and settings do not allow is refused before anything is queued."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.core import cohorts, jobs, models, records, tasks
from app.core.home import Home
from app.core.schema import RecordLabel, RegisteredModel
from engine.contract.answers import answered, answers
from engine.contract.config import BaselineModel, EvaluateConfig, EvaluationSettings, ExternalModel, PredictionsModel
from engine.contract.errors import UsageError, WorldError
from engine.contract.evaluation import MODES, HeadTraining
from engine.contract.model_source import ModelSource
from engine.contract.run import ManifestRow

NETWORKS = ("native", "random")
"""Sources of models that take recordings, and whose weights can be trained on."""

EMBEDDERS = (*NETWORKS, "external")
"""Sources of models that take recordings."""


class Asked(NamedTuple):
    """An evaluation that may be queued: its config, and whose recordings."""

    config: EvaluateConfig
    manifest: list[ManifestRow]


def evaluate(
    session: Session,
    home: Home,
    model: str,
    cohort: str,
    names: Sequence[str],
    settings: EvaluationSettings,
    targets: Sequence[str] = (),
    task: str = "",
) -> str:
    """Queue an evaluation; raises as `asked`."""
    config, manifest = asked(session, home, model, cohort, names, settings, targets, task)
    return jobs.submit(session, home, config, f"{model} on {cohort}", manifest, cohort=cohort, model=model)


def asked(
    session: Session,
    home: Home,
    model: str,
    cohort: str,
    names: Sequence[str],
    settings: EvaluationSettings,
    targets: Sequence[str] = (),
    task: str = "",
) -> Asked:
    """What would be queued: labels and targets as named, or those of a task of the study.

    Raises:
        UsageError: unknown model, cohort, label, target; a mode or settings that the model cannot take; or a
            local prevalence of a label that is not evaluated.
        WorldError: nothing to evaluate: no label has both classes, or the predictions cover none.
    """
    found, group = models.get(session, model), cohorts.get(session, cohort)
    refuse_mode(found, settings)
    if task:
        if names or targets:
            raise UsageError(f"task {task}", "it names labels and numbers already", "Leave out either")
        names, targets = tasks.resolve(session, task, group.number)
    manifest = cohorts.manifest(session, cohort)
    refuse_short(session, found, manifest, cohort)
    if settings.training.keep_model and any(row.split.startswith("fold-") for row in manifest):
        reason = "every fold trains a model of its own, and none of them is the model"
        raise UsageError("training.keep_model", reason, "Evaluate on a cohort with a training and a test part")
    source = models.source_of(home, found)
    _refuse_unmeasured(session, source, manifest, cohort)
    chosen = cohorts.chosen_labels(session, group, manifest, names) if names or not targets else ()
    numbers = _numbers(session, targets)
    if isinstance(source, PredictionsModel):
        chosen, numbers = _covered(source, chosen, bool(names)), _covered(source, numbers, True, "target")
    if settings.mode == "own":
        # A task of the study names labels by the hundred: of them, those that the model answers.
        chosen = own_labels(source, chosen, bool(names) and not task, settings.classes, numbers)
    if settings.few_labels is not None and not chosen:
        reason = "curves over fewer labels are of labels of two classes, and none is evaluated"
        raise UsageError("few labels", reason, "Choose a label too, or leave them out")
    _refuse_unasked("prevalence", settings.local_prevalence, chosen)
    _refuse_unasked("threshold", settings.given_thresholds, chosen)
    config = EvaluateConfig(
        **dict(settings),
        store=str(home.store),
        cache=str(home.cache),
        model=source,
        labels=chosen,
        targets=numbers,
        task=task,
        split_id=group.split_id,
    )
    return Asked(config, manifest)


def refuse_mode(found: RegisteredModel, settings: EvaluationSettings) -> None:
    """A mode or settings that the model cannot take. Raises UsageError."""
    named = f"model {found.name}"
    refuse_own(found, settings)
    if settings.mode not in ("linear", "own") and found.source not in NETWORKS:
        reason = f"a model of kind {found.source} cannot be {_TRAINED[settings.mode]}: there is no network to train"
        raise UsageError(named, reason, "Choose a network, or the mode linear")
    if settings.mode == "supervised" and found.source != "random":
        reason = "mode supervised begins from random weights, and it has others"
        raise UsageError(named, reason, "Choose the mode finetune, or a model of random weights")
    if settings.few_labels is not None and found.source == "predictions":
        raise UsageError(named, "supplied scores do not depend on how many labels there are", "Choose another model")
    if settings.few_labels is not None and settings.mode != "linear":
        reason = f"curves over fewer labels are of the mode linear, not of {settings.mode}"
        raise UsageError("few labels", reason, "Choose the mode linear, or leave them out")
    if settings.mode in ("linear", "own") and settings.training != HeadTraining():
        nothing = "nothing is trained" if settings.mode == "own" else "the linear probe is solved"
        reason = f"{nothing}, it has no epochs or learning rates"
        raise UsageError("training", reason, f"Leave these settings out, or choose one of: {', '.join(_TRAINED)}")
    if settings.training.keep_model and settings.mode not in ("finetune", "supervised"):
        reason = f"the model itself stays as it is in mode {settings.mode}"
        raise UsageError("training.keep_model", reason, "Choose the mode finetune or supervised")


def refuse_own(found: RegisteredModel, settings: EvaluationSettings) -> None:
    """A mode that an external model's outputs, or their lack, do not allow. Raises UsageError."""
    named = f"model {found.name}"
    if settings.mode == "own" and found.source == "predictions":
        raise UsageError(named, "its answers stand in its file, and no mode is asked for", "Leave the mode out")
    if settings.mode == "own" and found.source != "external":
        reason = f"a model of kind {found.source} has no outputs of its own that could answer"
        raise UsageError(named, reason, "Choose a vendor's model, or the mode linear")
    if settings.classes and settings.mode != "own":
        raise UsageError("classes", "they are of a model's own outputs", "Choose the mode own, or leave them out")
    if found.source != "external":
        return
    kinds = [str(output["kind"]) for output in found.card.get("outputs") or ()]
    if settings.mode == "linear" and "embedding" not in kinds:
        raise UsageError(named, "it gives answers and no embedding to probe", "Choose the mode own")
    if settings.mode == "own" and set(kinds) <= {"embedding"}:
        raise UsageError(named, "it gives an embedding and no answers", "Choose the mode linear")


def own_labels(
    source: ModelSource, chosen: tuple[str, ...], asked: bool, classes: Mapping[str, str], numbers: Sequence[str] = ()
) -> tuple[str, ...]:
    """Of the labels, those that the model's own outputs answer; one that was asked for by name must be among them.

    Raises:
        UsageError: a label that no class answers, or several do; measured numbers, which no class answers.
    """
    assert isinstance(source, ExternalModel)
    if numbers:
        raise UsageError(f"target {numbers[0]}", "a model's own outputs answer labels, not numbers", "Leave it out")
    found = chosen if asked else tuple(answered(source.outputs, chosen, classes))
    told = answers(source.name, source.outputs, found or chosen, classes)
    return tuple(one.label for one in told)


_TRAINED = {mode: words for mode, words in MODES.items() if mode not in ("linear", "own")}


def measured_numbers(session: Session) -> dict[str, int]:
    """Labels that hold numbers, by name, with how many recordings have one: what may be a target."""
    query = select(RecordLabel.label, func.count()).where(RecordLabel.kind == "number").group_by(RecordLabel.label)
    return {label: int(count) for label, count in session.execute(query.order_by(RecordLabel.label))}


def _numbers(session: Session, targets: Sequence[str]) -> tuple[str, ...]:
    """The targets, each once, all of them labels that hold numbers. Raises UsageError for others."""
    numbers = measured_numbers(session)
    wrong = [name for name in dict.fromkeys(targets) if name not in numbers]
    if wrong:
        known = f"Measured numbers: {', '.join(numbers)}" if numbers else "Import a table of measured numbers first"
        two = set(cohorts.all_labels(session)) & set(wrong)
        reason = "it is a label of two classes, not a number" if two else "no recording has it"
        raise UsageError(f"target {', '.join(wrong)}", reason, known)
    return tuple(dict.fromkeys(targets))


def _refuse_unasked(what: str, told: Iterable[str], chosen: Sequence[str]) -> None:
    """Something told of a label that is not evaluated. Raises UsageError."""
    for label in told:
        if label not in chosen:
            known = f"Choose from: {', '.join(chosen)}" if chosen else "No label is evaluated"
            raise UsageError(f"{what} of {label}", "this label is not evaluated", known)


def refuse_short(session: Session, found: RegisteredModel, manifest: Sequence[ManifestRow], cohort: str) -> None:
    """A recording that is shorter than the window of a model that pads none. Raises WorldError."""
    contract = found.card.get("preprocessing")
    if isinstance(contract, dict) and contract.get("padding", "refused") == "refused":
        cohorts.refuse_short(session, manifest, cohort, float(contract["window_s"]))


def _refuse_unmeasured(session: Session, source: ModelSource, manifest: Sequence[ManifestRow], cohort: str) -> None:
    """A baseline of the cart's measurements, and recordings without any. Raises WorldError."""
    if not isinstance(source, BaselineModel) or "measurements" not in source.features:
        return
    found = records.by_ids(session, [row.record_id for row in manifest])
    if not any(record.measurements for record in found.values()):
        reason = "no recording of it has measurements of the cart"
        raise WorldError(f"cohort {cohort}", reason, "Choose the baseline of age and sex, or recordings that have some")


def _covered(source: PredictionsModel, chosen: tuple[str, ...], asked: bool, what: str = "label") -> tuple[str, ...]:
    """Of the labels, those that the supplied scores speak of; one that was asked for by name must be among them."""
    if not chosen:
        return ()
    try:
        with np.load(source.file) as scores:
            known = set(scores["labels" if "labels" in scores.files else "label"].tolist())
    except (OSError, ValueError, KeyError):
        raise WorldError(f"model {source.name}", "its file of scores is missing or damaged", "Add it again") from None
    missing = [label for label in chosen if label not in known]
    if missing and (asked or len(missing) == len(chosen)):
        listed = ", ".join(sorted(known))
        raise UsageError(f"{what} {', '.join(missing)}", "the predictions hold no score for it", f"They hold: {listed}")
    return tuple(label for label in chosen if label in known)

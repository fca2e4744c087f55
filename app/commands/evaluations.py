"""The verb `evaluate`: one model scored on a cohort, with every setting of an evaluation."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from typing import Any, get_args

from pydantic import ValidationError

from app import printing
from app.commands.evaluation_words import cost_words
from app.commands.parsing import Verbs, add_verb, opened, wants_json
from app.commands.submitting import add_finish, add_settings, submitted
from app.recipes import with_settings
from engine.contract.complaints import complaint, place
from engine.contract.errors import EXIT_DONE, UsageError
from engine.contract.evaluation import MODES, Attribute, EvaluationSettings, FewLabels, HeadTraining

EXAMPLES = (
    "isoline evaluate mymodel --cohort main --label MI --wait -w ward7",
    "isoline evaluate mymodel --cohort main --mode finetune --epochs 20 --estimate -w ward7",
    "isoline evaluate mymodel --cohort main --few-labels 0.85 -w ward7 --wait",
    "isoline evaluate vendor --cohort main --mode own --class AFIB=afib --wait -w ward7",
    "isoline evaluate mymodel --cohort main --label AF --subgroup sex --margin 0.05 --confirmatory -w ward7",
)


def add(verbs: Verbs) -> None:
    """Register the verb of this file."""
    evaluate = add_verb(
        verbs, "evaluate", "score one model on a cohort, with patient-clustered intervals", EXAMPLES, _evaluate
    )
    evaluate.add_argument("model", metavar="MODEL", help="a registered model (see: isoline model list)")
    _add_subject(evaluate)
    _add_training(evaluate)
    _add_told(evaluate)
    add_resampling(evaluate)
    add_settings(evaluate)
    evaluate.add_argument(
        "--estimate", action="store_true", help="start nothing: tell what it would compute and about how long"
    )
    add_finish(evaluate)


def add_resampling(parser: argparse.ArgumentParser) -> None:
    """The options `--resamples` and `--seed`."""
    parser.add_argument("--resamples", type=int, default=2000, metavar="N", help="bootstrap resamples (default: 2000)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the resampling (default: 0)")


def _add_subject(evaluate: argparse.ArgumentParser) -> None:
    """On whom, and what is predicted."""
    evaluate.add_argument("--cohort", required=True, metavar="C", help="whose recordings, labels and split; needed")
    evaluate.add_argument(
        "--label", action="append", default=[], metavar="L", help="score this label; repeatable (default: the cohort's)"
    )
    evaluate.add_argument(
        "--target", action="append", default=[], metavar="T", help="predict this measured number; repeatable"
    )
    evaluate.add_argument("--task", metavar="T", help="labels and numbers of this task of the study: isoline tasks")
    evaluate.add_argument(
        "--no-search", action="store_true", help="do not search first for copies of what the model was pretrained on"
    )


def _add_training(evaluate: argparse.ArgumentParser) -> None:
    """What is trained on the labels."""
    modes = "; ".join(f"{mode}: {words}" for mode, words in MODES.items())
    evaluate.add_argument("--mode", choices=tuple(MODES), default="linear", help=f"{modes} (default: linear)")
    add_classes(evaluate)
    evaluate.add_argument("--epochs", type=int, metavar="N", help="passes over the training recordings (default: 100)")
    evaluate.add_argument(
        "--few-labels",
        nargs="?",
        const="",
        metavar="AUROC",
        help="also with fewer labelled patients; with a macro AUROC, how many labels it would need (mode linear)",
    )


def add_classes(parser: argparse.ArgumentParser) -> None:
    """The option `--class`."""
    parser.add_argument(
        "--class",
        dest="classes",
        action="append",
        default=[],
        metavar="LABEL=CLASS",
        help="of mode own: the class of the model's outputs that answers a label, where names differ; repeatable",
    )


def classes_of(told: Sequence[str]) -> dict[str, str]:
    """By label, the class that `--class` names. Raises UsageError where one cannot be read, or is named twice."""
    classes: dict[str, str] = {}
    for one in told:
        label, equals, name = one.partition("=")
        if not equals or not label or not name:
            raise UsageError(f"--class {one}", "it is not of the form LABEL=CLASS", "Write: --class AFIB=afib")
        if label in classes:
            raise UsageError(f"--class {one}", f"a class is named for {label} already", "Name one class a label")
        classes[label] = name
    return classes


def thresholds_of(told: Sequence[str]) -> dict[str, str]:
    """By label, the threshold given. Raises UsageError where one cannot be read, or a label has two."""
    thresholds: dict[str, str] = {}
    for one in told:
        label, _, score = one.rpartition("=")
        if not label or label in thresholds:
            reason = f"a threshold is given for {label} already" if label else "it is not of the form LABEL=SCORE"
            raise UsageError(f"--given-threshold {one}", reason, "Write one for each label: --given-threshold AF=0.35")
        thresholds[label] = score
    return thresholds


def _add_told(evaluate: argparse.ArgumentParser) -> None:
    """What is told of it."""
    attributes = ", ".join(get_args(Attribute))
    evaluate.add_argument(
        "--subgroup",
        action="append",
        metavar="A",
        help=f"tell the groups of this attribute apart: {attributes}, or none; repeatable (default: sex, age)",
    )
    evaluate.add_argument("--margin", metavar="GAP", help="a gap of a subgroup's AUROC that would not matter, as 0.05")
    evaluate.add_argument(
        "--confirmatory",
        action="store_true",
        help="the subgroups were named in advance: Holm's correction (default: Benjamini-Hochberg's)",
    )
    evaluate.add_argument(
        "--decision-range",
        nargs=2,
        metavar=("LOW", "HIGH"),
        help="risks between which clinicians would act (default: 0.01 0.5)",
    )
    evaluate.add_argument(
        "--threshold",
        default="youden",
        metavar="RULE",
        help="chosen on training patients: youden (default), sensitivity=0.95 or specificity=0.9",
    )
    evaluate.add_argument(
        "--given-threshold",
        action="append",
        default=[],
        metavar="L=SCORE",
        help="threshold of label L that is not chosen here, as the one a product ships with: AF=0.35; repeatable",
    )
    evaluate.add_argument(
        "--prevalence",
        action="append",
        default=[],
        metavar="L=SHARE",
        help="predictive values where label L has this share of positives, for instance MI=0.02 or MI=2%%; repeatable",
    )


def settings_of(arguments: argparse.Namespace) -> EvaluationSettings:
    """What the options say; `--set` goes before them.

    Raises:
        UsageError: an option or a setting that cannot be read or is out of range.
    """
    try:
        return EvaluationSettings.model_validate(with_settings(_asked(arguments), arguments.set))
    except ValidationError as error:
        fault = error.errors(include_url=False)[0]
        where = place(fault)
        reason = complaint(
            fault, {*EvaluationSettings.model_fields, *HeadTraining.model_fields, *FewLabels.model_fields}
        )
        raise UsageError(_option(where), reason, _NEXT_STEPS.get(where.partition(".")[0], _CHECK)) from None


def _asked(arguments: argparse.Namespace) -> dict[str, Any]:
    """The options as plain settings; what was not given keeps its default."""
    kind, _, target = arguments.threshold.partition("=")
    local: dict[str, list[str]] = {}
    for told in arguments.prevalence:
        label, _, share = told.rpartition("=")
        local.setdefault(label, []).append(_as_share(share))
    given: Mapping[str, Any] = {
        "training": None if arguments.epochs is None else {"epochs": arguments.epochs},
        "few_labels": None if arguments.few_labels is None else {"target": arguments.few_labels or None},
        "subgroups": None if arguments.subgroup is None else [a for a in arguments.subgroup if a != "none"],
        "gap_margin": arguments.margin,
        "decision_range": arguments.decision_range,
    }
    return {
        "mode": arguments.mode,
        "classes": classes_of(arguments.classes),
        "confirmatory": arguments.confirmatory,
        "threshold": {"kind": kind, "target": target or None},
        "given_thresholds": thresholds_of(arguments.given_threshold),
        "local_prevalence": local,
        "resamples": arguments.resamples,
        "seed": arguments.seed,
        **{name: value for name, value in given.items() if value is not None},
    }


def _as_share(told: str) -> str:
    """A percentage as a share; what is none stays for the page to refuse."""
    number = told.removesuffix("%")
    try:
        return told if number == told else repr(round(float(number) / 100, 12))
    except ValueError:
        return told


_CHECK = "Correct it and try again"
_NEXT_STEPS = {
    "threshold": "Write --threshold youden, --threshold sensitivity=0.95 or --threshold specificity=0.9",
    "given_thresholds": "Write --given-threshold AF=0.35; a score is positive when it is not below it",
    "local_prevalence": "Write --prevalence MI=0.02 or MI=2%; shares are between 0 and 1",
    "subgroups": f"Choose from: {', '.join(get_args(Attribute))}, none",
    "few_labels": "Write --few-labels or --few-labels 0.85; an AUROC is between 0 and 1",
    "gap_margin": "Write --margin 0.05",
    "decision_range": "Write --decision-range 0.01 0.5, the lower risk first",
}
_OPTIONS = {
    "given_thresholds": "--given-threshold",
    "local_prevalence": "--prevalence",
    "subgroups": "--subgroup",
    "gap_margin": "--margin",
    "few_labels": "--few-labels",
    "decision_range": "--decision-range",
    "threshold": "--threshold",
    "resamples": "--resamples",
    "seed": "--seed",
    "mode": "--mode",
}
"""The option that sets a setting; the others are set by `--set`."""


def _option(where: str) -> str:
    """What the user wrote to set a setting. The one rule over the whole page, of the decision range, has no place."""
    if where == "training.epochs":
        return "--epochs"
    return _OPTIONS.get(where.partition(".")[0] or "decision_range", f"--set {where}")


def _evaluate(arguments: argparse.Namespace) -> int:
    settings = settings_of(arguments)
    subject = (arguments.model, arguments.cohort, arguments.label, settings)
    more = {"targets": arguments.target, "task": arguments.task or ""}
    with opened(arguments) as workspace:
        if arguments.estimate:
            cost = workspace.evaluation_cost(*subject, **more)
            print(printing.as_json(cost) if wants_json(arguments) else cost_words(cost))
            return EXIT_DONE
        job = workspace.evaluate(*subject, **more, search=not arguments.no_search)
        return submitted(workspace, job, "Evaluate", arguments)

"""Verbs that start runs on models: `embed`, `evaluate`, `compare`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from pydantic import ValidationError

from app.commands.parsing import Verbs, add_verb, opened
from app.commands.submitting import add_finish, submitted
from engine.contract.errors import UsageError
from engine.contract.evaluation import EvaluationSettings
from engine.contract.results import EvaluateResults

if TYPE_CHECKING:
    from app.workspace import Workspace


def add(verbs: Verbs) -> None:
    """Register the verbs of this file."""
    embed = add_verb(
        verbs,
        "embed",
        "compute and keep a model's embeddings",
        ["isoline embed mymodel --cohort main -w ward7"],
        _embed,
    )
    embed.add_argument("model", metavar="MODEL", help="a registered model (see: isoline model list)")
    embed.add_argument("--cohort", required=True, metavar="C", help="whose recordings; needed")
    add_finish(embed)

    evaluate = add_verb(
        verbs,
        "evaluate",
        "score one model on a cohort, with patient-clustered intervals",
        ["isoline evaluate mymodel --cohort main --label MI --wait -w ward7"],
        _evaluate,
    )
    evaluate.add_argument("model", metavar="MODEL", help="a registered model (see: isoline model list)")
    evaluate.add_argument("--cohort", required=True, metavar="C", help="whose recordings, labels and split; needed")
    evaluate.add_argument(
        "--label", action="append", default=[], metavar="L", help="score this label; repeatable (default: the cohort's)"
    )
    evaluate.add_argument(
        "--no-search", action="store_true", help="do not search first for copies of what the model was pretrained on"
    )
    evaluate.add_argument(
        "--threshold",
        default="youden",
        metavar="RULE",
        help="chosen on training patients: youden (default), sensitivity=0.95 or specificity=0.9",
    )
    evaluate.add_argument(
        "--prevalence",
        action="append",
        default=[],
        metavar="L=SHARE",
        help="predictive values where label L has this share of positives, for instance MI=0.02; repeatable",
    )
    _resampling(evaluate)
    add_finish(evaluate)

    compare = add_verb(
        verbs,
        "compare",
        "the first evaluation minus each of the others, paired; CKA between their models",
        ["isoline compare J0003 J0004 -w ward7 --wait", 'isoline compare mymodel "random S4" -w ward7 --wait'],
        _compare,
    )
    compare.add_argument(
        "evaluations", nargs="+", metavar="JOB", help="evaluation job, or a model's name if it has one evaluation"
    )
    _resampling(compare)
    add_finish(compare)


def _resampling(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--resamples", type=int, default=2000, metavar="N", help="bootstrap resamples (default: 2000)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the resampling (default: 0)")


def _embed(arguments: argparse.Namespace) -> int:
    with opened(arguments) as workspace:
        return submitted(workspace, workspace.embed(arguments.model, arguments.cohort), "Embed", arguments)


def _settings(arguments: argparse.Namespace) -> EvaluationSettings:
    """What the options say. Raises UsageError when they cannot be read."""
    kind, _, target = arguments.threshold.partition("=")
    local: dict[str, list[str]] = {}
    for told in arguments.prevalence:
        label, _, share = told.rpartition("=")
        local.setdefault(label, []).append(share)
    asked = {
        "threshold": {"kind": kind, "target": target or None},
        "local_prevalence": local,
        "resamples": arguments.resamples,
        "seed": arguments.seed,
    }
    try:
        return EvaluationSettings.model_validate(asked)
    except ValidationError as error:
        option = f"--{str(error.errors()[0]['loc'][0]).removeprefix('local_')}"
        next_step = "Write --threshold sensitivity=0.95 or --prevalence MI=0.02; shares are between 0 and 1"
        raise UsageError(option, "it cannot be read", next_step) from None


def _evaluate(arguments: argparse.Namespace) -> int:
    settings = _settings(arguments)
    with opened(arguments) as workspace:
        job = workspace.evaluate(
            arguments.model, arguments.cohort, arguments.label, settings, search=not arguments.no_search
        )
        return submitted(workspace, job, "Evaluate", arguments)


def _compare(arguments: argparse.Namespace) -> int:
    if len(arguments.evaluations) < 2:
        raise UsageError(
            "comparison", "it needs two evaluations or more", "Name the model examined first, then the others"
        )
    with opened(arguments) as workspace:
        jobs = [evaluation_job(workspace, word) for word in arguments.evaluations]
        job = workspace.compare(jobs, seed=arguments.seed, resamples=arguments.resamples)
        return submitted(workspace, job, "Compare", arguments)


def evaluation_job(workspace: Workspace, word: str) -> str:
    """The evaluation that a word names: a job id, or the model's name when it has exactly one finished evaluation.

    Raises:
        UsageError: no finished evaluation, or several.
    """
    rows = workspace.jobs()
    if any(row.job_id == word for row in rows):
        return word
    found = []
    for row in rows:
        results = workspace.results(row.job_id) if row.kind == "evaluate" and row.state == "done" else None
        if isinstance(results, EvaluateResults) and results.model == word:
            found.append(row.job_id)
    if not found:
        raise UsageError(f"evaluation {word}", "no job and no evaluated model has this name", "See: isoline jobs")
    if len(found) > 1:
        listed = ", ".join(sorted(found))
        raise UsageError(f"evaluation {word}", f"this model has several: {listed}", "Name one of these jobs")
    return found[0]

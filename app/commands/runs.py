"""Verbs that start runs on models: `embed`, `compare`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from app.commands.evaluations import add_resampling
from app.commands.parsing import Verbs, add_verb, opened
from app.commands.submitting import add_finish, submitted
from engine.contract.errors import UsageError
from engine.contract.evaluation import HEADS
from engine.contract.results import EvaluateResults

if TYPE_CHECKING:
    from app.workspace import Workspace


def add(verbs: Verbs) -> None:
    """Register the verbs of this file."""
    embed = add_verb(
        verbs,
        "embed",
        "compute and keep a model's embeddings",
        [
            "isoline embed mymodel --cohort main -w ward7",
            "isoline embed mymodel --cohort main --keep-for frozen -w ward7",
        ],
        _embed,
    )
    embed.add_argument("model", metavar="MODEL", help="a registered model (see: isoline model list)")
    embed.add_argument("--cohort", required=True, metavar="C", help="whose recordings; needed")
    embed.add_argument(
        "--keep-for",
        action="append",
        choices=HEADS,
        default=[],
        help="a mode that is evaluated next: what its heads are trained on is kept from the same pass; repeatable",
    )
    add_finish(embed)

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
    compare.add_argument(
        "--margin",
        type=float,
        metavar="LOSS",
        help="loss of AUROC that would be accepted: judges non-inferiority",
    )
    compare.add_argument(
        "--confirmatory", action="store_true", help="the labels were named in advance: Holm's correction over them"
    )
    add_resampling(compare)
    add_finish(compare)


def _embed(arguments: argparse.Namespace) -> int:
    with opened(arguments) as workspace:
        return submitted(
            workspace, workspace.embed(arguments.model, arguments.cohort, arguments.keep_for), "Embed", arguments
        )


def _compare(arguments: argparse.Namespace) -> int:
    if arguments.margin is not None and not 0 < arguments.margin < 1:
        raise UsageError("--margin", "it is not between 0 and 1", "Give the loss that would be accepted, such as 0.03")
    if len(arguments.evaluations) < 2:
        raise UsageError(
            "comparison", "it needs two evaluations or more", "Name the model examined first, then the others"
        )
    with opened(arguments) as workspace:
        jobs = [evaluation_job(workspace, word) for word in arguments.evaluations]
        job = workspace.compare(jobs, arguments.seed, arguments.resamples, arguments.margin, arguments.confirmatory)
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

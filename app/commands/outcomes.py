"""The verb `results`: what a run found; without one, all evaluations with the number that sums each up."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from app import printing
from app.commands.parsing import Verbs, add_json, add_verb, add_workspace, opened, wants_json
from app.commands.results import shown
from app.commands.runs import evaluation_job
from engine.contract.errors import EXIT_DONE, WorldError

if TYPE_CHECKING:
    from app.core.evaluation_rows import EvaluationRow


def add(verbs: Verbs) -> None:
    """Register the verb of this file."""
    results = add_verb(
        verbs,
        "results",
        "tell what a run found; without one, list the evaluations",
        ["isoline results -w ward7", "isoline results J0004 -w ward7", "isoline results mymodel --json -w ward7"],
        _results,
    )
    results.add_argument(
        "job", nargs="?", metavar="JOB", help="a run that is done, or a model's name if it has one evaluation"
    )
    add_workspace(results)
    add_json(results)


def _results(arguments: argparse.Namespace) -> int:
    with opened(arguments) as workspace:
        if arguments.job is None:
            rows = workspace.evaluations()
            print(printing.as_json(rows) if wants_json(arguments) else _listed(rows))
            return EXIT_DONE
        job_id = evaluation_job(workspace, arguments.job)
        row, found = workspace.job(job_id), workspace.results(job_id)
    if found is None:
        raise WorldError(f"job {job_id}", f"it is {row.state} and has no results", f"See: isoline jobs show {job_id}")
    print(printing.as_json(found) if wants_json(arguments) else shown(found))
    return EXIT_DONE


def _listed(rows: list[EvaluationRow]) -> str:
    heads = ("Job", "Model on cohort", "Mode", "State", "Labels", "Numbers", "Macro AUROC (interval)")
    cells = [
        (
            row.job.job_id,
            row.job.name,
            row.mode,
            row.job.state,
            row.labels,
            row.targets,
            "" if row.macro is None else printing.estimate(row.macro),
        )
        for row in rows
    ]
    return printing.table(heads, cells, right=heads[4:6]) if rows else "No evaluations yet. Start one: isoline evaluate"

"""Verbs that start runs: `pretrain`, `embed`, `evaluate`, `compare`."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from app import printing
from app.commands.parsing import (
    Verbs,
    add_json,
    add_verb,
    add_workspace,
    named_workspace,
    opened,
    wants_json,
)
from app.progress import follow
from app.recipes import recipe_config
from engine.contract.errors import EXIT_DONE, UsageError
from engine.contract.results import CompareResults, EvaluateResults, PretrainResults

if TYPE_CHECKING:
    from app.workspace import Workspace
    from engine.contract.results import AnyResults


def add(verbs: Verbs) -> None:
    """Register the verbs of this file."""
    pretrain = add_verb(
        verbs,
        "pretrain",
        "pretrain a backbone on the recordings, without labels",
        [
            "isoline pretrain demo -w ward7 --wait",
            "isoline pretrain demo -w ward7 --set backbone.width=64 --set steps=50",
        ],
        _pretrain,
    )
    pretrain.add_argument("recipe", metavar="RECIPE", help="name of a shipped recipe (demo, ...) or a .toml file")
    pretrain.add_argument("--cohort", metavar="C", help="use the recordings of this cohort (default: all)")
    pretrain.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="change a setting, dotted keys; repeatable"
    )
    _finish(pretrain)

    embed = add_verb(
        verbs, "embed", "compute and keep a model's embeddings", ["isoline embed mymodel --cohort main"], _embed
    )
    embed.add_argument("model", metavar="MODEL")
    embed.add_argument("--cohort", required=True, metavar="C")
    _finish(embed)

    evaluate = add_verb(
        verbs,
        "evaluate",
        "score one model on a cohort, with patient-clustered intervals",
        ["isoline evaluate mymodel --cohort main --label MI --wait -w ward7"],
        _evaluate,
    )
    evaluate.add_argument("model", metavar="MODEL")
    evaluate.add_argument("--cohort", required=True, metavar="C")
    evaluate.add_argument(
        "--label", action="append", default=[], metavar="L", help="repeatable (default: the cohort's)"
    )
    _resampling(evaluate)
    _finish(evaluate)

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
    _finish(compare)


def _resampling(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--resamples", type=int, default=2000, metavar="N", help="bootstrap resamples (default: 2000)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="seed of the resampling (default: 0)")


def _finish(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--wait", action="store_true", help="stay until it has ended and print what came out")
    add_workspace(parser)
    add_json(parser)


def _pretrain(arguments: argparse.Namespace) -> int:
    config = recipe_config(arguments.recipe, arguments.set)
    with opened(arguments) as workspace:
        return _submitted(workspace, workspace.pretrain(config, cohort=arguments.cohort), "Pretrain", arguments)


def _embed(arguments: argparse.Namespace) -> int:
    with opened(arguments) as workspace:
        return _submitted(workspace, workspace.embed(arguments.model, arguments.cohort), "Embed", arguments)


def _evaluate(arguments: argparse.Namespace) -> int:
    with opened(arguments) as workspace:
        job = workspace.evaluate(
            arguments.model,
            arguments.cohort,
            labels=arguments.label,
            resamples=arguments.resamples,
            seed=arguments.seed,
        )
        return _submitted(workspace, job, "Evaluate", arguments)


def _compare(arguments: argparse.Namespace) -> int:
    if len(arguments.evaluations) < 2:
        raise UsageError(
            "comparison", "it needs two evaluations or more", "Name the model examined first, then the others"
        )
    with opened(arguments) as workspace:
        jobs = [evaluation_job(workspace, word) for word in arguments.evaluations]
        job = workspace.compare(jobs, seed=arguments.seed, resamples=arguments.resamples)
        return _submitted(workspace, job, "Compare", arguments)


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


def _submitted(workspace: Workspace, job: str, title: str, arguments: argparse.Namespace) -> int:
    """Start what was queued; wait for it or say how to watch it."""
    workspace.pump()
    if arguments.wait:
        follow(workspace, job, f"{title} {job}")
        results = workspace.results(job)
        print(printing.as_json(results) if wants_json(arguments) else shown(results))
        return EXIT_DONE
    row = workspace.job(job)
    if wants_json(arguments):
        print(printing.as_json(row))
        return EXIT_DONE
    waits = " It starts when the job before it has ended and a window or `jobs watch` is open." * (
        row.state == "queued"
    )
    print(f"{job} is {row.state}.{waits}")
    there = named_workspace(arguments)
    print(f"Watch: isoline jobs watch {job}{there}")
    print(f"Stop:  isoline jobs stop {job}{there}")
    return EXIT_DONE


def shown(results: AnyResults | None) -> str:
    """Results of a run for people."""
    if isinstance(results, EvaluateResults):
        return printing.evaluation(results)
    if isinstance(results, CompareResults):
        notes = [printing.paragraph(note) for note in results.notes]
        return "\n".join([printing.differences(results.differences), *notes])
    if isinstance(results, PretrainResults):
        final = [(name.replace("_", " "), "-" if v is None else f"{v:.4g}") for name, v in results.final.items()]
        head: list[tuple[str, object]] = [("steps", f"{results.steps:,}"), ("parameters", f"{results.parameters:,}")]
        return printing.fields([*head, ("weights sha256", results.weights_sha256), *final])
    if results is None:
        return "no results"
    return printing.fields([(name.replace("_", " "), value) for name, value in results.model_dump().items()])

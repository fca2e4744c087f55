"""Verbs on studies: `study NAME`, `study list|show|budget|export|keep`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app import printing
from app.commands.parsing import Verbs, add_json, add_verb, add_workspace, opened, wants_json
from app.commands.results import shown, study_table
from app.commands.scaling_words import budgets_words
from app.commands.submitting import add_cohort, add_finish, add_settings, submitted
from app.grid_cost import grid_cost
from app.progress import follow
from app.recipes import study_config
from engine.contract.config import StudyConfig
from engine.contract.errors import EXIT_DONE, EXIT_WORLD, UsageError
from engine.contract.results import EstimateResults, StudyRow
from engine.recipes import load_study, study_names

if TYPE_CHECKING:
    from app.workspace import Workspace

_INNER = ("start", "list", "show", "budget", "export", "keep")


def written_out(words: Sequence[str]) -> list[str]:
    """`study NAME` is short for `study start NAME`."""
    words = list(words)
    if words[:1] != ["study"] or len(words) == 1:
        return words
    inner = {words[1]} if not words[1].startswith("-") else set(words)
    return words if inner & {*_INNER, "-h", "--help"} else ["study", "start", *words[1:]]


def add(verbs: Verbs) -> None:
    """Register the verbs of this file."""
    study = add_verb(
        verbs,
        "study",
        "pretrain many models that differ in named ways, and compare them",
        [
            "isoline study scaling-small -w ward7 --cohort main --probe main",
            "isoline study list",
            "isoline study show J0007",
        ],
        _list,
    )
    add_json(study)
    kinds = study.add_subparsers(metavar="VERB")
    _add_start(kinds)
    _add_budget(kinds)

    listing = add_verb(kinds, "list", "list the shipped studies", ["isoline study list"], _list)
    add_json(listing)

    show = add_verb(
        kinds, "show", "print the table of a study, also while it works", ["isoline study show J0007 -w ward7"], _show
    )
    export = add_verb(
        kinds,
        "export",
        "write the table of a study as CSV and its figures as SVG",
        ["isoline study export J0007 figures -w ward7"],
        _export,
    )
    keep = add_verb(
        kinds, "keep", "register the model of one run", ["isoline study keep J0007 3 --name best -w ward7"], _keep
    )
    for verb in (show, export, keep):
        verb.add_argument("job", metavar="JOB", help="the study's job (see: isoline jobs)")
    export.add_argument("folder", type=Path, metavar="DIR", help="folder that is made or added to")
    keep.add_argument("number", type=int, metavar="RUN", help="number of the run in the table")
    keep.add_argument("--name", metavar="NAME", help="name in this workspace (default: the run's)")
    for verb in (show, export, keep):
        add_workspace(verb)
        add_json(verb)


def _add_budget(kinds: Verbs) -> None:
    budget = add_verb(
        kinds,
        "budget",
        "tell what more data would buy by a study over data sizes, and whether that is worth it",
        ["isoline study budget J0007 --worth 0.005 -w ward7"],
        _budget,
    )
    budget.add_argument("job", metavar="JOB", help="the study's job (see: isoline jobs)")
    budget.add_argument(
        "--worth", type=float, required=True, metavar="X", help="least fall of the error that is worth the data; needed"
    )
    budget.add_argument(
        "--times",
        type=float,
        action="append",
        default=[],
        metavar="K",
        help="times the largest size tried; repeatable, nothing is told beyond 10 (default: 2, 5, 10)",
    )
    add_workspace(budget)
    add_json(budget)


def _budget(arguments: argparse.Namespace) -> int:
    if not arguments.worth > 0 or any(not times > 1 for times in arguments.times):
        raise UsageError("data budget", "--worth is above 0 and --times above 1", "Name other numbers")
    with opened(arguments) as workspace:
        told = workspace.study_budget(arguments.job, arguments.worth, arguments.times or (2, 5, 10))
    print(printing.as_json(told) if wants_json(arguments) else budgets_words(told))
    return EXIT_DONE


def _add_start(kinds: Verbs) -> None:
    start = add_verb(
        kinds,
        "start",
        "start a study; the word `start` may be left out",
        [
            "isoline study scaling-small -w ward7 --cohort main --probe main --wait",
            "isoline study my-grid.toml -w ward7 --set base.steps=200",
            'isoline study domain-pretraining -w ward7 --set "base.parent=demo CPC" --cohort ours --probe reference',
        ],
        _start,
    )
    start.add_argument("study", metavar="STUDY", help="name of a shipped study, or a .toml file")
    add_cohort(start)
    start.add_argument("--probe", metavar="C", help="score a linear probe of every run on this labelled cohort")
    start.add_argument("--preview", action="store_true", help="list the runs and which cannot work; start nothing")
    start.add_argument("--estimate", action="store_true", help="with --preview: measure the largest run, tell the cost")
    add_settings(start)
    add_finish(start)


def _start(arguments: argparse.Namespace) -> int:
    probe = [] if arguments.probe is None else [f"base.probe.cohort={arguments.probe}"]
    settings = [*arguments.set, *probe]
    config = study_config(arguments.study, settings)  # what is off in it is told before anything is opened
    with opened(arguments) as workspace:
        if config.base.get("parent"):
            settled = workspace.parent_settings(str(config.base["parent"]))
            config = study_config(arguments.study, settings, settled)
        if arguments.preview or arguments.estimate:
            rows = workspace.study_preview(config, cohort=arguments.cohort)
            cost = _estimated(workspace, config, arguments) if arguments.estimate else None
            return _previewed(rows, config, cost, arguments)
        return submitted(workspace, workspace.study(config, cohort=arguments.cohort), "Study", arguments)


def _estimated(workspace: Workspace, config: StudyConfig, arguments: argparse.Namespace) -> EstimateResults:
    """Measure the largest run; whoever asks for it waits."""
    job = workspace.estimate_study(config, cohort=arguments.cohort)
    workspace.pump()
    follow(workspace, job, f"Estimate {job}")
    results = workspace.results(job)
    assert isinstance(results, EstimateResults)
    return results


def _previewed(
    rows: Sequence[StudyRow], config: StudyConfig, cost: EstimateResults | None, arguments: argparse.Namespace
) -> int:
    code = EXIT_DONE if cost is None or cost.fits else EXIT_WORLD
    if wants_json(arguments):
        print(printing.as_json(list(rows) if cost is None else {"runs": list(rows), "largest": cost}))
        return code
    print(study_table(list(config.axes), rows))
    for row in rows:
        if row.state == "refused":
            print(printing.paragraph(f"Run {row.number} cannot work: {row.message}", "  "))
    told = "What it costs: add --estimate" if cost is None else grid_cost(cost, rows, config.parallel)
    print(f"\n{printing.paragraph(told)}")
    return code


def _list(arguments: argparse.Namespace) -> int:
    rows = [(name, load_study(name)) for name in study_names()]
    if wants_json(arguments):
        print(printing.as_json([{"name": name, "axes": data.get("axes", {})} for name, data in rows]))
        return EXIT_DONE
    print(printing.table(("Study", "Runs", "What varies"), [(n, _runs(d), _axes(d)) for n, d in rows], right=("Runs",)))
    return EXIT_DONE


def _runs(data: dict[str, Any]) -> int:
    count = 1
    for values in data.get("axes", {}).values():
        count *= len(values)
    return count


def _axes(data: dict[str, Any]) -> str:
    return ", ".join(f"{axis} ({len(values)})" for axis, values in data.get("axes", {}).items())


def _show(arguments: argparse.Namespace) -> int:
    with opened(arguments) as workspace:
        workspace.pump()
        job, results = workspace.job(arguments.job), workspace.study_summary(arguments.job)
    if wants_json(arguments):
        print(printing.as_json({"job": job, "rows": results.rows, "cells": results.cells, "fits": results.fits}))
        return EXIT_DONE
    done = sum(row.state == "done" for row in results.rows)
    print(f"{job.job_id}, {job.name}: {job.state}, {done:,} of {len(results.rows):,} runs done\n")
    print(shown(results) if results.rows else study_table(results.axes, results.rows))
    return EXIT_DONE


def _export(arguments: argparse.Namespace) -> int:
    with opened(arguments) as workspace:
        files = workspace.export_study(arguments.job, arguments.folder)
    if wants_json(arguments):
        print(printing.as_json(files))
        return EXIT_DONE
    for path in files:
        print(f"Written: {path}")
    return EXIT_DONE


def _keep(arguments: argparse.Namespace) -> int:
    with opened(arguments) as workspace:
        row = workspace.keep_study_model(arguments.job, arguments.number, arguments.name)
    print(printing.as_json(row) if wants_json(arguments) else f"Model registered: {row.name} (sha256 {row.sha256})")
    return EXIT_DONE

"""Verbs that look further than an evaluation: `stress`, `faults`, `drift`, `figures`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import get_args

from app import printing
from app.commands.evaluations import add_classes, classes_of
from app.commands.figure_pictures import as_png
from app.commands.parsing import Verbs, add_json, add_verb, add_workspace, opened, wants_json
from app.commands.submitting import add_finish, submitted
from engine.contract.drift import GroupedBy
from engine.contract.errors import EXIT_DONE


def add(verbs: Verbs) -> None:
    """Register the verbs of this file."""
    stress = add_verb(
        verbs,
        "stress",
        "break a model's test recordings on purpose: leads off, cables exchanged, filters, noise",
        ["isoline stress mymodel --cohort main --fault noise --fault low_pass=40,25 --wait -w ward7"],
        _stress,
    )
    stress.add_argument("model", metavar="MODEL", help="a network (see: isoline model list)")
    stress.add_argument("--cohort", required=True, metavar="C", help="whose recordings, labels and split; needed")
    stress.add_argument(
        "--label", action="append", default=[], metavar="L", help="judge this label; repeatable (default: the cohort's)"
    )
    stress.add_argument(
        "--mode",
        choices=("linear", "own"),
        default="linear",
        help="what answers: a linear probe on the embedding, or a vendor's own outputs (default: linear)",
    )
    add_classes(stress)
    stress.add_argument(
        "--fault",
        action="append",
        default=[],
        metavar="F",
        help="a fault, a fault at some severities (low_pass=40,25), or a group; see: isoline faults; repeatable"
        " (default: all)",
    )
    stress.add_argument(
        "--margin", type=float, default=0.05, metavar="X", help="loss of macro AUROC that is broken (default: 0.05)"
    )
    stress.add_argument("--resamples", type=int, default=2000, metavar="N", help="bootstrap resamples (default: 2000)")
    stress.add_argument("--seed", type=int, default=0, metavar="N", help="seed of noise and resampling (default: 0)")
    add_finish(stress)

    faults = add_verb(
        verbs,
        "faults",
        "list the faults that a stress bench makes",
        ["isoline faults", "isoline faults --json"],
        _faults,
    )
    add_json(faults)
    _add_drift(verbs)
    _add_figures(verbs)


def _add_drift(verbs: Verbs) -> None:
    drift = add_verb(
        verbs,
        "drift",
        "hold a cohort's recordings against a reference's, as a model sees them",
        ['isoline drift "demo CPC" --cohort ward7 --reference published --label AF --wait -w ward7'],
        _drift,
    )
    drift.add_argument("model", metavar="MODEL", help="a network (see: isoline model list)")
    drift.add_argument("--cohort", required=True, metavar="C", help="the local recordings; needed")
    drift.add_argument("--reference", required=True, metavar="R", help="cohort that the model is known on; needed")
    drift.add_argument(
        "--label", action="append", default=[], metavar="L", help="reckon this label's local share; repeatable"
    )
    drift.add_argument(
        "--by",
        action="append",
        choices=get_args(GroupedBy),
        help="also every local group for itself; repeatable (default: device and year)",
    )
    drift.add_argument("--seed", type=int, default=0, metavar="N", help="seed of every random draw (default: 0)")
    add_finish(drift)


def _drift(arguments: argparse.Namespace) -> int:
    with opened(arguments) as workspace:
        by = tuple(arguments.by) if arguments.by else None
        job = workspace.drift(
            arguments.model, arguments.cohort, arguments.reference, arguments.label, by, arguments.seed
        )
        return submitted(workspace, job, "Drift", arguments)


def _add_figures(verbs: Verbs) -> None:
    figures = add_verb(
        verbs,
        "figures",
        "write the numbers of a run as CSV and its figures as SVG, each with the numbers behind it",
        ["isoline figures J0007 --out figures/ -w ward7", "isoline figures J0007 --out figures/ --png -w ward7"],
        _figures,
    )
    figures.add_argument("job", metavar="JOB", help="a run that is done (see: isoline jobs)")
    figures.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder that is made; needed")
    figures.add_argument(
        "--png",
        action="store_true",
        help="each figure as PNG, too, 300 pixels to the inch (needs the window's libraries)",
    )
    add_workspace(figures)
    add_json(figures)


def _figures(arguments: argparse.Namespace) -> int:
    with opened(arguments) as workspace:
        files = workspace.export_figures(arguments.job, arguments.out)
        if arguments.png:
            files += as_png([file for file in files if file.suffix == ".svg"])
    print(printing.as_json(files) if wants_json(arguments) else "\n".join(f"Written: {file}" for file in files))
    return EXIT_DONE


def _stress(arguments: argparse.Namespace) -> int:
    with opened(arguments) as workspace:
        job = workspace.stress(
            arguments.model,
            arguments.cohort,
            labels=arguments.label,
            faults=arguments.fault,
            margin=arguments.margin,
            resamples=arguments.resamples,
            seed=arguments.seed,
            mode=arguments.mode,
            classes=classes_of(arguments.classes),
        )
        return submitted(workspace, job, "Stress", arguments)


def _faults(arguments: argparse.Namespace) -> int:
    from engine.signal.perturbations import PERTURBATIONS

    if wants_json(arguments):
        told = [
            {key: getattr(one, key) for key in ("name", "group", "title", "unit", "severities", "note")}
            for one in PERTURBATIONS
        ]
        print(printing.as_json(told))
        return EXIT_DONE
    rows = [(one.group, one.name, one.title, _range(one.severities, one.unit)) for one in PERTURBATIONS]
    print(printing.table(("Group", "Fault", "What it is", "Severities"), rows))
    return EXIT_DONE


def _range(severities: tuple[float, ...], unit: str) -> str:
    return f"{', '.join(f'{value:g}' for value in severities)} {unit}" if unit else ""

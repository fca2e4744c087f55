"""Verbs on cohorts: `cohort create|list|show`."""

from __future__ import annotations

import argparse
from collections import Counter

from app import printing
from app.commands.parsing import Verbs, add_json, add_verb, add_workspace, opened, wants_json
from app.core.words import counted
from engine.contract.errors import EXIT_DONE, UsageError


def add(verbs: Verbs) -> None:
    """Register the verbs of this file."""
    cohort = add_verb(
        verbs, "cohort", "make and look at cohorts with patient-wise splits", ["isoline cohort list -w ward7"], _list
    )
    add_workspace(cohort)
    add_json(cohort)
    kinds = cohort.add_subparsers(metavar="VERB")

    create = add_verb(
        kinds,
        "create",
        "make a cohort and its patient-wise split",
        ["isoline cohort create main --label MI --label NORM --folds 5 -w ward7"],
        _create,
    )
    create.add_argument("name", metavar="NAME")
    create.add_argument(
        "--label",
        action="append",
        default=[],
        metavar="L",
        help="keep recordings where this label is known; repeatable",
    )
    create.add_argument("--dataset", metavar="NAME", help="keep recordings of this collection")
    create.add_argument("--folds", type=int, metavar="K", help="patient folds, each scored once (default: 5)")
    create.add_argument("--holdout", type=float, metavar="SHARE", help="share of patients kept as test part instead")
    create.add_argument("--seed", type=int, default=0, metavar="N", help="the split is a function of it (default: 0)")
    add_workspace(create)
    add_json(create)

    listing = add_verb(kinds, "list", "list the cohorts", ["isoline cohort list -w ward7"], _list)
    add_workspace(listing)
    add_json(listing)

    show = add_verb(kinds, "show", "show one cohort and its split", ["isoline cohort show main -w ward7"], _show)
    show.add_argument("name", metavar="NAME")
    add_workspace(show)
    add_json(show)


def _create(arguments: argparse.Namespace) -> int:
    if arguments.folds is not None and arguments.holdout is not None:
        raise UsageError("cohort", "--folds and --holdout exclude each other", "Give one of them")
    folds = None if arguments.holdout is not None else (arguments.folds or 5)
    with opened(arguments) as workspace:
        row = workspace.create_cohort(
            arguments.name,
            labels=arguments.label,
            dataset=arguments.dataset,
            folds=folds,
            holdout=arguments.holdout,
            seed=arguments.seed,
        )
    if wants_json(arguments):
        print(printing.as_json(row))
        return EXIT_DONE
    size = f"{counted(row.records, 'recording')} of {counted(row.patients, 'patient')}"
    print(f"Cohort {row.name}: {size}, {row.split_kind}")
    print(f"Split {row.split_id}, sha256 {row.split_sha256}")
    return EXIT_DONE


def _list(arguments: argparse.Namespace) -> int:
    with opened(arguments) as workspace:
        rows = workspace.cohorts()
    if wants_json(arguments):
        print(printing.as_json(rows))
    elif not rows:
        print("No cohorts. Next: isoline cohort create NAME")
    else:
        cells = [(r.name, r.records, r.patients, r.split_kind, r.split_id, r.seed, r.openings) for r in rows]
        headers = ("Name", "Records", "Patients", "Split", "Split id", "Seed", "Openings")
        print(printing.table(headers, cells, right=("Records", "Patients", "Seed", "Openings")))
    return EXIT_DONE


def _show(arguments: argparse.Namespace) -> int:
    with opened(arguments) as workspace:
        row, members = workspace.cohort(arguments.name), workspace.cohort_members(arguments.name)
    if wants_json(arguments):
        print(printing.as_json({"cohort": row, "members": members}))
        return EXIT_DONE
    parts = Counter(member.split for member in members)
    pairs: list[tuple[str, object]] = [
        ("Cohort", row.name),
        ("Recordings", f"{row.records:,} of {counted(row.patients, 'patient')}"),
        ("Split", f"{row.split_kind}, seed {row.seed}"),
        ("Split id", row.split_id),
        ("sha256", row.split_sha256),
        ("Openings", row.openings),
        ("Made", printing.moment(row.created)),
    ]
    print(printing.fields([*pairs, *((part, counted(count, "recording")) for part, count in sorted(parts.items()))]))
    return EXIT_DONE

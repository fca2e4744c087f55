"""Verbs on a new version of a product: `version`, `change-record`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import get_args

from app import printing
from app.commands.evaluations import add_resampling
from app.commands.parsing import Verbs, add_json, add_verb, add_workspace, opened, wants_json
from app.commands.runs import evaluation_job
from app.commands.submitting import add_finish, submitted
from engine.contract.errors import EXIT_DONE
from engine.contract.evaluation import Attribute


def add(verbs: Verbs) -> None:
    """Register the verbs of this file."""
    version = add_verb(
        verbs,
        "version",
        "hold a new version against the old one: flips, differences, thresholds, groups",
        [
            "isoline version J0004 J0007 --margin 0.02 --wait -w ward7",
            "isoline version vendor-v1 vendor-v2 --subgroup device --wait -w ward7",
        ],
        _version,
    )
    version.add_argument("old", metavar="OLD_JOB", help="evaluation of the version in use, or its model's name")
    version.add_argument("new", metavar="NEW_JOB", help="evaluation of the new version on the same split")
    version.add_argument(
        "--margin",
        type=float,
        default=0.02,
        metavar="X",
        help="loss of AUROC, average precision, sensitivity or specificity that would be accepted (default: 0.02)",
    )
    version.add_argument(
        "--brier-margin",
        type=float,
        default=0.01,
        metavar="X",
        help="rise of the Brier score that would be accepted (default: 0.01)",
    )
    version.add_argument(
        "--subgroup",
        action="append",
        choices=get_args(Attribute),
        help="hold them together within its groups; repeatable (default: sex, age and device)",
    )
    add_resampling(version)
    add_finish(version)
    _add_record(verbs)


def _add_record(verbs: Verbs) -> None:
    record = add_verb(
        verbs,
        "change-record",
        "write the draft of a change record: what changed, what regressed, what could not be told",
        [
            "isoline change-record J0009 --out change.pdf -w ward7",
            "isoline change-record J0009 --out change.md -w ward7",
        ],
        _record,
    )
    record.add_argument("job", metavar="JOB", help="a version regression that is done (see: isoline jobs)")
    record.add_argument("--out", type=Path, required=True, metavar="FILE", help="FILE.pdf or FILE.md; needed")
    add_workspace(record)
    add_json(record)


def _version(arguments: argparse.Namespace) -> int:
    with opened(arguments) as workspace:
        job = workspace.compare_versions(
            evaluation_job(workspace, arguments.old),
            evaluation_job(workspace, arguments.new),
            margin=arguments.margin,
            brier_margin=arguments.brier_margin,
            subgroups=arguments.subgroup,
            resamples=arguments.resamples,
            seed=arguments.seed,
        )
        return submitted(workspace, job, "Version", arguments)


def _record(arguments: argparse.Namespace) -> int:
    with opened(arguments) as workspace:
        written = workspace.export_change_record(arguments.job, arguments.out)
    if wants_json(arguments):
        print(printing.as_json(written))
        return EXIT_DONE
    pairs = [("Change record", written.file), ("sha256", written.sha256), ("Version regression", arguments.job)]
    print(printing.fields([*pairs, ("Audit event", written.audit_seq)]))
    print("It is a draft: a person reads, completes and signs it.")
    return EXIT_DONE

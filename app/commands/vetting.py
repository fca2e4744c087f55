"""Verbs on what an external model is held against: `model vet|certificate|golden`."""

from __future__ import annotations

import argparse
from pathlib import Path

from app import printing
from app.commands.evaluations import add_classes, classes_of
from app.commands.parsing import Verbs, add_asking, add_verb, opened, wants_json
from app.commands.submitting import add_finish, submitted
from app.commands.vetting_words import certificate_words
from engine.contract.errors import EXIT_DONE


def add(kinds: Verbs) -> None:
    """Register the verbs of this file below `model`."""
    _add_vet(kinds)
    example = [
        'isoline model certificate "openecg v6" -w ward7',
        'isoline model certificate "openecg v6" --json -w ward7',
    ]
    text = "print a model's parity certificate: our numbers against the vendor's on golden ECGs"
    add_asking(kinds, "certificate", text, example, _certificate, "name")
    example = ['isoline model golden "openecg v6" --out golden-for-vendor -w ward7']
    text = "write the golden ECGs for a vendor to run, with a template for the answers"
    golden = add_asking(kinds, "golden", text, example, _golden, "name")
    golden.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder that is made; needed")


def _add_vet(kinds: Verbs) -> None:
    vet = add_verb(
        kinds,
        "vet",
        "hold an external model against its card: graph, golden ECGs, parity, determinism, what a wrong contract does",
        [
            'isoline model vet "openecg v6" --wait -w ward7',
            'isoline model vet "openecg v6" --reference reference.csv --wait -w ward7',
            'isoline model vet "openecg v6" --cohort main --label AF --class "AF=rhythm_logits: afib" --wait -w ward7',
        ],
        _vet,
    )
    vet.add_argument("name", metavar="NAME", help="an external model (see: isoline model list)")
    vet.add_argument("--cohort", metavar="C", help="break the contract on its recordings (default: the shipped ECGs)")
    vet.add_argument(
        "--label",
        action="append",
        default=[],
        metavar="L",
        help="look for a loss of AUROC of this label of the cohort; repeatable; opens the test part of its split",
    )
    add_classes(vet)
    vet.add_argument(
        "--reference", type=Path, metavar="FILE", help="the vendor's numbers for the golden ECGs: .csv, .json or .npz"
    )
    vet.add_argument(
        "--tolerance", type=float, default=1e-3, metavar="X", help="share of an output's range (default: 0.001)"
    )
    vet.add_argument(
        "--loss", type=float, default=0.01, metavar="X", help="loss of AUROC that does harm (default: 0.01)"
    )
    vet.add_argument("--most", type=int, default=500, metavar="N", help="recordings at most (default: 500)")
    vet.add_argument("--resamples", type=int, default=2000, metavar="N", help="bootstrap resamples (default: 2000)")
    add_finish(vet)


def _vet(arguments: argparse.Namespace) -> int:
    settings = {name: getattr(arguments, name) for name in ("tolerance", "loss", "most", "resamples")}
    with opened(arguments) as workspace:
        job = workspace.vet(
            arguments.name,
            cohort=arguments.cohort,
            labels=arguments.label,
            reference=arguments.reference,
            classes=classes_of(arguments.classes),
            settings=settings,
        )
        return submitted(workspace, job, "Vetting", arguments)


def _certificate(arguments: argparse.Namespace) -> int:
    with opened(arguments) as workspace:
        told = workspace.parity_certificate(arguments.name)
    print(printing.as_json(told) if wants_json(arguments) else certificate_words(told))
    return EXIT_DONE


def _golden(arguments: argparse.Namespace) -> int:
    with opened(arguments) as workspace:
        files = workspace.export_golden(arguments.name, arguments.out)
    if wants_json(arguments):
        print(printing.as_json(files))
    else:
        print(f"Written: {len(files)} files in {arguments.out}")
        print(f"Next: send it to the vendor; then isoline model vet {arguments.name!r} --reference FILE")
    return EXIT_DONE

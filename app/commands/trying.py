"""Verb `model try`: what an external model says of one recording."""

from __future__ import annotations

import argparse

from app.commands.parsing import Verbs, add_verb, opened
from app.commands.submitting import add_finish, submitted


def add(kinds: Verbs) -> None:
    """Register the verb below `model`."""
    trying = add_verb(
        kinds,
        "try",
        "show one recording to an external model: what it is fed, and what it says of each window",
        ['isoline model try "openecg v6" 3f2a91c0b7 --wait -w ward7'],
        _try,
    )
    trying.add_argument("name", metavar="NAME", help="an external model (see: isoline model list)")
    trying.add_argument("record", metavar="RECORD", help="id of a recording (see: isoline records)")
    add_finish(trying)


def _try(arguments: argparse.Namespace) -> int:
    with opened(arguments) as workspace:
        job = workspace.try_model(arguments.name, arguments.record)
        return submitted(workspace, job, "Trial", arguments)

"""The verb `efficiency`."""

from __future__ import annotations

import argparse

from app.commands.parsing import Verbs, add_verb, opened
from app.commands.submitting import add_finish, submitted


def add(verbs: Verbs) -> None:
    """Register the verb of this file."""
    asking = add_verb(
        verbs,
        "efficiency",
        "measure what a model takes: parameters, FLOPs, time, memory and energy of embedding",
        ["isoline efficiency mymodel --wait -w ward7", "isoline efficiency mymodel --device cpu --batch 1 -w ward7"],
        _efficiency,
    )
    asking.add_argument("model", metavar="MODEL", help="a network, or a vendor's model (see: isoline model list)")
    asking.add_argument(
        "--device",
        action="append",
        choices=("cpu", "cuda"),
        default=[],
        help="where; repeatable (default: the processor, and the GPU where there is one)",
    )
    asking.add_argument(
        "--batch",
        action="append",
        type=int,
        default=[],
        metavar="N",
        help="crops at a time; repeatable (default: 1, 64)",
    )
    asking.add_argument(
        "--seconds", type=float, default=5.0, metavar="S", help="each batch size for this long at least (default: 5)"
    )
    add_finish(asking)


def _efficiency(arguments: argparse.Namespace) -> int:
    with opened(arguments) as workspace:
        job = workspace.efficiency(
            arguments.model, arguments.device, arguments.batch or (1, 64), seconds=arguments.seconds
        )
        return submitted(workspace, job, "Efficiency", arguments)

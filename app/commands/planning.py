"""The verb `plan`: how precise a test will be, and how many recordings it would need, before it is opened."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from app import printing
from app.commands.parsing import Verbs, add_json, add_verb, add_workspace, opened, wants_json
from engine.contract.errors import EXIT_DONE, UsageError
from engine.contract.sample_size import Precision

if TYPE_CHECKING:
    from app.core.planning import Plan

EXPECTED = ("auroc", "prevalence", "slope", "threshold", "sensitivity", "specificity")


def add(verbs: Verbs) -> None:
    """Register the verb of this file."""
    plan = add_verb(
        verbs,
        "plan",
        "how precise a test will be, and what it would need, before its labels are opened",
        [
            "isoline plan --cohort main --label MI --auroc 0.85 -w ward7",
            "isoline plan --cohort main --label MI --threshold 0.1 --sensitivity 0.9 --specificity 0.7 -w ward7",
        ],
        _plan,
    )
    plan.add_argument("--cohort", required=True, metavar="C", help="whose test part; needed")
    plan.add_argument("--label", required=True, metavar="L", help="of two classes; needed")
    plan.add_argument("--auroc", type=float, metavar="A", help="what you expect of the model (default: 0.8)")
    plan.add_argument("--prevalence", type=float, metavar="P", help="share of positives (default: counted)")
    plan.add_argument("--slope", type=float, metavar="S", help="calibration slope that you expect (default: 1)")
    plan.add_argument("--threshold", type=float, metavar="T", help="risk from which on one acts")
    plan.add_argument("--sensitivity", type=float, metavar="S", help="that you expect at the threshold")
    plan.add_argument("--specificity", type=float, metavar="S", help="that you expect at the threshold")
    plan.add_argument(
        "--correlation",
        type=float,
        default=1.0,
        metavar="R",
        help="of two recordings of one patient, 0 to 1 (default: 1, as if patients never changed)",
    )
    plan.add_argument(
        "--width", action="append", default=[], metavar="M=W", help="interval of measure M no wider than W; repeatable"
    )
    add_workspace(plan)
    add_json(plan)


def _plan(arguments: argparse.Namespace) -> int:
    expected = {name: value for name in EXPECTED if (value := getattr(arguments, name)) is not None}
    with opened(arguments) as workspace:
        told = workspace.plan(
            arguments.cohort, arguments.label, expected, _widths(arguments.width), arguments.correlation
        )
    print(printing.as_json(told) if wants_json(arguments) else plan_words(told))
    return EXIT_DONE


def plan_words(told: Plan) -> str:
    """A plan for people."""
    asked = told.planned.anticipated
    head = printing.fields(
        [
            ("Test", f"{told.tested_records:,} recordings of {told.tested_patients:,} patients"),
            ("Label", f"{told.label}: {100 * asked.prevalence:.1f} % positive, {told.counted}"),
            ("Expected", f"AUROC {asked.auroc:g}, calibration slope {asked.slope:g}"),
            (
                "Design effect",
                f"{asked.design_effect:.2f}: recordings of one patient tell less than as many strangers",
            ),
        ]
    )
    heads = ("Measure", "Expected", "95 % interval", "Method")
    blocks = [head, printing.table(heads, [_row(one) for one in told.planned.expected])]
    needs = [(one.measure, f"{one.low:.3f} to {one.high:.3f}", f"{one.records:,}") for one in told.needed.needs]
    blocks.append(printing.table(("To have", "an interval of", "recordings"), needs, right=("recordings",)))
    most = f"{told.needed.records:,} recordings with {told.needed.positives:,} positives, for {told.needed.driven_by}"
    blocks.append(printing.paragraph(f"Needed in all: {most}"))
    return "\n\n".join([*blocks, *(printing.paragraph(note) for note in told.planned.notes)])


def _row(one: Precision) -> tuple[str, ...]:
    return one.measure, f"{one.anticipated:.3g}", f"{one.low:.3f} to {one.high:.3f}", one.method


def _widths(words: Sequence[str]) -> dict[str, float]:
    from engine.metrics.sample_size import WIDTHS

    widths: dict[str, float] = {}
    for word in words:
        name, _, width = word.rpartition("=")
        if name not in WIDTHS:
            raise UsageError(f"--width {word}", "there is no such measure", f"Choose from: {', '.join(WIDTHS)}")
        try:
            widths[name] = float(width)
        except ValueError:
            raise UsageError(f"--width {word}", "the width is no number", f"Write --width {name}=0.1") from None
    return widths

"""The annex of the self-test: on this machine every statistic was held against values of other software."""

from __future__ import annotations

from typing import Any

from reportlab.platypus import Paragraph

from app.governance.dossier import Dossier
from app.report import style
from app.report.cover import when
from app.report.style import MM
from app.report.tables import Context, facts, hash_text, table
from engine.contract.selftest import Certificate, Deviation


def selftest(dossier: Dossier, context: Context) -> list[Any]:
    """The certificate: verdict, each subject with the software that it was held against, and what is wrong."""
    told = dossier.certificate
    if told is None:
        why = dossier.untested.rstrip(".") or "nobody ran it"
        return [Paragraph(f"<b>The self-test has no result: {style.markup(why)}.</b>", style.BODY)]
    wrong = sum(one.wrong for one in told.subjects)
    verdict = (
        f"<b>{wrong:,} of {told.numbers:,} numbers are wrong on this machine: the figures of this dossier cannot be "
        "relied on.</b>"
        if wrong or not told.right
        else f"All {told.numbers:,} numbers equal those of the other software, within tolerances that were set before."
    )
    lead = (
        "Before this dossier was written, the statistics that made its figures computed reference cases whose values "
        f"come from other software. {verdict}"
    )
    return [
        Paragraph(lead, style.BODY),
        facts(_circumstances(told)),
        *context.long(
            "Statistics, and what computed the values that they were held against. Worst: the largest difference as a "
            "share of its tolerance; above 1 is wrong.",
            _subjects(told),
        ),
        *(context.long("Numbers that are wrong.", _deviations(told.deviations)) if told.deviations else []),
    ]


def _circumstances(told: Certificate) -> list[tuple[str, str]]:
    packages = ", ".join(f"{name} {version}" for name, version in sorted(told.packages.items()))
    return [
        ("Tested", style.markup(when(told.made_at))),
        ("On", style.markup(told.machine)),
        ("With", style.markup(f"Isoline {told.isoline}, Python {told.python}, {packages}")),
        ("sha256 of the reference values", hash_text(told.references_sha256)),
    ]


def _subjects(told: Certificate) -> Any:
    heads = ["Statistic", "Held against", "Cases", "Numbers", "Wrong", "Worst"]
    rows: list[list[Any]] = [
        [Paragraph(head, style.HEAD_RIGHT if n > 1 else style.HEAD) for n, head in enumerate(heads)]
    ]
    for one in told.subjects:
        wrong = f"<b>{one.wrong:,}</b>" if one.wrong else "0"
        rows.append(
            [
                Paragraph(style.markup(one.subject.replace("_", " ")), style.CELL_SMALL),
                Paragraph(style.markup(one.software), style.CELL_SMALL),
                *(Paragraph(cell, style.CELL_RIGHT) for cell in (f"{one.cases:,}", f"{one.numbers:,}", wrong)),
                Paragraph(style.markup(_share(one.worst)), style.CELL_RIGHT),
            ]
        )
    fixed = [42 * MM, 15 * MM, 18 * MM, 15 * MM, 18 * MM]
    dense = [("TOPPADDING", (0, 1), (-1, -1), 1.2), ("BOTTOMPADDING", (0, 1), (-1, -1), 1.6)]
    return table(rows, [fixed[0], style.WIDTH - sum(fixed), *fixed[1:]], more=dense)


def _share(worst: float) -> str:
    """A share of a tolerance: what is far below it needs no digits."""
    return "< 0.001" if worst < 0.001 else style.decimal(worst)


def _deviations(found: list[Deviation]) -> Any:
    heads = [Paragraph(name, style.HEAD) for name in ("Statistic", "Number", "Expected", "Found")]
    rows: list[list[Any]] = [heads]
    for one in found:
        computed = f"{one.found:.10g}" if one.found is not None else one.problem or "undefined"
        cells = (one.subject.replace("_", " "), f"{one.case}, {one.quantity}", f"{one.expected:.10g}", computed)
        rows.append([Paragraph(style.markup(cell), style.CELL_SMALL) for cell in cells])
    fixed = [36 * MM, 30 * MM, 36 * MM]
    return table(rows, [fixed[0], style.WIDTH - sum(fixed), *fixed[1:]])

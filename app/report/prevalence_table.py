"""What thresholds would mean at local prevalences: a table with a line for each label and prevalence asked for."""

from __future__ import annotations

from typing import Any

from reportlab.platypus import Paragraph

from app.governance.dossier import ModelSection
from app.report import style
from app.report.interval_cells import IntervalCells
from app.report.style import MM
from app.report.tables import Context, short, table
from engine.contract.operating import AtPrevalence

TITLES = ("PPV", "NPV", "Alerts per 100", "Screened per finding")
NAMES = ("ppv", "npv", "alerts_per_100", "screened_per_finding")
PLACES = (3, 3, 1, 1)
"""Decimals of each."""


def at_prevalences(model: ModelSection, context: Context) -> list[Any]:
    """A line for each label and prevalence; nothing where none was asked.

    Args:
        model: card and evaluation.
        context: of the report.
    """
    found = [
        (f"labels.{n}.operating.elsewhere.{m}", one.label, there)
        for n, one in enumerate(model.evaluation.labels)
        if one.operating is not None
        for m, there in enumerate(one.operating.elsewhere)
    ]
    if not found:
        return []
    told = IntervalCells.of(
        model.evaluation_job, context, [getattr(there, name) for *_, there in found for name in NAMES]
    )
    heads = ("Label", "Prevalence", *TITLES, "Evidence")
    body: list[list[Any]] = [[Paragraph(head, style.HEAD) for head in heads]]
    for path, label, there in found:
        estimates = [getattr(there, name) for name in NAMES]
        body.append(
            [
                Paragraph(style.markup(short(label)), style.CELL_SMALL),
                Paragraph(style.markup(_share(there)), style.CELL_SMALL),
                *(told.cell(one, places) for one, places in zip(estimates, PLACES, strict=True)),
                told.evidence((f"{path}.{name}", one) for name, one in zip(NAMES, estimates, strict=True)),
            ]
        )
    caption = (
        "Carried to local prevalences, sensitivity and specificity taken as they are here: other patients may change "
        f"those too. {told.methods.legend()}"
    )
    widths = [24 * MM, 20 * MM, *[25 * MM] * 4]
    return context.long(caption, table(body, [*widths, style.WIDTH - sum(widths)]))


def _share(there: AtPrevalence) -> str:
    counted = f", counted on {there.counted:,}" if there.counted else ""
    return f"{100 * there.prevalence:.3g} %{counted}"

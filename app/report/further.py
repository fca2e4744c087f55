"""Paired differences beside the AUROC: AUPRC, Brier score, errors, sensitivity and specificity, with their p values.

Small print, one line a difference, no plot: measures have different units, and what was planned is the AUROC above.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from reportlab.platypus import Paragraph

from app.governance.dossier import Dossier
from app.report import style
from app.report.style import MM
from app.report.tables import Context, collect_methods, short, table
from engine.contract.results import Difference

MOST = 60
"""Lines that are printed whole; of more, those that show something, and how many do not."""
SHOWN = 0.05
LESS_IS_BETTER = ("Brier", "MAE")
MACRO = "macro"
Numbered = tuple[int, Difference]


def further_differences(dossier: Dossier, context: Context) -> list[Any]:
    """The comparison's further differences; nothing where it has none."""
    told = list(enumerate(dossier.comparison.further))
    if not told:
        return []
    printed = told if len(told) <= MOST else [(k, one) for k, one in told if one.label == MACRO or _shows(one)]
    left = len(told) - len(printed)
    methods = collect_methods([one.estimate for _, one in printed])
    examined = style.markup(dossier.comparison.examined)
    words = (
        f"Further differences, {examined} minus the model named in the row. {methods.legend()} Of Brier scores and "
        f"errors less is better. p: {_corrections(dossier.comparison.further)}."
    )
    if left:
        words += f" {left:,} differences that show nothing (corrected p of {SHOWN:g} or more) stand in the attachment."
    body = _table(printed, dossier.comparison_job, context, methods)
    return [Paragraph("By other measures", style.H2), *context.long(words, body)]


def _shows(one: Difference) -> bool:
    return one.adjusted_p is not None and one.adjusted_p < SHOWN


def _corrections(told: Sequence[Difference]) -> str:
    by = sorted({one.correction for one in told if one.correction})
    return f"corrected for the number of comparisons ({' and '.join(by)})" if by else "none was computed"


def _table(printed: Sequence[Numbered], job_id: str, context: Context, methods: Any) -> Any:
    heads = ("Label", "Against", "Difference", "Interval", "p", "Evidence")
    rows: list[list[Any]] = [
        [Paragraph(head, style.HEAD_RIGHT if 1 < n < 5 else style.HEAD) for n, head in enumerate(heads)]
    ]
    more: list[tuple[Any, ...]] = [("TOPPADDING", (0, 1), (-1, -1), 0.8), ("BOTTOMPADDING", (0, 1), (-1, -1), 1.4)]
    for measure in dict.fromkeys(one.measure for _, one in printed):
        start = len(rows)
        more += [("SPAN", (0, start), (-1, start)), ("BACKGROUND", (0, start), (-1, start), style.TINT)]
        rows.append([Paragraph(style.markup(_title(measure), style.BOLD), style.CELL_BOLD), *[""] * 5])
        rows += [_row(k, one, job_id, context, methods) for k, one in printed if one.measure == measure]
        more.append(("NOSPLIT", (0, start), (-1, start + 1)))
    fixed = [34 * MM, 17 * MM, 34 * MM, 15 * MM, 20 * MM]
    return table(rows, [fixed[0], style.WIDTH - sum(fixed), *fixed[1:]], more=more)


def _title(measure: str) -> str:
    return f"{measure} (less is better)" if measure in LESS_IS_BETTER else measure


def _row(k: int, one: Difference, job_id: str, context: Context, methods: Any) -> list[Any]:
    path, told = f"further.{k}", one.estimate
    name = "macro average" if one.label == MACRO else short(one.label)
    cells = [Paragraph(style.markup(cell), style.CELL_SMALL) for cell in (name, short(one.reference))]
    if told.value is None:
        reason = short(told.not_estimable or "no reason was recorded")
        return [*cells, Paragraph("none", style.CELL_RIGHT), Paragraph(style.markup(reason), style.CELL_SMALL), "", ""]
    ids = [context.ledger.cite(job_id, f"{path}.estimate.value")]
    span = "none"
    if told.interval is not None:
        ends = style.interval(told.interval.low, told.interval.high, sign=True)
        span = f'{style.markup(ends)}&nbsp;<super size="5.5">{methods.letter(told.interval)}</super>'
        ids += [context.ledger.cite(job_id, f"{path}.estimate.interval.{end}") for end in ("low", "high")]
    p = "none"
    if one.adjusted_p is not None:
        p = "&lt; 0.001" if one.adjusted_p < 0.001 else style.decimal(one.adjusted_p)
        ids.append(context.ledger.cite(job_id, f"{path}.adjusted_p"))
    return [
        *cells,
        Paragraph(style.markup(style.decimal(told.value, sign=True)), style.CELL_RIGHT),
        Paragraph(span, style.CELL_RIGHT),
        Paragraph(f"<b>{p}</b>" if _shows(one) else p, style.CELL_RIGHT),
        Paragraph(style.evidence_mark(style.span_ids(ids)), style.CELL_SMALL),
    ]

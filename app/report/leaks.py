"""The section on leaks: a committee reads here whether anybody looked, for what, when, and what was found."""

from __future__ import annotations

from typing import Any

from reportlab.platypus import Paragraph

from app.core.label_origins import label_origins
from app.core.rows import Exposure, LeakSearch
from app.core.words import counted
from app.governance.dossier import Dossier, LeaksSection
from app.report import style
from app.report.cover import when
from app.report.style import MM
from app.report.tables import Context, facts, short, table, text


def leaks(dossier: Dossier, context: Context) -> list[Any]:
    """Between the parts, against what else the cohort was held, models, labels."""
    section = dossier.leaks
    if section is None:
        return [Paragraph("Leaks were not looked into when this dossier was collected.", style.BODY)]
    lead = (
        "A figure means nothing where a model has seen what it is tested on: the same patient, or a copy of a "
        "recording, filtered, scaled, resampled or cut, under another number. What follows is what was searched; what "
        "was not searched is said, too."
    )
    parts: list[Any] = [Paragraph(lead, style.BODY)]
    parts += context.short("Searches for patients and copies.", facts(_searched(section, context)))
    parts += context.long("Whether the models have seen what they are scored on.", _models(section.exposures))
    if section.labels:
        rows = [(short(one.labels), style.markup(short(one.sentence))) for one in label_origins(section.labels)]
        parts += context.short("Whether labels repeat the electrocardiograph's own statement.", facts(rows))
    return parts


def _searched(section: LeaksSection, context: Context) -> list[tuple[str, str]]:
    own = [one for one in section.state.searches if not one.against]
    if not own:
        return [("Between the parts", f"<b>{style.markup(section.state.sentence)}</b>")]
    rows = [("Between the parts", _found(own[0])), *_circumstances(own[0], context)]
    for one in section.state.searches:
        if one.against:
            size = counted(one.size, "recording")
            rows.append((f"Against {one.against}", f"{_found(one)} ({size}, {style.markup(when(one.finished))})"))
    return rows


def _circumstances(own: LeakSearch, context: Context) -> list[tuple[str, str]]:
    mark = style.evidence_mark(context.ledger.cite(own.job_id, "records"))
    told = [("Compared", f"{counted(own.size, 'recording')}&nbsp;{mark}, each with each")]
    told.append(("Searched", f"{style.markup(when(own.finished))}, run {style.markup(own.job_id)}"))
    if own.unchecked:
        told.append(("Could not be compared", counted(own.unchecked, "recording")))
    return [*told, *(("Note", style.markup(note)) for note in own.notes)]


def _found(one: LeakSearch) -> str:
    if not one.findings:
        return "nothing found"
    return "<b>" + "; ".join(style.markup(finding, style.BOLD) for finding in one.findings) + "</b>"


def _models(exposures: tuple[Exposure, ...]) -> Any:
    heads = [Paragraph(name, style.HEAD) for name in ("Model", "Was trained on", "What is known")]
    rows: list[list[Any]] = [heads]
    for told in exposures:
        known = [f"<b>{style.markup(one, style.BOLD)}</b>" for one in (*told.findings, *told.off_label)]
        known += [style.markup(one) for one in (*told.unsearched, *told.clear)]
        cells = [style.markup(told.model), text(told.training), "<br/>".join(known) or "does not apply"]
        rows.append([Paragraph(cell, style.CELL_SMALL) for cell in cells])
    fixed = [34 * MM, 42 * MM]
    return table(rows, [*fixed, style.WIDTH - sum(fixed)])

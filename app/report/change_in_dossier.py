"""The section of a dossier on a new version: what it changes, what regressed, and where the whole is told."""

from __future__ import annotations

from typing import Any

from reportlab.platypus import Paragraph

from app.governance.change_record import ChangeRecord
from app.report import style
from app.report.change_cited import Cited
from app.report.change_findings import not_told, regressed
from app.report.change_sections import in_short
from app.report.record_parts import Section, Sentences, flowables
from app.report.tables import Context


def version_change(record: ChangeRecord, context: Context) -> list[Any]:
    """Flowables of the section; numbers are cited from the dossier's own evidence."""
    cited = Cited(record, context.ledger)
    whole = Section(
        "", (Sentences(f"The draft of a change record tells the whole: isoline change-record {record.job_id}."),)
    )
    story: list[Any] = flowables(in_short(cited))
    for section in (regressed(cited), not_told(cited)):
        story += [Paragraph(style.markup(section.title, style.BOLD), style.H2), *flowables(section)]
    return [*story, *flowables(whole)]

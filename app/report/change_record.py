"""Writing a change record: Markdown to be edited, or a PDF that carries its evidence, which `isoline verify` knows."""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import rfc8785
from reportlab.platypus import CondPageBreak, NextPageTemplate, PageBreak, Paragraph

from app.core import audit, leaving, reports
from app.core.digests import sha256_of
from app.core.home import Home
from app.core.searching import texts_of_pdf
from app.governance.change_record import ChangeRecord, collect
from app.report import pages, style
from app.report.build import attach, write_report
from app.report.change_cited import Cited
from app.report.change_sections import DRAFT, annex, sections
from app.report.cover import when
from app.report.evidence import FORMAT, VERSION, digest
from app.report.record_parts import Section, flowables, markdown
from app.report.style import MM
from engine.contract.errors import UsageError, WorldError
from engine.contract.run import write_whole

WRITTEN = "change record written"
"""The action of the audit event of a Markdown file; a PDF's is that of an exported report."""


@dataclass(frozen=True)
class WrittenRecord:
    """A change record on disk."""

    file: str
    sha256: str
    audit_seq: int


def export(home: Home, job_id: str, out: Path) -> WrittenRecord:
    """Write the change record of a version regression and note its hash in the audit trail.

    Args:
        home: the workspace.
        job_id: a version regression that is done.
        out: a file that ends in .pdf or .md.

    Raises:
        UsageError: no such finished version regression, or another ending.
        WorldError: the file cannot be written, or would hold an identifier seen at import.
    """
    path = Path(os.path.abspath(out.expanduser()))
    if path.suffix.lower() not in (".pdf", ".md"):
        raise UsageError(f"file {path.name}", "a change record is written as .pdf or .md", "Name such a file")
    record = collect(home, job_id)
    with home.db.read() as session:
        refuse = partial(leaving.refuse_identifiers, session, home.key, "change record")
        # Evidence holds numbers and where they stand, thousands of them and no foreign word.
        told = leaving.by_place(dataclasses.replace(record, evidence=()))
        refuse({**told, leaving.NAME_OF_FILE: path.stem})
        if path.suffix.lower() == ".pdf":
            write_report(path, render(record), lambda draft: refuse(texts_of_pdf(draft)))
        else:
            text = text_of(record)
            refuse({"text": text})
            _write(path, text)
    sha256 = sha256_of(path)
    with home.db.write() as session:
        action = reports.EXPORTED if path.suffix.lower() == ".pdf" else WRITTEN
        seq = audit.append(session, action, job_id, {"pdf_sha256" if action == reports.EXPORTED else "sha256": sha256})
    return WrittenRecord(str(path), sha256, seq)


def text_of(record: ChangeRecord) -> str:
    """The change record as Markdown."""
    told = _sections(record, digest(evidence_of_change(record)))
    head = f"# Change record (draft): {record.title}\n\nPrepared {when(record.created)}.\n\n{DRAFT}\n\n"
    return head + markdown(told)


def render(record: ChangeRecord) -> bytes:
    """The change record as a PDF with its evidence attached; the same bytes for the same record."""
    document = evidence_of_change(record)
    made = digest(document)
    running = pages.Running(f"Change record: {record.title}", when(record.created), made)
    numbered = [(str(n), one.title) for n, one in enumerate(_sections(record, made), 1)]
    # Drawings are used up by a pass, so every pass gets its own.
    plain = pages.typeset(lambda _: _story(record, _sections(record, made)), running, numbered)
    return attach(plain, document, record.created)


def _sections(record: ChangeRecord, made: str) -> list[Section]:
    cited = Cited(record)
    return [*sections(cited), *annex(cited, made)]


def _story(record: ChangeRecord, told: list[Section]) -> list[Any]:
    title = style.TITLE if len(record.title) <= style.LONG else style.TITLE_LONG
    story = [
        NextPageTemplate(pages.BODY),
        Paragraph("CHANGE RECORD, DRAFT", style.KICKER),
        Paragraph(style.markup(record.title, style.BOLD), title),
        Paragraph(f"Prepared {style.markup(when(record.created))}", style.NOTE),
        Paragraph(style.markup(DRAFT), style.BODY),
    ]
    current = pages.BODY
    for number, section in enumerate(told, 1):
        template = pages.COLUMNS if section.columns else pages.BODY
        if template != current:
            story += [NextPageTemplate(template), PageBreak()]
            current = template
        story += [CondPageBreak(50 * MM), pages.Heading(str(number), section.title), *flowables(section)]
    return story


def evidence_of_change(record: ChangeRecord) -> bytes:
    """The evidence of a change record as canonical JSON, in the form that every report of Isoline carries."""
    document: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "document": "change record",
        "title": record.title,
        "created": record.created,
        "workspace_id": record.workspace_id,
        "version_job": record.job_id,
        "split": {"id": record.results.split_id, "test_sha256": record.results.test_sha256},
        "audit": {"seq": record.audit_seq, "head": record.audit_head},
        "models": [
            {
                "name": side.name,
                "version": side.card.version,
                "sha256": side.sha256,
                "evaluation_job": side.evaluation_job,
            }
            for side in (record.old, record.new)
        ],
        "card_changes": [dataclasses.asdict(one) for one in record.card_changes],
        "runs": [dataclasses.asdict(run) for run in record.runs],
        "evidence": [dataclasses.asdict(row) for row in record.evidence],
        "versions": record.versions,
        "selftest": None if record.certificate is None else record.certificate.model_dump(mode="json"),
    }
    return rfc8785.dumps(document)


def _write(path: Path, text: str) -> None:
    try:
        write_whole(path, text)
    except OSError as error:
        reason = f"it cannot be written ({error.strerror or type(error).__name__})"
        raise WorldError(f"file {path.name}", reason, "Choose another place") from None

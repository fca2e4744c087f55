"""Write a dossier as a PDF that carries its own evidence.

The same dossier always gives the same bytes, so that two people who export it hold the same file and the audit trail
can know it by its hash.
"""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pypdf import PdfReader, PdfWriter
from reportlab.platypus import CondPageBreak, NextPageTemplate, PageBreak, Paragraph, Spacer

from app.governance.dossier import Dossier, ExampleECG
from app.report import (
    annex,
    change_in_dossier,
    contract,
    cover,
    ecg_trace,
    in_use,
    leaks,
    origins,
    pages,
    results,
    selftest,
    style,
    training,
)
from app.report.evidence import ATTACHMENT, Ledger, digest, evidence_document
from app.report.style import MM
from app.report.tables import Context, table
from engine.contract.errors import WorldError


def build_report(dossier: Dossier, path: Path, approve: Callable[[Path], None] | None = None) -> None:
    """Write the PDF of a dossier, whole or not at all; the same bytes for the same dossier.

    Args:
        dossier: all that is printed.
        path: where it is written.
        approve: looks at the written draft before it becomes the report, and raises where it must not.

    Raises:
        WorldError: the file cannot be written, or was not approved.
    """
    write_report(path, render(dossier), approve)


def write_report(path: Path, content: bytes, approve: Callable[[Path], None] | None = None) -> None:
    """Write the bytes of a PDF, whole or not at all; arguments and errors as of `build_report`."""
    draft = path.with_name(path.name + ".tmp")
    try:
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if approve is not None:
            approve(draft)
        os.replace(draft, path)
    except WorldError:
        draft.unlink(missing_ok=True)
        raise
    except OSError as error:
        draft.unlink(missing_ok=True)
        reason = error.strerror or type(error).__name__
        raise WorldError(f"report {path.name}", f"it cannot be written ({reason})", "Choose another place") from None


def render(dossier: Dossier) -> bytes:
    """The PDF of a dossier as bytes."""
    document = evidence_document(dossier)
    made = digest(document)
    running = pages.Running(dossier.title, cover.when(dossier.created), made)
    ledger = Ledger(dossier.evidence, _plain_results(dossier))
    sections = [(section.number, section.title) for section in _sections(dossier, Context(ledger, made))]
    plain = pages.typeset(lambda layout: _story(dossier, Context(ledger, made), layout), running, sections)
    return attach(plain, document, dossier.created)


REPRESENTATION = "Representation"
"""Its heading moves on with its heat maps rather than stand alone at the foot of a page."""
IN_USE = "In use: "
"""Begins the title of a model's thresholds, risks and groups."""


@dataclass(frozen=True)
class _Section:
    number: str
    title: str
    body: Callable[[], list[Any]]
    template: str = pages.BODY
    room: float = 70 * MM


def _story(dossier: Dossier, context: Context, layout: pages.Layout) -> list[Any]:
    """All flowables in order; a change of page template starts a new page."""
    story = [NextPageTemplate(pages.BODY), *cover.cover(dossier, context, layout)]
    current = pages.BODY
    for section in _sections(dossier, context):
        if section.template != current:
            story += [NextPageTemplate(section.template), PageBreak()]
            current = section.template
        story += [CondPageBreak(section.room), pages.Heading(section.number, section.title), *section.body()]
    return story


def _sections(dossier: Dossier, context: Context) -> list[_Section]:
    supplied = [(i, model) for i, model in enumerate(dossier.models) if model.card.source == "predictions"]
    found: list[tuple[str, Callable[[], list[Any]], str]] = [
        ("The models", lambda: origins.identity(dossier, context), pages.BODY),
        ("Discrimination", lambda: results.discrimination(dossier, context), pages.BODY),
    ]
    if dossier.comparison.differences:
        found.append(("Paired differences", lambda: results.differences(dossier, context), pages.BODY))
    for i, model in enumerate(dossier.models):
        if in_use.told_of(model):
            found.append((f"{IN_USE}{model.card.name}", _later(in_use.in_use, model, i, context), pages.BODY))
    for i, model in supplied:
        body = _later(results.supplied_scores, model, i, context)
        found.append((f"Scores alone: {model.card.name}", body, pages.BODY))
    for record in dossier.version_changes:
        body = _later(change_in_dossier.version_change, record, context)
        found.append((f"New version: {record.title}", body, pages.BODY))
    for section in dossier.pretrainings:
        found.append(
            (f"Pretraining: {section.config.name}", _later(training.pretraining, section, context), pages.BODY)
        )
    if dossier.comparison.cka:
        found.append((REPRESENTATION, lambda: origins.representation(dossier, context), pages.BODY))
    found.append(("The local data", lambda: origins.local_data(dossier, context), pages.BODY))
    if any(model.card.source == "external" for model in dossier.models):
        found.append(("Contract and parity", lambda: contract.contract(dossier, context), pages.BODY))
    found.append(("Leaks", lambda: leaks.leaks(dossier, context), pages.BODY))
    found.append(("Limits", lambda: _limits(dossier), pages.BODY))
    if dossier.example is not None:
        found.append(("One recording, drawn to scale", _later(_example, dossier.example), pages.ECG))
    numbered = [
        _Section(str(k + 1), title, body, template, _room(title)) for k, (title, body, template) in enumerate(found)
    ]
    return [
        *numbered,
        _Section("A", "Provenance", lambda: annex.provenance(dossier, context)),
        _Section("B", "Self-test of the statistics", lambda: selftest.selftest(dossier, context)),
        _Section("C", "Evidence", lambda: annex.evidence_table(dossier, context), pages.COLUMNS),
    ]


def _room(title: str) -> float:
    """What must be left of a page for a section to begin there: its heading stands with what it is the heading of."""
    return 120 * MM if title == REPRESENTATION or title.startswith(IN_USE) else 70 * MM


def _later(make: Callable[..., list[Any]], *given: Any) -> Callable[[], list[Any]]:
    return lambda: make(*given)


def _limits(dossier: Dossier) -> list[Any]:
    lead = "What this dossier does not show, and what a reader must not conclude from it."
    items = [Paragraph(cover.sentence(limit), style.ITEM, bulletText="•") for limit in dossier.limits]
    return [Paragraph(lead, style.BODY), *items]


def _example(example: ExampleECG) -> list[Any]:
    """The landscape page: metadata strip, paper, legend."""
    entries = ecg_trace.strip(example)
    heads = [Paragraph(name, style.HEAD) for name, _ in entries]
    cells = [Paragraph(style.markup(value), style.CELL) for _, value in entries]
    whole = ecg_trace.PAPER_MM[0] * MM
    shares = (1.45, 1.1, 0.65, 0.75, 1.05, 0.8, 0.75, 1.4, 0.65, 1.5)
    widths = [whole * part / sum(shares) for part in shares]
    tight = [
        ("BOTTOMPADDING", (0, 0), (-1, -1), 1.5),
        ("TOPPADDING", (0, 0), (-1, -1), 1.5),
        ("LINEBELOW", (0, 0), (-1, -1), 0, style.TINT),
        ("BACKGROUND", (0, 0), (-1, -1), style.TINT),
    ]
    return [
        table([heads, cells], widths, heads=0, more=tight),
        ecg_trace.ECGPaper(example.signal),
        Spacer(1, 3),
        Paragraph(style.markup(ecg_trace.legend(example)), style.NOTE),
    ]


def _plain_results(dossier: Dossier) -> dict[str, Any]:
    plain: dict[str, Any] = {dossier.comparison_job: dossier.comparison.model_dump(mode="json")}
    for model in dossier.models:
        plain[model.evaluation_job] = model.evaluation.model_dump(mode="json")
    for section in dossier.pretrainings:
        plain[section.job_id] = section.results.model_dump(mode="json")
    plain |= {record.job_id: record.results.model_dump(mode="json") for record in dossier.version_changes}
    vetted = {job_id: results for one in dossier.vettings for job_id, results in one.runs.items()}
    return plain | {job_id: results.model_dump(mode="json") for job_id, results in vetted.items()}


def attach(plain: bytes, document: bytes, created: str) -> bytes:
    """A PDF that carries its evidence inside, dated by what it tells and not by the clock."""
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(plain)))
    writer.add_attachment(ATTACHMENT, document)
    kept = {key: value for key, value in (writer.metadata or {}).items() if not key.endswith("Date")}
    writer.metadata = {**kept, **_dates(created)}
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def _dates(created: str) -> dict[str, str]:
    """Document dates are those of the dossier; without a readable one there are none."""
    try:
        moment = datetime.fromisoformat(created.replace("Z", "+00:00"))
    except ValueError:
        return {}
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC)
    stamp = f"D:{moment:%Y%m%d%H%M%S}Z"
    return {"/CreationDate": stamp, "/ModDate": stamp}

"""Exported reports: a row and an audit event each."""

from __future__ import annotations

import json
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import audit
from app.core.clock import utc_now
from app.core.rows import ReportRow
from app.core.schema import AuditEvent, Report

EXPORTED = "report exported"
"""The action of the audit event that an export is."""


def keep(session: Session, file: Path, sha256: str, comparison_job: str) -> ReportRow:
    """Note an exported PDF."""
    seq = audit.append(session, EXPORTED, comparison_job, {"pdf_sha256": sha256})
    made = Report(file=str(file), sha256=sha256, created=utc_now(), comparison_job=comparison_job, audit_seq=seq)
    session.add(made)
    return _row(made)


def all_rows(session: Session) -> list[ReportRow]:
    """All exported reports, the newest first."""
    return [_row(found) for found in session.scalars(select(Report).order_by(Report.number.desc()))]


def exported_hashes(session: Session) -> frozenset[str]:
    """sha256 of every PDF whose export stands in the audit trail."""
    details = session.scalars(select(AuditEvent.detail).where(AuditEvent.action == EXPORTED))
    return frozenset(str(json.loads(detail)["pdf_sha256"]) for detail in details)


def _row(found: Report) -> ReportRow:
    return ReportRow(found.file, found.sha256, found.created, found.comparison_job, found.audit_seq)

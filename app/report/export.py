"""Exporting: collect, search for identifiers, draw, read back, hash, and note in the trail."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

from app.core import leaving, reports
from app.core.digests import sha256_of
from app.core.home import Home
from app.core.rows import ReportRow
from app.core.searching import texts_of_pdf
from app.governance.collect import collect, latest_comparison
from app.report.build import build_report


def export(home: Home, out: Path, comparison_job: str | None, title: str | None) -> ReportRow:
    """Write the PDF of a comparison (the latest that is done) and note its hash in the audit trail.

    Raises:
        UsageError: no such finished comparison.
        WorldError: the PDF cannot be written, or would hold an identifier seen at import.
    """
    path = Path(os.path.abspath(out.expanduser()))
    with home.db.read() as session:
        job_id = comparison_job or latest_comparison(session)
    dossier = collect(home, job_id, title)
    with home.db.read() as session:
        refuse = partial(leaving.refuse_identifiers, session, home.key, "report")
        refuse({**leaving.by_place(dossier), leaving.NAME_OF_FILE: path.stem})
        build_report(dossier, path, lambda draft: refuse(texts_of_pdf(draft)))
    with home.db.write() as session:
        return reports.keep(session, path, sha256_of(path), job_id)

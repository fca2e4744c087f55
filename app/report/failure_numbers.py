"""The worst mistakes of an evaluation as a table of an export, with what was made of each."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

from app.core.outcome_table import harmless
from app.core.review_rows import ReviewedFailure

HEADS = ("label", "mistake", "recording", "score", "share", "verdict", "reviewed", "note")
FILE = "failures.csv"


def failure_table(rows: Sequence[ReviewedFailure]) -> str:
    """CSV text with one line for each mistake, in the order of the results; full precision."""
    file = io.StringIO()
    writer: Any = csv.writer(file, lineterminator="\n")
    writer.writerow(HEADS)
    for row in rows:
        one, looked = row.failure, row.review
        marks = ("", "", "") if looked is None else (looked.verdict, looked.reviewed, harmless(looked.note))
        writer.writerow((harmless(one.label), one.kind, one.record, repr(one.score), repr(one.share), *marks))
    return file.getvalue()

"""The numbers behind a figure as CSV text, and names of files made of words."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from typing import Any

from engine.contract.results import Estimate

ESTIMATE_HEADS = ("value", "low", "high", "confidence", "method", "patients", "not_estimable")


def csv_text(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table as CSV text, numbers at full precision, nothing where there is none."""
    file = io.StringIO()
    writer: Any = csv.writer(file, lineterminator="\n")
    writer.writerow(heads)
    writer.writerows(rows)
    return file.getvalue()


def cells(told: Estimate) -> tuple[object, ...]:
    """A number as cells under `ESTIMATE_HEADS`."""
    span = told.interval
    ends = (span.low, span.high, span.confidence, span.method) if span else (None, None, None, None)
    return (told.value, *ends, told.patients, told.not_estimable)


def slug(words: str) -> str:
    """Words as a part of a file's name: lower case, hyphens for all that is neither letter nor digit."""
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-") or "unnamed"

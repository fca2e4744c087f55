"""The split of a cohort as one CSV, for window and command line, and its way out of the workspace."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from engine.data.splits import Part

ALL = "All parts"
"""The last line, over all parts."""


def split_csv(parts: Sequence[Part]) -> str:
    """The split as CSV: one line a part and one for all, for each label who has it and who is known not to.

    >>> print(split_csv([Part("test", 2, 1, {"AF": 1}, {"AF": 0})]), end="")
    part,recordings,patients,AF positive,AF negative,AF unknown
    test,2,1,1,0,1
    All parts,2,1,1,0,1
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    labels = list(parts[0].positives) if parts else []
    sides = [f"{label} {side}" for label in labels for side in ("positive", "negative", "unknown")]
    writer.writerow(["part", "recordings", "patients", *sides])
    lines = [[part.records, part.patients, *_cells(part, labels)] for part in parts]
    for part, line in zip(parts, lines, strict=True):
        writer.writerow([part.name, *line])
    writer.writerow([ALL, *(sum(column) for column in zip(*lines, strict=True))])
    return out.getvalue()


def _cells(part: Part, labels: Sequence[str]) -> list[int]:
    cells = []
    for label in labels:
        yes, no = part.positives[label], part.negatives[label]
        cells += [yes, no, part.records - yes - no]
    return cells


def texts_of(parts: Sequence[Part]) -> dict[str, str]:
    """The words of a split by the place where they stand, to be searched before it leaves."""
    labels = list(parts[0].positives) if parts else []
    return {"parts": "\n".join(part.name for part in parts), "labels": "\n".join(labels)}

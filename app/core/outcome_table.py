"""What became of the files of an import, as a CSV for whoever must look after the refused ones."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Sequence
from pathlib import Path

from app.core.rows import FileOutcome
from engine.contract.errors import WorldError

COLUMNS = ("outcome", "file", "format", "record", "reason", "next_step", "folder")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def write_outcomes(outcomes: Sequence[FileOutcome], path: Path) -> Path:
    """Write one line a file; it names files, so it stays in the house.

    Raises:
        WorldError: the file cannot be written.
    """
    text = io.StringIO()
    lines = csv.writer(text)
    lines.writerow(COLUMNS)
    for row in outcomes:
        cells = (row.status, row.file, row.format, row.record_id or "", row.reason, row.next_step, row.folder)
        lines.writerow([_harmless(cell) for cell in cells])
    draft = path.with_name(path.name + ".tmp")
    try:
        draft.write_text(text.getvalue(), encoding="utf-8-sig", newline="")
        os.replace(draft, path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        reason = f"it cannot be written ({error.strerror or type(error).__name__})"
        raise WorldError("list of files", reason, "Choose a folder that you may write") from None
    return path


def _harmless(cell: str) -> str:
    """A file name must not become a formula in a spreadsheet."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell

"""What the columns of a label table mean: guessed with a reason, never silently; the user has the last word."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal, get_args

from app.core.label_table import Table
from engine.datasets.ptbxl import DIAGNOSTIC, FORM, RHYTHM
from engine.datasets.snomed import diagnoses

Meaning = Literal["record", "file", "patient", "age", "sex", "binary", "number", "scp", "snomed", "icd10", "ignore"]
MEANINGS: tuple[Meaning, ...] = get_args(Meaning)
JOINS: tuple[Meaning, ...] = ("record", "file", "patient")
STATEMENTS: tuple[Meaning, ...] = ("scp", "snomed", "icd10")
LABELS: tuple[Meaning, ...] = ("binary", "number", *STATEMENTS)

LOOKED_AT = 2000
"""Rows from which meanings are guessed."""

NEARLY = 0.9
"""From this share of fitting cells on a column is said to be nearly what they are."""

UNKNOWN = frozenset(["", "nan", "na", "n/a", "none", "null", "unknown", "?"])
YES_NO = {"1": 1.0, "1.0": 1.0, "true": 1.0, "yes": 1.0, "0": 0.0, "0.0": 0.0, "false": 0.0, "no": 0.0}

_NAMES: dict[str, Meaning] = {
    **dict.fromkeys(("record", "record_id", "recording", "ecg_id", "study_id", "exam_id"), "record"),
    **dict.fromkeys(("file", "filename", "file_name", "filename_hr", "path", "ecg_file"), "file"),
    **dict.fromkeys(("patient", "patient_id", "subject_id", "patientid", "pid", "mrn"), "patient"),
    "age": "age",
    **dict.fromkeys(("sex", "gender"), "sex"),
}
_SCP = frozenset((*DIAGNOSTIC, *FORM, *RHYTHM))
_ICD = re.compile(r"[A-Z]\d[0-9AB](?:\.?[0-9A-Z]{1,4})?")
_PARTS = re.compile(r"[\s,;|]+")


@dataclass(frozen=True)
class ColumnGuess:
    """What a column seems to mean, and why; `known` of the cells looked at are not empty."""

    column: str
    meaning: Meaning
    reason: str
    known: int


def guesses(table: Table) -> list[ColumnGuess]:
    """One guess a column, in the table's order."""
    return [_guess(column, list(islice(table.cells(column), LOOKED_AT))) for column in table.columns]


def codes_in(cell: str) -> list[str]:
    """Codes of a cell: separated by commas, semicolons, bars or spaces, or written as a Python list."""
    return [part for part in _PARTS.split(re.sub(r"[\[\]{}'\"()]", " ", cell)) if part]


def _guess(column: str, cells: Sequence[str]) -> ColumnGuess:
    known = [cell for cell in cells if cell.casefold() not in UNKNOWN]
    folded = column.strip().casefold().replace(" ", "_")
    if folded in ("sex", "gender") and any(cell.replace(".", "").isdigit() for cell in known):
        return ColumnGuess(
            column, "ignore", "it holds numbers, and does not tell which of them means female", len(known)
        )
    if folded in _NAMES:
        return ColumnGuess(column, _NAMES[folded], "by its name", len(known))
    if not known:
        return ColumnGuess(column, "ignore", "it is empty", 0)
    for meaning, reason, fits in _LOOKS:
        if all(fits(cell) for cell in known):
            return ColumnGuess(column, meaning, reason, len(known))
    return ColumnGuess(column, "ignore", _nearly(known), len(known))


def _nearly(known: Sequence[str]) -> str:
    """Why a column is left out: free text, or nearly something, which a look at the other cells may mend."""
    for meaning, reason, fits in _LOOKS:
        share = sum(map(fits, known)) / len(known)
        if meaning in LABELS and share >= NEARLY:
            most = reason.removesuffix(" only").replace("its", f"{int(100 * share)} % of its")
            return f"{most}: choose it, and rows with other cells are left out"
    return "free text is not taken as a label"


def _is_scp(cell: str) -> bool:
    if cell.startswith("{") and cell.endswith("}"):
        return True
    return all(code in _SCP for code in codes_in(cell)) and not cell.isdigit()


def _is_snomed(cell: str) -> bool:
    codes = codes_in(cell)
    return bool(codes) and all(code in diagnoses() or (code.isdigit() and 8 <= len(code) <= 18) for code in codes)


def _is_number(cell: str) -> bool:
    try:
        return float(cell.replace(",", ".")) == float(cell.replace(",", "."))
    except ValueError:
        return False


_LOOKS: tuple[tuple[Meaning, str, Callable[[str], bool]], ...] = (
    ("record", "its cells are record ids of Isoline", lambda cell: bool(re.fullmatch(r"r[0-9a-f]{12}", cell))),
    ("binary", "its cells are yes and no only", lambda cell: cell.casefold() in YES_NO),
    ("file", "its cells are paths", lambda cell: "/" in cell or "\\" in cell),
    ("snomed", "its cells are SNOMED CT codes", _is_snomed),
    ("number", "its cells are numbers", _is_number),
    ("scp", "its cells are SCP-ECG statements", _is_scp),
    ("icd10", "its cells are ICD-10 codes", lambda cell: all(_ICD.fullmatch(code) for code in codes_in(cell))),
)

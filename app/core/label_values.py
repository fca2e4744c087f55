"""What one cell says of labels. Unknown is not negative: an empty cell says nothing, and a list says what is in it."""

from __future__ import annotations

import ast
import math
from collections.abc import Callable
from dataclasses import dataclass, field

from app.core.label_columns import UNKNOWN, YES_NO, Meaning, codes_in
from app.core.label_sheet import RowFault
from engine.contract.errors import UsageError
from engine.datasets.icd import with_ancestors
from engine.datasets.snomed import abbreviation


@dataclass(frozen=True)
class LabelMapping:
    """How a table becomes labels.

    Attributes:
        join: what names the recording: its record id or name, its file, or its patient.
        on: the column that does.
        columns: meaning by column; columns that are not named are left out.
        complete: columns of statements whose absence from a list means that they were looked for and not found.
        minimum_likelihood: SCP-ECG statements below it (in percent) are unknown; 0 in PTB-XL means that none was given.
        icd_characters: to how many characters ICD-10 codes are cut; ancestors are added.
    """

    join: Meaning
    on: str
    columns: dict[str, Meaning] = field(default_factory=dict)
    complete: frozenset[str] = frozenset()
    minimum_likelihood: float = 0.0
    icd_characters: int = 5

    def __post_init__(self) -> None:
        if self.icd_characters not in (3, 4, 5):
            raise UsageError("ICD-10", "codes are cut to 3, 4 or 5 characters", "Choose one of these")
        wrong = sorted(name for name in self.complete if self.columns.get(name) not in _LISTS)
        if wrong:
            reason = f"{', '.join(wrong)} holds no list of statements"
            raise UsageError("complete", reason, "Name columns of SCP-ECG, SNOMED CT or ICD-10 codes")


def values_of(cell: str, column: str, mapping: LabelMapping) -> dict[str, float]:
    """Labels of a cell with their values. Raises RowFault when it is not what its column is said to be."""
    meaning = mapping.columns.get(column, "ignore")
    if cell.casefold() in UNKNOWN or meaning not in _READERS:
        return {}
    return _READERS[meaning](cell, column, mapping)


def is_told(cell: str) -> bool:
    """Whether a cell of statements says anything: an empty list does, an empty cell does not."""
    return cell.casefold() not in UNKNOWN


def _binary(cell: str, column: str, mapping: LabelMapping) -> dict[str, float]:
    if cell.casefold() not in YES_NO:
        raise RowFault(f"the value of '{column}' is neither 1 nor 0", "Use 1, 0, or nothing when it is unknown")
    return {column: YES_NO[cell.casefold()]}


def _number(cell: str, column: str, mapping: LabelMapping) -> dict[str, float]:
    try:
        value = float(cell.replace(",", "."))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise RowFault(f"the value of '{column}' is no number", "Correct it, or leave it empty")
    return {column: value}


def _scp(cell: str, column: str, mapping: LabelMapping) -> dict[str, float]:
    if not cell.startswith("{"):
        return dict.fromkeys(codes_in(cell), 1.0)
    try:
        told = ast.literal_eval(cell)
        likelihoods = {str(code): float(likelihood) for code, likelihood in told.items()}
    except (ValueError, SyntaxError, AttributeError, TypeError, MemoryError, RecursionError):
        reason = f"the cell '{column}' is no list of statements with likelihoods"
        raise RowFault(reason, "Write it as {'NORM': 100.0}") from None
    return {code: 1.0 for code, sure in likelihoods.items() if sure == 0 or sure >= mapping.minimum_likelihood}


def _snomed(cell: str, column: str, mapping: LabelMapping) -> dict[str, float]:
    codes = codes_in(cell)
    if not all(code.isdigit() for code in codes):
        raise RowFault(f"the cell '{column}' holds no SNOMED CT codes", "Separate the codes by commas")
    return dict.fromkeys((abbreviation(code) for code in codes), 1.0)


def _icd10(cell: str, column: str, mapping: LabelMapping) -> dict[str, float]:
    codes = codes_in(cell)
    if not all(code[:1].isalpha() and len(code) >= 3 for code in codes):
        raise RowFault(f"the cell '{column}' holds no ICD-10 codes", "Separate the codes by commas")
    return dict.fromkeys(with_ancestors(codes, mapping.icd_characters), 1.0)


_READERS: dict[Meaning, Callable[[str, str, LabelMapping], dict[str, float]]] = {
    "binary": _binary,
    "number": _number,
    "scp": _scp,
    "snomed": _snomed,
    "icd10": _icd10,
}
_LISTS: tuple[Meaning, ...] = ("scp", "snomed", "icd10")

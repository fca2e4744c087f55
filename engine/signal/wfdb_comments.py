"""Comments of WFDB headers: age, sex, codes and clinical words as the PhysioNet databases write them.

Known: the Challenges of 2020 and 2021 (Dx: SNOMED CT codes), PTB Diagnostic (diagnoses and dates in words), LUDB
(<age>, <sex>, <diagnoses>). Whatever else stands there may name a person, and is told as free text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from engine.signal.acquisition import Statement
from engine.signal.formats.persons import age_in_years

OLDEST, AGE_MASK = 120.0, 300.0
"""PTB-XL writes 300 for every age above 89; any other age above 120 is a typing error and counts as unknown."""

CLINICAL = (
    "reason for admission",
    "acute infarction (localization)",
    "former infarction (localization)",
    "additional diagnoses",
    "diagnosis",
    "diagnose",
    "diagnoses",
    "rhythm",
    "electric axis of the heart",
)
"""Lines whose value is a diagnosis in words."""

_SEXES: dict[str, Literal["female", "male"]] = {"f": "female", "female": "female", "m": "male", "male": "male"}
_LINE = re.compile(r"<?([^:<>]{1,60})>?\s*:\s*(.*)$")
_INLINE = re.compile(
    r"<?\b(age|sex|gender)>?\s*:\s*([^\s<,;]+)(?:\s+(years?|yrs?|months?|weeks?|days?|hours?)\b)?", re.IGNORECASE
)
_HEADING = re.compile(r"<\w+>\s*:?")
_CODE = re.compile(r"\d{6,18}$")
_NOTHING = ("", "unknown", "no", "none", "n/a", "na", "nan", "not documented")
_PTB_DAY = re.compile(r"(\d\d)/(\d\d)/(\d{4})$")


@dataclass(frozen=True)
class Comments:
    """What the comments of a header say.

    Attributes:
        age: years.
        sex: as told.
        acquired: day of the recording, ISO 8601, where the comments tell it.
        statements: codes and diagnoses.
        identifiers: dates and free text.
    """

    age: float | None = field(default=None, repr=False)
    sex: Literal["female", "male", "unknown"] = "unknown"
    acquired: str | None = field(default=None, repr=False)
    statements: tuple[Statement, ...] = field(default=(), repr=False)
    identifiers: tuple[tuple[str, str], ...] = field(default=(), repr=False)


NOTHING = Comments()


def read_comments(comments: tuple[str, ...]) -> Comments:
    """What is said, line by line; the first word on age and sex counts."""
    if not comments:
        return NOTHING
    told: dict[str, str] = {}
    statements: list[Statement] = []
    identifiers: list[tuple[str, str]] = []
    acquired = None
    for comment in comments:
        inline = _INLINE.findall(comment)
        for key, value, unit in inline:
            told.setdefault("sex" if key.casefold() == "gender" else key.casefold(), f"{value} {unit}".strip())
        line = _LINE.match(comment)
        key, value = (line[1].strip().casefold(), line[2].strip()) if line else ("", comment)
        if key == "dx":
            statements += [_code(part) for part in re.split(r"[,\s]+", value) if part]
        elif key in CLINICAL and not inline:
            statements += [] if value.casefold() in _NOTHING else [Statement(text=value, source="clinical record")]
        elif "date" in key.split(" "):
            identifiers += [("acquisition date" if key == "ecg date" else "free text", value)] * (_says(value))
            acquired = _ptb_day(value) if key == "ecg date" else acquired
        elif _says(rest := _rest(comment) if inline else value):
            identifiers.append(("free text", rest))
    return Comments(_age(told.get("age")), _sex(told.get("sex")), acquired, tuple(statements), tuple(identifiers))


def _code(text: str) -> Statement:
    if _CODE.match(text):
        return Statement(code=text, system="SNOMED CT", source="header")
    return Statement(text=text, source="header")


def _rest(comment: str) -> str:
    """What a line says beside age and sex; whoever writes these into one line may go on with a name."""
    return _HEADING.sub(" ", _INLINE.sub(" ", comment)).strip(" ,;:.")


def _says(value: str) -> bool:
    return len(value) >= 3 and value.casefold() not in _NOTHING


def _ptb_day(value: str) -> str | None:
    """PTB Diagnostic writes day/month/year."""
    parts = _PTB_DAY.match(value)
    try:
        return datetime(int(parts[3]), int(parts[2]), int(parts[1])).date().isoformat() if parts else None
    except ValueError:
        return None


def _age(text: str | None) -> float | None:
    number, _, unit = (text or "").partition(" ")
    try:
        age = float(number.rstrip("+"))
    except ValueError:
        return None
    if unit and not unit.casefold().startswith("y"):
        return age_in_years(age, unit)
    if not (0 <= age <= OLDEST or age == AGE_MASK):
        return None
    return max(age, 90.0) if number.endswith("+") else age


def _sex(text: str | None) -> Literal["female", "male", "unknown"]:
    return _SEXES.get((text or "").casefold(), "unknown")

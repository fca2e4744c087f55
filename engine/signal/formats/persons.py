"""Sex and age as files write them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

OLDEST = 120.0
"""Above, an age is a typing error and counts as unknown."""

Sex = Literal["female", "male", "unknown"]

_SEXES: dict[str, Literal["female", "male"]] = {"f": "female", "female": "female", "m": "male", "male": "male"}
_YEARS = {"y": 1.0, "m": 1 / 12, "w": 7 / 365.25, "d": 1 / 365.25, "h": 1 / 8766}


def sex_of(text: str | None) -> Sex:
    """Female or male in the usual spellings; anything else is unknown.

    >>> sex_of("F"), sex_of("MALE"), sex_of("other")
    ('female', 'male', 'unknown')
    """
    return _SEXES.get((text or "").strip().casefold(), "unknown")


def age_in_years(number: float | None, unit: str = "years") -> float | None:
    """An age in whole years below 120; None when it is none. The unit goes by its first letter."""
    if number is None or unit[:1].lower() not in _YEARS:
        return None
    years = number * _YEARS[unit[:1].lower()]
    return float(int(years)) if 0 <= years <= OLDEST else None


def age_between(birth: date | None, day: date | None) -> float | None:
    """Whole years from birth to the day of the recording; None where one of the two is unknown or they contradict."""
    if birth is None or day is None:
        return None
    years = day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))
    return age_in_years(float(years)) if years >= 0 else None


def moment(*parts: int) -> datetime | None:
    """Year, month, day, hour, minute, second as a moment; None when the calendar has no such."""
    try:
        return datetime(*parts)  # type: ignore[arg-type]
    except (ValueError, TypeError, OverflowError):
        return None

"""What a search for leaks found, in sentences for people."""

from __future__ import annotations

from collections.abc import Sequence

from engine.contract.leakage import AGAINST
from engine.contract.results import Meeting


def sentences(meetings: Sequence[Meeting]) -> list[str]:
    """One sentence for each kind of thing that meets between two sides."""
    told = []
    for one in meetings:
        there = _side(one.other)
        if one.patients:
            shown = f"{_counted(one.patients, 'patient')} of {one.part} {_are(one.patients)} in {there} too"
            told.append(f"{shown} ({_counted(one.patient_records, 'recording')})")
        if one.exact:
            told.append(f"{_counted(one.exact, 'recording')} of {one.part} {_are(one.exact)} in {there}")
        if one.copies:
            share = "has a changed copy" if one.copies == 1 else "have changed copies"
            told.append(f"{_counted(one.copies, 'recording')} of {one.part} {share} in {there}")
    return told


def _side(part: str) -> str:
    return part.removeprefix(AGAINST).strip() or part


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + "s" * (number != 1)


def _are(number: int) -> str:
    return "is" if number == 1 else "are"

"""Numbers with their nouns: "1 row", "2 rows", "1,204 recordings"."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """A count and its noun, in the plural unless it is one."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"

"""ICD-10 codes as targets: cut to a length, without place holders, each with all its ancestors.

Rule of the study (method specification, section 5.1): the first five characters, trailing "X" taken off, and every
ancestor down to the category of three characters.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable
from sys import intern

from engine.contract.errors import WorldError

CHARACTERS = 5
CATEGORY = 3


def with_ancestors(codes: Iterable[str], characters: int = CHARACTERS) -> tuple[str, ...]:
    """Codes cut to a number of characters, with their ancestors, sorted; dots are taken out."""
    found: set[str] = set()
    for code in codes:
        short = code.strip().upper().replace(".", "")[:characters].rstrip("X")
        # One text for each code, however many recordings have it.
        found.update(intern(short[:end]) for end in range(CATEGORY, len(short) + 1))
    return tuple(sorted(found))


def is_circulatory(code: str) -> bool:
    """Whether a code is of chapter IX, diseases of the circulatory system (I00 to I99)."""
    return code.startswith("I")


def parse_list(text: str) -> tuple[str, ...]:
    """Codes of a cell such as "['I10', 'E785']".

    Raises:
        WorldError: it is no list of texts.
    """
    try:
        codes = ast.literal_eval(text or "[]")
    except (ValueError, SyntaxError):
        codes = None
    if not isinstance(codes, list | tuple | set) or not all(isinstance(code, str) for code in codes):
        raise WorldError("table of diagnoses", "a cell is no list of codes", "Use the table as it was published")
    return tuple(codes)

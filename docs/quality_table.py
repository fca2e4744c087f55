"""Shares with their intervals, and the page that they are written into."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Marks = NDArray[np.bool_]


def share(marks: Sequence[bool] | Marks) -> str:
    """A share with its 95 % interval (Wilson) and the count: "0.97 (0.93 to 0.99; 140 of 144)"."""
    count, hits, z = len(marks), int(np.sum(marks)), 1.96
    if not count:
        return "none here"
    middle = (hits + z * z / 2) / (count + z * z)
    half = z / (count + z * z) * math.sqrt(hits * (count - hits) / count + z * z / 4)
    return f"{hits / count:.3f} ({max(0.0, middle - half):.3f} to {min(1.0, middle + half):.3f}; {hits} of {count})"


def row(*cells: object) -> str:
    """A line of a table."""
    return f"| {' | '.join(str(cell) for cell in cells)} |\n"


def head(*cells: object) -> str:
    """The first two lines of a table."""
    return row(*cells) + row(*("---" for _ in cells))


def fill(page: str, name: str, text: str) -> str:
    """The page with a new text between the marks of `name`; a page without them is a mistake."""
    marks = f"<!-- {name} -->"
    filled, count = re.subn(f"{marks}.*?{marks}", lambda _: f"{marks}\n{text}{marks}", page, flags=re.DOTALL)
    if count != 1:
        raise ValueError(f"the page has no place for {name}")
    return filled

"""The ledger of numbers: every number in the results of the runs behind a dossier, with an id that resolves to it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy.orm import Session

from app.core import jobs
from app.governance.dossier import Evidence

UNPRINTED = re.compile(
    r"^pairs\.|^training\.|^golden\.|^sensitivity\.items\.\d+\.labels\."
    r"|^labels\.\d+\.(curve|failures|calibration\.curve)(\.|$)|^labels\.\d+\.utility\.points(\.(?!0\.model\.)|$)"
)
"""Paths of what can be ten thousand numbers and is drawn at most: pairs of a search for leaks, epochs,
curves, golden ECGs. The first point of a decision curve is printed: of a flag it is the only one.

The hash of the run's results vouches for them.
"""


def evidence_of(session: Session, job_ids: Sequence[str]) -> tuple[Evidence, ...]:
    """All numbers of these runs, numbered in the order of runs and results."""
    found = [
        (job_id, path, value)
        for job_id in job_ids
        for path, value in printable(json.loads(jobs.get(session, job_id).results or "{}"))
    ]
    width = max(4, len(str(len(found))))
    return tuple(Evidence(f"E{n:0{width}d}", *entry) for n, entry in enumerate(found, start=1))


def printable(results: Any) -> Iterator[tuple[str, float | None]]:
    """Path and value of every number of a run's results that a dossier might print."""
    return ((path, value) for path, value in numbers(results) if not UNPRINTED.match(path))


def numbers(node: Any, path: str = "", key: str = "") -> Iterator[tuple[str, float | None]]:
    """Path and value of every number; a value that is not estimable stands as None."""
    if isinstance(node, dict):
        for name, inner in node.items():
            yield from numbers(inner, f"{path}.{name}" if path else name, name)
    elif isinstance(node, list):
        for place, inner in enumerate(node):
            yield from numbers(inner, f"{path}.{place}", key)
    elif isinstance(node, int | float) and not isinstance(node, bool):
        yield path, float(node)
    elif node is None and key in ("value", "values"):
        yield path, None

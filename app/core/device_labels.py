"""Labels made of what the carts themselves stated: on request, under names of their own, and marked as the carts' own.

A model that is scored against them is compared with another program, not with the truth.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import audit, label_import
from app.core.schema import Record
from engine.contract.errors import WorldError

PREFIX = "device: "
"""What the names of these labels begin with."""
LONGEST = 60
BLOCK = 5000


def write(session: Session, complete: bool) -> dict[str, int]:
    """Write the labels; gives back how many recordings have each.

    Args:
        session: a write transaction.
        complete: a statement that was not made counts as negative on recordings whose file holds any.

    Raises:
        WorldError: no recording came with a coded statement.
    """
    query = select(Record.record_id, Record.statements).order_by(Record.number).execution_options(yield_per=BLOCK)
    told = {record_id: names for record_id, stated in session.execute(query) if (names := set(_names(stated)))}
    if not told:
        step = "Import files that hold coded statements, or allow free text at import (--keep-free-text)"
        raise WorldError("statements", "no recording came with a statement of its cart", step)
    counts = Counter(name for names in told.values() for name in names)
    source = hashlib.sha256(repr(sorted((one, sorted(names)) for one, names in told.items())).encode()).hexdigest()
    rows = [
        {
            "record_id": record_id,
            "label": label,
            "value": float(label in names),
            "source_sha256": source,
            "kind": "binary",
            "origin": "device",
        }
        for record_id, names in told.items()
        for label in (counts if complete else sorted(names))
    ]
    changed = label_import.put(session, rows)
    detail = {"recordings": len(told), "labels": len(counts), "complete": complete, "changed": changed}
    audit.append(session, "labels added", "statements of the devices", detail)
    return dict(sorted(counts.items()))


def _names(stated: Iterable[dict[str, Any]]) -> Iterable[str]:
    for statement in stated:
        name = str(statement.get("code") or statement.get("text") or "").strip()
        if name:
            yield PREFIX + " ".join(name.split())[:LONGEST]

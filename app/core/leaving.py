"""The search of all that leaves the workspace for identifiers that were seen at import. It fails closed.

What is searched for are keyed hashes; so an error can name the kind of identifier and the place, never the identifier.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.core import marks
from app.core.home import Home
from app.core.schema import AuditEvent
from engine.contract.errors import WorldError
from engine.signal.identifiers import hashed, signs_in

NAME_OF_FILE = "name of the file"
MOST_TOLD = 5
"""Places named in an error."""

_TAG = re.compile(r"<[^>]*>")
_DECIMAL = re.compile(r"[-+]?\d*\.\d+(?:[eE][-+]?\d+)?")


@dataclass(frozen=True)
class Found:
    """That an identifier stands somewhere: of which kind, and where; never which."""

    kind: str
    place: str


def search(session: Session, key: bytes, texts: Mapping[str, str]) -> list[Found]:
    """Look for identifiers seen at import.

    Args:
        session: of the workspace.
        key: its key.
        texts: by the place where they stand, in words.
    """
    own = _own_dates(session)
    places: dict[int, dict[str, None]] = {}
    for place, text in texts.items():
        for sign in signs_in(text) - own:
            places.setdefault(hashed(key, sign), {})[place] = None
    kinds = marks.kinds_of(session, places)
    found = {Found(kind, place): None for mark, kind in kinds.items() for place in places[mark]}
    return sorted(found, key=lambda one: (one.place, one.kind))


def refuse_identifiers(session: Session, key: bytes, what: str, texts: Mapping[str, str]) -> None:
    """Let nothing leave that holds an identifier. Raises WorldError with kinds and places."""
    found = search(session, key, texts)
    if not found:
        return
    told = ", ".join(f"{one.kind} in {one.place}" for one in found[:MOST_TOLD])
    more = f" and {len(found) - MOST_TOLD} more" if len(found) > MOST_TOLD else ""
    raise WorldError(
        what,
        f"it was not written, since it would carry out what identifies somebody ({told}{more})",
        "Take that out of the named places (a title; the name of a model, cohort, label or file) and export again",
        fault="identifier",
    )


def refuse_file(home: Home, what: str, path: Path, texts: Mapping[str, str]) -> None:
    """Let no file leave whose content or name holds an identifier. Raises WorldError with kinds and places."""
    with home.db.read() as session:
        refuse_identifiers(session, home.key, what, {**texts, NAME_OF_FILE: path.stem})


def strings_of(value: Any, place: str = "") -> Iterator[tuple[str, str]]:
    """All strings of rows, pages and plain data, each with the place where it stands; numbers identify nobody."""
    if isinstance(value, str):
        yield place or "text", value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from strings_of(getattr(value, name), _below(place, name))
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from strings_of(getattr(value, field.name), _below(place, field.name))
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield _below(place, "names"), str(name)
            yield from strings_of(item, place)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for item in value:
            yield from strings_of(item, place)


def by_place(value: Any) -> dict[str, str]:
    """The strings of a value, those of one place together."""
    texts: dict[str, list[str]] = {}
    for place, text in strings_of(value):
        texts.setdefault(place, []).append(text)
    return {place: "\n".join(dict.fromkeys(parts)) for place, parts in texts.items()}


def shown_of_svg(text: str) -> str:
    """What a figure shows in words; coordinates are none."""
    return _TAG.sub(" ", text)


def cells_of_csv(text: str) -> str:
    """Cells of a table, without decimal numbers."""
    cells = (cell for row in csv.reader(io.StringIO(text)) for cell in row)
    return "\n".join(cell for cell in cells if not _DECIMAL.fullmatch(cell.strip()))


def _below(place: str, name: str) -> str:
    name = name.replace("_", " ")
    return f"{place}, {name}" if place else name


def _own_dates(session: Session) -> set[str]:
    """Days on which something was done in this workspace: reports print them, and they are nobody's."""
    days = session.scalars(select(func.substr(AuditEvent.time, 1, 10)).distinct())
    return {f"d {day}" for day in (*days, datetime.now(UTC).date().isoformat())}

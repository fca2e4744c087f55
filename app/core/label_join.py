"""Which recordings a row of a label table means: by record id or name, by file, or by patient."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import PurePosixPath

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import records
from app.core.label_columns import Meaning
from app.core.label_sheet import RowFault, record_name
from app.core.schema import JobFile, Record
from engine.signal.pseudonyms import pseudonym


class Join:
    """The recordings of the workspace by what names them in a table."""

    def __init__(self, session: Session, key: bytes, join: Meaning, cells: Iterable[str]) -> None:
        self._key, self._join = key, join
        wanted = {self._name(cell) for cell in cells if cell}
        self._found = _by_patient(session, wanted) if join == "patient" else _by_name(session, wanted)
        self._paths = _paths(session, self._found) if join == "file" else {}

    def records(self, cell: str) -> tuple[str, ...]:
        """Ids of the recordings that a cell means; empty when there is none. Raises RowFault when it is unclear."""
        found = self._found.get(self._name(cell), ())
        if self._join == "patient" or len(found) < 2:
            return tuple(found)
        ending = _without_ending(cell)
        same = [one for one in found if f"/{self._paths.get(one, '')}".endswith(f"/{ending}")]
        if len(same) != 1:
            raise RowFault("several recordings have this name", "Name the recording by its record id, or by its path")
        return tuple(same)

    def _name(self, cell: str) -> str:
        return pseudonym(self._key, cell) if self._join == "patient" else record_name(cell)


def _by_patient(session: Session, wanted: set[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for part in records.chunks(sorted(wanted)):
        query = select(Record.patient, Record.record_id).where(Record.patient.in_(part), Record.patient_known)
        for patient, record_id in session.execute(query.order_by(Record.number)):
            found[patient].append(record_id)
    return found


def _by_name(session: Session, wanted: set[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for part in records.chunks(sorted(wanted)):
        for column in (Record.record_id, Record.source_name):
            query = select(column, Record.record_id).where(column.in_(part)).order_by(Record.number)
            for name, record_id in session.execute(query):
                if record_id not in found[name]:
                    found[name].append(record_id)
    return found


def _paths(session: Session, found: dict[str, list[str]]) -> dict[str, str]:
    """Paths, without their ending, of recordings whose name is not theirs alone."""
    unclear = sorted({record_id for ids in found.values() if len(ids) > 1 for record_id in ids})
    paths: dict[str, str] = {}
    for part in records.chunks(unclear):
        query = select(JobFile.record_id, JobFile.path).where(JobFile.record_id.in_(part), JobFile.status == "imported")
        paths |= {str(record_id): _without_ending(path) for record_id, path in session.execute(query)}
    return paths


def _without_ending(path: str) -> str:
    whole = PurePosixPath(path.strip().replace("\\", "/"))
    return str(whole.with_name(record_name(whole.name))) if whole.name else ""

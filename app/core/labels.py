"""Labels of recordings: rows of a labels file wait for their import, then meet their recordings by name.

The rows stand in the database from the moment the import is asked for, with pseudonyms in place of patient ids, so
that an import that is killed and resumed still applies them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Row, insert, select
from sqlalchemy.orm import Session

from app.core import audit, marks, records
from app.core.intake import source_name
from app.core.label_import import put
from app.core.label_sheet import Sheet, SheetRow
from app.core.schema import JobFile, LabelRow, Record

Item = TypeVar("Item")
AT_ONCE = 200
"""Rows that are held as objects at a time: each may know a thousand labels."""


def keep_rows(session: Session, job_id: str, sheet: Sheet) -> None:
    """Keep the rows of a labels file until the recordings of this import are there."""
    marks.keep(session, sheet.marks)
    for rows in _few(sheet.rows):
        session.execute(insert(LabelRow), [_kept(job_id, sheet, row) for row in rows])


def _few(values: Sequence[Item]) -> Iterator[Sequence[Item]]:
    return (values[start : start + AT_ONCE] for start in range(0, len(values), AT_ONCE))


def _kept(job_id: str, sheet: Sheet, row: SheetRow) -> dict[str, Any]:
    return {
        "job_id": job_id,
        "line": row.line,
        "file": sheet.name,
        "file_sha256": sheet.sha256,
        "record": row.record,
        "patient": row.patient,
        "age": row.age,
        "sex": row.sex,
        "fold": row.fold,
        "part": row.part,
        "values": dict(row.values or {}),
        "fault": row.fault,
        "next_step": row.next_step,
    }


def apply_rows(session: Session, job_id: str) -> None:
    """Give the labels to the recordings that their rows name; a row that names none keeps a fault."""
    columns = select(LabelRow.line, LabelRow.record, LabelRow.file_sha256, LabelRow.fault)
    waiting = session.execute(columns.where(LabelRow.job_id == job_id).order_by(LabelRow.line)).all()
    if not waiting:
        return
    matched = _matched(waiting, _names(session, job_id, {row.record for row in waiting}))
    numbers = _numbers(session, job_id, [line for line, found in matched.items() if not found.fault])
    changed: dict[str, dict[str, float]] = defaultdict(dict)
    used = 0
    for rows in _by_few(session, job_id, list(matched)):
        for label, before in _write(session, rows, matched, numbers).items():
            changed[label].update(before)
        used += sum(not row.fault for row in rows)
    told = {"labels_sha256": waiting[0].file_sha256, "rows": len(waiting), "used": used, "changed": dict(changed)}
    audit.append(session, "labels added", job_id, told)


class _Found(NamedTuple):
    """What a row names, or what is wrong with it."""

    record_id: str = ""
    fault: str = ""
    next_step: str = ""


def _matched(waiting: Iterable[Row[int, str, str, str]], names: dict[str, set[str]]) -> dict[int, _Found]:
    """Of each row without a fault, by its line, what it names."""
    used: dict[str, int] = {}
    found: dict[int, _Found] = {}
    for row in waiting:
        if not row.fault:
            found[row.line] = one = _match(names.get(row.record, set()), used)
            if one.record_id:
                used[one.record_id] = row.line
    return found


def _match(found: set[str], used: dict[str, int]) -> _Found:
    if not found:
        return _Found("", "it names no recording of the workspace", "Use the file's name or the record id")
    if len(found) > 1:
        return _Found("", "several recordings have this name", "Name the recording by its record id")
    record_id = next(iter(found))
    if record_id in used:
        return _Found("", f"line {used[record_id]} names the same recording", "Keep one row per recording")
    return _Found(record_id)


def _by_few(session: Session, job_id: str, lines: list[int]) -> Iterator[list[LabelRow]]:
    """Rows of these lines, a few at a time; they are let go of when the next ones come."""
    for part in _few(lines):
        query = select(LabelRow).where(LabelRow.job_id == job_id, LabelRow.line.in_(part)).order_by(LabelRow.line)
        rows = list(session.scalars(query))
        yield rows
        session.flush()
        for row in rows:
            session.expunge(row)


def _numbers(session: Session, job_id: str, lines: list[int]) -> set[str]:
    """Labels that are more than yes and no somewhere in the table."""
    found: set[str] = set()
    for part in _few(lines):
        query = select(LabelRow.values).where(LabelRow.job_id == job_id, LabelRow.line.in_(part))
        for values in session.scalars(query):
            found.update(label for label, value in values.items() if value not in (0.0, 1.0))
    return found


def _names(session: Session, job_id: str, named: set[str]) -> dict[str, set[str]]:
    """By which names recordings are meant: files of this import first, then record ids and names of the workspace."""
    names: dict[str, set[str]] = defaultdict(set)
    query = select(JobFile.path, JobFile.record_id).where(JobFile.job_id == job_id, JobFile.record_id.is_not(None))
    for path, record_id in session.execute(query):
        names[source_name(path)].add(str(record_id))
    for part in records.chunks(sorted(named - names.keys())):
        for found in session.scalars(select(Record).where(Record.record_id.in_(part) | Record.source_name.in_(part))):
            names[found.record_id if found.record_id in part else found.source_name].add(found.record_id)
    return names


def _write(
    session: Session, rows: list[LabelRow], matched: dict[int, _Found], numbers: set[str]
) -> dict[str, dict[str, float]]:
    """Write the labels of some rows, or their faults; gives back the old values of those that were known otherwise."""
    known = records.by_ids(session, sorted(found.record_id for row in rows if (found := matched[row.line]).record_id))
    values = []
    for row in rows:
        _, row.fault, row.next_step = found = matched[row.line]
        record = known.get(found.record_id)
        if record is None:
            if not row.fault:
                row.fault, row.next_step = "its recording is not in the workspace", "Import the recording again"
            continue
        _tell(record, row)
        values += [
            {
                "record_id": record.record_id,
                "label": label,
                "value": value,
                "source_sha256": row.file_sha256,
                "kind": "number" if label in numbers else "binary",
                "origin": "table",
            }
            for label, value in row.values.items()
        ]
    return put(session, values)


def _tell(record: Record, row: LabelRow) -> None:
    """What the table says of a person goes before what the file's header said."""
    if row.patient:
        record.patient, record.patient_known = row.patient, True
    if row.age is not None:
        record.age, record.age_over_89 = records.coarse_age(row.age)
    if row.sex:
        record.sex = row.sex
    if row.fold is not None or row.part:
        record.fold, record.part = row.fold, row.part

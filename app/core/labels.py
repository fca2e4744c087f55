"""Labels of recordings: rows of a labels file wait for their import, then meet their recordings by name.

The rows stand in the database from the moment the import is asked for, with pseudonyms in place of patient ids, so
that an import that is killed and resumed still applies them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from app.core import audit, marks, records
from app.core.intake import source_name
from app.core.label_import import put
from app.core.label_sheet import Sheet
from app.core.schema import JobFile, LabelRow, Record


def keep_rows(session: Session, job_id: str, sheet: Sheet) -> None:
    """Keep the rows of a labels file until the recordings of this import are there."""
    marks.keep(session, sheet.marks)
    rows = [
        {
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
            "values": row.values or {},
            "fault": row.fault,
            "next_step": row.next_step,
        }
        for row in sheet.rows
    ]
    if rows:
        session.execute(insert(LabelRow), rows)


def apply_rows(session: Session, job_id: str) -> None:
    """Give the labels to the recordings that their rows name; a row that names none keeps a fault."""
    waiting = session.scalars(select(LabelRow).where(LabelRow.job_id == job_id).order_by(LabelRow.line)).all()
    if not waiting:
        return
    names = _names(session, job_id, waiting)
    used: dict[str, int] = {}
    for row in waiting:
        if not row.fault:
            _match(row, names, used)
    matched = [row for row in waiting if not row.fault]
    changed = _write(session, matched, names)
    used_rows = sum(not row.fault for row in waiting)
    told = {"labels_sha256": waiting[0].file_sha256, "rows": len(waiting), "used": used_rows, "changed": changed}
    audit.append(session, "labels added", job_id, told)


def _match(row: LabelRow, names: dict[str, set[str]], used: dict[str, int]) -> None:
    found = names.get(row.record, set())
    if not found:
        row.fault, row.next_step = "it names no recording of the workspace", "Use the file's name or the record id"
    elif len(found) > 1:
        row.fault, row.next_step = "several recordings have this name", "Name the recording by its record id"
    elif (record_id := next(iter(found))) in used:
        row.fault = f"line {used[record_id]} names the same recording"
        row.next_step = "Keep one row per recording"
    else:
        used[record_id] = row.line


def _names(session: Session, job_id: str, waiting: Iterable[LabelRow]) -> dict[str, set[str]]:
    """By which names recordings are meant: files of this import first, then record ids and names of the workspace."""
    names: dict[str, set[str]] = defaultdict(set)
    query = select(JobFile.path, JobFile.record_id).where(JobFile.job_id == job_id, JobFile.record_id.is_not(None))
    for path, record_id in session.execute(query):
        names[source_name(path)].add(str(record_id))
    for part in records.chunks(sorted({row.record for row in waiting} - names.keys())):
        for found in session.scalars(select(Record).where(Record.record_id.in_(part) | Record.source_name.in_(part))):
            names[found.record_id if found.record_id in part else found.source_name].add(found.record_id)
    return names


def _write(session: Session, rows: list[LabelRow], names: dict[str, set[str]]) -> dict[str, dict[str, float]]:
    """Write the labels; gives back the old values of those that were known otherwise."""
    of_row = {row.line: next(iter(names[row.record])) for row in rows}
    known = records.by_ids(session, sorted(of_row.values()))
    values = []
    numbers = {label for row in rows for label, value in row.values.items() if value not in (0.0, 1.0)}
    for row in rows:
        record = known.get(of_row[row.line])
        if record is None:
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

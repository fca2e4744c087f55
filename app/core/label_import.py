"""Labels from a table onto recordings that are in: looked at first, then written in one transaction with the trail."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from sqlalchemy.dialects.sqlite import insert as upsert
from sqlalchemy.orm import Session

from app.core import audit, marks, records
from app.core.label_columns import JOINS, LABELS, STATEMENTS, ColumnGuess, Meaning, guesses
from app.core.label_join import Join
from app.core.label_sheet import TOO_MANY, RowFault, age_of, sex_of
from app.core.label_table import Table
from app.core.label_values import LabelMapping, is_told, values_of
from app.core.schema import RecordLabel, table_of
from engine.contract.errors import UsageError, WorldError
from engine.signal.identifiers import marks_of
from engine.signal.pseudonyms import pseudonym

LINES_TOLD = 20
"""Lines that are told of rows that name no recording."""


@dataclass(frozen=True)
class LabelCount:
    """Over the recordings that the table means: how many have the label, have it not, or are unknown.

    A number has no yes and no: `positives` are then values above zero, and `smallest` and `largest` tell its range.
    """

    label: str
    positives: int
    negatives: int
    unknown: int
    kind: Literal["binary", "number"] = "binary"
    smallest: float | None = None
    largest: float | None = None


@dataclass(frozen=True)
class LabelPreview:
    """What a table would do. Rows and recordings are counted; no cell is told.

    Attributes:
        columns: what each column looks like.
        mapping: what they are taken for.
        rows: below the header.
        matched: rows that name a recording and are used.
        unmatched: rows that name none of the workspace.
        faults: rows that are left out: (line, reason, next step).
        recordings: of the workspace that the table means.
        labels: counts of each.
        notes: what to know before trusting the counts.
        unmatched_lines: the first lines of those that name no recording.
        empty_keys: how many of `unmatched` have nothing in the column that names recordings.
        changes: values that are known otherwise already, and would be replaced.
        workspace_recordings: how many the workspace holds.
    """

    columns: tuple[ColumnGuess, ...]
    mapping: LabelMapping
    rows: int
    matched: int
    unmatched: int
    faults: tuple[tuple[int, str, str], ...]
    recordings: int
    labels: tuple[LabelCount, ...]
    notes: tuple[str, ...]
    unmatched_lines: tuple[int, ...] = ()
    empty_keys: int = 0
    changes: int = 0
    workspace_recordings: int = 0


def suggested(
    session: Session,
    key: bytes,
    table: Table,
    found: Sequence[ColumnGuess],
    join: Meaning | None = None,
    on: str | None = None,
) -> tuple[Meaning, str]:
    """What names the recordings: of the columns that may, the one that names the most.

    Raises:
        UsageError: the column or the way of joining does not exist.
        WorldError: no column names a recording.
    """
    if on is not None and on not in table.columns:
        raise UsageError(f"column {on}", "the table has none of this name", f"It has: {', '.join(table.columns)}")
    if join is not None and join not in JOINS:
        raise UsageError("join", f"{join} names no recording", f"Use one of: {', '.join(JOINS)}")
    meanings = {guess.column: guess.meaning for guess in found}
    columns = (
        [on] if on else [name for name, meaning in meanings.items() if meaning in (JOINS if not join else (join,))]
    )
    tried = [(way, column) for column in columns for way in ([join] if join else _ways(meanings[column]))]
    scored = [(_matches(session, key, table, way, column), -n, way, column) for n, (way, column) in enumerate(tried)]
    if not scored or (not max(scored)[0] and not on):
        step = "Name the column with --on and how it is joined with --join (record, file or patient)"
        raise WorldError("label table", "no column of it names a recording of the workspace", step)
    _, _, way, column = max(scored)
    return way, column


def suggested_mapping(
    session: Session, key: bytes, table: Table, join: Meaning | None = None, on: str | None = None
) -> LabelMapping:
    """A mapping made of the guesses; see `suggested` for what it raises."""
    found = guesses(table)
    way, column = suggested(session, key, table, found, join, on)
    columns = {guess.column: guess.meaning for guess in found if guess.meaning not in ("ignore", "record", "file")}
    columns.pop(column, None)
    return LabelMapping(join=way, on=column, columns=columns)


def preview(session: Session, key: bytes, table: Table, mapping: LabelMapping) -> LabelPreview:
    """What the table would do with this mapping; nothing is written."""
    read = _read(session, key, table, mapping)
    known = records.labels_of(session, sorted(read.values))
    changes = sum(
        known[record_id].get(label, value) != value
        for record_id, values in read.values.items()
        if record_id in known
        for label, value in values.items()
    )
    return replace(read.preview(session, table, mapping), changes=changes)


def write(session: Session, key: bytes, table: Table, mapping: LabelMapping) -> LabelPreview:
    """Write the labels of a table, and what it says of persons. Values that change stand in the trail as they were."""
    read = _read(session, key, table, mapping)
    number = {column for column, meaning in mapping.columns.items() if meaning == "number"}
    rows = [
        {
            "record_id": record_id,
            "label": label,
            "value": value,
            "source_sha256": table.sha256,
            "kind": "number" if label in number else "binary",
            "origin": "table",
        }
        for record_id, values in read.values.items()
        for label, value in values.items()
    ]
    changed = put(session, rows)
    _tell_persons(session, read)
    marks.keep(session, read.marks)
    used = {"labels_sha256": table.sha256, "rows": len(table.rows), "used": read.matched, "changed": changed}
    settings = asdict(mapping) | {"complete": sorted(mapping.complete)}
    audit.append(session, "labels added", table.sha256[:12], used | {"mapping": settings})
    return replace(read.preview(session, table, mapping), changes=sum(map(len, changed.values())))


def put(session: Session, rows: Sequence[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Write labels; gives back the old values of those that were known otherwise: {label: {record id: value}}."""
    known = records.labels_of(session, sorted({row["record_id"] for row in rows}))
    old: dict[str, dict[str, float]] = defaultdict(dict)
    for row in rows:
        before = known.get(row["record_id"], {}).get(row["label"])
        if before is not None and before != row["value"]:
            old[row["label"]][row["record_id"]] = before
    if rows:
        new = upsert(table_of(RecordLabel))
        kept = {name: getattr(new.excluded, name) for name in ("value", "source_sha256", "kind", "origin")}
        keys = [RecordLabel.record_id, RecordLabel.label]
        session.execute(new.on_conflict_do_update(index_elements=keys, set_=kept), list(rows))
    return dict(old)


@dataclass
class _Read:
    """What the rows of a table say of which recordings."""

    values: dict[str, dict[str, float]]
    persons: dict[str, dict[str, Any]]
    faults: list[tuple[int, str, str]]
    marks: dict[int, str]
    matched: int = 0
    unmatched: list[int] = field(default_factory=list)
    empty_keys: int = 0

    def preview(self, session: Session, table: Table, mapping: LabelMapping) -> LabelPreview:
        """The counts."""
        labels = tuple(self._counts(mapping))
        return LabelPreview(
            columns=tuple(guesses(table)),
            mapping=mapping,
            rows=len(table.rows),
            matched=self.matched,
            unmatched=len(self.unmatched),
            faults=tuple(self.faults),
            recordings=len(self.values),
            labels=labels,
            notes=(*table.notes, *_notes(mapping), *_cautions(labels)),
            unmatched_lines=tuple(self.unmatched[:LINES_TOLD]),
            empty_keys=self.empty_keys,
            workspace_recordings=records.count(session),
        )

    def _counts(self, mapping: LabelMapping) -> Iterable[LabelCount]:
        told: dict[str, list[float]] = defaultdict(list)
        for values in self.values.values():
            for label, value in values.items():
                told[label].append(value)
        for label, known in sorted(told.items()):
            yes, unknown = sum(value > 0 for value in known), len(self.values) - len(known)
            if mapping.columns.get(label) == "number":
                yield LabelCount(label, yes, len(known) - yes, unknown, "number", min(known), max(known))
            else:
                yield LabelCount(label, yes, len(known) - yes, unknown)


def _read(session: Session, key: bytes, table: Table, mapping: LabelMapping) -> _Read:
    join = Join(session, key, mapping.join, table.cells(mapping.on))
    read = _Read({}, {}, [], {})
    every = _vocabularies(table, mapping)
    line_of: dict[str, int] = {}
    for line, cells in table.rows:
        try:
            if TOO_MANY in cells:
                raise RowFault("it has more cells than the header has columns", "Quote cells that hold a separator")
            found = join.records(cells[mapping.on])
            if not found:
                read.unmatched.append(line)
                read.empty_keys += not cells[mapping.on]
                continue
            _refuse_second(found, line, line_of)
            values, person = _values(cells, mapping, every), _person(cells, mapping, key)
        except RowFault as fault:
            read.faults.append((line, fault.args[0], fault.args[1]))
            continue
        read.matched += 1
        for record_id in found:
            line_of[record_id] = line
            read.values[record_id] = values
            read.persons[record_id] = person
    for column in (name for name, meaning in _all_columns(mapping).items() if meaning == "patient"):
        for cell in set(table.cells(column)):
            read.marks |= dict.fromkeys(marks_of(key, "patient id", cell), "patient id") if cell else {}
    return read


def _refuse_second(found: Iterable[str], line: int, line_of: dict[str, int]) -> None:
    before = next((line_of[record_id] for record_id in found if record_id in line_of), None)
    if before is not None:
        raise RowFault(f"line {before} names the same recording", "Keep one row per recording or patient")


def _values(cells: dict[str, str], mapping: LabelMapping, every: dict[str, set[str]]) -> dict[str, float]:
    values: dict[str, float] = {}
    for column in mapping.columns:
        told = values_of(cells[column], column, mapping)
        if column in mapping.complete and is_told(cells[column]):
            told = dict.fromkeys(every[column], 0.0) | told
        contradicted = next((label for label in told if values.get(label, told[label]) != told[label]), None)
        if contradicted is not None:
            reason = f"two columns contradict each other on '{contradicted}'"
            raise RowFault(reason, "Leave one of the columns out, or correct it")
        values |= told
    return values


def _vocabularies(table: Table, mapping: LabelMapping) -> dict[str, set[str]]:
    """All labels of the columns whose lists are complete: what is not in a list was not found."""
    every: dict[str, set[str]] = {}
    for column in mapping.complete:
        every[column] = set()
        for cell in table.cells(column):
            try:
                every[column].update(values_of(cell, column, mapping))
            except RowFault:
                continue
    return every


def _person(cells: dict[str, str], mapping: LabelMapping, key: bytes) -> dict[str, Any]:
    from engine.signal.formats.kit import said  # not above: every command reads this file

    person: dict[str, Any] = {}
    for column, meaning in mapping.columns.items():
        if meaning == "patient" and (patient := said(cells[column])):
            person["patient"] = pseudonym(key, patient)
        elif meaning == "age":
            person["age"] = age_of(cells[column])
        elif meaning == "sex":
            person["sex"] = sex_of(cells[column])
    return {name: value for name, value in person.items() if value is not None}


def _tell_persons(session: Session, read: _Read) -> None:
    told = {record_id: person for record_id, person in read.persons.items() if person}
    for record_id, record in records.by_ids(session, sorted(told)).items():
        person = told[record_id]
        if "patient" in person:
            record.patient, record.patient_known = person["patient"], True
        if "age" in person:
            record.age, record.age_over_89 = records.coarse_age(person["age"])
        record.sex = person.get("sex", record.sex)


def _all_columns(mapping: LabelMapping) -> dict[str, Meaning]:
    return {**mapping.columns, mapping.on: mapping.join}


def _ways(meaning: Meaning) -> list[Meaning]:
    return ["patient"] if meaning == "patient" else ["file"] if meaning == "file" else ["record"]


def _matches(session: Session, key: bytes, table: Table, way: Meaning, column: str) -> int:
    join = Join(session, key, way, table.cells(column))
    found = 0
    for cell in table.cells(column):
        try:
            found += bool(join.records(cell))
        except RowFault:
            continue
    return found


def _notes(mapping: LabelMapping) -> Iterable[str]:
    for column, meaning in mapping.columns.items():
        if meaning in STATEMENTS and column not in mapping.complete:
            yield (
                f"A statement that is missing from '{column}' counts as unknown. If its lists are complete, say so, "
                "and it counts as negative."
            )
        elif meaning in STATEMENTS:
            yield f"A statement that is missing from a list in '{column}' counts as negative: the lists are complete."
    if not any(meaning in LABELS for meaning in mapping.columns.values()):
        yield "No column is taken as a label."


def _cautions(labels: Sequence[LabelCount]) -> Iterable[str]:
    """Labels on which no model can be scored, since one of the two answers is missing."""
    binary = [one for one in labels if one.kind == "binary"]
    for words, few in (
        ("negative", [one.label for one in binary if not one.negatives]),
        ("positive", [one.label for one in binary if not one.positives]),
    ):
        if few:
            named = ", ".join(few[:5]) + (f" and {len(few) - 5:,} more" if len(few) > 5 else "")
            yield f"No {words} is known of {named}: a model cannot be scored on a label with one answer only."

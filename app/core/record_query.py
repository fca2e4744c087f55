"""Looking for recordings: filters over every column, sorted by any, page by page; counted and with what there is.

Every filter and every order stands on an index, so that a page of 100,000 recordings comes at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from sqlalchemy import ColumnElement, Select, and_, exists, false, func, or_, select, union_all
from sqlalchemy.orm import InstrumentedAttribute, Session

from app.core import records
from app.core.rows import RecordRow
from app.core.schema import Finding, Record, RecordLabel
from engine.contract.errors import UsageError

SORTABLE: dict[str, tuple[InstrumentedAttribute[Any], ...]] = {
    "imported": (Record.number,),
    "record": (Record.record_id,),
    "name": (Record.source_name,),
    "dataset": (Record.dataset,),
    "patient": (Record.patient,),
    "age": (Record.age,),
    "sex": (Record.sex,),
    "year": (Record.year,),
    "quality": (Record.quality,),
    "format": (Record.format,),
    "device": (Record.maker, Record.model),
    "rate": (Record.rate_hz,),
    "seconds": (Record.seconds,),
}
"""Columns by which recordings can be sorted."""


@dataclass(frozen=True)
class RecordQuery:
    """Which recordings, in which order; what is left None or empty does not matter.

    Attributes:
        text: sought in id, name, dataset and patient.
        label: name of a label; `label_is` tells which value it must have.
        label_is: "positive" (above 0), "negative" (0), "known" or "unknown".
        finding: something that speaks against the quality (a name of `engine.signal.quality_finding`: "flat").
        device: maker, or maker and model, as `Facets.devices` names them.
        age_from: years, inclusive, as is `age_to`; 90 stands for all above 89.
        year_from: of the recording, inclusive, as is `year_to`; shifted dates have shifted years.
        sort: one of `SORTABLE`.
    """

    text: str = ""
    label: str | None = None
    label_is: Literal["positive", "negative", "known", "unknown"] = "positive"
    dataset: str | None = None
    quality: str | None = None
    finding: str | None = None
    device: str | None = None
    format: str | None = None
    sex: str | None = None
    age_from: float | None = None
    age_to: float | None = None
    year_from: int | None = None
    year_to: int | None = None
    sort: str = "imported"
    descending: bool = False


@dataclass(frozen=True)
class LabelCount:
    """In how many recordings a label is above 0 and in how many 0; in all others it is unknown."""

    label: str
    positives: int
    negatives: int


@dataclass(frozen=True)
class Facets:
    """What there is to filter by: value and number of recordings, the most frequent first; labels by name.

    Attributes:
        records: how many recordings the workspace holds in all.
        beside_label: how many are left by all filters but the one on a label; a label is unknown in those of them
            that have it neither positive nor negative.
    """

    datasets: tuple[tuple[str, int], ...]
    qualities: tuple[tuple[str, int], ...]
    findings: tuple[tuple[str, int], ...]
    devices: tuple[tuple[str, int], ...]
    formats: tuple[tuple[str, int], ...]
    sexes: tuple[tuple[str, int], ...]
    years: tuple[tuple[int, int], ...]
    labels: tuple[LabelCount, ...] = ()
    records: int = 0
    beside_label: int = 0


EVERYTHING = RecordQuery()


def page(session: Session, query: RecordQuery, limit: int | None = None, offset: int = 0) -> list[RecordRow]:
    """A page of the recordings that a query means, with their labels. Raises UsageError for an unknown order."""
    order = [column.desc() if query.descending else column.asc() for column in _order(query)]
    # The numbers first: a page deep in the list then skips entries of an index and not whole rows.
    numbers = _filtered(select(Record.number), query).order_by(*order).limit(limit).offset(offset)
    found = session.scalars(numbers).all()
    rows = {record.number: record for record in _by_numbers(session, found)}
    return records.as_rows(session, [rows[number] for number in found])


def count(session: Session, query: RecordQuery) -> int:
    """How many recordings a query means."""
    return session.scalar(_filtered(select(func.count()).select_from(Record), query)) or 0


def place(session: Session, query: RecordQuery, record_id: str) -> int | None:
    """How many recordings of a query stand before this one; None when the query does not mean it.

    Raises:
        UsageError: an unknown order.
    """
    columns = _order(query)
    own = session.execute(_filtered(select(*columns), query).where(Record.record_id == record_id)).one_or_none()
    if own is None:
        return None
    before: ColumnElement[bool] = false()
    # From the last column to the first: smaller in this one, or equal in it and before by those that follow.
    for column, value in reversed(list(zip(columns, own, strict=True))):
        before = or_(_before(column, value, query.descending), and_(column.is_not_distinct_from(value), before))
    return session.scalar(_filtered(select(func.count()).select_from(Record), query).where(before)) or 0


def record_ids(session: Session, query: RecordQuery) -> list[str]:
    """Ids of all recordings that a query means, in the order of their import."""
    return list(session.scalars(_filtered(select(Record.record_id), query).order_by(Record.number)))


def facets(session: Session, asked: RecordQuery = EVERYTHING) -> Facets:
    """What recordings can be filtered by.

    The numbers of each filter are counted among the recordings that all other filters of `asked` leave: what a table
    would show if this one were chosen. A value that none of them has is absent.
    """
    devices = _filtered(select(Record.maker, Record.model, func.count()), replace(asked, device=None))
    named = devices.where(or_(Record.maker != "", Record.model != "")).group_by(Record.maker, Record.model)
    years = _filtered(select(Record.year, func.count()), replace(asked, year_from=None, year_to=None))
    dated = years.where(Record.year.is_not(None)).group_by(Record.year).order_by(Record.year)
    return Facets(
        datasets=_counted(session, Record.dataset, replace(asked, dataset=None)),
        qualities=_counted(session, Record.quality, replace(asked, quality=None)),
        findings=_finding_counts(session, replace(asked, finding=None)),
        devices=tuple(
            (device_name(maker, model), int(n))
            for maker, model, n in session.execute(named.order_by(func.count().desc()))
        ),
        formats=_counted(session, Record.format, replace(asked, format=None)),
        sexes=_counted(session, Record.sex, replace(asked, sex=None)),
        years=tuple((int(year), int(n)) for year, n in session.execute(dated) if year),
        labels=_label_counts(session, replace(asked, label=None)),
        records=records.count(session),
        beside_label=count(session, replace(asked, label=None)),
    )


def device_name(maker: str, model: str) -> str:
    """A device for people: "GE MAC 5500"; a model that begins with its maker stands alone."""
    return model if model.casefold().startswith(maker.casefold()) else f"{maker} {model}".strip()


def _order(query: RecordQuery) -> tuple[InstrumentedAttribute[Any], ...]:
    """Columns to sort by; the order of import decides between equals."""
    columns = SORTABLE.get(query.sort)
    if columns is None:
        raise UsageError("order", f"recordings cannot be sorted by {query.sort}", f"Sort by: {', '.join(SORTABLE)}")
    return columns if query.sort == "imported" else (*columns, Record.number)


def _before(column: InstrumentedAttribute[Any], value: Any, descending: bool) -> ColumnElement[bool]:
    """Whether a column's value comes before this one; what is unknown is below everything, as SQLite sorts it."""
    if value is None:
        return column.is_not(None) if descending else false()
    if descending:
        return column.__gt__(value)
    below = column.__lt__(value)
    return or_(below, column.is_(None)) if column.nullable else below


def _finding_counts(session: Session, asked: RecordQuery) -> tuple[tuple[str, int], ...]:
    query = _of_those(select(Finding.finding, func.count()), Finding.record_id, asked)
    found = session.execute(query.group_by(Finding.finding).order_by(func.count().desc()))
    return tuple((str(name), int(n)) for name, n in found)


def _label_counts(session: Session, asked: RecordQuery) -> tuple[LabelCount, ...]:
    positive = RecordLabel.value > 0
    query = select(RecordLabel.label, func.count().filter(positive), func.count().filter(~positive))
    among = _of_those(query, RecordLabel.record_id, asked)
    found = session.execute(among.group_by(RecordLabel.label).order_by(RecordLabel.label))
    return tuple(LabelCount(label, int(yes), int(no)) for label, yes, no in found)


def _counted(session: Session, column: InstrumentedAttribute[str], asked: RecordQuery) -> tuple[tuple[str, int], ...]:
    query = _filtered(select(column, func.count()), asked).group_by(column).order_by(func.count().desc(), column)
    return tuple((str(value), int(n)) for value, n in session.execute(query))


def _of_those(
    query: Select[*tuple[Any, ...]], record_id: InstrumentedAttribute[str], asked: RecordQuery
) -> Select[*tuple[Any, ...]]:
    """Only what belongs to recordings that are asked for; without a filter the recordings are not looked at."""
    meant = _filtered(select(Record.record_id), asked)
    return query if meant.whereclause is None else query.where(record_id.in_(meant))


def _filtered(query: Select[*tuple[Any, ...]], asked: RecordQuery) -> Select[*tuple[Any, ...]]:
    return query.where(*_conditions(asked), *_ranges(asked), *_label(asked))


def _conditions(asked: RecordQuery) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if asked.text.strip():
        conditions.append(_holds_text(asked.text.strip()))
    for column, value in (
        (Record.dataset, asked.dataset),
        (Record.quality, asked.quality),
        (Record.format, asked.format),
        (Record.sex, asked.sex),
    ):
        if value is not None:
            conditions.append(column == value)
    if asked.finding is not None:
        conditions.append(Record.record_id.in_(select(Finding.record_id).where(Finding.finding == asked.finding)))
    if asked.device is not None:
        both = Record.maker + " " + Record.model
        conditions.append(or_(Record.maker == asked.device, Record.model == asked.device, both == asked.device))
    return conditions


def _holds_text(text: str) -> ColumnElement[bool]:
    """Whether id, name, patient or dataset holds a text, in whatever case.

    Each column is looked through by itself: its index is a twentieth of the table's size.
    """
    looked = (Record.record_id, Record.source_name, Record.patient, Record.dataset)
    return Record.number.in_(
        union_all(*[select(Record.number).where(column.contains(text, autoescape=True)) for column in looked])
    )


def _ranges(asked: RecordQuery) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if asked.age_from is not None:
        conditions.append(Record.age >= asked.age_from)
    if asked.age_to is not None:
        conditions.append(Record.age <= asked.age_to)
    if asked.year_from is not None:
        conditions.append(Record.year >= asked.year_from)
    if asked.year_to is not None:
        conditions.append(Record.year <= asked.year_to)
    return conditions


def _label(asked: RecordQuery) -> list[ColumnElement[bool]]:
    if asked.label is None:
        return []
    if asked.label_is == "positive":
        # Often few of many: gathered from their index. What most recordings have is asked of each as it comes, so that
        # a page is whole after a few hundred.
        found = select(RecordLabel.record_id).where(RecordLabel.label == asked.label, RecordLabel.value > 0)
        return [Record.record_id.in_(found)]
    told = exists().where(RecordLabel.record_id == Record.record_id, RecordLabel.label == asked.label)
    if asked.label_is == "negative":
        told = told.where(RecordLabel.value == 0)
    return [~told if asked.label_is == "unknown" else told]


def _by_numbers(session: Session, numbers: Sequence[int], size: int = 5000) -> list[Record]:
    found: list[Record] = []
    for start in range(0, len(numbers), size):
        found += session.scalars(select(Record).where(Record.number.in_(numbers[start : start + size]))).all()
    return found

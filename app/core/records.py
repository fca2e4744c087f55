"""The recordings of a workspace: taken in from import runs, looked up, counted, shown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, cast

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.core.clock import utc_now
from app.core.rows import LabelSummary, RecordRow
from app.core.schema import Record, RecordLabel
from engine.contract.errors import UsageError
from engine.signal.pseudonyms import lone_pseudonym

OLDEST_TOLD = 89
"""Ages above this are kept and shown as 90+ (Safe Harbor)."""


def record_values(key: bytes, dataset: str, name: str, record_id: str, told: Mapping[str, Any]) -> dict[str, Any]:
    """The row of an imported recording; `told` is the event's `record`. Its patient stands alone until labels come."""
    age, over = coarse_age(told.get("age"), bool(told.get("age_over_89")))
    return {
        "record_id": record_id,
        "source_name": name,
        "dataset": dataset,
        "patient": told.get("patient") or lone_pseudonym(key, record_id),
        "patient_known": bool(told.get("patient")),
        "age": age,
        "age_over_89": over,
        "sex": told.get("sex") if told.get("sex") in ("female", "male") else "unknown",
        "rate_hz": float(told["rate_hz"]),
        "seconds": float(told["seconds"]),
        "leads": list(told.get("present", ())),
        "derived": list(told.get("derived", ())),
        "format": str(told.get("format", "")),
        "quality": str(told.get("quality") or "unknown"),
        "quality_reasons": list(told.get("quality_reasons", ())),
        "file_sha256": str(told.get("file_sha256", "")),
        "signal_sha256": str(told.get("signal_sha256", "")),
        "imported": utc_now(),
        **_origin(told),
    }


def _origin(told: Mapping[str, Any]) -> dict[str, Any]:
    """What the file said of device, time and findings, and what was done to it; all of it de-identified."""
    device = dict(told.get("device") or {})
    texts = {name: str(device.get(name, "")) for name in ("maker", "model", "firmware", "setting")}
    numbers = {name: device.get(name) for name in ("high_pass_hz", "low_pass_hz", "notch_hz", "paced")}
    lists = {name: list(told.get(name, ())) for name in ("statements", "extra_leads", "transformations")}
    tables = {name: dict(told.get(name, {})) for name in ("measurements", "removed", "quality_evidence")}
    return {
        "acquired": str(told.get("acquired") or ""),
        "year": told.get("year"),
        "device": str(device.get("serial", "")),
        "reader": str(told.get("reader", "")),
        **texts,
        **numbers,
        **lists,
        **tables,
    }


def coarse_age(age: float | None, over_89: bool = False) -> tuple[float | None, bool]:
    """An age as it may be kept: above 89 it becomes 90 and a flag."""
    if over_89 or (age is not None and age > OLDEST_TOLD):
        return 90.0, True
    return (None if age is None else float(age)), False


def count(session: Session) -> int:
    """How many recordings the workspace holds."""
    return session.scalar(select(func.count()).select_from(Record)) or 0


def one(session: Session, name: str) -> RecordRow:
    """The recording with this id, or with this file name when only one has it.

    Raises:
        UsageError: none or several.
    """
    found = session.scalars(select(Record).where(Record.record_id == name)).all()
    found = found or session.scalars(select(Record).where(Record.source_name == name).limit(2)).all()
    if not found:
        raise UsageError("recording", "the workspace holds none of this id or name", "See: isoline records")
    if len(found) > 1:
        raise UsageError("recording", "several have this name", "Name it by its record id")
    return as_rows(session, found)[0]


def as_rows(session: Session, found: Sequence[Record]) -> list[RecordRow]:
    """Frozen rows with their labels."""
    labels = labels_of(session, [record.record_id for record in found])
    return [_row(record, labels[record.record_id]) for record in found]


def labels_of(session: Session, record_ids: Sequence[str]) -> dict[str, dict[str, float]]:
    """Known labels per recording."""
    known: dict[str, dict[str, float]] = defaultdict(dict)
    for part in chunks(record_ids):
        query = select(RecordLabel.record_id, RecordLabel.label, RecordLabel.value)
        query = query.where(RecordLabel.record_id.in_(part)).order_by(RecordLabel.label)
        for record_id, label, value in session.execute(query):
            known[record_id][label] = value
    return known


def by_ids(session: Session, record_ids: Sequence[str]) -> dict[str, Record]:
    """The rows of many recordings; for use inside `app.core`."""
    found: dict[str, Record] = {}
    for part in chunks(record_ids):
        found |= {r.record_id: r for r in session.scalars(select(Record).where(Record.record_id.in_(part)))}
    return found


def label_summaries(session: Session) -> list[LabelSummary]:
    """Counts of every label over all recordings, by name. Unknown is not negative."""
    total = count(session)
    positive, joined = RecordLabel.value > 0, RecordLabel.record_id == Record.record_id
    query = (
        select(
            RecordLabel.label,
            func.count().filter(positive),
            func.count().filter(~positive),
            func.count(Record.patient.distinct()).filter(positive),
            func.count(Record.patient.distinct()).filter(~positive),
        )
        .join(Record, joined)
        .group_by(RecordLabel.label)
        .order_by(RecordLabel.label)
    )
    return [
        LabelSummary(label, yes, no, total - yes - no, yes_patients, no_patients)
        for label, yes, no, yes_patients, no_patients in session.execute(query)
    ]


def quality_counts(session: Session) -> dict[str, int]:
    """How many recordings have which verdict."""
    query = select(Record.quality, func.count()).group_by(Record.quality).order_by(Record.quality)
    return {str(quality): int(number) for quality, number in session.execute(query)}


def age_text(age: float | None, over_89: bool) -> str:
    """An age for people: "56", "90+", or nothing when it is unknown."""
    if over_89:
        return "90+"
    return "" if age is None else f"{age:g}"


def _row(record: Record, labels: dict[str, float]) -> RecordRow:
    return RecordRow(
        record_id=record.record_id,
        source_name=record.source_name,
        dataset=record.dataset,
        patient=record.patient,
        age=record.age,
        age_text=age_text(record.age, record.age_over_89),
        sex=cast(Literal["female", "male", "unknown"], record.sex),
        rate_hz=record.rate_hz,
        seconds=record.seconds,
        leads=tuple(record.leads),
        derived_leads=tuple(record.derived),
        format=record.format,
        quality=cast(Literal["good", "limited", "unusable", "unknown"], record.quality),
        quality_reasons=tuple(record.quality_reasons),
        file_sha256=record.file_sha256,
        signal_sha256=record.signal_sha256,
        labels=labels,
        imported=record.imported,
        **{name: getattr(record, name) for name in _PLAIN},
        extra_leads=tuple(record.extra_leads),
        transformations=tuple(record.transformations),
        statements=tuple(record.statements),
    )


_PLAIN = (
    *("acquired", "year", "maker", "model", "firmware", "device", "high_pass_hz", "low_pass_hz", "notch_hz", "paced"),
    *("setting", "measurements", "reader", "removed", "quality_evidence", "patient_known", "job_id"),
)


def chunks(values: Sequence[str], size: int = 5000) -> Iterable[Sequence[str]]:
    """Parts of a list: SQLite takes a limited number of parameters in one statement."""
    return (values[start : start + size] for start in range(0, len(values), size))

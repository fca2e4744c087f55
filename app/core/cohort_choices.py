"""What the rules of a cohort can choose among in this workspace, with numbers of recordings."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.core import record_query
from app.core.record_query import LabelCount
from app.core.schema import Record

Counts = tuple[tuple[str, int], ...]
"""Values and numbers of recordings, the most frequent first."""


@dataclass(frozen=True)
class CohortChoices:
    """Values that occur, with their numbers.

    Attributes:
        records: recordings of the workspace.
        values: by what a rule asks for ("sex", "device", "setting", "format", "quality", "without").
        labels: by name.
        datasets: collections.
        official: of each collection that has official parts, how many recordings are in one.
        years: the first and the last year; None when no recording has one.
    """

    records: int = 0
    values: dict[str, Counts] = field(default_factory=dict)
    labels: tuple[LabelCount, ...] = ()
    datasets: Counts = ()
    official: Counts = ()
    years: tuple[int, int] | None = None

    def of(self, what: str) -> Counts:
        """The values that a rule of this kind can choose among; none for a rule on numbers."""
        return self.values.get(what, ())


def of(session: Session) -> CohortChoices:
    """What there is to choose among."""
    there = record_query.facets(session)
    settings = select(Record.setting, func.count()).where(Record.setting != "").group_by(Record.setting)
    parts = select(Record.dataset, func.count()).where(Record.part != "").group_by(Record.dataset)
    found = [session.execute(query.order_by(func.count().desc())).all() for query in (settings, parts)]
    setting, official = (tuple((str(word), int(n)) for word, n in rows) for rows in found)
    values = {
        "sex": there.sexes,
        "quality": there.qualities,
        "device": there.devices,
        "setting": setting,
        "format": there.formats,
        "without": there.findings,
    }
    years = (there.years[0][0], there.years[-1][0]) if there.years else None
    return CohortChoices(there.records, values, there.labels, there.datasets, official, years)

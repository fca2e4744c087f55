"""What the workspace does with its data once it is in: looking for recordings, labels, the search of exports."""

from __future__ import annotations

from pathlib import Path

from app.core import record_query, records, signals
from app.core.home import Home
from app.core.record_query import Facets, RecordQuery
from app.core.rows import LabelSummary, RecordRow, SignalView


class Data:
    """The part of `Workspace` that is about recordings and their labels."""

    _home: Home

    def find_records(self, query: RecordQuery, limit: int | None = None, offset: int = 0) -> list[RecordRow]:
        """A page of the recordings that a query means, sorted as it says. Raises UsageError for an unknown order."""
        with self._home.db.read() as session:
            return record_query.page(session, query, limit, offset)

    def found_count(self, query: RecordQuery) -> int:
        """How many recordings a query means."""
        with self._home.db.read() as session:
            return record_query.count(session, query)

    def record_facets(self) -> Facets:
        """What the recordings can be filtered by, with counts."""
        with self._home.db.read() as session:
            return record_query.facets(session)

    def records(
        self,
        text: str = "",
        label: str | None = None,
        dataset: str | None = None,
        limit: int | None = None,
        offset: int = 0,
        quality: str | None = None,
    ) -> list[RecordRow]:
        """Recordings in the order of their import; `text` is sought in id, name, dataset and patient."""
        with self._home.db.read() as session:
            return records.find_rows(session, text, label, dataset, limit, offset, quality)

    def record_count(
        self, text: str = "", label: str | None = None, dataset: str | None = None, quality: str | None = None
    ) -> int:
        """How many recordings `records` would give."""
        with self._home.db.read() as session:
            return records.count(session, text, label, dataset, quality)

    def record(self, id_or_name: str) -> RecordRow:
        """One recording, by its id or by its file's name. Raises UsageError when there is none, or several."""
        with self._home.db.read() as session:
            return records.one(session, id_or_name)

    def signal(self, record_id: str) -> SignalView:
        """The samples of a recording: [12, T] float32 millivolts, NaN where missing."""
        return signals.read(self._home, record_id)

    def export_record(self, record_id: str, npz: Path) -> Path:
        """Write a recording as .npz (signal in mV, leads, rate in Hz); gives back the file."""
        return signals.export(self._home, record_id, Path(npz))

    def labels(self) -> list[LabelSummary]:
        """Counts of every label. Unknown is not negative."""
        with self._home.db.read() as session:
            return records.label_summaries(session)

    def quality_summary(self) -> dict[str, int]:
        """How many recordings have which signal quality."""
        with self._home.db.read() as session:
            return records.quality_counts(session)

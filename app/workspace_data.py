"""What the workspace does with its data once it is in: looking for recordings, labels, the search of exports."""

from __future__ import annotations

from app.core import record_query
from app.core.home import Home
from app.core.record_query import Facets, RecordQuery
from app.core.rows import RecordRow


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

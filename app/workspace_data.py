"""What the workspace does with its data once it is in: looking for recordings, labels, the search of exports."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from app.core import (
    corpora,
    corpus_check,
    device_labels,
    label_import,
    label_look,
    marks,
    rechecks,
    record_query,
    records,
    runs,
    searching,
    signals,
)
from app.core.corpora import CorpusRead
from app.core.corpus_check import CorpusCheck
from app.core.home import Home
from app.core.label_columns import Meaning
from app.core.label_import import LabelPreview
from app.core.label_look import LabelLook
from app.core.label_table import Table, read_label_table
from app.core.label_values import LabelMapping
from app.core.leaving import Found
from app.core.record_query import Facets, RecordQuery
from app.core.rows import LabelSummary, RecordRow, SignalView
from engine.contract.config import ImportConfig
from engine.datasets.registry import dataset


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

    def found_place(self, query: RecordQuery, record_id: str) -> int | None:
        """On which line of the sorted answer a recording stands, from 0; None when it is not in it."""
        with self._home.db.read() as session:
            return record_query.place(session, query, record_id)

    def search_files(self, paths: Sequence[Path]) -> dict[Path, list[Found]]:
        """Look into files that are to be sent away for identifiers seen at import: kind and place, never which.

        Raises:
            WorldError: a file cannot be read or is no text.
        """
        return searching.search_files(self._home, paths)

    def identifier_counts(self) -> dict[str, int]:
        """By kind: how many keyed hashes of identifiers the workspace can search for."""
        with self._home.db.read() as session:
            return marks.counts(session)

    def record_facets(self, query: RecordQuery = record_query.EVERYTHING) -> Facets:
        """What the recordings can be filtered by; each filter counted among those that the query's others leave."""
        with self._home.db.read() as session:
            return record_query.facets(session, query)

    def recheck(self) -> str:
        """Queue the judging of all recordings again, by the rules of this version; gives back the job's id.

        Raises:
            WorldError: there is no recording yet.
        """
        with self._home.db.write() as session:
            return rechecks.submit(session, self._home)

    def rechecked(self, job_id: str) -> dict[str, int]:
        """What a finished recheck has changed: how many recordings went from which verdict to which.

        Raises:
            UsageError: it is no recheck that is done.
        """
        with self._home.db.read() as session:
            return rechecks.moves(session, job_id)

    def read_dataset(self, name: str, folder: Path, tasks: Sequence[str] = ()) -> CorpusRead:
        """Read the tables of a public corpus, which takes long where they are; changes nothing.

        Raises:
            UsageError: an unknown corpus, or a task of another one.
            WorldError: the folder does not hold the corpus.
        """
        return CorpusRead(name, *corpora.read_corpus(dataset(name), folder, tasks, self._home.key))

    def import_dataset(self, name: str, folder: Path | CorpusRead, tasks: Sequence[str] = (), workers: int = 0) -> str:
        """Queue the import of a public corpus: recordings, labels by task, patients, official split.

        Args:
            name: of the corpus; `isoline datasets` lists them.
            folder: where it was unpacked to; or what `read_dataset` read there, of these tasks.
            tasks: whose labels are wanted; empty takes all of the corpus.
            workers: processes that read at once; 0 takes one a core.

        Raises:
            UsageError: an unknown corpus, or a task of another one.
            WorldError: the folder does not hold the corpus.
        """
        read = folder if isinstance(folder, CorpusRead) else self.read_dataset(name, folder, tasks)
        mapping = dataset(name).mapping
        config = ImportConfig(store=str(self._home.store), dataset=name, workers=workers, mapping=mapping)
        with self._home.db.write() as session:
            return runs.bring_in(session, self._home, read.sources, (), config, read.sheet)

    def check_dataset(self, name: str, folder: Path) -> CorpusCheck:
        """What is there of a public corpus in a folder, before it is imported: recordings, files, tasks.

        Raises:
            UsageError: an unknown corpus.
            WorldError: the folder does not hold the corpus; with what is missing.
        """
        return corpus_check.check(dataset(name), Path(folder))

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
        return self.find_records(RecordQuery(text, label, dataset=dataset, quality=quality), limit, offset)

    def record_count(
        self, text: str = "", label: str | None = None, dataset: str | None = None, quality: str | None = None
    ) -> int:
        """How many recordings `records` would give."""
        return self.found_count(RecordQuery(text, label, dataset=dataset, quality=quality))

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

    # Labels

    def look_at_labels(self, table: Path) -> LabelLook:
        """Read a label table: its rows, what its columns seem to mean, and how it could be joined.

        Raises:
            WorldError: it cannot be read as a table.
        """
        with self._home.db.read() as session:
            return label_look.look(session, self._home.key, read_label_table(Path(table)))

    def suggest_labels(self, table: Path | Table, join: Meaning | None = None, on: str | None = None) -> LabelMapping:
        """What the columns of a label table seem to mean, and which of them names the recordings.

        Raises:
            UsageError: no such column or way of joining.
            WorldError: the table cannot be read, or no column names a recording of the workspace.
        """
        with self._home.db.read() as session:
            return label_import.suggested_mapping(session, self._home.key, _read(table), join, on)

    def preview_labels(self, table: Path | Table, mapping: LabelMapping) -> LabelPreview:
        """What a table of labels would do with this mapping: counts, and what is wrong with which rows."""
        with self._home.db.read() as session:
            return label_import.preview(session, self._home.key, _read(table), mapping)

    def import_labels(self, table: Path | Table, mapping: LabelMapping) -> LabelPreview:
        """Write the labels of a table (CSV or Excel); gives back what was done. Raises WorldError.

        Args:
            table: the file, or what `look_at_labels` read of it: then it is that which is written.
            mapping: what its columns mean.
        """
        read = _read(table)
        with self._home.db.write() as session:
            return label_import.write(session, self._home.key, read, mapping)

    def labels_from_devices(self, complete: bool = False) -> dict[str, int]:
        """Make labels of what the carts stated, marked as theirs; gives back the positives of each.

        Args:
            complete: a statement that a cart did not make counts as negative, not as unknown.
        """
        with self._home.db.write() as session:
            return device_labels.write(session, complete)


def _read(table: Path | Table) -> Table:
    """A table that was read already stays as it was then."""
    return table if isinstance(table, Table) else read_label_table(Path(table))

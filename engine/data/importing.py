"""The import run: files to recordings to the store, one event a file.

Several processes read, this one writes, in the order of the files. What was read is committed in batches; the events of
a batch follow its commit. A run that was killed goes on with the first file without an event, and knows its own
recordings in the store by their origin.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.contract.config import ImportConfig
from engine.contract.errors import WorldError
from engine.contract.events import EventWriter, FileRead, Progress, read_events
from engine.contract.results import ImportResults
from engine.contract.run import RunFolder, Stopped
from engine.data.extra_leads import keep_extra
from engine.data.reading import ReadFile, Reading
from engine.data.reading_pool import Read, ReadingPool, pool_size
from engine.data.store import Store, StoreWriter

BATCH_FILES = 64
BATCH_S = 1.0
EVENTS_BLOCK = 2**22
"""Bytes of events that are taken in at a time when a run goes on."""


def run(folder: RunFolder, config: ImportConfig, events: EventWriter, read: Read | None = None) -> ImportResults:
    """Read every file of the run that has no event yet, and append what is new to the store.

    Args:
        folder: of the run.
        config: what is asked.
        events: where it is told.
        read: reads one file in another process; given in tests.

    Raises:
        WorldError: the list of inputs or the store cannot be used. A file that cannot be read is no error of the run.
        Stopped: somebody asked for it; the batch at hand was committed.
    """
    sources = _inputs(folder)
    with Store.create(config.store) as store:
        batch = _Batch(folder, store, events, Tally(len(sources)))
        for event in _told_before(folder):
            batch.count(event)
        left = [(index, source) for index, source in enumerate(sources) if not batch.tally.has(index)]
        if left:
            reading = read or Reading(config, folder.read_key())
            with ReadingPool(reading, pool_size(config.workers, len(left))) as pool:
                for outcome in pool.outcomes(left):
                    batch.take(outcome)
        batch.commit()
        return batch.tally.results(len(store))


def _told_before(folder: RunFolder) -> Iterator[FileRead]:
    """What a run said of its files before it was killed or stopped, without all of it in memory at once."""
    events, offset = read_events(folder.events_path, 0, EVENTS_BLOCK)
    while events:
        yield from (event for event in events if isinstance(event, FileRead))
        events, offset = read_events(folder.events_path, offset, EVENTS_BLOCK)


class Tally:
    """What became of the files of a run: a byte a file, and sums. What was said of each stands in the events alone.

    Args:
        files: how many there are.
    """

    def __init__(self, files: int) -> None:
        self._told = bytearray(files)
        self._counts: Counter[str] = Counter()
        self._removed: Counter[str] = Counter()
        self._unsearchable = 0

    def add(self, event: FileRead) -> None:
        """Count one file; a file counts once."""
        if not self._told[event.index]:
            self._told[event.index] = 1
            self._counts[event.status] += 1
            self._removed.update(event.record.get("removed", {}))
            self._unsearchable += event.record.get("unsearchable", 0)

    def has(self, index: int) -> bool:
        """Whether the file at this position was told of."""
        return bool(self._told[index])

    @property
    def files(self) -> int:
        """How many there are."""
        return len(self._told)

    @property
    def done(self) -> int:
        """How many were told of."""
        return self._counts.total()

    def results(self, records: int) -> ImportResults:
        """The results of the run, with how many recordings the store holds now."""
        return ImportResults(
            imported=self._counts["imported"],
            duplicates=self._counts["duplicate"],
            refused=self._counts["refused"],
            store_records=records,
            removed=dict(sorted(self._removed.items())),
            unsearchable=self._unsearchable,
        )


@dataclass
class _Batch:
    """Files that were read since the last commit."""

    folder: RunFolder
    store: StoreWriter
    events: EventWriter
    tally: Tally
    waiting: list[FileRead] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)
    committed: float = field(default_factory=time.monotonic)
    read: int = 0
    claimed: bytearray = field(default_factory=bytearray)
    """A byte a row of the store: 1 for those that an event of this run tells of."""

    def count(self, event: FileRead) -> None:
        """Count a file that was told of before."""
        self.tally.add(event)
        row = self.store.find(event.record_id or "") if event.status == "imported" else None
        if row is not None:
            self._claim(row)

    def _claim(self, row: int) -> None:
        if row >= len(self.claimed):
            self.claimed.extend(bytes(row + 1 - len(self.claimed)))
        self.claimed[row] = 1

    def _is_claimed(self, row: int) -> bool:
        return row < len(self.claimed) and bool(self.claimed[row])

    def take(self, outcome: ReadFile) -> None:
        """Take in one file; commit when the batch is large or old enough, and stop when asked to."""
        self.waiting.append(self._event(outcome))
        self.read += 1
        if len(self.waiting) >= BATCH_FILES or time.monotonic() - self.committed > BATCH_S:
            self.commit()
        if self.folder.stop_asked():
            self.commit()
            raise Stopped

    def commit(self) -> None:
        """Make the batch last, then tell of it."""
        self.store.flush()
        for event in self.waiting:
            self.tally.add(event)
            self.events.emit(event)
        self.waiting.clear()
        self.committed = time.monotonic()
        done, total = self.tally.done, self.tally.files
        seconds_left = (self.committed - self.started) / self.read * (total - done) if self.read else None
        self.events.emit(Progress(done=done, total=total, unit="files", seconds_left=seconds_left))

    def _event(self, outcome: ReadFile) -> FileRead:
        recording, index = outcome.recording, outcome.index
        if recording is None:
            return FileRead(index=index, status="refused", reason=outcome.reason, next_step=outcome.next_step)
        try:
            known = self.store.row_of(recording.signal_sha256)
        except WorldError as error:  # two recordings under one id
            return FileRead(index=index, status="refused", reason=error.reason, next_step=error.next_step)
        record_id, form = recording.record_id, recording.format
        if known is None:
            if recording.extra is not None:
                keep_extra(self.store.path, record_id, recording.extra)
            known = self.store.append(recording, self.folder.path.name)
        elif self._is_claimed(known) or self.store.origin(known) != self.folder.path.name:
            return FileRead(
                index=index,
                status="duplicate",
                format=form,
                record_id=record_id,
                reason="the same samples are in the store already",
                next_step="Nothing to do",
                record=outcome.told,
            )
        self._claim(known)
        told = outcome.told | with_rounding(outcome.told, self.store.rounding(known))
        return FileRead(index=index, status="imported", format=form, record_id=record_id, record=told)


def with_rounding(told: Mapping[str, Any], rounding: Mapping[str, float]) -> dict[str, Any]:
    """What an event says of leads that the store rounds; empty where it keeps the integers of the file.

    Args:
        told: what is said of the recording already.
        rounding: the largest error of each such lead, millivolts.
    """
    if not rounding:
        return {}
    leads = "all leads" if len(rounding) == len(told.get("present", ())) else ", ".join(rounding)
    sentence = f"{leads} stored with rounding, at most {1000 * max(rounding.values()):.2g} µV off"
    return {"rounded": list(rounding), "transformations": [*told.get("transformations", ()), sentence]}


def _inputs(folder: RunFolder) -> list[str]:
    try:
        return folder.inputs()
    except (OSError, ValueError) as error:
        raise WorldError(
            "list of inputs", f"it cannot be read ({type(error).__name__})", "Start the import again"
        ) from None

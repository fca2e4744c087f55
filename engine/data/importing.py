"""The import run: files to recordings to the store, one event a file.

Several processes read, this one writes, in the order of the files. What was read is committed in batches; the events of
a batch follow its commit. A run that was killed goes on with the first file without an event, and knows its own
recordings in the store by their origin.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping
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
    told = {event.index: event for event in read_events(folder.events_path)[0] if isinstance(event, FileRead)}
    sources = _inputs(folder)
    left = [(index, source) for index, source in enumerate(sources) if index not in told]
    with Store.create(config.store) as store:
        batch = _Batch(folder, store, events, len(sources), told)
        if left:
            reading = read or Reading(config, folder.read_key())
            with ReadingPool(reading, pool_size(config.workers, len(left))) as pool:
                for outcome in pool.outcomes(left):
                    batch.take(outcome)
        batch.commit()
        return _counted(told.values(), len(store))


@dataclass
class _Batch:
    """Files that were read since the last commit."""

    folder: RunFolder
    store: StoreWriter
    events: EventWriter
    total: int
    told: dict[int, FileRead]
    waiting: list[FileRead] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)
    committed: float = field(default_factory=time.monotonic)
    read: int = 0

    def __post_init__(self) -> None:
        self.claimed = {event.record_id for event in self.told.values() if event.status == "imported"}

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
            self.told[event.index] = event
            self.events.emit(event)
        self.waiting.clear()
        self.committed = time.monotonic()
        done = len(self.told)
        seconds_left = (self.committed - self.started) / self.read * (self.total - done) if self.read else None
        self.events.emit(Progress(done=done, total=self.total, unit="files", seconds_left=seconds_left))

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
        elif record_id in self.claimed or self.store.origin(known) != self.folder.path.name:
            return FileRead(
                index=index,
                status="duplicate",
                format=form,
                record_id=record_id,
                reason="the same samples are in the store already",
                next_step="Nothing to do",
                record=outcome.told,
            )
        self.claimed.add(record_id)
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


def _counted(told: Iterable[FileRead], records: int) -> ImportResults:
    events = list(told)
    counts = Counter(event.status for event in events)
    removed: Counter[str] = Counter()
    for event in events:
        removed.update(event.record.get("removed", {}))
    return ImportResults(
        imported=counts["imported"],
        duplicates=counts["duplicate"],
        refused=counts["refused"],
        store_records=records,
        removed=dict(sorted(removed.items())),
        unsearchable=sum(event.record.get("unsearchable", 0) for event in events),
    )


def _inputs(folder: RunFolder) -> list[str]:
    try:
        return folder.inputs()
    except (OSError, ValueError) as error:
        raise WorldError(
            "list of inputs", f"it cannot be read ({type(error).__name__})", "Start the import again"
        ) from None

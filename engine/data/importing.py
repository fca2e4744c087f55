"""The import run: files to recordings to the store, one event a file.

What was read is committed in batches; the events of a batch follow its commit. A run that was killed goes on with the
first file without an event, and knows its own recordings in the store by their origin.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.contract.config import ImportConfig
from engine.contract.errors import WorldError, crash_line
from engine.contract.events import EventWriter, FileRead, Progress, read_events
from engine.contract.results import ImportResults
from engine.contract.run import RunFolder, Stopped
from engine.data.store import Store, StoreWriter
from engine.signal.leads import CANONICAL
from engine.signal.quality import assess, impossible_amplitude
from engine.signal.readers import read_recording
from engine.signal.recording import Recording

BATCH_FILES = 64
BATCH_S = 1.0


def run(folder: RunFolder, config: ImportConfig, events: EventWriter) -> ImportResults:
    """Read every file of the run that has no event yet, and append what is new to the store.

    Raises:
        WorldError: the list of inputs or the store cannot be used. A file that cannot be read is no error of the run.
        Stopped: somebody asked for it; the batch at hand was committed.
    """
    told = {event.index: event for event in read_events(folder.events_path)[0] if isinstance(event, FileRead)}
    paths = _inputs(folder)
    with Store.create(config.store) as store:
        batch = _Batch(folder, store, events, len(paths), told)
        for index, path in enumerate(paths):
            if index not in told:
                batch.take(index, Path(path))
        batch.commit()
        counts = Counter(event.status for event in told.values())
        return ImportResults(
            imported=counts["imported"],
            duplicates=counts["duplicate"],
            refused=counts["refused"],
            store_records=len(store),
        )


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

    def take(self, index: int, path: Path) -> None:
        """Read one file; commit when the batch is large or old enough, and stop when asked to."""
        self.waiting.append(self._outcome(index, path))
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

    def _outcome(self, index: int, path: Path) -> FileRead:
        try:
            recording = read_recording(path)
            refuse_impossible(recording)
        except WorldError as error:
            return FileRead(index=index, status="refused", reason=error.reason, next_step=error.next_step)
        except Exception as error:  # a bug of a reader must not keep the other files out
            return FileRead(index=index, status="refused", reason=crash_line(error), next_step="Report it with the log")
        known = self.store.row_of(recording.signal_sha256)
        record_id, form = recording.record_id, recording.format
        if known is None:
            self.store.append(recording, self.folder.path.name)
        elif record_id in self.claimed or self.store.origin(known) != self.folder.path.name:
            return FileRead(
                index=index,
                status="duplicate",
                format=form,
                record_id=record_id,
                reason="the same samples are in the store already",
                next_step="Nothing to do",
                record=describe(recording),
            )
        self.claimed.add(record_id)
        return FileRead(index=index, status="imported", format=form, record_id=record_id, record=describe(recording))


def refuse_impossible(recording: Recording) -> None:
    """Refuse a recording whose amplitude no ECG can have. Raises WorldError."""
    swing = impossible_amplitude(recording)
    if swing is not None:
        raise WorldError(
            "recording",
            f"its leads swing by {swing:.2g} mV a second, which no ECG does: the gain in the file must be wrong",
            "Correct the gain in the header",
        )


def describe(recording: Recording) -> dict[str, Any]:
    """What an event may say of a recording: no name, no path, no patient, no date, no age above 89."""
    quality = assess(recording)
    return {
        "rate_hz": recording.rate_hz,
        "seconds": recording.seconds,
        "present": [lead for lead, there in zip(CANONICAL, recording.present, strict=True) if there],
        "derived": list(recording.derived),
        "format": recording.format,
        "file_sha256": recording.file_sha256,
        "signal_sha256": recording.signal_sha256,
        "age": recording.age_years,
        "age_over_89": recording.age_over_89,
        "sex": recording.sex,
        "quality": quality.verdict,
        "quality_reasons": list(quality.reasons),
    }


def _inputs(folder: RunFolder) -> list[str]:
    try:
        return folder.inputs()
    except (OSError, ValueError) as error:
        raise WorldError(
            "list of inputs", f"it cannot be read ({type(error).__name__})", "Start the import again"
        ) from None

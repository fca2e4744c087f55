"""What a run says while it works: one JSON object a line in `events.jsonl`.

A line is whole or it does not count: the writer cuts a torn last line (left by a kill or a full disk) before it goes
on, the reader takes complete lines only. Events carry no path, no file name and no patient identifier; an input file is
named by its position in the run's `inputs.json`.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from engine.contract.errors import disk_error
from engine.contract.results import StudyRow

Outcome = Literal["done", "failed", "stopped"]
TAIL = 2**16
"""Bytes of a file's end that are looked through at a time for the end of its last whole line."""


class Event(BaseModel):
    """Base: position in the run's stream and UTC time."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    seq: int = 0
    time: str = ""


class Started(Event):
    """The engine took the run's lock and began (or went on)."""

    type: Literal["started"] = "started"
    kind: str
    host: str
    pid: int
    versions: dict[str, str] = {}


class Progress(Event):
    """How far it is. `done` of `total` in `unit`; `seconds_left` when it can be told."""

    type: Literal["progress"] = "progress"
    done: int
    total: int
    unit: str
    message: str = ""
    seconds_left: float | None = None


class Metric(Event):
    """Numbers at a step: `{"loss": 4.1, "learning_rate": 0.003}`. Non-finite values are sent as null."""

    type: Literal["metric"] = "metric"
    step: int
    values: dict[str, float | None]


class FileRead(Event):
    """Outcome of one input file. `index` points into inputs.json; `reason` and `next_step` are for people."""

    type: Literal["file"] = "file"
    index: int
    status: Literal["imported", "duplicate", "refused"]
    format: str = ""
    record_id: str | None = None
    reason: str = ""
    next_step: str = ""
    record: dict[str, Any] = {}


class Checkpoint(Event):
    """A complete checkpoint stands in `checkpoints/<name>`."""

    type: Literal["checkpoint"] = "checkpoint"
    step: int
    name: str


class CollapseWatch(Event):
    """How much life is in the features at a look; `collapsed` with the reason when there is too little."""

    type: Literal["collapse"] = "collapse"
    step: int
    collapsed: bool
    measures: dict[str, float | None]
    reason: str = ""


class Probed(Event):
    """A linear probe on a labelled cohort, at a step: AUROC by label, None where it is not estimable."""

    type: Literal["probe"] = "probe"
    step: int
    macro: float | None
    labels: dict[str, float | None]


class StudyRun(Event):
    """Where a run of a study stands; the last event of a run's number counts."""

    type: Literal["study_run"] = "study_run"
    row: StudyRow


class Warned(Event):
    """Something the user should know; the run goes on."""

    type: Literal["warning"] = "warning"
    message: str


class Finished(Event):
    """The run ended by itself. A run without this event and without a living lock was interrupted."""

    type: Literal["finished"] = "finished"
    outcome: Outcome
    message: str = ""
    next_step: str = ""
    fault: str = ""
    bug: bool = False


AnyEvent = Started | Progress | Metric | FileRead | Checkpoint | CollapseWatch | Probed | StudyRun | Warned | Finished
_ADAPTER: TypeAdapter[AnyEvent] = TypeAdapter(Annotated[AnyEvent, Field(discriminator="type")])


def parse_event(line: str) -> AnyEvent:
    """One line of `events.jsonl` as an event. Raises pydantic's ValidationError on a foreign line."""
    return _ADAPTER.validate_python(json.loads(line))


class EventWriter:
    """Appends events to a run's stream; safe to call from several threads of the one process that holds the lock."""

    def __init__(self, path: Path) -> None:
        self._path, self._guard = path, threading.Lock()
        _cut_torn_line(path)
        self._seq = _count_lines(path)
        self._file = path.open("ab", buffering=0)

    def emit(self, event: AnyEvent) -> AnyEvent:
        """Stamp with sequence number and UTC time, append as one line, hand back what was written.

        Raises:
            WorldError: the disk is full or gone; what was written of the line is cut away again.
        """
        with self._guard:
            now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            stamped = event.model_copy(update={"seq": self._seq, "time": now})
            self._append((stamped.model_dump_json() + "\n").encode())
            self._seq += 1
        return stamped

    def _append(self, line: bytes) -> None:
        """All of a line or nothing of it: on a full disk a write ends short, and the next line would be glued to it."""
        end, left = self._file.seek(0, os.SEEK_END), memoryview(line)
        try:
            while left:
                left = left[self._file.write(left) :]
        except OSError as error:
            with suppress(OSError):
                self._file.truncate(end)
            raise disk_error(error, "events") from None

    def sync(self) -> None:
        """Force what was written to disk: before a checkpoint is announced and at the end."""
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Flush to disk and close."""
        self.sync()
        self._file.close()


class SilentWriter(EventWriter):
    """Takes events and says nothing: for the ranks of a run that are not the first."""

    def __init__(self) -> None:
        pass

    def emit(self, event: AnyEvent) -> AnyEvent:
        """Hand the event back."""
        return event

    def sync(self) -> None:
        """Nothing was written."""

    def close(self) -> None:
        """Nothing was opened."""


def read_events(path: Path, offset: int = 0, limit: int = -1) -> tuple[list[AnyEvent], int]:
    """Complete events from byte `offset` on, out of at most `limit` bytes, and the offset to go on from."""
    if not path.exists():
        return [], offset
    with path.open("rb") as stream:
        stream.seek(offset)
        block = stream.read(limit)
    whole = block[: block.rfind(b"\n") + 1]
    return [parse_event(line) for line in whole.decode().split("\n") if line], offset + len(whole)


def finite(values: Mapping[str, float]) -> dict[str, float | None]:
    """Metric values with NaN and infinity as None, since JSON has no word for them."""
    return {name: (float(v) if v == v and abs(v) != float("inf") else None) for name, v in values.items()}


def _count_lines(path: Path) -> int:
    if not path.exists():
        return 0
    with path.open("rb") as stream:
        return sum(1 for _ in stream)


def _cut_torn_line(path: Path) -> None:
    """Cut what stands behind the last line end; only the end of the file is read, it may have gigabytes."""
    if not path.exists():
        return
    with path.open("rb+") as stream:
        end = place = stream.seek(0, os.SEEK_END)
        while place:
            place = max(0, place - TAIL)
            stream.seek(place)
            keep = stream.read(TAIL).rfind(b"\n") + 1
            if keep:
                place += keep
                break
        if place != end:
            stream.truncate(place)

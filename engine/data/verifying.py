"""The verification run: every recording of the store is read and held against its checksums.

What was read stands in the run folder (`verified.json`), so that a run that was stopped or killed goes on from there.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

from engine.contract.config import VerifyConfig
from engine.contract.events import EventWriter, Progress
from engine.contract.results import StoreFault, VerifyResults
from engine.contract.run import RunFolder, Stopped, write_whole
from engine.data import layout
from engine.data.checking import BLOCK_ROWS, Fault, faults_of
from engine.data.store import Store

TOLD = 1000
"""Faults that are named one by one; all of them are counted."""
TELL_S = 1.0


def run(folder: RunFolder, config: VerifyConfig, events: EventWriter) -> VerifyResults:
    """Read the whole store, or go on reading.

    Raises:
        WorldError: there is no store, or of another layout.
        Stopped: somebody asked for it; what was read counts.
    """
    store = Store.open(config.store)
    reading = _Reading(folder, store, events)
    while reading.done < len(store):
        reading.go_on()
    reading.keep()
    lengths = store.measures()[0]
    return VerifyResults(
        recordings=len(store),
        bytes=int(lengths.sum(dtype="int64")) * layout.SAMPLE_BYTES,
        damaged=len(reading.faults),
        faults=[
            StoreFault(row=fault.row, record_id=fault.record_id, what=fault.what) for fault in reading.faults[:TOLD]
        ],
    )


class _Reading:
    """How far it is, and what was found."""

    def __init__(self, folder: RunFolder, store: Store, events: EventWriter) -> None:
        self._folder, self._store, self._events = folder, store, events
        self._place = folder.path / "verified.json"
        self.done, self.faults = _kept(self._place)
        self._first, self._began = self.done, time.monotonic()
        self._told = float("-inf")

    def go_on(self) -> None:
        """Read one block of recordings."""
        end = min(self.done + BLOCK_ROWS, len(self._store))
        self.faults += faults_of(self._store, self.done, end)
        self.done = end
        if time.monotonic() - self._told > TELL_S:
            self.keep()
        if self._folder.stop_asked():
            self.keep()
            raise Stopped

    def keep(self) -> None:
        """Write down how far it is, and tell."""
        faults = [[fault.row, fault.record_id, fault.what] for fault in self.faults]
        write_whole(self._place, json.dumps({"done": self.done, "faults": faults}))
        self._told = time.monotonic()
        read, left = self.done - self._first, len(self._store) - self.done
        seconds_left = (self._told - self._began) / read * left if read else None
        message = f"{len(self.faults):,} damaged" if self.faults else ""
        self._events.emit(
            Progress(
                done=self.done, total=len(self._store), unit="recordings", seconds_left=seconds_left, message=message
            )
        )


def _kept(place: Path) -> tuple[int, list[Fault]]:
    if not place.exists():
        return 0, []
    told = json.loads(place.read_text(encoding="utf-8"))
    return int(told["done"]), [Fault(*fault) for fault in told["faults"]]

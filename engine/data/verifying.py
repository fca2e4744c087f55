"""The verification run: every recording of the store is read and held against its checksums.

So are the further leads that are kept beside it, and what was resampled once and kept: a model would be trained on it.
`keys.bin` is checked by whoever reads it, and made anew; `store.json` by opening the store.

What was read stands in the run folder (`verified.json`), so that a run that was stopped or killed goes on from there.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from engine.contract.config import VerifyConfig
from engine.contract.errors import WorldError
from engine.contract.events import EventWriter, Progress
from engine.contract.results import StoreFault, VerifyResults
from engine.contract.run import RunFolder, Stopped, write_whole
from engine.data import layout, resampled
from engine.data.checking import BLOCK_ROWS, Fault, faults_of
from engine.data.extra_leads import extra_fault, extras_of
from engine.data.store import Store

TOLD = 1000
"""Faults that are named one by one; all of them are counted."""
TELL_S = 1.0
STORE, EXTRA, DERIVED = "recordings", "extra leads", "derived"
GONE = -1
"""Row of what the store does not hold."""


def run(folder: RunFolder, config: VerifyConfig, events: EventWriter) -> VerifyResults:
    """Read the whole store, or go on reading.

    Raises:
        WorldError: there is no store, or of another layout.
        Stopped: somebody asked for it; what was read counts.
    """
    store = Store.open(config.store)
    expected = {row.record_id for row in folder.manifest()} if folder.manifest_path.exists() else set()
    reading = _Reading(folder, list(_parts(store, expected)), events)
    while (part := reading.open_part()) is not None:
        reading.go_on(part)
    reading.keep()
    lengths = store.measures()[0]
    sizes = {part.name: part.size for part in reading.parts}
    return VerifyResults(
        recordings=len(store),
        bytes=int(lengths.sum(dtype="int64")) * layout.SAMPLE_BYTES,
        damaged=len(reading.faults),
        extra=sizes[EXTRA],
        derived=sum(size for name, size in sizes.items() if name.startswith(DERIVED)),
        faults=[
            StoreFault(row=fault.row, record_id=fault.record_id, what=fault.what) for fault in reading.faults[:TOLD]
        ],
    )


@dataclass(frozen=True)
class _Part:
    """Something that is read from 0 to `size`, in blocks."""

    name: str
    size: int
    faults: Callable[[int, int], list[Fault]]


def _parts(store: Store, expected: set[str]) -> Iterator[_Part]:
    yield _Part(STORE, len(store), partial(faults_of, store))
    extras = sorted({*extras_of(store.path), *expected})
    yield _Part(EXTRA, len(extras), partial(_faults_of_extras, store, extras))
    for derived in resampled.list_derived(store.path):
        if not derived.in_use:
            yield _derived(store.path / resampled.FOLDER / derived.key, derived.key)


def _faults_of_extras(store: Store, extras: list[str], first: int, end: int) -> list[Fault]:
    rows = ((record_id, store.find(record_id)) for record_id in extras[first:end])
    found = ((record_id, GONE if row is None else row, extra_fault(store.path, record_id)) for record_id, row in rows)
    return [Fault(row, record_id, what) for record_id, row, what in found if what]


def _derived(path: Path, key: str) -> _Part:
    """What was resampled once and kept; one that cannot be opened is one fault."""
    advice = f"resampled copy {key}: {{}}; delete it with: isoline store forget {key}"
    try:
        held = Store.open(path)
    except WorldError as error:
        broken = [Fault(GONE, "", advice.format(error.reason))]
        return _Part(f"{DERIVED} {key}", 1, lambda _first, _end: broken)

    def faults(first: int, end: int) -> list[Fault]:
        """Damage of some of its rows, with what to do."""
        return [Fault(one.row, one.record_id, advice.format(one.what)) for one in faults_of(held, first, end)]

    return _Part(f"{DERIVED} {key}", len(held), faults)


class _Reading:
    """How far it is, and what was found."""

    def __init__(self, folder: RunFolder, parts: list[_Part], events: EventWriter) -> None:
        self._folder, self.parts, self._events = folder, parts, events
        self._place = folder.path / "verified.json"
        self.done, self.faults = _kept(self._place)
        self._first, self._began = self._read(), time.monotonic()
        self._told = float("-inf")

    def open_part(self) -> _Part | None:
        """The first part that is not read to its end."""
        return next((part for part in self.parts if self.done.get(part.name, 0) < part.size), None)

    def go_on(self, part: _Part) -> None:
        """Read one block of a part."""
        first = self.done.get(part.name, 0)
        end = min(first + BLOCK_ROWS, part.size)
        self.faults += part.faults(first, end)
        self.done[part.name] = end
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
        done, total = self._read(), sum(part.size for part in self.parts)
        read, left = done - self._first, total - done
        seconds_left = (self._told - self._began) / read * left if read else None
        message = f"{len(self.faults):,} damaged" if self.faults else ""
        self._events.emit(
            Progress(done=done, total=total, unit="recordings", seconds_left=seconds_left, message=message)
        )

    def _read(self) -> int:
        return sum(min(self.done.get(part.name, 0), part.size) for part in self.parts)


def _kept(place: Path) -> tuple[dict[str, int], list[Fault]]:
    if not place.exists():
        return {}, []
    told = json.loads(place.read_text(encoding="utf-8"))
    done = told["done"] if isinstance(told["done"], dict) else {STORE: int(told["done"])}  # as version 0.1 wrote it
    return done, [Fault(*fault) for fault in told["faults"]]

"""The leakage sentinel: patients and recordings, copies included, that stand on two sides of a split or in a corpus.

Parts are the splits of the manifest. What lies between two parts of the cohort leaks, and so does what lies between the
cohort and what it is checked against (parts that begin with "against", and packs). Copies within one part are told but
are no leak.

Shapes: N recordings.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.contract.config import LeakageConfig
from engine.contract.errors import WorldError
from engine.contract.events import EventWriter, Progress
from engine.contract.leakage import AGAINST
from engine.contract.results import CheckedPack, Copies, LeakageResults, Meeting
from engine.contract.run import ManifestRow, RunFolder, Stopped
from engine.data.copies import Copy, Query, blocks, find_copies
from engine.data.findings import sentences
from engine.data.fingerprint import METHOD, Fingerprint, fingerprint
from engine.data.keys import keys_of_ids
from engine.data.landmarks import LandmarkIndex
from engine.data.manifest import Manifest
from engine.data.packs import Pack, open_pack
from engine.data.prints import Prints
from engine.data.store import Store

METHOD_WORDS = (
    f"fingerprint {METHOD}: landmarks and signs of 8 leads between 3 and 22 Hz; copies may be filtered, scaled, "
    "resampled or cut to 2.5 s or more"
)
MOST_PAIRS = 10_000
"""Pairs that are kept one by one; all of them are counted."""
REPORT_EVERY = 50

OnProgress = Callable[[int, int, str], None]


def run(folder: RunFolder, config: LeakageConfig, events: EventWriter) -> LeakageResults:
    """Search the recordings of the manifest for leaks.

    Raises:
        WorldError: store or pack cannot be used.
        Stopped: somebody asked for it.
    """
    started = time.monotonic()

    def told(done: int, total: int, doing: str) -> None:
        """Heed the wish to stop, and tell how far it is."""
        if folder.stop_asked():
            raise Stopped
        left = (time.monotonic() - started) / done * (total - done) if done else None
        events.emit(Progress(done=done, total=total, unit="recordings", message=doing, seconds_left=left))

    packs = [open_pack(Path(path)) for path in config.packs]
    return search(Store.open(config.store), Manifest.read(folder.manifest_path), packs, told)


def search(
    store: Store, manifest: Sequence[ManifestRow], packs: Sequence[Pack] = (), on_progress: OnProgress | None = None
) -> LeakageResults:
    """Search recordings of a store for leaks between their parts and into packs.

    Args:
        store: holds the recordings.
        manifest: recordings with patient and part; one that is checked against something may stand in it twice.
        packs: fingerprints of corpora.
        on_progress: is told how many of how many looks are done, and what is being done.

    Raises:
        WorldError: the store does not hold a recording of the manifest.
    """
    started, rows = time.monotonic(), Manifest.of(manifest)
    look = Look(store, rows, on_progress or (lambda *_: None), packs)
    pairs = look.within() + [pair for pack in packs for pair in look.into(pack)]
    pairs.sort(key=_urgency)
    meetings = _meetings(look, pairs)
    cohort = rows.part(*(side for side in rows.sides if not side.startswith(AGAINST)))
    return LeakageResults(
        leaks=any(one.leak for one in meetings),
        findings=sentences([one for one in meetings if one.leak]),
        notes=_notes(look, meetings, pairs),
        records=len(np.unique(cohort.ids_N)),
        patients=cohort.count_patients(),
        parts=look.sizes,
        packs=[CheckedPack(**pack.head.model_dump(include=set(CheckedPack.model_fields))) for pack in packs],
        meetings=meetings,
        pairs=pairs[:MOST_PAIRS],
        pairs_found=len(pairs),
        unchecked=look.unchecked,
        method=METHOD_WORDS,
        seconds=round(time.monotonic() - started, 3),
    )


class Look:
    """One search: the recordings, where they stand, and what was counted.

    The recordings of the cohort are asked for; those that they are checked against are only looked at.

    Shapes: U recordings (each once, by id), N rows of the manifest.
    """

    def __init__(self, store: Store, manifest: Manifest, told: OnProgress, packs: Sequence[Pack]) -> None:
        self._store, self.manifest, self._told = store, manifest, told
        self._order_N = np.argsort(manifest.ids_N, kind="stable")
        ids_N = manifest.ids_N[self._order_N]
        first_N = np.append(True, ids_N[1:] != ids_N[:-1])[: len(ids_N)]
        self._starts = np.append(np.flatnonzero(first_N), len(ids_N))
        self.ids_U = ids_N[first_N]
        self.rows_U = store.find_many(self.ids_U)
        if (self.rows_U < 0).any():
            raise WorldError("store", "it lacks recordings of the cohort", "Import them again")
        asked = np.isin(manifest.sides_N, [n for n, side in enumerate(manifest.sides) if not side.startswith(AGAINST)])
        self.asked_U = np.unique(np.repeat(np.arange(len(self.ids_U)), np.diff(self._starts))[asked[self._order_N]])
        counts = np.bincount(manifest.sides_N, minlength=len(manifest.sides)).tolist()
        self.sizes = {side: count for side, count in zip(manifest.sides, counts, strict=True) if count}
        looks = len(list(blocks(len(self.ids_U)))) + sum(len(list(blocks(len(pack.prints)))) for pack in packs)
        self.total = len(self.ids_U) + looks * len(self.asked_U)
        self.done = self.unchecked = 0

    def places(self, own: int) -> list[ManifestRow]:
        """Where a recording stands in the manifest."""
        return [self.manifest[int(place)] for place in self._order_N[self._starts[own] : self._starts[own + 1]]]

    def within(self) -> list[Copies]:
        """Pairs of recordings in the manifest that are copies, and recordings that stand in several parts."""
        every_U = np.arange(len(self.ids_U))
        prints = Prints.gather((self.name(own), taken) for own, taken in self._prints(every_U, "taking fingerprints"))
        self.unchecked = int((~prints.comparable_N).sum())
        best: dict[tuple[int, int], Copy] = {}
        for first, last in blocks(len(prints)):
            index = LandmarkIndex(prints, first, last)
            for own, taken in self._prints(self.asked_U, "looking for copies"):
                for copy in find_copies(Query(taken), prints, index) if taken.can_be_compared else ():
                    pair = (min(own, copy.row), max(own, copy.row))
                    if copy.row != own and (pair not in best or copy.score > best[pair].score):
                        best[pair] = copy if own == pair[0] else copy.turned()
        pairs = [self._pair(a, b, copy) for (one, other), copy in best.items() for a, b in self._sides(one, other)]
        several = np.flatnonzero(np.diff(self._starts) > 1).tolist()
        return pairs + [_twice(a, b) for own in several for a, b in _ordered_pairs(self.places(own))]

    def into(self, pack: Pack) -> list[Copies]:
        """Recordings of the cohort that are in a pack."""
        prints, part, pairs = pack.prints, f"{AGAINST} {pack.head.corpus}", []
        equal_U = _rows_of(np.asarray(prints.keys_N), keys_of_ids(self.ids_U)[0])
        self.sizes[part] = len(prints)
        for first, last in blocks(len(prints)):
            index = LandmarkIndex(prints, first, last)
            for own, taken in self._prints(self.asked_U, f"looking into {pack.head.corpus}"):
                exact = int(equal_U[own])
                found = find_copies(Query(taken), prints, index) if taken.can_be_compared else []
                found = [copy for copy in found if copy.row != exact]
                if first <= exact < last:
                    found.append(Copy(exact, 1.0, len(prints.signs_of(exact)) / 50, 0.0, exact=True))
                pairs += [self._into(own, f"r{int(prints.keys_N[copy.row]):012x}", part, copy) for copy in found]
        return pairs

    def name(self, own: int) -> str:
        """Id of a recording."""
        return str(self.ids_U[own].decode())

    def _prints(self, chosen_U: NDArray[np.int64], doing: str) -> Iterator[tuple[int, Fingerprint]]:
        for own in chosen_U.tolist():
            row = int(self.rows_U[own])
            taken = fingerprint(self._store.signal(row), float(self._store.index_row(row)["rate_hz"]))
            self.done += 1
            if self.done % REPORT_EVERY == 0 or self.done == self.total:
                self._told(self.done, self.total, doing)
            yield own, taken

    def _sides(self, one: int, other: int) -> list[tuple[ManifestRow, ManifestRow]]:
        """Every way in which two recordings stand in two places, the side that is checked first."""
        found = [(a, b) for a in self.places(one) for b in self.places(other)]
        return [(b, a) if _order(a) > _order(b) else (a, b) for a, b in found]

    def _pair(self, a: ManifestRow, b: ManifestRow, copy: Copy) -> Copies:
        copy = copy if a.record_id < b.record_id else copy.turned()  # ids are in order, and so are rows
        return Copies(
            record=a.record_id,
            other=b.record_id,
            part=a.split,
            other_part=b.split,
            score=round(copy.score, 4),
            overlap_s=copy.overlap_s,
            shift_s=copy.shift_s,
            exact=False,
            same_patient=a.patient == b.patient,
        )

    def _into(self, own: int, other: str, part: str, copy: Copy) -> Copies:
        return Copies(
            record=self.name(own),
            other=other,
            part=next(row.split for row in self.places(own) if not row.split.startswith(AGAINST)),
            other_part=part,
            score=round(copy.score, 4),
            overlap_s=copy.overlap_s,
            shift_s=copy.shift_s,
            exact=copy.exact,
        )


def _twice(a: ManifestRow, b: ManifestRow) -> Copies:
    return Copies(
        record=a.record_id,
        other=b.record_id,
        part=a.split,
        other_part=b.split,
        score=1.0,
        overlap_s=0.0,
        shift_s=0.0,
        exact=True,
        same_patient=a.patient == b.patient,
    )


def _urgency(pair: Copies) -> tuple[bool, bool, bool, float, str]:
    """Leaks first, then pairs under two patients, whom a split made later must keep together."""
    leak = _is_leak(pair.part, pair.other_part)
    return not leak, not leak and pair.same_patient is not False, not pair.exact, -pair.score, pair.record


def _order(row: ManifestRow) -> tuple[bool, str]:
    """The cohort's own parts before what they are checked against."""
    return row.split.startswith(AGAINST), row.split


def _ordered_pairs(rows: Sequence[ManifestRow]) -> Iterator[tuple[ManifestRow, ManifestRow]]:
    ordered = sorted(rows, key=_order)
    for n, a in enumerate(ordered):
        for b in ordered[n + 1 :]:
            yield a, b


def _is_leak(part: str, other: str) -> bool:
    """Two different parts must be apart, unless both are what is checked against."""
    return part != other and not (part.startswith(AGAINST) and other.startswith(AGAINST))


def _meetings(look: Look, pairs: Sequence[Copies]) -> list[Meeting]:
    """What meets between each two parts, leaks first."""
    exact: Mapping[tuple[str, str], set[str]] = defaultdict(set)
    copied: Mapping[tuple[str, str], set[str]] = defaultdict(set)
    for pair in pairs:
        (exact if pair.exact else copied)[pair.part, pair.other_part].add(pair.record)
    people = _people(look.manifest)
    found = []
    for part, other in sorted({*exact, *copied, *people}):
        patients, records = people.get((part, other), (0, 0))
        equal = exact.get((part, other), set())
        meeting = Meeting(
            part=part,
            other=other,
            leak=_is_leak(part, other),
            patients=patients,
            patient_records=records,
            exact=len(equal),
            copies=len(copied.get((part, other), set()) - equal),
        )
        if _is_leak(part, other) or part == other:
            found.append(meeting)
    return sorted(found, key=lambda one: (not one.leak, one.part, one.other))


def _people(manifest: Manifest) -> dict[tuple[str, str], tuple[int, int]]:
    """By two parts: patients on both sides, and their recordings in the first."""
    sides = len(manifest.sides)
    stays, counts = np.unique(manifest.patients_N.astype(np.int64) * sides + manifest.sides_N, return_counts=True)
    patients = stays // max(sides, 1)
    again = np.append(patients[1:] == patients[:-1], False)
    several = np.flatnonzero(again | np.append(False, again)[: len(again)])
    stood: dict[int, dict[str, int]] = defaultdict(dict)
    for n in several.tolist():
        stood[int(patients[n])][manifest.sides[int(stays[n] % sides)]] = int(counts[n])
    met: dict[tuple[str, str], tuple[int, int]] = {}
    for parts in stood.values():
        ordered = sorted(parts, key=lambda part: (part.startswith(AGAINST), part))
        for n, part in enumerate(ordered):
            for other in ordered[n + 1 :]:
                both, records = met.get((part, other), (0, 0))
                met[part, other] = (both + 1, records + parts[part])
    return met


def _rows_of(keys_N: NDArray[np.uint64], wanted_U: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Row of each key among the keys of a pack, the last one of equal ones; -1 where there is none, [U]."""
    if not len(keys_N):
        return np.full(len(wanted_U), -1, dtype=np.int64)
    order_N = np.argsort(keys_N, kind="stable")
    places_U = np.searchsorted(keys_N[order_N], wanted_U, side="right") - 1
    found_U = order_N[np.maximum(places_U, 0)]
    return np.where(keys_N[found_U] == wanted_U, found_U, -1)


def _notes(look: Look, meetings: Sequence[Meeting], pairs: Sequence[Copies]) -> list[str]:
    notes = []
    if within := sum(one.copies for one in meetings if not one.leak):
        told = "recording has" if within == 1 else "recordings have"
        notes.append(f"{within:,} {told} a copy in the same part: no leak, but it counts twice")
    if strangers := sum(pair.same_patient is False for pair in pairs):
        told = "pair of copies carries" if strangers == 1 else "pairs of copies carry"
        notes.append(f"{strangers:,} {told} two different patients: one of the two must be wrong")
    if len(pairs) > MOST_PAIRS:
        notes.append(
            f"{len(pairs) - MOST_PAIRS:,} further pairs of copies are counted and not kept: "
            "a split made later cannot keep their patients together"
        )
    if look.unchecked:
        told = "recording is too short, too flat or has"
        told = told if look.unchecked == 1 else "recordings are too short, too flat or have"
        notes.append(f"{look.unchecked:,} {told} too few leads to be compared")
    return notes

"""The recordings of a run as columns: eleven million rows in a quarter of a gigabyte, where an object each takes four.

A manifest is read once and asked for its sides; nobody needs its rows as objects, though one may look at them.

Legend: N rows, in the order of the file.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import IO, overload

import numpy as np
from numpy.typing import NDArray

from engine.contract.errors import WorldError
from engine.contract.run import ManifestRow

BLOCK = 65_536
"""Rows that are taken in at a time."""
BLOCK_BYTES = 2**22
"""Bytes of a table that are taken in at a time."""
HASHED = 262_144
"""Rows that are hashed at a time."""
_COLUMNS = ["record_id", "patient", "split"]

Places = NDArray[np.int64]


class Manifest(Sequence[ManifestRow]):
    """Record ids, patients and sides of recordings.

    Attributes:
        ids_N: record ids as bytes, each as long as the longest.
        patients_N: number of each row's patient among `people`.
        sides_N: number of each row's side among `sides`.
        people: pseudonyms as bytes; those of a part are those of the whole.
        sides: "train", "validation", "test", "fold-0" ...
    """

    def __init__(
        self,
        ids_N: NDArray[np.bytes_],
        patients_N: NDArray[np.int32],
        sides_N: NDArray[np.int16],
        people: NDArray[np.bytes_],
        sides: Sequence[str],
    ) -> None:
        self.ids_N, self.patients_N, self.sides_N = ids_N, patients_N, sides_N
        self.people, self.sides = people, sides

    @classmethod
    def of(cls, rows: Iterable[ManifestRow]) -> Manifest:
        """From rows; one that is a manifest already is taken as it is."""
        if isinstance(rows, Manifest):
            return rows
        return _gathered(_blocks_of((row.record_id, row.patient, row.split) for row in rows))

    @classmethod
    def read(cls, path: Path) -> Manifest:
        """From a run's `manifest.csv`. Raises WorldError when it is none."""
        try:
            with path.open("rb") as file:
                return _gathered(_plain_blocks(file))
        except _Quoted:  # never by us
            pass
        except (OSError, ValueError) as error:
            raise _unreadable(error) from None
        try:
            with path.open(newline="", encoding="utf-8") as file:
                rows = csv.reader(file)
                if next(rows, []) != _COLUMNS:
                    raise ValueError
                return _gathered(_blocks_of(rows))
        except (OSError, ValueError, IndexError, csv.Error) as error:
            raise _unreadable(error) from None

    def __len__(self) -> int:
        return len(self.ids_N)

    @overload
    def __getitem__(self, place: int) -> ManifestRow: ...
    @overload
    def __getitem__(self, place: slice) -> Manifest: ...
    def __getitem__(self, place: int | slice) -> ManifestRow | Manifest:
        if isinstance(place, slice):
            return self.at(np.arange(len(self))[place])
        name = self.ids_N[place].decode()
        return ManifestRow(name, self.people[self.patients_N[place]].decode(), self.sides[self.sides_N[place]])

    def __iter__(self) -> Iterator[ManifestRow]:
        for first in range(0, len(self), BLOCK):
            block = slice(first, first + BLOCK)
            columns = (self.ids_N[block], self.people[self.patients_N[block]], self.sides_N[block])
            for name, patient, side in zip(*(column.tolist() for column in columns), strict=True):
                yield ManifestRow(name.decode(), patient.decode(), self.sides[side])

    def at(self, places: Places) -> Manifest:
        """The rows at these places, in this order."""
        return Manifest(self.ids_N[places], self.patients_N[places], self.sides_N[places], self.people, self.sides)

    def places(self, *sides: str) -> Places:
        """Where the rows of some sides stand."""
        return np.flatnonzero(np.isin(self.sides_N, [n for n, side in enumerate(self.sides) if side in sides]))

    def part(self, *sides: str) -> Manifest:
        """The rows of some sides."""
        return self.at(self.places(*sides))

    def followed_by(self, other: Manifest) -> Manifest:
        """These rows, then those of another part of the same manifest."""
        return Manifest(
            np.concatenate([self.ids_N, other.ids_N]),
            np.concatenate([self.patients_N, other.patients_N]),
            np.concatenate([self.sides_N, other.sides_N]),
            self.people,
            self.sides,
        )

    def count_patients(self) -> int:
        """How many different patients there are."""
        return int(np.count_nonzero(np.bincount(self.patients_N))) if len(self) else 0

    def digest(self) -> str:
        """`engine.data.splits.split_digest` of ids and sides, without a text for each row."""
        told, order_N = hashlib.sha256(), self._in_order()
        ends = [f"\t{side}\n".encode() for side in self.sides]
        for first in range(0, len(self), HASHED):
            block = order_N[first : first + HASHED]
            names, sides = self.ids_N[block].tolist(), self.sides_N[block].tolist()
            told.update(b"".join([name + ends[side] for name, side in zip(names, sides, strict=True)]))
        return told.hexdigest()

    def _in_order(self) -> Places:
        """Places in the order of ids, of equal ones in that of their sides; numbers sort faster than texts."""
        width = -(-self.ids_N.dtype.itemsize // 8) * 8
        words_NW = self.ids_N.astype(f"S{width}").view(">u8").reshape(len(self), width // 8)
        ranks = np.argsort(np.argsort(np.array(self.sides, dtype=np.str_))) if self.sides else np.empty(0, np.int64)
        words = [words_NW[:, n].astype(np.uint64) for n in reversed(range(width // 8))]
        return np.lexsort((ranks[self.sides_N], *words))


class _Quoted(Exception):
    """A table with quotes or carriage returns: its lines do not end where a line feed stands."""


Block = tuple[list[bytes], list[bytes], list[bytes]]
"""Ids, patients and sides of some rows."""


def _plain_blocks(file: IO[bytes]) -> Iterator[Block]:
    """The columns of a table as runs write it, some rows at a time. Raises ValueError when it is none."""
    if file.readline() != (",".join(_COLUMNS) + "\n").encode():
        raise _Quoted
    while block := file.read(BLOCK_BYTES) + file.readline():
        if b'"' in block or b"\r" in block:
            raise _Quoted
        cells = block.removesuffix(b"\n").replace(b"\n", b",").split(b",")
        ids, patients, sides = cells[0::3], cells[1::3], cells[2::3]
        if not len(ids) == len(patients) == len(sides) == block.count(b"\n") + (not block.endswith(b"\n")):
            raise ValueError
        yield ids, patients, sides


def _blocks_of(rows: Iterable[Sequence[str]]) -> Iterator[Block]:
    left = iter(rows)
    while block := list(islice(left, BLOCK)):
        yield tuple([row[n].encode() for row in block] for n in range(3))  # type: ignore[misc]


def _gathered(blocks: Iterable[Block]) -> Manifest:
    ids: list[NDArray[np.bytes_]] = []
    patients: list[NDArray[np.int32]] = []
    sides: list[NDArray[np.int16]] = []
    people: dict[bytes, int] = {}
    names: dict[bytes, int] = {}
    for block in blocks:
        ids.append(np.array(block[0], dtype=np.bytes_))
        patients.append(np.array([people.setdefault(one, len(people)) for one in block[1]], dtype=np.int32))
        sides.append(np.array([names.setdefault(one, len(names)) for one in block[2]], dtype=np.int16))
    if not ids:
        return Manifest(np.empty(0, "S1"), np.empty(0, np.int32), np.empty(0, np.int16), np.empty(0, "S1"), ())
    return Manifest(
        np.concatenate(ids),
        np.concatenate(patients),
        np.concatenate(sides),
        np.array(list(people), dtype=np.bytes_),
        tuple(name.decode() for name in names),
    )


def _unreadable(error: Exception) -> WorldError:
    reason = f"it cannot be read ({type(error).__name__})"
    return WorldError("manifest of the run", reason, "Start the run again")

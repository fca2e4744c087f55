"""The store of recordings: int16 shards and a memory-mapped index. One process appends, any number read.

The index row is the commit point: a recording whose row stands whole is there, everything else is a remnant of a kill
that readers do not see and the next writer cuts away. Readers take no lock. Opening costs the same for a hundred
recordings as for eleven million.

Shapes: B crops, C leads (12, canonical order), T samples, Q records that are looked for.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Callable, Sequence
from io import FileIO
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from engine.contract.errors import WorldError
from engine.contract.run import Lock, write_whole
from engine.data import layout
from engine.data.checking import Fault as Fault
from engine.data.checking import faults_of
from engine.data.crops import write_crops
from engine.data.keys import KeyIndex, key_of, keys_of_ids, keys_of_rows
from engine.data.layout import ROW, StoreEntry
from engine.data.repair import check_layout, committed, cut, disk_fault, sync_folder
from engine.signal.leads import CANONICAL
from engine.signal.recording import Recording

Rows = NDArray[np.void]
KEPT_ENTRIES = 100_000
"""Entries kept in memory; training asks for the same ones in every epoch."""


class Store:
    """A store opened for reading; it shows what was committed when it was opened or last refreshed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._shards: dict[int, NDArray[np.int16]] = {}
        self._rows: Rows = np.empty(0, dtype=ROW)
        self._keys = KeyIndex(path)
        self._entries: dict[int, StoreEntry] = {}
        self.refresh()

    @classmethod
    def create(cls, path: Path | str) -> StoreWriter:
        """Open a store for appending, making it when there is none.

        Raises:
            WorldError: another process appends to it, or it was made by a newer version.
        """
        return StoreWriter(Path(path))

    @classmethod
    def open(cls, path: Path | str) -> Store:
        """Open a store for reading. Raises WorldError when there is none, or a newer version made it."""
        path = Path(path)
        check_layout(path)
        return cls(path)

    def __reduce__(self) -> tuple[Callable[[Path], Store], tuple[Path]]:
        """Another process opens the store for itself; maps are not sent, they would travel as all their bytes."""
        return Store.open, (self.path,)

    def refresh(self) -> None:
        """Look again: recordings committed since then become visible."""
        whole = committed(self.path / "index.bin")
        if whole != len(self._rows):
            # Plain arrays on the maps: slicing a numpy.memmap costs ten times as much.
            self._rows = np.asarray(np.memmap(self.path / "index.bin", dtype=ROW, mode="r", shape=(whole,)))

    def __len__(self) -> int:
        return len(self._rows)

    def find(self, record_id: str) -> int | None:
        """Row of a record id; None when it is not there."""
        key = key_of(record_id)
        return None if key is None else self._sorted_keys().find(key)

    def find_many(self, record_ids: Sequence[str] | NDArray[np.bytes_]) -> NDArray[np.int64]:
        """Rows of many record ids, -1 for each that is not there, [Q]; eleven million in some seconds."""
        keys_Q, good_Q = keys_of_ids(record_ids)
        return np.where(good_Q, self._sorted_keys().find_many(keys_Q), -1)

    def find_same(self, other: Store, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Rows here of the recordings that stand at `rows` of another store, -1 for each that is not here."""
        return self._sorted_keys().find_many(keys_of_rows(other._rows[rows]))

    def has_signal(self, signal_sha256: str) -> bool:
        """Whether a recording with exactly these samples is there."""
        row = self.find("r" + signal_sha256[:12])
        return row is not None and self.entry(row).signal_sha256 == signal_sha256

    def entry(self, row: int) -> StoreEntry:
        """What the index says of a row."""
        known = self._entries.get(row)
        if known is None:
            if len(self._entries) >= KEPT_ENTRIES:
                self._entries.clear()
            known = self._entries[row] = self._entry(row)
        return known

    def _entry(self, row: int) -> StoreEntry:
        told = self.index_row(row)
        present, derived = layout.flags(int(told["present"])), layout.flags(int(told["derived"]))
        digest = told["signal_sha256"].tobytes().hex()
        return StoreEntry(
            record_id="r" + digest[:12],
            rate_hz=float(told["rate_hz"]),
            length=int(told["length"]),
            present=present,
            derived=tuple(lead for lead, flag in zip(CANONICAL, derived, strict=True) if flag),
            file_sha256=told["file_sha256"].tobytes().hex(),
            signal_sha256=digest,
            exact=layout.flags(int(told["exact"])) if told["exact"] & layout.EXACT_TOLD else None,
        )

    def measures(self) -> tuple[NDArray[np.uint32], NDArray[np.float64]]:
        """Lengths in samples and rates in Hz of all rows; of millions at once, an entry each would take minutes."""
        return self._rows["length"], self._rows["rate_hz"]

    def count_exact(self) -> int:
        """How many recordings are kept as the integers of their files in every lead."""
        every = layout.EXACT_TOLD | layout.bits((True,) * layout.LEADS)
        return int((self._rows["exact"] == every).sum())

    def origin(self, row: int) -> str:
        """Name of the run that brought this recording."""
        return bytes(self.index_row(row)["origin"]).decode()

    def signal(self, row: int) -> NDArray[np.float32]:
        """All samples of a row, [12, T] float32 millivolts, NaN where missing."""
        return layout.to_millivolts(
            self.crop_TC(row, 0, int(self.index_row(row)["length"])), self.index_row(row)["steps_per_mv"]
        )

    def scale(self, row: int) -> NDArray[np.float64]:
        """Millivolts per step of each lead, [12]."""
        return np.asarray(1.0 / self.index_row(row)["steps_per_mv"], dtype=np.float64)

    def crop_TC(self, row: int, start: int, length: int) -> NDArray[np.int16]:
        """`length` samples from `start` on, int16 [length, 12], -32768 where missing: a view, not a copy.

        Raises:
            IndexError: the crop reaches beyond the recording.
            WorldError: the shard is missing or shorter than the index says.
        """
        told = self.index_row(row)
        if start < 0 or length < 0 or start + length > int(told["length"]):
            raise IndexError("the crop reaches beyond the recording")
        first = int(told["offset"]) // layout.SAMPLE_BYTES + start
        return self._shard(int(told["shard"]), first + length)[first : first + length]

    def crops(
        self,
        rows_B: NDArray[np.int64],
        starts_B: NDArray[np.int64],
        length: int,
        out_BCT: NDArray[np.float32] | None = None,
    ) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
        """Many crops of one length at once, float32 millivolts, NaN where missing.

        Args:
            rows_B: row of each crop.
            starts_B: first sample of each crop.
            length: samples of all.
            out_BCT: where they are written to, if given; [B, 12, length].

        Returns:
            The crops [B, 12, length], and which of them miss a sample [B].

        Raises:
            IndexError: a crop reaches beyond its recording, or there is no such row.
            WorldError: a shard is missing or shorter than the index says.
        """
        if len(rows_B) and (np.min(rows_B) < 0 or np.max(rows_B) >= len(self)):
            raise IndexError("the store has no such row")
        told_B = self._rows[rows_B]
        if length < 0 or (starts_B < 0).any() or (starts_B + length > told_B["length"]).any():
            raise IndexError("the crop reaches beyond the recording")
        firsts_B = told_B["offset"].astype(np.int64) // layout.SAMPLE_BYTES + starts_B
        if out_BCT is None:
            out_BCT = np.empty((len(rows_B), layout.LEADS, length), dtype=np.float32)
        return out_BCT, write_crops(self._shard, told_B["shard"], firsts_B, told_B["steps_per_mv"], out_BCT)

    def verify(self) -> list[Fault]:
        """Read everything and compare with the checksums; empty when all is well. See `engine.data.checking`."""
        return faults_of(self)

    def index_row(self, row: int) -> np.void:
        """The line of the index as it is on disk. Raises IndexError when there is none."""
        if not 0 <= row < len(self):
            raise IndexError("the store has no such row")
        told: np.void = self._rows[row]
        return told

    def _sorted_keys(self) -> KeyIndex:
        self._keys.catch_up(self._rows)
        self._keys.keep(self._rows)
        return self._keys

    def _shard(self, shard: int, needed: int) -> NDArray[np.int16]:
        steps_TC = self._shards.get(shard)
        if steps_TC is None or len(steps_TC) < needed:
            path = layout.shard_path(self.path, shard)
            held = path.stat().st_size // layout.SAMPLE_BYTES if path.exists() else 0
            if held < needed:
                raise WorldError("store", "a shard is shorter than its index says", "Import the recordings again")
            steps_TC = np.asarray(np.memmap(path, dtype="<i2", mode="r", shape=(held, layout.LEADS)))
            self._shards[shard] = steps_TC
        return steps_TC


class StoreWriter(Store):
    """A store opened for appending; holds the store's lock until it is closed."""

    def __init__(self, path: Path) -> None:
        path.mkdir(parents=True, exist_ok=True)
        self._lock = Lock(path / "lock", "store")
        self._lock.acquire("import")
        try:
            if not (path / "store.json").exists():
                write_whole(path / "store.json", json.dumps({"version": layout.VERSION}) + "\n")
            check_layout(path)
            (path / "index.bin").touch()
            cut(path / "index.bin", committed(path / "index.bin") * ROW.itemsize)
            super().__init__(path)
            self._shard_number, self._shard_end = self._cut_shards()
        except BaseException:
            self._lock.release()
            raise
        self._pending: list[np.void] = []
        self._pending_rows: dict[str, int] = {}
        self._file: FileIO | None = None

    def append(self, recording: Recording, origin: str = "") -> int:
        """Write a recording's samples; it counts from the next `flush` on.

        Args:
            recording: what is kept; one whose samples are there already is not kept twice.
            origin: name of the run that brings it, at most 32 bytes.

        Returns:
            Its row.

        Raises:
            WorldError: the disk is full or gone; what was committed before stays as it is.
        """
        entry = StoreEntry(
            record_id=recording.record_id,
            rate_hz=recording.rate_hz,
            length=recording.samples,
            present=recording.present,
            derived=recording.derived,
            file_sha256=recording.file_sha256,
            signal_sha256=recording.signal_sha256,
        )
        return self.append_signal(entry, recording.signal_CT, recording.resolution_mv, origin)

    def append_signal(
        self,
        entry: StoreEntry,
        signal_CT: NDArray[np.float32],
        resolution_mv: NDArray[np.float64] | None = None,
        origin: str = "",
    ) -> int:
        """Write samples under the name that an entry gives them; else as `append`.

        Args:
            entry: what the index is to say; its `exact` is found out here.
            signal_CT: [12, T] float32 millivolts, NaN where missing.
            resolution_mv: [12] millivolts per step where they are the integers of a file.
            origin: as for `append`.
        """
        known = self.row_of(entry.signal_sha256)
        if known is not None:
            return known
        kept = layout.to_steps(signal_CT, resolution_mv)
        block = kept.steps_TC.tobytes()
        if self._shard_end and self._shard_end + len(block) > layout.SHARD_BYTES:
            self.flush()
            self._next_shard()
        row = self._index_row(entry, kept, block, origin)
        self._write(block)
        self._pending.append(row)
        self._pending_rows[entry.signal_sha256] = len(self) + len(self._pending) - 1
        return self._pending_rows[entry.signal_sha256]

    def row_of(self, signal_sha256: str) -> int | None:
        """Row of a recording with exactly these samples, appended ones included."""
        if signal_sha256 in self._pending_rows:
            return self._pending_rows[signal_sha256]
        row = self.find("r" + signal_sha256[:12])
        if row is not None and self.entry(row).signal_sha256 != signal_sha256:
            raise WorldError(
                "recording",
                f"another one has the id r{signal_sha256[:12]} already: their hashes begin with the same 48 bits",
                "Keep it in a workspace of its own",
            )
        return row

    def rounding(self, row: int) -> dict[str, float]:
        """`layout.rounding` of a recording that was committed, or appended since."""
        return layout.rounding(self.index_row(row) if row < len(self) else self._pending[row - len(self)])

    def flush(self) -> None:
        """Commit what was appended: samples to disk first, then the rows that point to them."""
        if not self._pending:
            return
        try:
            if self._file is not None:
                os.fsync(self._file.fileno())
            with (self.path / "index.bin").open("r+b") as index:
                index.seek(len(self) * ROW.itemsize)
                index.write(np.array(self._pending, dtype=ROW).tobytes())
                index.flush()
                os.fsync(index.fileno())
        except OSError as error:
            raise disk_fault(error) from None
        self._pending.clear()
        self._pending_rows.clear()
        self.refresh()

    def close(self) -> None:
        """Give the lock back. What was appended since the last `flush` is forgotten."""
        if self._file is not None:
            self._file.close()
            self._file = None
        self._lock.release()

    def __enter__(self) -> StoreWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        try:
            if kind is None:
                self.flush()
        finally:
            self.close()

    def _index_row(self, entry: StoreEntry, kept: layout.Steps, block: bytes, origin: str) -> np.void:
        row: np.void = np.zeros(1, dtype=ROW)[0]
        row["signal_sha256"] = bytes.fromhex(entry.signal_sha256)
        row["file_sha256"] = bytes.fromhex(entry.file_sha256)
        row["origin"] = origin.encode()[: ROW["origin"].itemsize]
        row["rate_hz"], row["steps_per_mv"] = entry.rate_hz, kept.steps_per_mv
        row["offset"], row["length"], row["shard"] = self._shard_end, entry.length, self._shard_number
        row["present"] = layout.bits(entry.present)
        row["derived"] = layout.bits(tuple(lead in entry.derived for lead in CANONICAL))
        row["exact"] = layout.bits(kept.exact) | layout.EXACT_TOLD
        row["data_crc"], row["place"] = zlib.crc32(block), min(len(self._pending), 2**16 - 1)
        row["row_crc"] = layout.row_crc(row)
        return row

    def _write(self, block: bytes) -> None:
        try:
            if self._file is None:
                path = layout.shard_path(self.path, self._shard_number)
                if not path.exists():
                    path.touch()
                    sync_folder(self.path)
                self._file = path.open("r+b", buffering=0)
            self._file.seek(self._shard_end)
            left = memoryview(block)
            while left:
                left = left[self._file.write(left) :]
        except OSError as error:
            raise disk_fault(error) from None
        self._shard_end += len(block)

    def _next_shard(self) -> None:
        if self._file is not None:
            self._file.close()
        self._file, self._shard_number, self._shard_end = None, self._shard_number + 1, 0

    def _cut_shards(self) -> tuple[int, int]:
        """Drop samples that no row points to; the shard to go on in, and where it ends."""
        if not len(self):
            last, end = 0, 0
        else:
            row = self.index_row(len(self) - 1)
            last, end = int(row["shard"]), int(row["offset"]) + int(row["length"]) * layout.SAMPLE_BYTES
        for path in sorted(self.path.glob("shard-*.bin")):
            number = int(path.stem.partition("-")[2])
            if number == last:
                cut(path, end)
            elif number > last:
                path.unlink()
        return last, end

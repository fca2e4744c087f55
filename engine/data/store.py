"""The store of recordings: int16 shards and a memory-mapped index. One process appends, any number read.

The index row is the commit point: a recording whose row stands whole is there, everything else is a remnant of a kill
that readers do not see and the next writer cuts away. Readers take no lock.

Shapes: C leads (12, canonical order), T samples.
"""

from __future__ import annotations

import errno
import json
import os
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from engine.contract.errors import WorldError
from engine.contract.run import Lock, write_whole
from engine.data import layout
from engine.data.layout import ROW, StoreEntry
from engine.signal.leads import CANONICAL
from engine.signal.recording import Recording

Rows = NDArray[np.void]
KEPT_ENTRIES = 100_000
"""Entries kept in memory; training asks for the same ones in every epoch."""


@dataclass(frozen=True)
class Fault:
    """One recording of the store that is damaged, and how."""

    row: int
    record_id: str
    what: str


class Store:
    """A store opened for reading; it shows what was committed when it was opened or last refreshed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._shards: dict[int, NDArray[np.int16]] = {}
        self._rows: Rows = np.empty(0, dtype=ROW)
        self._keys = self._order = np.empty(0, dtype=np.uint64)
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
        whole = _committed(self.path / "index.bin")
        if whole != len(self._rows):
            # Plain arrays on the maps: slicing a numpy.memmap costs ten times as much.
            self._rows = np.asarray(np.memmap(self.path / "index.bin", dtype=ROW, mode="r", shape=(whole,)))
            keys = _keys_of(self._rows)
            self._order = np.argsort(keys, kind="stable").astype(np.uint64)
            self._keys = keys[self._order]

    def __len__(self) -> int:
        return len(self._rows)

    def find(self, record_id: str) -> int | None:
        """Row of a record id; None when it is not there."""
        if len(record_id) != 13 or not record_id.startswith("r"):
            return None
        try:
            wanted = bytes.fromhex(record_id[1:])
        except ValueError:
            return None
        return self._find_key(wanted)

    def has_signal(self, signal_sha256: str) -> bool:
        """Whether a recording with exactly these samples is there."""
        row = self._find_key(bytes.fromhex(signal_sha256)[:6])
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
        told = self._row(row)
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
        )

    def measures(self) -> tuple[NDArray[np.uint32], NDArray[np.float64]]:
        """Lengths in samples and rates in Hz of all rows; of millions at once, an entry each would take minutes."""
        return self._rows["length"], self._rows["rate_hz"]

    def origin(self, row: int) -> str:
        """Name of the run that brought this recording."""
        return bytes(self._row(row)["origin"]).decode()

    def signal(self, row: int) -> NDArray[np.float32]:
        """All samples of a row, [12, T] float32 millivolts, NaN where missing."""
        return layout.to_millivolts(self.crop_TC(row, 0, int(self._row(row)["length"])), self._row(row)["steps_per_mv"])

    def scale(self, row: int) -> NDArray[np.float64]:
        """Millivolts per step of each lead, [12]."""
        return np.asarray(1.0 / self._row(row)["steps_per_mv"], dtype=np.float64)

    def crop_TC(self, row: int, start: int, length: int) -> NDArray[np.int16]:
        """`length` samples from `start` on, int16 [length, 12], -32768 where missing: a view, not a copy.

        Raises:
            IndexError: the crop reaches beyond the recording.
            WorldError: the shard is missing or shorter than the index says.
        """
        told = self._row(row)
        if start < 0 or length < 0 or start + length > int(told["length"]):
            raise IndexError("the crop reaches beyond the recording")
        first = int(told["offset"]) // layout.SAMPLE_BYTES + start
        return self._shard(int(told["shard"]), first + length)[first : first + length]

    def verify(self) -> list[Fault]:
        """Read everything and compare with the checksums; empty when all is well."""
        faults = []
        for row in range(len(self)):
            what = self._fault(row)
            if what:
                faults.append(Fault(row, self.entry(row).record_id, what))
        return faults

    def _fault(self, row: int) -> str:
        told = self._row(row)
        if layout.row_crc(told) != int(told["row_crc"]):
            return "its line in the index does not match its checksum"
        try:
            steps_TC = self.crop_TC(row, 0, int(told["length"]))
        except WorldError as error:
            return error.reason
        if zlib.crc32(steps_TC.tobytes()) != int(told["data_crc"]):
            return "its samples do not match their checksum"
        return ""

    def _row(self, row: int) -> np.void:
        if not 0 <= row < len(self):
            raise IndexError("the store has no such row")
        told: np.void = self._rows[row]
        return told

    def _find_key(self, start: bytes) -> int | None:
        key = int.from_bytes(start, "big")
        place = int(np.searchsorted(self._keys, np.uint64(key)))
        if place < len(self._keys) and int(self._keys[place]) == key:
            return int(self._order[place])
        return None

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
            _cut(path / "index.bin", _committed(path / "index.bin") * ROW.itemsize)
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
        known = self.row_of(recording.signal_sha256)
        if known is not None:
            return known
        steps_TC, steps_per_mv = layout.to_steps(recording)
        block = steps_TC.tobytes()
        if self._shard_end and self._shard_end + len(block) > layout.SHARD_BYTES:
            self.flush()
            self._next_shard()
        row = self._index_row(recording, steps_per_mv, block, origin)
        self._write(block)
        self._pending.append(row)
        self._pending_rows[recording.signal_sha256] = len(self) + len(self._pending) - 1
        return self._pending_rows[recording.signal_sha256]

    def row_of(self, signal_sha256: str) -> int | None:
        """Row of a recording with exactly these samples, appended ones included."""
        if signal_sha256 in self._pending_rows:
            return self._pending_rows[signal_sha256]
        row = self._find_key(bytes.fromhex(signal_sha256)[:6])
        if row is not None and self.entry(row).signal_sha256 != signal_sha256:
            raise WorldError("store", "two recordings share the first 48 bits of their hash", "Report it")
        return row

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
            raise _disk_fault(error) from None
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

    def _index_row(self, recording: Recording, steps_per_mv: NDArray[np.float64], block: bytes, origin: str) -> np.void:
        row: np.void = np.zeros(1, dtype=ROW)[0]
        row["signal_sha256"] = bytes.fromhex(recording.signal_sha256)
        row["file_sha256"] = bytes.fromhex(recording.file_sha256)
        row["origin"] = origin.encode()[: ROW["origin"].itemsize]
        row["rate_hz"], row["steps_per_mv"] = recording.rate_hz, steps_per_mv
        row["offset"], row["length"], row["shard"] = self._shard_end, recording.samples, self._shard_number
        row["present"] = layout.bits(recording.present)
        row["derived"] = layout.bits(tuple(lead in recording.derived for lead in CANONICAL))
        row["data_crc"] = zlib.crc32(block)
        row["row_crc"] = layout.row_crc(row)
        return row

    def _write(self, block: bytes) -> None:
        try:
            if self._file is None:
                path = layout.shard_path(self.path, self._shard_number)
                path.touch()
                self._file = path.open("r+b", buffering=0)
            self._file.seek(self._shard_end)
            left = memoryview(block)
            while left:
                left = left[self._file.write(left) :]
        except OSError as error:
            raise _disk_fault(error) from None
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
            row = self._row(len(self) - 1)
            last, end = int(row["shard"]), int(row["offset"]) + int(row["length"]) * layout.SAMPLE_BYTES
        for path in sorted(self.path.glob("shard-*.bin")):
            number = int(path.stem.partition("-")[2])
            if number == last:
                _cut(path, end)
            elif number > last:
                path.unlink()
        return last, end


def check_layout(path: Path) -> None:
    """Make sure that a store of a known layout stands there. Raises WorldError otherwise."""
    try:
        version = json.loads((path / "store.json").read_text(encoding="utf-8"))["version"]
    except FileNotFoundError:
        raise WorldError("store", "there is none", "Import recordings first") from None
    except (OSError, ValueError, KeyError, TypeError):
        raise WorldError("store", "its description cannot be read", "Restore store.json from a backup") from None
    if version != layout.VERSION:
        raise WorldError("store", f"it has layout {version}, this program knows {layout.VERSION}", "Update Isoline")


def _committed(index: Path) -> int:
    """Rows that stand whole. Rows torn by a power cut can only be the last ones."""
    count = index.stat().st_size // ROW.itemsize if index.exists() else 0
    with_rows = np.memmap(index, dtype=ROW, mode="r", shape=(count,)) if count else np.empty(0, dtype=ROW)
    while count and layout.row_crc(with_rows[count - 1]) != int(with_rows[count - 1]["row_crc"]):
        count -= 1
    return count


def _keys_of(rows: Rows) -> NDArray[np.uint64]:
    """The first 48 bits of each signal's hash: what a record id shows."""
    starts = np.frombuffer(np.ascontiguousarray(rows["signal_sha256"]).tobytes(), dtype=">u8")
    return starts.reshape(len(rows), 4)[:, 0].astype(np.uint64) >> np.uint64(16)


def _cut(path: Path, size: int) -> None:
    """Shorten a file that a killed writer left longer than what was committed."""
    held = path.stat().st_size
    if held < size:
        raise WorldError("store", "a shard is shorter than its index says", "Restore the store from a backup")
    if held > size:
        try:
            with path.open("r+b") as file:
                file.truncate(size)
        except OSError as error:  # Windows cuts no file that another process has mapped
            raise WorldError(
                "store",
                f"remnants of a killed import cannot be cut away ({type(error).__name__})",
                "Close other programs that read this workspace and try again",
            ) from None


def _disk_fault(error: OSError) -> WorldError:
    reason = "the disk is full" if error.errno == errno.ENOSPC else f"it cannot be written ({type(error).__name__})"
    return WorldError("store", reason, "Free some space, then resume the import")

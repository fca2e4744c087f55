"""Rows of a store by record id: the first 48 bits of every signal's hash, sorted.

Millions of them take seconds to sort, so they are sorted once and kept beside the index (`keys.bin`); rows that came
later are sorted runs of their own, merged as they grow. The file holds nothing that the index does not: one that is
missing, torn or of another index is made anew.

Legend: n rows, Q ids that are looked for.
"""

from __future__ import annotations

import contextlib
import os
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.data.layout import ROW

Rows = NDArray[np.void]
Keys = NDArray[np.uint64]
Found = NDArray[np.int64]

HEAD = struct.Struct("<16sQII")
"""Mark of the format, rows, checksum of the index row that is the last of them, checksum of what follows."""
MARK = b"isoline keys 1\n\0"
WORTH_KEEPING = 100_000
"""Rows that are sorted in no time are not kept."""
BLOCK = 1_000_000
"""Ids that are taken apart at a time."""
ID_LENGTH = 13
NIBBLE = np.full(256, 255, dtype=np.uint8)
for _digit in b"0123456789abcdefABCDEF":
    NIBBLE[_digit] = int(chr(_digit), 16)


class Run(NamedTuple):
    """Keys in order, and the row of each."""

    keys_n: Keys
    rows_n: NDArray[np.uint32]


class KeyIndex:
    """Finds rows by record id.

    Args:
        path: folder of the store.
    """

    def __init__(self, path: Path) -> None:
        self._path = path / "keys.bin"
        self._runs: list[Run] = []
        self._covered = self._kept = 0

    def catch_up(self, rows: Rows) -> None:
        """Take in the rows of the index that came since."""
        if not self._covered and len(rows) >= WORTH_KEEPING:
            self._load(rows)
        if self._covered < len(rows):
            self._runs.append(_sorted(rows[self._covered :], self._covered))
            self._covered = len(rows)
            while len(self._runs) > 1 and 2 * len(self._runs[-1].keys_n) > len(self._runs[-2].keys_n):
                self._runs.append(_merged(self._runs.pop(), self._runs.pop()))

    def find(self, key: int) -> int | None:
        """Row of a key; None when there is none."""
        wanted = np.uint64(key)
        for keys_n, rows_n in self._runs:
            place = int(keys_n.searchsorted(wanted))
            if place < len(keys_n) and keys_n[place] == wanted:
                return int(rows_n[place])
        return None

    def find_many(self, keys_Q: Keys) -> Found:
        """Rows of keys, -1 where there is none, [Q]."""
        # In their order they walk through the sorted keys once, and not Q times over all memory.
        order_Q = np.argsort(keys_Q)
        wanted_Q = keys_Q[order_Q]
        found_Q = np.full(len(keys_Q), -1, dtype=np.int64)
        for keys_n, rows_n in self._runs:
            places_Q = np.minimum(keys_n.searchsorted(wanted_Q), len(keys_n) - 1)
            hit_Q = keys_n[places_Q] == wanted_Q
            found_Q[order_Q[hit_Q]] = rows_n[places_Q[hit_Q]]
        return found_Q

    def keep(self, rows: Rows) -> None:
        """Leave the sorted keys for the next one who opens the store, when that spares much.

        A store that cannot be written to (a medium that is read only, a full disk) is as good without.
        """
        if self._covered - self._kept < max(WORTH_KEEPING, self._covered // 8):
            return
        while len(self._runs) > 1:
            self._runs.append(_merged(self._runs.pop(), self._runs.pop()))
        draft = self._path.with_name(f"keys.{os.getpid()}.tmp")
        keys, places = self._runs[0].keys_n.tobytes(), self._runs[0].rows_n.tobytes()
        check = zlib.crc32(places, zlib.crc32(keys))
        with contextlib.suppress(OSError):
            with draft.open("wb") as file:
                file.write(HEAD.pack(MARK, self._covered, int(rows[self._covered - 1]["row_crc"]), check))
                file.write(keys)
                file.write(places)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self._path)
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
        self._kept = self._covered

    def _load(self, rows: Rows) -> None:
        """Take the keys that were kept, when they are of this very index and whole."""
        try:
            content = np.asarray(np.memmap(self._path, dtype=np.uint8, mode="r"))
            mark, count, last_crc, check = HEAD.unpack(content[: HEAD.size].tobytes())
        except (OSError, ValueError, struct.error):
            return
        body = content[HEAD.size :]
        whole = mark == MARK and 0 < count <= len(rows) and len(body) == 12 * count
        if whole and int(rows[count - 1]["row_crc"]) == last_crc and zlib.crc32(body.data) == check:
            self._runs = [Run(body[: 8 * count].view("<u8"), body[8 * count :].view("<u4"))]
            self._covered = self._kept = count


def key_of(record_id: str) -> int | None:
    """The 48 bits that a record id shows; None when it is none."""
    if len(record_id) != ID_LENGTH or record_id[0] != "r":
        return None
    try:
        return int.from_bytes(bytes.fromhex(record_id[1:]), "big")
    except ValueError:
        return None


def keys_of_ids(record_ids: Sequence[str] | NDArray[np.bytes_]) -> tuple[Keys, NDArray[np.bool_]]:
    """The keys of many ids [Q], and which of them are ids at all [Q]; ids as texts, or as an array of bytes."""
    blocks = [_block(record_ids[first : first + BLOCK]) for first in range(0, len(record_ids), BLOCK)]
    if not blocks:
        return np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.bool_)
    return np.concatenate([keys_Q for keys_Q, _ in blocks]), np.concatenate([good_Q for _, good_Q in blocks])


def _block(record_ids: Sequence[str] | NDArray[np.bytes_]) -> tuple[Keys, NDArray[np.bool_]]:
    if isinstance(record_ids, np.ndarray) and record_ids.dtype.itemsize == ID_LENGTH:
        return _keys_of(np.ascontiguousarray(record_ids).view(np.uint8).reshape(-1, ID_LENGTH))
    texts = [name.decode() for name in record_ids.tolist()] if isinstance(record_ids, np.ndarray) else record_ids
    letters = np.frombuffer(("\n".join(texts) + "\n").encode(), dtype=np.uint8)
    width = ID_LENGTH + 1
    if len(letters) != width * len(texts) or (letters.reshape(-1, width)[:, -1] != ord("\n")).any():
        keys = [key_of(record_id) for record_id in texts]
        return np.array([key or 0 for key in keys], dtype=np.uint64), np.array([key is not None for key in keys])
    return _keys_of(letters.reshape(-1, width)[:, :-1])


def _keys_of(letters_QI: NDArray[np.uint8]) -> tuple[Keys, NDArray[np.bool_]]:
    """Keys of ids that are all as long as an id is, by their letters."""
    nibbles_QI = NIBBLE[letters_QI[:, 1:]]
    bytes_QJ = np.zeros((len(letters_QI), 8), dtype=np.uint8)
    bytes_QJ[:, 2:] = nibbles_QI[:, 0::2] << 4 | nibbles_QI[:, 1::2]
    keys_Q = bytes_QJ.view(">u8")[:, 0].astype(np.uint64)
    return keys_Q, (letters_QI[:, 0] == ord("r")) & (nibbles_QI.max(axis=1) < 16)


def keys_of_rows(rows: Rows) -> Keys:
    """The 48 bits of each row of the index, [n]."""
    starts = rows.view(np.uint8).reshape(len(rows), ROW.itemsize)[:, :8]
    return np.asarray(np.ascontiguousarray(starts).view(">u8")[:, 0].astype(np.uint64) >> np.uint64(16))


def _sorted(rows: Rows, first: int) -> Run:
    keys_n = keys_of_rows(rows)
    order_n = np.argsort(keys_n)
    return Run(keys_n[order_n], (order_n + first).astype(np.uint32))


def _merged(later: Run, earlier: Run) -> Run:
    keys_n = np.concatenate([earlier.keys_n, later.keys_n])
    order_n = np.argsort(keys_n, kind="stable")  # a merge of two runs that are sorted
    return Run(keys_n[order_n], np.concatenate([earlier.rows_n, later.rows_n])[order_n])

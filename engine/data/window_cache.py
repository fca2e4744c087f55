"""What a frozen model makes of every window of a recording, kept: all its tokens, or their mean.

A pure function of model, preprocessing and recording, as the pooled embeddings are, and 300 to 1,200 times as large: so
blocks are mapped into memory, not read, and they live under a budget, where those unused for longest make room.

`CACHE/<kind>/<key>/<name>.windows` is a block: windows [W, L, D] float32, little endian, then a JSON line that tells
whose they are, with a checksum for every recording, then the length of that line. It is written beside and renamed when
it is whole, so that a process that is killed leaves a draft that counts for nothing; at most a block is lost to it.

float32, as the model gives them: kept numbers are those of a fresh pass, bit by bit on a CPU.

Legend: W windows of a block, L tokens of a window (1 where their mean is kept), D width, N recordings of a block,
R recordings asked for.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Literal

import numpy as np
from numpy.typing import NDArray

from engine.contract.card import Preprocessing
from engine.contract.errors import WorldError, disk_error, is_disk_fault
from engine.data.embedding_cache import Names

Kind = Literal["tokens", "means"]
"""All tokens of a window, or the mean over them."""

Windows = NDArray[np.float32]
Places = NDArray[np.int64]

RECIPE = "1: tokens of the last layer for consecutive windows, float32"
"""Changes whenever the same model and recording would give other numbers."""

BLOCK_BYTES: dict[Kind, int] = {"tokens": 128 * 2**20, "means": 8 * 2**20}
"""A block is closed when it holds so much: some seconds of work."""

MOST_BLOCKS = 256
"""Of one run: what is larger goes into larger blocks, since every mapped file costs a file descriptor."""

SPARE_BYTES = 2 * 2**30
"""Of the disk: left free for all else."""

STALE_S = 3600.0
"""A draft that nobody has written to for so long has lost its writer."""

ENDING, DRAFT = ".windows", ".draft"
TAIL_BYTES = 8


def window_key(weights_sha256: str, preprocessing: Preprocessing) -> str:
    """Folder name for a model: a hash over its weights, what it is fed, and which layer's tokens are kept how."""
    return hashlib.sha256(f"{RECIPE}\n{weights_sha256}\n{preprocessing.identity}".encode()).hexdigest()[:32]


def size_text(size: float) -> str:
    """Bytes in words."""
    return f"{size / 1e9:,.1f} GB" if size >= 1e9 else f"{size / 1e6:,.1f} MB"


@dataclass(frozen=True)
class Room:
    """What making room came to.

    Attributes:
        lacking: why there is none; empty where there is enough.
        given_back: bytes of tokens that nobody had used for longest and that made room.
    """

    lacking: str = ""
    given_back: int = 0


@dataclass(frozen=True)
class Held:
    """Blocks of some recordings, mapped.

    Attributes:
        blocks: windows [W, L, D] of each block.
        block_R: the block of each recording asked for; -1 where it is not kept.
        first_R: its first window there.
        paths: of the blocks.
        damaged: blocks that were found damaged and deleted.
    """

    blocks: Sequence[Windows]
    block_R: Places
    first_R: Places
    paths: Sequence[Path] = ()
    damaged: int = 0

    @property
    def there_R(self) -> NDArray[np.bool_]:
        """Which are kept."""
        return self.block_R >= 0

    def windows(self, row: int, count: int, start: int = 0) -> Windows:
        """Some windows of a recording that is kept, not copied, [count, L, D]."""
        assert self.block_R[row] >= 0
        first = int(self.first_R[row]) + start
        return self.blocks[int(self.block_R[row])][first : first + count]


class WindowCache:
    """The kept windows of one model.

    Args:
        folder: of the cache.
        key: see `window_key`.
        kind: tokens, or their mean.
    """

    def __init__(self, folder: Path, key: str, kind: Kind) -> None:
        self._kind, self._all = kind, folder / kind
        self._folder = self._all / key

    def holds(self, names: Names) -> NDArray[np.bool_]:
        """Which of the recordings are kept, [R], by what blocks tell of themselves; their windows are not looked at."""
        kept_R = np.zeros(len(names), dtype=np.bool_)
        for path in self._folder.glob(f"*{ENDING}") if len(names) else ():
            if (block := _Block.read(path)) is not None:
                places_N = names.places_of(block.ids_N)
                kept_R[places_N[places_N >= 0]] = True
        return kept_R

    def hold(self, names: Names, counts_R: Places, check: bool = True) -> Held:
        """Map what is kept of recordings.

        A block with a fault in what is asked for is deleted, and so is one of other counts of windows.

        Args:
            names: recordings asked for.
            counts_R: windows of each.
            check: hold the bytes of what is asked for against their checksums, too.
        """
        block_R, first_R = np.full(len(names), -1, dtype=np.int64), np.zeros(len(names), dtype=np.int64)
        blocks: list[Windows] = []
        paths: list[Path] = []
        damaged = 0
        for path in sorted(self._folder.glob(f"*{ENDING}")) if len(names) else ():
            block = _Block.read(path)
            places_N = None if block is None else names.places_of(block.ids_N)
            if block is None or places_N is None or not block.right(places_N, counts_R, check):
                damaged += 1
                with contextlib.suppress(OSError):
                    path.unlink()
                continue
            new_N = (places_N >= 0) & (block_R[places_N] < 0)
            if new_N.any():
                block_R[places_N[new_N]], first_R[places_N[new_N]] = len(blocks), block.first_N[new_N]
                blocks.append(block.windows_WLD)
                paths.append(path)
                with contextlib.suppress(OSError):
                    os.utime(path)
        return Held(blocks, block_R, first_R, paths, damaged)

    def writer(self, needed_bytes: int = 0) -> WindowWriter:
        """What further blocks are written by.

        Args:
            needed_bytes: of all that is to be kept by it; much of it goes into larger blocks.
        """
        return WindowWriter(self._folder, max(BLOCK_BYTES[self._kind], needed_bytes // MOST_BLOCKS))

    def make_room(self, held: Held, missing_bytes: int, budget_bytes: int) -> Room:
        """See that more can be kept within a budget for all models, giving back what was unused for longest.

        Args:
            held: what is kept of what is asked for.
            missing_bytes: of the rest of it.
            budget_bytes: that all models' windows of this kind may take together.
        """
        wanted = missing_bytes + sum(windows_WLD.nbytes for windows_WLD in held.blocks)
        if wanted > budget_bytes:
            return Room(f"they take {size_text(wanted)}, and {size_text(budget_bytes)} may be kept")
        self._sweep()
        others = sorted(self._others(set(held.paths)), key=lambda told: told[0])
        unused, free = sum(size for _, size, _ in others), self._free()
        if missing_bytes and missing_bytes + SPARE_BYTES > free + unused:
            return Room(f"they take {size_text(missing_bytes)} more, and {size_text(free)} of the disk are free")
        surplus = wanted + unused - budget_bytes
        if missing_bytes:
            surplus = max(surplus, missing_bytes + SPARE_BYTES - free)
        given_back = 0
        for _, size, path in others:
            if given_back >= surplus:
                break
            with contextlib.suppress(OSError):
                path.unlink()
                given_back += size
        if given_back < surplus:
            return Room("what is kept for other models cannot be deleted", given_back)
        return Room(given_back=given_back)

    def _others(self, needed: set[Path]) -> Iterator[tuple[float, int, Path]]:
        """Blocks that are not needed now, of this model and of others: last use, size, path."""
        for path in self._all.glob(f"*/*{ENDING}"):
            if path not in needed:
                with contextlib.suppress(OSError):
                    told = path.stat()
                    yield told.st_mtime, told.st_size, path

    def _sweep(self) -> None:
        """Delete drafts whose writer is gone."""
        for path in self._all.glob(f"*/*{DRAFT}"):
            with contextlib.suppress(OSError):
                if time.time() - path.stat().st_mtime > STALE_S:
                    path.unlink()

    def _free(self) -> int:
        there = next(folder for folder in (self._all, *self._all.parents) if folder.exists())
        return shutil.disk_usage(there).free


class WindowWriter:
    """Writes blocks as windows come, recording by recording; as a context it keeps what is whole however it ends."""

    def __init__(self, folder: Path, block_bytes: int) -> None:
        self._folder, self._block_bytes = folder, block_bytes
        self._awaited: list[tuple[str, int]] = []
        self._draft: BinaryIO | None = None
        self._path = folder / f"{os.getpid()}-{id(self):x}{DRAFT}"
        self._ids: list[str] = []
        self._counts: list[int] = []
        self._sums: list[int] = []
        self._shape: list[int] = []
        self._seen = self._sum = self._bytes = 0

    def __enter__(self) -> WindowWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if kind is None or not issubclass(kind, WorldError):
            self.close()
        else:
            self._drop()

    def expect(self, record_ids: Sequence[str], counts: Sequence[int]) -> None:
        """Tell whose windows come next, and how many of each."""
        self._awaited += zip(record_ids, counts, strict=True)

    def append(self, windows_NLD: Windows) -> None:
        """Take the next windows; they need not end with a recording. Raises WorldError when the disk refuses."""
        try:
            while len(windows_NLD):
                name, count = self._awaited[0]
                part = np.ascontiguousarray(windows_NLD[: count - self._seen], dtype="<f4")
                self._write(part)
                self._seen, windows_NLD = self._seen + len(part), windows_NLD[len(part) :]
                if self._seen == count:
                    self._awaited.pop(0)
                    self._finish(name, count)
        except OSError as error:
            self._drop()
            raise _refused(error) from None

    def close(self) -> None:
        """Keep the recordings that are whole. Raises WorldError when the disk refuses."""
        if self._draft is None:
            return
        if not self._ids:
            self._drop()
            return
        try:
            self._draft.truncate(4 * int(np.prod(self._shape)) * sum(self._counts))
            self._draft.seek(0, os.SEEK_END)
            told = {"record_ids": self._ids, "counts": self._counts, "sums": self._sums, "shape": self._shape}
            line = json.dumps(told, separators=(",", ":")).encode()
            self._draft.write(line + len(line).to_bytes(TAIL_BYTES, "little"))
            self._draft.flush()
            os.fsync(self._draft.fileno())
            self._draft.close()
            name = hashlib.sha256("\n".join(self._ids).encode()).hexdigest()[:24]
            place = self._folder / f"{name}{ENDING}"
            if place.exists():  # another run was quicker; what is mapped cannot be replaced on every system
                self._path.unlink()
            else:
                os.replace(self._path, place)
        except OSError as error:
            self._drop()
            raise _refused(error) from None
        self._draft = None
        self._begin()

    def _begin(self) -> None:
        self._ids, self._counts, self._sums, self._shape = [], [], [], []
        self._seen = self._sum = self._bytes = 0

    def _write(self, part_NLD: Windows) -> None:
        if self._draft is None:
            self._folder.mkdir(parents=True, exist_ok=True)
            self._draft = self._path.open("wb")
        self._shape = list(part_NLD.shape[1:])
        told = part_NLD.data.cast("B")
        self._draft.write(told)
        self._sum, self._bytes = zlib.crc32(told, self._sum), self._bytes + len(told)

    def _finish(self, name: str, count: int) -> None:
        self._ids.append(name)
        self._counts.append(count)
        self._sums.append(self._sum)
        self._seen, self._sum = 0, 0
        if self._bytes >= self._block_bytes:
            self.close()

    def _drop(self) -> None:
        if self._draft is not None:
            with contextlib.suppress(OSError):
                self._draft.close()
            with contextlib.suppress(OSError):
                self._path.unlink()
            self._draft = None
        self._begin()


@dataclass(frozen=True)
class _Block:
    """A block that is there, its windows mapped."""

    ids_N: NDArray[np.bytes_]
    counts_N: Places
    first_N: Places
    sums: Sequence[int]
    windows_WLD: Windows

    @classmethod
    def read(cls, path: Path) -> _Block | None:
        """Open a block; None where it is damaged."""
        try:
            size = path.stat().st_size
            with path.open("rb") as file:
                file.seek(size - TAIL_BYTES)
                length = int.from_bytes(file.read(TAIL_BYTES), "little")
                file.seek(size - TAIL_BYTES - length)
                told = json.loads(file.read(length))
            counts_N = np.array(told["counts"], dtype=np.int64)
            shape = (int(counts_N.sum()), *told["shape"])
            if 4 * int(np.prod(shape)) != size - TAIL_BYTES - length or len(told["sums"]) != len(counts_N):
                return None
            windows_WLD = np.memmap(path, dtype="<f4", mode="r", shape=shape)
            ids_N = np.array(told["record_ids"], dtype=np.bytes_)
        except (OSError, ValueError, KeyError, TypeError, OverflowError):
            return None
        first_N = np.concatenate([[0], np.cumsum(counts_N)[:-1]])
        return cls(ids_N, counts_N, first_N, told["sums"], windows_WLD) if len(ids_N) == len(counts_N) else None

    def right(self, places_N: Places, counts_R: Places, check: bool) -> bool:
        """Whether the recordings asked for have as many windows here as they must, and their bytes are those written.

        Args:
            places_N: of each recording in what is asked for; -1 where it is not.
            counts_R: windows that each recording asked for must have.
            check: look at their bytes.
        """
        for row in np.flatnonzero(places_N >= 0).tolist():
            count, first = int(self.counts_N[row]), int(self.first_N[row])
            if count != counts_R[places_N[row]]:
                return False
            if check and zlib.crc32(self.windows_WLD[first : first + count].data) != self.sums[row]:
                return False
        return True


def _refused(error: OSError) -> WorldError:
    if is_disk_fault(error):
        return disk_error(error, "tokens")
    reason = f"tokens cannot be kept ({error.strerror or type(error).__name__})"
    return WorldError("cache folder", reason, "Free some space, or set token_gb to 0, then resume the run")

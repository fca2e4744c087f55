"""Fingerprint packs: `*.isofp`, the fingerprints of a corpus in one file, to check against it without having it.

    8 bytes    "ISOFP" and the layout's number
    8 bytes    length of the head
    head       JSON: corpus, licence, note, counts, method, SHA-256 of the body
    body       the arrays of `Prints`, one after the other, each at a multiple of 64 bytes

The body is memory-mapped. A pack holds no ECG, no name, no date, no label. It holds when the heart beat and on which
side of zero each lead was; docs/leakage.md says what of an ECG that gives away.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError

from engine.contract.errors import WorldError, disk_error
from engine.contract.page import Page
from engine.contract.version import VERSION
from engine.data.fingerprint import METHOD
from engine.data.prints import Prints

SUFFIX = ".isofp"
_MAGIC = b"ISOFP\x00\x00\x01"
_ALIGNED = 64
_LONGEST_HEAD = 1 << 16
_LONGEST_TEXT = 2000
_ARRAYS = {
    "keys_N": ("<u8", "records", 0),
    "leads_N": ("u1", "records", 0),
    "sign_starts": ("<u8", "records", 1),
    "mark_starts": ("<u8", "records", 1),
    "signs_S": ("u1", "signs", 0),
    "ticks_A": ("<u4", "landmarks", 0),
    "codes_A": ("<u8", "landmarks", 0),
}


class PackHead(Page):
    """What a pack says of itself."""

    corpus: str = Field(max_length=_LONGEST_TEXT)
    licence: str = Field("", max_length=_LONGEST_TEXT)
    note: str = Field("", max_length=_LONGEST_TEXT)
    records: int = Field(ge=0)
    signs: int = Field(ge=0)
    landmarks: int = Field(ge=0)
    method: int
    made_by: str = Field(max_length=_LONGEST_TEXT)
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


@dataclass(frozen=True, eq=False)
class Pack:
    """An opened pack."""

    head: PackHead
    prints: Prints


def write_pack(path: Path, prints: Prints, corpus: str, licence: str = "", note: str = "") -> PackHead:
    """Write fingerprints as a pack, whole or not at all.

    Args:
        path: the file; the suffix is added where it is missing.
        prints: the fingerprints.
        corpus: name of the corpus.
        licence: the licence under which the fingerprints may be passed on, and whom to name.
        note: anything else that whoever checks against it must know.

    Raises:
        WorldError: the file cannot be written, or a text is too long.
    """
    if max(len(text) for text in (corpus, licence, note)) > _LONGEST_TEXT:
        raise WorldError("fingerprint pack", f"a text has more than {_LONGEST_TEXT:,} characters", "Shorten it")
    arrays = {name: np.ascontiguousarray(getattr(prints, name), dtype=kind) for name, (kind, *_) in _ARRAYS.items()}
    digest = hashlib.sha256()
    for array in arrays.values():
        digest.update(_bytes(array))
    head = PackHead(
        corpus=corpus,
        licence=licence,
        note=note,
        records=len(prints),
        signs=len(prints.signs_S),
        landmarks=len(prints.codes_A),
        method=METHOD,
        made_by=f"isoline {VERSION}",
        sha256=digest.hexdigest(),
    )
    path = path if path.suffix == SUFFIX else path.with_name(path.name + SUFFIX)
    draft = path.with_name(path.name + ".tmp")
    try:
        with draft.open("wb") as file:
            told = head.model_dump_json().encode()
            file.write(_MAGIC + struct.pack("<Q", len(told)) + told)
            for array in arrays.values():
                file.write(bytes(-file.tell() % _ALIGNED))
                file.write(_bytes(array))
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise disk_error(error, "fingerprints") from None
    return head


def open_pack(path: Path) -> Pack:
    """Open a pack on its memory-mapped file.

    Raises:
        WorldError: not a pack, one of another version or method, or one that was cut.
    """
    try:
        with path.open("rb") as file:
            start = file.read(len(_MAGIC) + 8)
            if start[:5] != _MAGIC[:5]:
                raise WorldError("fingerprint pack", "the file is none", f"Name a file made by Isoline (*{SUFFIX})")
            if start[: len(_MAGIC)] != _MAGIC or len(start) < len(_MAGIC) + 8:
                raise WorldError("fingerprint pack", "its layout is of another version", "Update Isoline")
            length = struct.unpack("<Q", start[len(_MAGIC) :])[0]
            head = _read_head(file.read(min(length, _LONGEST_HEAD)))
            begin, size = file.tell(), os.fstat(file.fileno()).st_size
    except OSError as error:
        reason = f"it cannot be read ({error.strerror or type(error).__name__})"
        raise WorldError("fingerprint pack", reason, "Check the file") from None
    return Pack(head, _mapped(path, head, begin, size))


def _read_head(text: bytes) -> PackHead:
    try:
        data = json.loads(text)
        if data.get("method") != METHOD:
            reason = f"its fingerprints are of method {data.get('method')}, this program compares method {METHOD}"
            raise WorldError("fingerprint pack", reason, "Get one made by the same version of Isoline")
        return PackHead.model_validate(data)
    except (ValueError, ValidationError, AttributeError):
        raise WorldError("fingerprint pack", "its head is damaged", "Get the file again") from None


def _mapped(path: Path, head: PackHead, begin: int, size: int) -> Prints:
    counts = {"records": head.records, "signs": head.signs, "landmarks": head.landmarks}
    arrays: dict[str, NDArray[np.generic]] = {}
    for name, (kind, counted, more) in _ARRAYS.items():
        begin += -begin % _ALIGNED
        length = counts[counted] + more
        end = begin + length * np.dtype(kind).itemsize
        if end > size:
            raise WorldError("fingerprint pack", "the file is shorter than its head says", "Get the file again")
        mapped = np.memmap(path, dtype=kind, mode="r", offset=begin, shape=(length,)) if length else np.empty(0, kind)
        arrays[name] = np.asarray(mapped)
        begin = end
    prints = Prints(**arrays)  # type: ignore[arg-type]
    _refuse_disorder(prints)
    return prints


def _refuse_disorder(prints: Prints) -> None:
    """Starts that run backwards or beyond their arrays would read what is not there."""
    for starts, end in ((prints.sign_starts, len(prints.signs_S)), (prints.mark_starts, len(prints.codes_A))):
        steps_n = np.diff(starts.astype(np.int64))
        if int(starts[0]) or int(starts[-1]) != end or (steps_n < 0).any():
            raise WorldError("fingerprint pack", "its table of recordings is damaged", "Get the file again")


def verify_pack(pack: Pack) -> bool:
    """Whether the body is the one that the head's hash was taken of; reads all of it."""
    digest = hashlib.sha256()
    for name in _ARRAYS:
        digest.update(_bytes(np.ascontiguousarray(getattr(pack.prints, name))))
    return digest.hexdigest() == pack.head.sha256


def _bytes(array: NDArray[np.generic]) -> memoryview:
    return array.data.cast("B") if array.size else memoryview(b"")

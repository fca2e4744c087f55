"""MATLAB files of level 5: the numbers and texts in them by name, nothing else.

Source: The MathWorks, "MAT-File Format" (level 5). A file is a row of elements, each with a tag of type and length;
compressed ones hold one further element. Structs become names with a stroke, `ECG/data`. Objects, functions, sparse
matrices, cells and complex parts are passed over: nothing that could run is ever made. Arrays are views on the bytes
that were read, in the type in which the file stores them, which may be narrower than MATLAB's.

Shapes: as in the file, first axis fastest.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from engine.signal.assemble import decoded_limit, refusal

HEADER_BYTES = 128
MARKS = {b"IM": "<", b"MI": ">"}
"""Last two bytes of the header: the order of bytes in all that follows."""
BOMB_BYTES, BOMB_FOLD = 2**24, 100
"""An array larger than this that unfolds so many times is no ECG, which does so twice to ten times."""
MAX_ARRAYS = 1000
MAX_DEPTH = 4
MAX_AXES = 8
MAX_TEXT = 4096

_MATRIX, _COMPRESSED = 14, 15
_STRUCT, _CHAR = 2, 4
_NUMERIC = range(6, 16)
"""Classes of double, single and the integers."""
_STORED = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_TEXT = {1: "utf-8", 2: "utf-8", 16: "utf-8", 4: "utf-16", 17: "utf-16"}
_PADDED = 8

Order = Literal["<", ">"]


@dataclass(frozen=True)
class _Element:
    """Type and bytes of one element; `rest` is what stands behind it."""

    kind: int
    body: memoryview
    rest: memoryview


def read_arrays(content: bytes) -> dict[str, NDArray[Any] | str]:
    """All numbers and texts of a file.

    Args:
        content: the whole file.

    Raises:
        WorldError: it is torn, or unfolds into more than a recording may have.
    """
    mark = MARKS.get(content[126:128])
    if mark is None:
        raise _torn("header")
    order: Order = "<" if mark == "<" else ">"
    found: dict[str, NDArray[Any] | str] = {}
    left = memoryview(content)[HEADER_BYTES:]
    unfolded = 0
    while len(left) >= _PADDED:
        element = _element(left, order, padded=False)
        left = element.rest
        if element.kind == _COMPRESSED:
            matrix = _unfold(element.body, order, decoded_limit() - unfolded)
            unfolded += len(matrix)
            _matrix(memoryview(matrix), order, "", found, 0)
        elif element.kind == _MATRIX:
            _matrix(element.body, order, "", found, 0)
    return found


def _element(block: memoryview, order: Order, padded: bool = True) -> _Element:
    """The element at the start of a block. Raises WorldError where the block ends before it."""
    if len(block) < _PADDED:
        raise _torn("element")
    kind, size = struct.unpack_from(f"{order}II", block)
    if kind >> 16:  # a small one: length and type share a word, the bytes stand in the next
        kind, size = kind & 0xFFFF, kind >> 16
        if size > 4:
            raise _torn("element")
        return _Element(kind, block[4 : 4 + size], block[_PADDED:])
    end = _PADDED + size
    if end > len(block):
        raise _torn("element")
    behind = end if kind == _COMPRESSED or not padded else -(-end // _PADDED) * _PADDED
    return _Element(kind, block[_PADDED:end], block[behind:])


def _unfold(body: memoryview, order: Order, room: int) -> bytes:
    """The matrix in a compressed element, unfolded no further than it announces and there is room for."""
    stream = zlib.decompressobj()
    try:
        head = stream.decompress(body, _PADDED)
        if len(head) < _PADDED:
            raise _torn("compressed element")
        kind, size = struct.unpack(f"{order}II", head)
        if kind != _MATRIX or not size:
            return b""
        if size > room or (size > BOMB_BYTES and size > BOMB_FOLD * len(body)):
            raise refusal(
                f"an array of it unfolds into {size / 1e6:,.0f} MB, more than is read",
                "Cut it into shorter recordings, or save it without compression",
            )
        matrix = stream.decompress(stream.unconsumed_tail, size)
    except zlib.error:
        raise _torn("compressed element") from None
    if len(matrix) < size:
        raise _torn("compressed element")
    return matrix


def _matrix(block: memoryview, order: Order, name: str, found: dict[str, NDArray[Any] | str], depth: int) -> None:
    """Take in one matrix, under its own name or, in a struct, under the one that the field has."""
    if not len(block):  # an empty field
        return
    parts = _parts(block, order)
    flags, dims, own = next(parts), next(parts), next(parts)
    shape = _integers(dims, order)
    if len(flags.body) < 4 or not 2 <= len(shape) <= MAX_AXES or any(n < 0 for n in shape):
        raise _torn("matrix")
    kind = struct.unpack_from(f"{order}I", flags.body)[0] & 0xFF
    path = name or bytes(own.body[:MAX_TEXT]).decode("latin-1")
    if len(found) >= MAX_ARRAYS or depth > MAX_DEPTH:
        raise refusal("it holds too many arrays, or structs within structs", "Save the samples as one matrix")
    if kind == _STRUCT and prod(shape) == 1:
        for field, body in _fields(parts, order):
            _matrix(body, order, f"{path}/{field}", found, depth + 1)
    elif kind == _CHAR:
        found[path] = _text(next(parts), order)
    elif kind in _NUMERIC:
        found[path] = _numbers(next(parts), shape, order)


def _parts(block: memoryview, order: Order) -> Iterator[_Element]:
    """Elements of a matrix one by one; it is torn where one more is asked for than there is."""
    while True:
        element = _element(block, order)
        block = element.rest
        yield element


def _fields(parts: Iterator[_Element], order: Order) -> Iterator[tuple[str, memoryview]]:
    """Names and matrices of a struct's fields."""
    width = _integers(next(parts), order)
    names = bytes(next(parts).body)
    if len(width) != 1 or not 0 < width[0] <= 64 or len(names) % width[0] or len(names) > MAX_ARRAYS * 64:
        raise _torn("struct")
    for start in range(0, len(names), width[0]):
        part = next(parts)
        if part.kind != _MATRIX:
            raise _torn("struct")
        yield names[start : start + width[0]].partition(b"\0")[0].decode("latin-1"), part.body


def _integers(part: _Element, order: Order) -> list[int]:
    if part.kind != 5 or len(part.body) % 4 or len(part.body) > 4 * MAX_TEXT:
        raise _torn("matrix")
    return list(struct.unpack(f"{order}{len(part.body) // 4}i", part.body))


def _text(part: _Element, order: Order) -> str:
    coding = _TEXT.get(part.kind)
    if coding is None:
        raise _torn("text")
    if coding == "utf-16":
        coding += "-le" if order == "<" else "-be"
    return bytes(part.body[:MAX_TEXT]).decode(coding, "replace").strip("\0 ")


def _numbers(part: _Element, shape: list[int], order: Order) -> NDArray[Any]:
    stored = _STORED.get(part.kind)
    if stored is None:
        raise _torn("matrix")
    dtype = np.dtype(order + stored)
    if prod(shape) * dtype.itemsize != len(part.body):
        raise refusal("it announces other numbers than it holds", "Copy the file again")
    return np.frombuffer(part.body, dtype=dtype).reshape(shape, order="F")


def _torn(what: str) -> Exception:
    return refusal(f"it is no whole MATLAB file ({what})", "Copy the file again")

"""What host and worker say to each other: a line of JSON, then the bytes of its arrays, never a pickle.

A message is one line of UTF-8 JSON that ends in a newline. Its member "arrays" lists name, dtype and shape of each
array that follows; their bytes come one after another, little-endian, in C order, with nothing between. Sizes follow
from the line alone, so whoever reads can refuse a message before it allocates.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

LINE_BYTES = 2**20
"""Longest line: names and shapes of thousands of arrays."""

DTYPES = ("|b1", "|i1", "|u1", "<i2", "<u2", "<i4", "<u4", "<i8", "<u8", "<f2", "<f4", "<f8")
"""What numbers may look like on the wire; text and objects may not."""

RANK = 16
"""Most axes of an array."""


class Unreadable(Exception):
    """A message that breaks the protocol; its text names the rule, never a value of the message."""


class TooLarge(Unreadable):
    """A message that is longer than it may be."""


class Planned(NamedTuple):
    """An array that is announced and not yet read."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]

    @property
    def nbytes(self) -> int:
        """Bytes that it takes."""
        return math.prod(self.shape) * self.dtype.itemsize


def packed(head: Mapping[str, Any], arrays: Mapping[str, np.ndarray] | None = None) -> list[memoryview]:
    """The message as pieces to write one after another.

    Raises:
        Unreadable: an array's kind of number has no place on the wire.
    """
    whole = {name: _plain(array) for name, array in (arrays or {}).items()}
    told = [{"name": name, "dtype": a.dtype.str, "shape": list(a.shape)} for name, a in whole.items()]
    line = json.dumps({**head, "arrays": told}, separators=(",", ":")).encode() + b"\n"
    return [memoryview(line), *(raw(array) for array in whole.values() if array.nbytes)]


def _plain(array: np.ndarray) -> np.ndarray:
    """Contiguous and little-endian, its axes as they are (`ascontiguousarray` would give a scalar one)."""
    plain = np.asarray(array, dtype=array.dtype.newbyteorder("<"), order="C")
    if plain.dtype.str not in DTYPES:
        raise Unreadable("an array is neither of numbers nor of truth values")
    return plain


def raw(array: np.ndarray) -> memoryview:
    """The bytes of a contiguous array, to write or to fill."""
    return array.reshape(-1).view(np.uint8).data


def opened(line: bytes) -> dict[str, Any]:
    """The head of a message, out of its line.

    Raises:
        Unreadable: the line is no JSON object.
    """
    try:
        head = json.loads(line)
    except (ValueError, RecursionError):
        raise Unreadable("its line is not JSON") from None
    if not isinstance(head, dict):
        raise Unreadable("its line is not a JSON object")
    return head


def planned(head: Mapping[str, Any], limit: int) -> list[Planned]:
    """The arrays that follow a line; nothing has been allocated yet.

    Raises:
        Unreadable: a name, dtype or shape is not one.
        TooLarge: together they would take more than `limit` bytes.
    """
    told = head.get("arrays", [])
    if not isinstance(told, list):
        raise Unreadable("its list of arrays is none")
    plans, total = [_planned(one) for one in told], 0
    if len({plan.name for plan in plans}) != len(plans):
        raise Unreadable("two arrays have the same name")
    for plan in plans:
        total += plan.nbytes
        if total > limit:
            raise TooLarge("it is longer than an answer may be")
    return plans


def _planned(told: Any) -> Planned:
    if not isinstance(told, dict):
        raise Unreadable("an array is not described")
    name, dtype, shape = told.get("name"), told.get("dtype"), told.get("shape")
    if not isinstance(name, str) or not 0 < len(name) <= 500:
        raise Unreadable("an array has no name")
    if dtype not in DTYPES:
        raise Unreadable("an array is of a kind that is not known here")
    if not isinstance(shape, list) or len(shape) > RANK or not all(type(n) is int and 0 <= n < 2**40 for n in shape):
        raise Unreadable("an array's shape is none")
    return Planned(name, np.dtype(dtype), tuple(shape))

"""Arrays of a vendor's program as .npz: read without numpy's own reader, which would evaluate what the header says.

The format is that of numpy.lib.format (versions 1.0 to 3.0) inside a ZIP archive. Sizes are looked at before anything
is decompressed; text and objects are refused.
"""

from __future__ import annotations

import io
import math
import re
import struct
import zipfile
import zlib
from collections.abc import Mapping

import numpy as np

from engine.zoo.sandbox.wire import RANK, TooLarge, Unreadable

MEMBERS, HEADER_BYTES = 1000, 10_000
DESCR = re.compile(r"'descr':\s*'([<>|][biuf][1248])'")
ORDER = re.compile(r"'fortran_order':\s*(True|False)")
SHAPE = re.compile(r"'shape':\s*\(([0-9,\s]*)\)")


def written(arrays: Mapping[str, np.ndarray]) -> bytes:
    """The arrays as an .npz file, not compressed."""
    stream = io.BytesIO()
    np.savez(stream, allow_pickle=False, **{name: np.asarray(array) for name, array in arrays.items()})
    return stream.getvalue()


def read(content: bytes, limit: int) -> dict[str, np.ndarray]:
    """The arrays of an .npz file.

    Args:
        content: the file.
        limit: most bytes that all arrays may take together.

    Raises:
        Unreadable: it is none, or an array holds neither numbers nor truth values.
        TooLarge: it would take more than `limit`.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
            if len(members) > MEMBERS or sum(one.file_size for one in members) > limit + HEADER_BYTES * len(members):
                raise TooLarge("its arrays are larger than an answer may be")
            return {one.filename.removesuffix(".npy"): _array(archive.read(one)) for one in members}
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError, ValueError):
        raise Unreadable("its arrays are no .npz file") from None


def _array(content: bytes) -> np.ndarray:
    """One member: magic, version, length of the header, header, numbers."""
    version = content[6] if content[:6] == b"\x93NUMPY" and len(content) > 12 else 0
    if version not in (1, 2, 3):
        raise Unreadable("a member of its arrays is no .npy file")
    width = 2 if version == 1 else 4
    (length,) = struct.unpack_from("<H" if width == 2 else "<I", content, 8)
    start = 8 + width + length
    if length > HEADER_BYTES or start > len(content):
        raise Unreadable("the header of an array is none")
    header = content[8 + width : start].decode("latin-1")
    kind, order, axes = DESCR.search(header), ORDER.search(header), SHAPE.search(header)
    if kind is None or order is None or axes is None:
        raise Unreadable("an array is neither of numbers nor of truth values")
    shape = tuple(int(length) for length in axes[1].split(",") if length.strip())
    dtype = np.dtype(kind[1])
    if len(shape) > RANK or math.prod(shape) * dtype.itemsize != len(content) - start:
        raise Unreadable("an array has another number of values than its shape says")
    flat = np.frombuffer(content, dtype, offset=start).astype(dtype.newbyteorder("="))
    return flat.reshape(shape, order="F" if order[1] == "True" else "C")

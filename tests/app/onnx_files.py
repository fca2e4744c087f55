"""Small ONNX files for tests, written tag by tag: field numbers of onnx/onnx.proto, no library."""

from __future__ import annotations

from pathlib import Path


def write_onnx(
    path: Path,
    name: str,
    axes: tuple[str, ...],
    *outputs: tuple[str, tuple[str, ...]],
    weights: str = "",
    domain: str = "",
) -> Path:
    """A graph of one operator with one input and these outputs; axes are numbers or names.

    With `weights` it has a tensor as well, which stands in the file of that name; `domain` is the operator's.
    """
    node = _bytes(1, name) + b"".join(_bytes(2, out) for out, _ in outputs) + _bytes(4, "Identity")
    node += _bytes(7, domain) if domain else b""
    ports = _bytes(11, _port(name, axes)) + b"".join(_bytes(12, _port(*output)) for output in outputs)
    stands = _bytes(8, "w") + _bytes(13, _bytes(1, "location") + _bytes(2, weights)) + _number(14, 1)
    ports += _bytes(5, stands) if weights else b""
    path.write_bytes(_number(1, 8) + _bytes(7, _bytes(1, node) + _bytes(2, "graph") + ports))
    return path


def _port(name: str, axes: tuple[str, ...]) -> bytes:
    dims = b"".join(_bytes(1, _number(1, int(axis)) if axis.isdigit() else _bytes(2, axis)) for axis in axes)
    return _bytes(1, name) + _bytes(2, _bytes(1, _number(1, 1) + _bytes(2, dims)))


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes | str) -> bytes:
    content = value.encode() if isinstance(value, str) else value
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])

"""What stands in an ONNX file, read from protobuf's wire format alone: operators, weights, where they lie.

No package is needed and nothing is interpreted, so a graph can be refused before any runtime sees it. Field numbers are
those of onnx.proto3 (onnx/onnx, IR version 10); the wire format is protobuf's (encoding.md).
"""

from __future__ import annotations

import math
import mmap
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

DEEPEST = 50
"""Graphs within branches within graphs."""

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
MODEL_GRAPH, MODEL_OPSET, MODEL_FUNCTION = 7, 8, 25
GRAPH_NODE, GRAPH_INITIALIZER, GRAPH_SPARSE = 1, 5, 15
NODE_OPERATOR, NODE_ATTRIBUTE, NODE_DOMAIN = 4, 5, 7
ATTRIBUTE_TENSOR, ATTRIBUTE_GRAPH, ATTRIBUTE_TENSORS, ATTRIBUTE_GRAPHS = 5, 6, 10, 11
ATTRIBUTE_SPARSE, ATTRIBUTE_SPARSES = 22, 23
TENSOR_DIMS, TENSOR_EXTERNAL = 1, 13
FUNCTION_NAME, FUNCTION_NODE, FUNCTION_DOMAIN = 1, 7, 10


@dataclass
class Told:
    """What a file says.

    Attributes:
        opset: version by operator domain.
        operators: how often each operator stands in it, by "domain/name"; the standard's own by "name".
        functions: those that the file itself puts together from operators, by "domain/name".
        parameters: numbers in its weights.
        external: places of weights that lie outside the file, as they stand there.
    """

    opset: dict[str, int] = field(default_factory=dict)
    operators: Counter[str] = field(default_factory=Counter)
    functions: set[str] = field(default_factory=set)
    parameters: int = 0
    external: set[str] = field(default_factory=set)


def read(content: bytes | mmap.mmap) -> Told:
    """Look through a whole file.

    Raises:
        ValueError: it is no protobuf message of this kind.
    """
    told, found = Told(), False
    for number, value in _fields(memoryview(content)):
        if number == MODEL_OPSET:
            _opset(value, told)
        elif number == MODEL_GRAPH:
            found = True
            _graph(value, told, 0)
        elif number == MODEL_FUNCTION:
            _function(value, told)
    if not found:
        raise ValueError("no graph")
    return told


def _opset(message: object, told: Told) -> None:
    domain, version = "", 0
    for number, value in _fields(message):
        if number == 1:
            domain = _text(value)
        elif number == 2 and isinstance(value, int):
            version = value
    told.opset[domain] = version


def _function(message: object, told: Told) -> None:
    name, domain = "", ""
    for number, value in _fields(message):
        if number == FUNCTION_NODE:
            _node(value, told, 0)
        elif number == FUNCTION_NAME:
            name = _text(value)
        elif number == FUNCTION_DOMAIN:
            domain = _text(value)
    told.functions.add(_operator(domain, name))


def _graph(message: object, told: Told, depth: int) -> None:
    if depth > DEEPEST:
        raise ValueError("graphs within graphs without end")
    for number, value in _fields(message):
        if number == GRAPH_NODE:
            _node(value, told, depth)
        elif number == GRAPH_INITIALIZER:
            _tensor(value, told)
        elif number == GRAPH_SPARSE:
            _sparse(value, told)


def _node(message: object, told: Told, depth: int) -> None:
    name, domain = "", ""
    for number, value in _fields(message):
        if number == NODE_OPERATOR:
            name = _text(value)
        elif number == NODE_DOMAIN:
            domain = _text(value)
        elif number == NODE_ATTRIBUTE:
            _attribute(value, told, depth)
    told.operators[_operator(domain, name)] += 1


def _operator(domain: str, name: str) -> str:
    return f"{domain}/{name}" if domain else name


def _attribute(message: object, told: Told, depth: int) -> None:
    for number, value in _fields(message):
        if number in (ATTRIBUTE_GRAPH, ATTRIBUTE_GRAPHS):
            _graph(value, told, depth + 1)
        elif number in (ATTRIBUTE_TENSOR, ATTRIBUTE_TENSORS):
            _tensor(value, told, weights=False)
        elif number in (ATTRIBUTE_SPARSE, ATTRIBUTE_SPARSES):
            _sparse(value, told)


def _sparse(message: object, told: Told) -> None:
    for number, value in _fields(message):
        if number in (1, 2):
            _tensor(value, told, weights=number == 1)


def _tensor(message: object, told: Told, *, weights: bool = True) -> None:
    shape: list[int] = []
    for number, value in _fields(message):
        if number == TENSOR_DIMS:
            shape += [value] if isinstance(value, int) else _packed(value)
        elif number == TENSOR_EXTERNAL:
            pair = {n: _text(v) for n, v in _fields(value) if n in (1, 2)}
            if pair.get(1) == "location":
                told.external.add(pair.get(2, ""))
    if weights:
        told.parameters += math.prod(shape)


def _fields(message: object) -> Iterator[tuple[int, int | memoryview]]:
    """Number and value of each field: whole numbers as such, all else as bytes."""
    if not isinstance(message, memoryview):
        raise ValueError("a message was expected")
    at, end = 0, len(message)
    while at < end:
        key, at = _varint(message, at)
        number, kind = key >> 3, key & 7
        if kind == VARINT:
            value, at = _varint(message, at)
            yield number, value
            continue
        if kind == BYTES:
            length, at = _varint(message, at)
        elif kind in (FIXED64, FIXED32):
            length = 8 if kind == FIXED64 else 4
        else:
            raise ValueError("a field of no known kind")
        if at + length > end:
            raise ValueError("a field goes beyond its message")
        yield number, message[at : at + length]
        at += length


def _packed(values: memoryview) -> list[int]:
    found, at = [], 0
    while at < len(values):
        value, at = _varint(values, at)
        found.append(value)
    return found


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
    raise ValueError("a number without end")


def _text(value: object) -> str:
    if not isinstance(value, memoryview):
        raise ValueError("text was expected")
    return bytes(value).decode("utf-8", "replace")

"""What an ONNX file tells of itself without its weights: inputs, outputs, operators, files that it points at.

An ONNX file is one protocol-buffers message. Only its tags are followed here, so nothing of it is run or allocated, and
a file of gigabytes costs no more than its graph. Numbers of fields: onnx/onnx.proto of ONNX 1.16 (Apache-2.0).
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from engine.contract.onnx_operators import named

DEEPEST = 24
"""Graphs within graphs; nothing that a tool writes comes near."""

Span = tuple[int, int]
"""Where a message begins and ends in the file."""

MOST_FIELDS = 5_000_000
"""That are followed in one file, some seconds' work; graphs of the largest models have a tenth of it."""

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_PARTS: dict[str, dict[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "function": {7: "node"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
"""By kind of message: which of its fields hold messages that may hold a tensor."""

_NAMES = {"node": (7, 4), "function": (10, 1)}
"""By kind of message: which of its fields hold its domain and its name."""


class NoOnnx(Exception):
    """It cannot be read as an ONNX file."""


@dataclass(frozen=True)
class Port:
    """One input or output: its axes as numbers, names, or "?" where nothing is said."""

    name: str
    axes: tuple[str, ...]


@dataclass
class Outline:
    """What an ONNX file tells of itself.

    Attributes:
        inputs: that are no weights.
        outputs: of the graph.
        locations: files that its tensors stand in, as it names them.
        producer: the program that wrote it.
        nodes: operators of all its graphs.
        operators: their names, with the domain of those that are not the standard's own.
        functions: operators that the file defines itself, named alike.
    """

    inputs: list[Port] = field(default_factory=list)
    outputs: list[Port] = field(default_factory=list)
    locations: list[str] = field(default_factory=list)
    producer: str = ""
    nodes: int = 0
    operators: set[str] = field(default_factory=set)
    functions: set[str] = field(default_factory=set)


def outline(path: Path) -> Outline:
    """Read the outline of a file.

    Raises:
        NoOnnx: it is none, or damaged.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        if not file.read(1):
            raise NoOnnx
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _Reader(data).outline()


class _Reader:
    def __init__(self, data: mmap.mmap) -> None:
        self.data = data
        self.told = Outline()
        self.seen = 0

    def outline(self) -> Outline:
        graphs = 0
        for number, wire, value in self.fields((0, len(self.data))):
            if number == 1 and wire != _VARINT:
                raise NoOnnx
            if number == 2 and isinstance(value, tuple):
                self.told.producer = self.text(value)
            if number == 7 and isinstance(value, tuple):
                graphs += 1
                self._ports(value)
        if graphs != 1:
            raise NoOnnx
        self._walk("model", (0, len(self.data)), 0)
        if not self.told.nodes:
            raise NoOnnx
        return self.told

    def _walk(self, kind: str, span: Span, depth: int) -> None:
        """Find every tensor, however deep."""
        if depth > DEEPEST * len(_PARTS):
            raise NoOnnx
        if kind in _NAMES:
            self._name(kind, span)
        for number, _, value in self.fields(span):
            if not isinstance(value, tuple):
                continue
            if kind == "tensor" and number == 13:
                self._location(value)
            elif number in _PARTS[kind]:
                self._walk(_PARTS[kind][number], value, depth + 1)

    def _name(self, kind: str, span: Span) -> None:
        """Note what an operator or function is called."""
        told = {number: value for number, _, value in self.fields(span) if isinstance(value, tuple)}
        domain, name = (self.text(told[number]) if number in told else "" for number in _NAMES[kind])
        self.told.nodes += kind == "node"
        (self.told.operators if kind == "node" else self.told.functions).add(named(domain, name))

    def _location(self, span: Span) -> None:
        """An entry on where a tensor stands: key and value."""
        told = {number: self.text(value) for number, _, value in self.fields(span) if isinstance(value, tuple)}
        if told.get(1) == "location" and told.get(2, "") not in self.told.locations:
            self.told.locations.append(told.get(2, ""))

    def _ports(self, graph: Span) -> None:
        weights: set[str] = set()
        inputs: list[Port] = []
        for number, _, value in self.fields(graph):
            if not isinstance(value, tuple):
                continue
            if number == 5:
                weights |= {self.text(name) for n, _, name in self.fields(value) if n == 8 and isinstance(name, tuple)}
            elif number == 11:
                inputs.append(self._port(value))
            elif number == 12:
                self.told.outputs.append(self._port(value))
        self.told.inputs += [port for port in inputs if port.name not in weights]

    def _port(self, span: Span) -> Port:
        name, axes = "", list[str]()
        for number, _, value in self.fields(span):
            if number == 1 and isinstance(value, tuple):
                name = self.text(value)
            if number == 2 and isinstance(value, tuple):
                axes = [
                    axis for tensor in self._of(value, 1) for shape in self._of(tensor, 2) for axis in self._axes(shape)
                ]
        return Port(name, tuple(axes))

    def _axes(self, shape: Span) -> Iterator[str]:
        for axis in self._of(shape, 1):
            said = "?"
            for number, _, value in self.fields(axis):
                if number == 1 and isinstance(value, int):
                    said = str(value)
                if number == 2 and isinstance(value, tuple):
                    said = self.text(value) or "?"
            yield said

    def _of(self, span: Span, wanted: int) -> Iterator[Span]:
        return (value for number, _, value in self.fields(span) if number == wanted and isinstance(value, tuple))

    def text(self, span: Span) -> str:
        """The text of a field. Raises NoOnnx where it is none."""
        try:
            return self.data[span[0] : span[1]].decode("utf-8")
        except UnicodeDecodeError:
            raise NoOnnx from None

    def fields(self, span: Span) -> Iterator[tuple[int, int, int | Span]]:
        """Number, wire type and value of each field of a message. Raises NoOnnx where it is none."""
        place, end = span
        while place < end:
            tag, place = self._varint(place, end)
            number, wire = tag >> 3, tag & 7
            value: int | Span = 0
            if wire == _VARINT:
                value, place = self._varint(place, end)
            elif wire == _BYTES:
                length, place = self._varint(place, end)
                value, place = (place, place + length), place + length
            elif wire in (_FIXED64, _FIXED32):
                place += 8 if wire == _FIXED64 else 4
            else:
                raise NoOnnx
            self.seen += 1
            if not number or place > end or self.seen > MOST_FIELDS:
                raise NoOnnx
            yield number, wire, value

    def _varint(self, place: int, end: int) -> tuple[int, int]:
        value = shift = 0
        while place < end and shift < 70:
            byte = self.data[place]
            value |= (byte & 0x7F) << shift
            place, shift = place + 1, shift + 7
            if byte < 0x80:
                return value, place
        raise NoOnnx

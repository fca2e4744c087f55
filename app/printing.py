"""How verbs print: aligned columns, numbers with their intervals, JSON for scripts."""

from __future__ import annotations

import dataclasses
import json
import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from engine.contract.results import Difference, Estimate

WIDTH = 96


def table(headers: Sequence[str], rows: Iterable[Sequence[object]], right: Sequence[str] = ()) -> str:
    """Columns as wide as their content; those named in `right` are aligned to the right."""
    cells = [[visible(str(cell)) for cell in row] for row in rows]
    widths = [max([len(head), *(len(row[i]) for row in cells)]) for i, head in enumerate(headers)]
    sides = [">" if head in right else "<" for head in headers]

    def line(row: Sequence[str]) -> str:
        """One row, each cell as wide as its column."""
        return "  ".join(f"{c:{s}{w}}" for c, s, w in zip(row, sides, widths, strict=True)).rstrip()

    return "\n".join([line(headers), *(line(row) for row in cells)])


def fields(pairs: Iterable[tuple[str, object]]) -> str:
    """Names and values in two columns."""
    shown = [(name, visible(str(value))) for name, value in pairs]
    width = max((len(name) for name, _ in shown), default=0)
    return "\n".join(f"{name:<{width}}  {value}".rstrip() for name, value in shown)


def visible(text: str) -> str:
    """Text in one line: a file name may hold line breaks and commands to the terminal, which are shown as escapes."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def paragraph(text: str, indent: str = "") -> str:
    """Text wrapped to the page, never within a word: an option as --against is one."""
    ahead = " " * len(indent)
    return textwrap.fill(text, WIDTH, initial_indent=indent, subsequent_indent=ahead, break_on_hyphens=False)


def estimate(value: Estimate, signed: bool = False) -> str:
    """A number with its interval: "0.842 (0.781 to 0.887)", or why there is none."""
    if value.value is None:
        return f"not estimable: {value.not_estimable}"
    sign = "+" if signed else ""
    number = f"{value.value:{sign}.3f}"
    if value.interval is None:
        return f"{number} (no interval: {value.not_estimable.removeprefix('no interval: ')})"
    return f"{number} ({value.interval.low:{sign}.3f} to {value.interval.high:{sign}.3f})"


def differences(items: Sequence[Difference]) -> str:
    """Paired differences as a table."""
    heads = ["Paired difference", "Label", "AUROC (interval)"]
    rows = [[f"{d.model} minus {d.reference}", d.label, estimate(d.estimate, signed=True)] for d in items]
    if any(d.adjusted_p is not None for d in items):
        heads.append("Adjusted p")
        rows = [[*row, _p(d)] for row, d in zip(rows, items, strict=True)]
    if any(d.verdict for d in items):
        heads.append("Against the margin")
        rows = [[*row, d.verdict] for row, d in zip(rows, items, strict=True)]
    return table(heads, rows)


def further_differences(items: Sequence[Difference]) -> str:
    """Paired differences of other measures than the AUROC."""
    rows = [(f"{d.model} minus {d.reference}", d.label, d.measure, estimate(d.estimate, signed=True)) for d in items]
    return table(("Paired difference", "Label", "Measure", "Value (interval)"), rows)


def _p(difference: Difference) -> str:
    if difference.adjusted_p is None:
        return ""
    told = "below 0.001" if difference.adjusted_p < 0.001 else f"{difference.adjusted_p:.3f}"
    return f"{told} ({difference.correction})"


def as_json(value: object) -> str:
    """Rows, models and plain data as JSON text."""
    return json.dumps(_plain(value), indent=1, ensure_ascii=False, allow_nan=False)


def size(count: float) -> str:
    """A number of bytes for people: "512 B", "1.4 GB"."""
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if count < 1000 or unit == "TB":
            break
        count /= 1000
    return f"{count:.0f} {unit}" if unit == "B" or count >= 100 else f"{count:.1f} {unit}"


def moment(stamp: str) -> str:
    """A UTC time stamp to the second, for tables."""
    return stamp[:19].replace("T", " ")


def _plain(value: object) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value

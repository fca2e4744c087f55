"""What a vendor says his own program gives for the golden ECGs, and perhaps what he feeds it.

Three files are understood:

- CSV with the columns record, output, class, value: one number of a recording a row; `class` is a name of the card or
  a place counted from 0; `output` may be left out where the model has one.
- JSON: {record: {output: {class: value}}}, or a list in place of the last.
- NPZ with arrays named "RECORD/OUTPUT": numbers of the recording [K], or what the model put out for each window
  [windows, ...]; and "RECORD/input": the windows that were fed.

Values stay as they are; nothing is guessed. Files of others are read without ever unpickling.
"""

from __future__ import annotations

import csv
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.contract.card import Output
from engine.contract.errors import WorldError

Arrays = dict[tuple[str, str], NDArray[np.float64]]

THING = "reference outputs"
MOST_BYTES = 2**30
INPUT = "input"
NEXT = "See what a file of reference outputs holds: isoline model golden NAME --out DIR"


@dataclass(frozen=True)
class Reference:
    """What a vendor supplied, by golden ECG and output.

    Attributes:
        numbers: of the recording, [K], NaN where none was given.
        windows: what the model put out for each window, [N, ...].
        inputs: what was fed, as it stands in the file, by golden ECG.
    """

    numbers: Arrays = field(default_factory=dict)
    windows: Arrays = field(default_factory=dict)
    inputs: dict[str, NDArray[np.float64]] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        """Whether there is nothing to compare with."""
        return not (self.numbers or self.windows or self.inputs)


def parse_reference(path: Path, outputs: Sequence[Output], records: Sequence[str]) -> Reference:
    """Read a vendor's file.

    Args:
        path: CSV, JSON or NPZ, by its ending.
        outputs: as the card has them.
        records: names of the golden ECGs.

    Raises:
        WorldError: it cannot be read, or names a recording, an output or a class that there is not.
    """
    ways = {".csv": _of_csv, ".json": _of_json, ".npz": _of_npz}
    way = ways.get(path.suffix.lower())
    if way is None:
        raise WorldError(THING, "the file is no .csv, .json or .npz", NEXT)
    try:
        if path.stat().st_size > MOST_BYTES:
            raise WorldError(THING, f"the file is larger than {MOST_BYTES // 2**30} GB", "Supply fewer arrays")
        found = way(path, _Names(outputs, records))
    except (OSError, ValueError, KeyError, AttributeError, TypeError, csv.Error, zipfile.BadZipFile) as error:
        raise WorldError(THING, f"the file cannot be read ({type(error).__name__})", NEXT) from None
    if found.empty:
        raise WorldError(THING, "the file holds nothing that could be compared", NEXT)
    return found


def write_reference(path: Path, reference: Reference) -> None:
    """Keep a reference as an .npz for a run; raises OSError where that fails."""
    told = {f"numbers/{record}/{name}": array for (record, name), array in reference.numbers.items()}
    told |= {f"windows/{record}/{name}": array for (record, name), array in reference.windows.items()}
    told |= {f"inputs/{record}": array for record, array in reference.inputs.items()}
    with path.open("wb") as file:
        np.savez_compressed(file, **told)  # type: ignore[arg-type]  # the stubs take a name for allow_pickle


def read_reference(path: Path) -> Reference:
    """Read what `write_reference` wrote. Raises WorldError when it is missing or damaged."""
    found = Reference()
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
            for name in file.files:
                kind, record, *output = name.split("/", 2)
                if kind == "inputs":
                    found.inputs[record] = file[name]
                else:
                    (found.numbers if kind == "numbers" else found.windows)[record, output[0]] = file[name]
    except (OSError, ValueError, IndexError, zipfile.BadZipFile) as error:
        reason = f"they cannot be read ({type(error).__name__})"
        raise WorldError(THING, reason, "Ask for the vetting again") from None
    return found


class _Names:
    """What may be named: recordings, outputs, classes."""

    def __init__(self, outputs: Sequence[Output], records: Sequence[str]) -> None:
        self.outputs = {output.name: output for output in outputs}
        self._records = set(records)

    def record(self, name: str) -> str:
        """The golden ECG of this name, with or without the ending of a file."""
        plain = name.strip().removesuffix(".csv").removesuffix(".hea").removesuffix(".npz")
        if plain not in self._records:
            raise WorldError(THING, "it names a recording that is no golden ECG", NEXT)
        return plain

    def output(self, name: str) -> Output:
        """The output of this name; without one the only output."""
        if not name.strip() and len(self.outputs) == 1:
            return next(iter(self.outputs.values()))
        if name.strip() not in self.outputs:
            known = ", ".join(self.outputs)
            raise WorldError(THING, "it names an output that the card has not", f"The card has: {known}")
        return self.outputs[name.strip()]

    def place(self, output: Output, name: str) -> int:
        """Where a class stands."""
        plain = name.strip()
        if plain in output.classes:
            return output.classes.index(plain)
        if plain.isdigit() and (not output.classes or int(plain) < len(output.classes)):
            return int(plain)
        known = ", ".join(output.classes) or "places counted from 0"
        raise WorldError(THING, f"it names a class that output '{output.name}' has not", f"It has: {known}")


def _of_csv(path: Path, names: _Names) -> Reference:
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = csv.DictReader(file)
        heads = {head.strip().casefold(): head for head in rows.fieldnames or ()}
        if lacking := {"record", "class", "value"} - heads.keys():
            raise WorldError(THING, f"it lacks the column '{min(lacking)}'", NEXT)
        told = [
            (row[heads["record"]], row[heads["output"]] if "output" in heads else "", row[heads["class"]], value)
            for row in rows
            if (value := row[heads["value"]].strip())
        ]
    return _gathered(((record, output, name, float(value)) for record, output, name, value in told), names)


def _of_json(path: Path, names: _Names) -> Reference:
    data = json.loads(path.read_text(encoding="utf-8"))
    return _gathered(_rows_of(data), names)


def _rows_of(data: Mapping[str, Any]) -> Iterator[tuple[str, str, str, float]]:
    for record, outputs in data.items():
        for output, values in outputs.items():
            pairs = values.items() if isinstance(values, dict) else enumerate(values)
            for name, value in pairs:
                if value is not None:
                    yield record, output, str(name), float(value)


def _gathered(rows: Iterator[tuple[str, str, str, float]], names: _Names) -> Reference:
    """Long rows to one array a recording and output."""
    told: dict[tuple[str, str], dict[int, float]] = {}
    for record, output_name, class_name, value in rows:
        output = names.output(output_name)
        values = told.setdefault((names.record(record), output.name), {})
        place = names.place(output, class_name)
        if place in values:
            raise WorldError(THING, "it has two values for one class of a recording", "Leave one of them")
        values[place] = value
    found = Reference()
    for (record, name), values in told.items():
        width = len(names.outputs[name].classes) or max(values) + 1
        found.numbers[record, name] = np.array([values.get(place, np.nan) for place in range(width)])
    return found


def _of_npz(path: Path, names: _Names) -> Reference:
    found = Reference()
    with path.open("rb") as stream, np.load(stream, allow_pickle=False) as file:
        for name in file.files:
            record, _, output_name = name.partition("/")
            array = file[name].astype(np.float64)
            if output_name == INPUT:
                found.inputs[names.record(record)] = array
                continue
            output = names.output(output_name)
            kept = found.numbers if array.ndim == 1 else found.windows
            kept[names.record(record), output.name] = array
    return found

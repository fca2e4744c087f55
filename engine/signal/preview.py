"""What a file holds, before it is imported: columns with their first numbers, what they are taken for and why.

Shapes: K columns, T samples.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np

from engine.contract.errors import WorldError
from engine.contract.mapping import SignalTable
from engine.signal.assemble import About
from engine.signal.formats.table import Layout, layout_of, table_recording
from engine.signal.formats.tabular import Looked, TableReader
from engine.signal.leads import CANONICAL
from engine.signal.readers import find_table, is_table, read_recording
from engine.signal.recording import Recording
from engine.signal.sources import Source

FIRST_VALUES = 6
FIRST_MEMBERS = 5
LOOKED_AT_FILES = 2000


@dataclass(frozen=True)
class PreviewColumn:
    """A column of a table: its name in the file, the lead it is taken for (`-` for none), and its numbers."""

    name: str
    lead: str
    first: tuple[float, ...]
    smallest: float
    largest: float


@dataclass(frozen=True)
class Preview:
    """What would be imported.

    Attributes:
        format: of the file.
        table: whether a mapping can say what its columns are; other formats say it themselves.
        recordings: how many the file holds.
        members: the first of their names, where it holds many.
        columns: of the first recording.
        samples: of each lead of the first recording.
        rate_hz: samples a second; None where nobody told.
        mv_per_step: millivolts in one unit, by column; empty where nobody told.
        reasons: by field of the mapping, who told it.
        missing: fields of the mapping that must still be told.
        fault: why it cannot be imported as it stands; empty when it can.
        next_step: what to do about it.
        file: name of the file, where who asked did not name one.
    """

    format: str
    table: bool
    recordings: int
    members: tuple[str, ...] = field(default=(), repr=False)
    columns: tuple[PreviewColumn, ...] = field(default=(), repr=False)
    samples: int = 0
    rate_hz: float | None = None
    mv_per_step: tuple[float, ...] = ()
    reasons: dict[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    fault: str = ""
    next_step: str = ""
    file: str = field(default="", repr=False)


def preview_table(path: Path, mapping: SignalTable | None = None) -> Preview:
    """Look at the first recording of a file as the mapping has it.

    Raises:
        WorldError: the file cannot be opened, or its format is not known.
    """
    mapping = mapping or SignalTable()
    path = Path(path)
    reader = None if path.suffix.lower() == ".hea" or path.is_dir() else find_table(path, mapping)
    if reader is None:
        return _of_recording(read_recording(path, digest=False))
    try:
        members = reader.members(path, mapping)
        looked = reader.look(Source(path, members[0] if members else ""), mapping)
        layout = layout_of(looked.values_KT, looked.told, mapping)
    except WorldError as error:
        return Preview(reader.NAME, True, 0, fault=error.reason, next_step=error.next_step)
    return _of_table(reader, members, looked, layout, mapping)


def _of_table(
    reader: TableReader, members: tuple[str, ...], looked: Looked, layout: Layout, mapping: SignalTable
) -> Preview:
    fault = next_step = ""
    try:
        table_recording(looked.values_KT, looked.told, mapping, About(format="", reader=""))
    except WorldError as error:
        fault, next_step = error.reason, error.next_step
    return Preview(
        format=reader.NAME,
        table=True,
        recordings=max(len(members), 1),
        members=members[:FIRST_MEMBERS],
        columns=_columns(looked.values_KT, layout.names, layout.leads),
        samples=looked.values_KT.shape[1],
        rate_hz=layout.rate_hz,
        mv_per_step=layout.mv_per_step,
        reasons=layout.reasons,
        missing=layout.missing,
        fault=fault,
        next_step=next_step,
    )


def _of_recording(recording: Recording) -> Preview:
    return Preview(
        format=recording.format,
        table=False,
        recordings=1,
        columns=_columns(recording.signal_CT, CANONICAL, CANONICAL),
        samples=recording.samples,
        rate_hz=recording.rate_hz,
        mv_per_step=(1.0,) * len(CANONICAL),
        reasons=dict.fromkeys(("leads", "unit", "rate_hz"), "the file"),
    )


def _columns(values_KT: np.ndarray, names: tuple[str, ...], leads: tuple[str, ...]) -> tuple[PreviewColumn, ...]:
    told = []
    for name, lead, values_T in zip(names, leads, values_KT, strict=True):
        known_T = values_T[np.isfinite(values_T)]
        ends = (float(known_T.min()), float(known_T.max())) if len(known_T) else (np.nan, np.nan)
        told.append(PreviewColumn(name, lead, tuple(map(float, values_T[:FIRST_VALUES])), *ends))
    return tuple(told)


def first_table(paths: Sequence[Path]) -> Path | None:
    """The first table or array among files and in folders, for which a mapping can be asked; None when there is none.

    Folders are searched for a moment only: a preview must not wait for a million files.
    """
    for path in paths:
        for file in islice(_files(Path(path)), LOOKED_AT_FILES):
            try:
                if is_table(file):
                    return file
            except WorldError:
                continue
    return None


def _files(path: Path) -> Iterator[Path]:
    if not path.is_dir():
        yield path
        return
    for place, folders, names in os.walk(path):
        folders.sort()
        yield from (Path(place) / name for name in sorted(names) if not name.lower().endswith((".hea", ".dat")))

"""MATLAB files (.mat) of one ECG: a matrix, or a struct with one; the layout of CPSC2018 is known.

CPSC2018 as it was first given out (Liu et al. 2018, J Med Imaging Health Inform 8, 1368): a struct `ECG` with `sex`,
`age` and `data` [12, T] in millivolts, at 500 Hz, leads in the standard order. Other files say by the names of their
variables what they hold (`fs`, `unit`, `leads`), or a mapping does. The .mat files beside a WFDB header are of level 4
and never come here; those of level 7.3 are HDF5 files.

Shapes: K leads, T samples.
"""

from __future__ import annotations

import zlib
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.contract.mapping import SignalTable
from engine.signal.assemble import About, decoded_limit, refusal
from engine.signal.formats import arrays
from engine.signal.formats.content import read_content, sha256
from engine.signal.formats.matlab_elements import MARKS, read_arrays
from engine.signal.formats.persons import age_in_years, sex_of
from engine.signal.formats.table import Told, table_recording
from engine.signal.formats.tabular import Looked, stamp
from engine.signal.leads import CANONICAL
from engine.signal.own_reader import own_reader
from engine.signal.recording import Recording
from engine.signal.sources import Source

NAME = "MATLAB"

CPSC = "CPSC2018"
CPSC_HZ = 500.0
_CPSC_FIELDS = {"ECG/sex", "ECG/age", "ECG/data"}

Found = dict[str, NDArray[Any] | str]


def sniff(head: bytes, path: Path) -> bool:
    """Known by the words it begins with and the order of bytes that its header names."""
    return head.startswith(b"MATLAB 5.0 MAT-file") and head[126:128] in MARKS


def members(path: Path, mapping: SignalTable) -> tuple[str, ...]:
    """Empty: a file is one recording, unless its array has three axes. Raises WorldError."""
    return tuple(_opened(*stamp(path), mapping)[3])


def read(source: Source, digest: bool, mapping: SignalTable) -> Recording:
    """Read one recording. Raises WorldError with the reason when that cannot be."""
    looked = look(source, mapping)
    found, file_sha256 = _found(*stamp(source.path))
    cpsc = is_cpsc(found)
    age, sex = found.get("ECG/age"), found.get("ECG/sex")
    whole = digest and not source.member
    about = About(
        format=f"{NAME}, {CPSC}" if cpsc else NAME,
        reader=own_reader("matlab"),
        source_name=source.name,
        file_sha256=file_sha256 if whole else arrays.digest_of(looked.values_KT, digest),
        age=_age(age) if cpsc else None,
        sex=sex_of(sex) if cpsc and isinstance(sex, str) else "unknown",
    )
    return table_recording(looked.values_KT, looked.told, mapping, about)


def look(source: Source, mapping: SignalTable) -> Looked:
    """The numbers of one recording and what is told of them. Raises WorldError."""
    array, axes, told, rows = _opened(*stamp(source.path), mapping)
    return Looked(arrays.cut(array, axes, rows.get(source.member)), told)


def is_cpsc(found: Found) -> bool:
    """Whether this is the struct of CPSC2018 and nothing else."""
    data = found.get("ECG/data")
    return set(found) == _CPSC_FIELDS and not isinstance(data, str | None) and data.shape[0] == len(CANONICAL)


def seconds_of(path: Path) -> float | None:
    """Length of a recording of CPSC2018; None where the file is none. Raises WorldError when it cannot be read."""
    found, _ = _found(*stamp(path))
    data = found.get("ECG/data")
    return None if isinstance(data, str | None) or not is_cpsc(found) else data.shape[1] / CPSC_HZ


@lru_cache(maxsize=1)
def _found(path: Path, _seen: int) -> tuple[Found, str]:
    """What stands in a file, and the hash of its bytes; kept for the questions that one reading asks."""
    _found.cache_clear()  # before the next file takes as much memory again
    content = read_content(path, decoded_limit())
    try:
        return read_arrays(content), sha256(content, True)
    except (ValueError, OverflowError, MemoryError, zlib.error) as error:  # sizes that numpy cannot hold
        raise refusal(f"it is no whole MATLAB file ({type(error).__name__})", "Copy the file again") from None


def _opened(path: Path, seen: int, mapping: SignalTable) -> tuple[NDArray[Any], str, Told, dict[str, int]]:
    """Array, axes, what is told, and the row of each recording."""
    found, _ = _found(path, seen)
    numbers = {name: value for name, value in found.items() if not isinstance(value, str)}
    if is_cpsc(found) and not mapping.dataset:
        told = Told(CANONICAL, CPSC_HZ, "mV", f"the layout of {CPSC}", assumed_unit=True)
        return numbers["ECG/data"], "lead,time", told, {}
    small = {name: value for name, value in found.items() if isinstance(value, str) or value.size == 1}
    told = arrays.told_by(small, "the file")
    leads = arrays.expected_leads(mapping, told)
    array = numbers[arrays.choose(numbers, mapping, leads)]
    axes = arrays.axes_of(array.shape, mapping, leads)
    rows = arrays.member_rows(array.shape[0], _ids(numbers, mapping)) if axes.startswith("record,") else {}
    return array, axes, told, rows


def _ids(numbers: dict[str, NDArray[Any]], mapping: SignalTable) -> list[Any] | None:
    wanted = [mapping.ids] if mapping.ids else [name for name in arrays.ID_NAMES if name in numbers]
    return numbers[wanted[0]].reshape(-1).tolist() if wanted and wanted[0] in numbers else None


def _age(value: NDArray[Any] | str | None) -> float | None:
    if isinstance(value, str | None) or value.size != 1 or not np.isfinite(value).all():
        return None
    return age_in_years(float(value.reshape(-1)[0]))

"""Arrays of one or many recordings: which axis is which, which name stands for what, one recording cut out.

Nothing is read but the slice that is asked for: an array may be larger than the memory.

Shapes: N recordings, K leads (or columns), T samples.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from engine.contract.mapping import SignalTable
from engine.signal.assemble import check_decoded, refusal
from engine.signal.formats.table import Told
from engine.signal.leads import CANONICAL
from engine.signal.sources import is_member_name

RATE_NAMES = ("rate_hz", "rate", "fs", "sampling_rate", "sample_rate", "sampling_frequency", "freq", "frequency")
UNIT_NAMES = ("unit", "units")
LEAD_NAMES = ("leads", "lead_names", "lead", "sig_name", "channels", "channel_names", "ch_names")
ID_NAMES = ("exam_id", "exam_ids", "record_id", "record_ids", "id_exam", "ids", "id", "record")
MOST_RECORDINGS = 1_000_000
"""In one file. A header of a hundred bytes can claim any number, and each gets a name."""
SMALL, SMALL_BYTES = 512, 2**16
"""Most numbers, and bytes, of what is looked at beside the samples: a rate, a unit, names of leads."""
SIGNAL_NAMES = ("signal", "signals", "tracings", "ecg", "ecgs", "data", "x", "val", "samples", "waveform", "waveforms")


class Array(Protocol):
    """What arrays of NumPy and datasets of HDF5 have in common."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Lengths of the axes."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the numbers."""

    def __getitem__(self, where: Any, /) -> Any:
        """A slice."""


def is_signal(array: Array, leads: int) -> bool:
    """Whether an array could be one or many ECGs of so many leads: numbers in two or three axes."""
    kind, shape = np.dtype(array.dtype).kind, array.shape
    return kind in "iuf" and len(shape) in (2, 3) and min(shape) > 0 and leads in shape[-2:]


def choose(arrays: Mapping[str, Array], mapping: SignalTable, leads: int) -> str:
    """The name of the array that is the ECG. Raises WorldError when none or several could be."""
    if mapping.dataset:
        if mapping.dataset not in arrays:
            raise refusal("it has no dataset of the name that the mapping gives", "See isoline import --preview")
        return mapping.dataset
    fitting = [name for name, array in arrays.items() if is_signal(array, leads)]
    known = [name for name in fitting if name.rpartition("/")[2].casefold() in SIGNAL_NAMES]
    chosen = fitting if len(fitting) == 1 else known
    if len(chosen) != 1:
        many = f"{len(fitting)} datasets of it could be the ECG" if fitting else f"no dataset of it has {leads} leads"
        raise refusal(many, "Name one in the mapping (dataset=...), and its leads")
    return chosen[0]


def axes_of(shape: Sequence[int], mapping: SignalTable, leads: int) -> str:
    """What the axes are: as the mapping says, or the one reading that fits. Raises WorldError on doubt."""
    if 0 in shape:
        raise refusal("it holds no samples")
    if mapping.axes:
        if len(mapping.axes.split(",")) != len(shape):
            raise refusal(f"the mapping names other axes than its {len(shape)}", "Correct axes in the mapping")
        return mapping.axes
    if len(shape) not in (2, 3):
        raise refusal(f"its array has {len(shape)} axes", "Save it as [lead, time] or [record, lead, time]")
    first, second = (size == leads for size in shape[-2:])
    if first == second:
        reason = "either axis of its array could be the leads" if first else f"no axis of its array has {leads} leads"
        raise refusal(reason, "Tell axes and leads in the mapping, such as axes=time,lead")
    inner = "lead,time" if first else "time,lead"
    return f"record,{inner}" if len(shape) == 3 else inner


def check_recordings(count: int) -> None:
    """Call with what a header claims, before names are made or read. Raises WorldError when it is too much."""
    if count > MOST_RECORDINGS:
        raise refusal(
            f"it announces {count:,} recordings, more than the {MOST_RECORDINGS:,} that one file may hold",
            "Save them in several files",
        )


def is_small(array: Array) -> bool:
    """Whether an array is a note beside the samples: few numbers, and few bytes of them."""
    count = prod(array.shape)
    return count <= SMALL and count * np.dtype(array.dtype).itemsize <= SMALL_BYTES


def cut(array: Array, axes: str, row: int | None) -> NDArray[Any]:
    """One recording [K, T], read alone. Raises WorldError when it is too large."""
    if np.dtype(array.dtype).kind not in "iuf":
        raise refusal("its array holds no numbers", "Save the samples as numbers")
    if axes.startswith("record,") and not (row is not None and 0 <= row < array.shape[0]):
        raise refusal("it has no recording of this name", "See isoline import --preview")
    inner = tuple(array.shape[-2:])
    check_decoded(inner[0], inner[1])
    part = np.asarray(array[row] if axes.startswith("record,") else array[:, :])
    part = part.T if axes.endswith("time,lead") else part
    return np.ascontiguousarray(part, dtype=_plain(part.dtype))


def member_rows(count: int, ids: Sequence[Any] | None) -> dict[str, int]:
    """Names of many recordings and their rows: ids where these are fit for it and unique, else positions.

    Raises:
        WorldError: there are more than one file may hold.
    """
    check_recordings(count)
    if ids is not None and len(ids) == count:
        names = tuple(text_of(value) for value in ids)
        if len(set(names)) == count and all(is_member_name(name) for name in names):
            return {name: row for row, name in enumerate(names)}
    return {str(n): n for n in range(count)}


def told_by(values: Mapping[str, Any], source: str) -> Told:
    """What names beside an array say of it: rate, unit and leads under their usual names."""
    found = {name.rpartition("/")[2].casefold(): value for name, value in values.items()}
    unit = next((text_of(found[name]) for name in UNIT_NAMES if name in found), "")
    names = next((_texts(found[name]) for name in LEAD_NAMES if name in found), ())
    return Told(names=names, rate_hz=_rate(found), unit=unit, source=source)


def without_padding(values_KT: NDArray[Any]) -> tuple[NDArray[Any], tuple[str, ...]]:
    """Cut zeros off that stand in all leads at once at start and end, and tell of it."""
    there = np.flatnonzero((values_KT != 0).any(axis=0))
    if not len(there):
        raise refusal("it holds nothing but zeros", "Leave this recording out")
    start, end = int(there[0]), int(there[-1]) + 1
    cut_off = values_KT.shape[1] - (end - start)
    done = (f"{cut_off} samples of padding with zeros cut off",) if cut_off else ()
    return values_KT[:, start:end], done


def digest_of(values_KT: NDArray[Any], wanted: bool) -> str:
    """Hash of one recording of a file that holds many: its numbers as the file has them. Empty if not wanted."""
    if not wanted:
        return ""
    digest = hashlib.sha256(f"{values_KT.dtype.str} {values_KT.shape}\n".encode())
    digest.update(np.ascontiguousarray(values_KT).data)
    return digest.hexdigest()


def text_of(value: Any) -> str:
    """A scalar, however a file holds it, as text."""
    array = np.asarray(value)
    if array.size != 1:
        same = Counter(text_of(part) for part in array.reshape(-1)[:512])
        return next(iter(same)) if len(same) == 1 else ""
    item = array.reshape(-1)[0]
    return item.decode("utf-8", "replace").strip() if isinstance(item, bytes) else str(item).strip()


def expected_leads(mapping: SignalTable, told: Told) -> int:
    """How many leads an array should have."""
    return len(mapping.leads) or len(told.names) or len(CANONICAL)


def _texts(value: Any) -> tuple[str, ...]:
    array = np.asarray(value)
    if array.ndim != 1 or not 0 < array.size <= 512 or array.dtype.kind not in "OSUT":
        return ()
    return tuple(text_of(part) for part in array)


def _rate(found: Mapping[str, Any]) -> float | None:
    for name in RATE_NAMES:
        value = np.asarray(found.get(name, np.nan))
        if value.size == 1 and value.dtype.kind in "iuf" and np.isfinite(value).all():
            return float(value.reshape(-1)[0])
    return None


def _plain(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The machine's own byte order; half precision and long doubles as float64 (they decode exactly or nearly so)."""
    if dtype.kind == "f" and dtype.itemsize not in (4, 8):
        return np.dtype(np.float64)
    return dtype.newbyteorder("=")

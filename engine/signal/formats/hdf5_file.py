"""HDF5 files of one ECG or of many; the layout of CODE-15 % is known, others are told by a mapping.

CODE-15 % (Ribeiro et al. 2021, doi 10.5281/zenodo.4916206): `tracings` [N, 4096, 12] at 400 Hz, padded with zeros,
`exam_id` [N], and `exams.csv` beside it. One recording is read at a time; links to other files are never followed.

Shapes: N recordings, K leads, T samples.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np

from engine.contract.mapping import SignalTable
from engine.signal.acquisition import Statement
from engine.signal.assemble import About, decoded_limit, refusal
from engine.signal.formats import arrays
from engine.signal.formats.content import numeric
from engine.signal.formats.persons import age_in_years
from engine.signal.formats.table import Told, table_recording
from engine.signal.formats.tabular import Looked, stamp
from engine.signal.leads import CANONICAL
from engine.signal.own_reader import own_reader
from engine.signal.recording import Recording
from engine.signal.sources import Source

NAME = "HDF5"

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_BEHIND_MATLAB = 512
"""Where the signature stands in MATLAB files of level 7.3: behind a header of their own."""
_CODE = "CODE-15 %"
_CODE_SAMPLES, _CODE_HZ = 4096, 400.0
_CODE_LABELS = ("1dAVb", "RBBB", "LBBB", "SB", "ST", "AF", "normal_ecg")
MAX_DATASETS = 100_000
MAX_ID_BYTES = 2**26
"""Of the names of all recordings; wider ones are left, and the recordings called by their number."""
EVERY = "/*"
"""Ends the name of a group of which every dataset is one recording."""


@dataclass(frozen=True)
class _Found:
    """What stands where in a file."""

    dataset: str
    axes: str
    told: Told
    rows: dict[str, int]
    code: bool = False


@dataclass(frozen=True)
class _Exam:
    """A line of exams.csv."""

    age: float | None
    sex: Literal["female", "male", "unknown"]
    patient: str | None = field(repr=False)
    positive: tuple[str, ...] = ()


def sniff(head: bytes, path: Path) -> bool:
    """Known by its signature."""
    return head.startswith(_SIGNATURE) or head.startswith(_SIGNATURE, _BEHIND_MATLAB)


def members(path: Path, mapping: SignalTable) -> tuple[str, ...]:
    """Names of the recordings of a file that holds many; empty where it is one. Raises WorldError."""
    return tuple(_found(*stamp(path), mapping).rows)


def look(source: Source, mapping: SignalTable) -> Looked:
    """The numbers of one recording and what is told of them. Raises WorldError."""
    found = _found(*stamp(source.path), mapping)
    if source.member and source.member not in found.rows:
        raise refusal("it has no recording of this name", "See isoline import --preview")
    name = found.dataset
    if name.endswith(EVERY):
        name = f"{name.removesuffix(EVERY)}/{source.member}".lstrip("/")
    with _Open(source.path) as file:
        dataset = _by_path(file, name)
        axes = found.axes or arrays.axes_of(dataset.shape, mapping, arrays.expected_leads(mapping, found.told))
        return Looked(arrays.cut(dataset, axes, found.rows.get(source.member)), found.told)


def read(source: Source, digest: bool, mapping: SignalTable) -> Recording:
    """Read one recording. Raises WorldError with the reason when that cannot be."""
    looked = look(source, mapping)
    found = _found(*stamp(source.path), mapping)
    about = About(
        format=f"{NAME}, {_CODE}" if found.code else NAME,
        reader=own_reader("hdf5"),
        source_name=source.name,
        file_sha256=arrays.digest_of(looked.values_KT, digest),
    )
    if not found.code:
        return table_recording(looked.values_KT, looked.told, mapping, about)
    values_KT, done = arrays.without_padding(looked.values_KT)
    told = _of_exam(source, digest=about.file_sha256, done=done)
    return table_recording(values_KT, looked.told, mapping, told)


@lru_cache(maxsize=4)
def _found(path: Path, _seen: int, mapping: SignalTable) -> _Found:
    with _Open(path) as file:
        datasets = _datasets(file)
        if not mapping.dataset and _is_code(datasets):
            count = datasets["tracings"].shape[0]
            rows = arrays.member_rows(count, _ids(datasets["exam_id"], count))
            told = Told(CANONICAL, _CODE_HZ, "mV", f"the layout of {_CODE}", assumed_unit=True)
            return _Found("tracings", "record,time,lead", told, rows, code=True)
        small = {
            name: value[()] for name, value in datasets.items() if value.shape is not None and arrays.is_small(value)
        }
        told = arrays.told_by(small | dict(file.attrs), "the file")
        if mapping.dataset.endswith(EVERY):
            group = mapping.dataset.removesuffix(EVERY).strip("/")
            inside = [name.rpartition("/")[2] for name in datasets if name.rpartition("/")[0] == group]
            return _Found(f"{group}{EVERY}", "", told, dict.fromkeys(inside, -1))
        leads = arrays.expected_leads(mapping, told)
        name = arrays.choose(datasets, mapping, leads)
        told = arrays.told_by(small | dict(file.attrs) | dict(datasets[name].attrs), "the file")
        axes = arrays.axes_of(datasets[name].shape, mapping, arrays.expected_leads(mapping, told))
        return _Found(name, axes, told, _rows(datasets, name, axes, mapping))


def _rows(datasets: Mapping[str, Any], name: str, axes: str, mapping: SignalTable) -> dict[str, int]:
    if not axes.startswith("record,"):
        return {}
    beside = f"{name.rpartition('/')[0]}/".lstrip("/")
    wanted = [mapping.ids] if mapping.ids else [beside + ids for ids in arrays.ID_NAMES if beside + ids in datasets]
    count = datasets[name].shape[0]
    return arrays.member_rows(count, _ids(datasets.get(wanted[0]) if wanted else None, count))


def _ids(dataset: Any, count: int) -> Any:
    """Names of so many recordings, read once it is certain that they are no more than a file may hold."""
    arrays.check_recordings(count)
    if dataset is None or dataset.shape != (count,) or count * dataset.dtype.itemsize > MAX_ID_BYTES:
        return None
    return dataset[:]


class _Open:
    """A file open for reading; whatever the library falls over is told as a refusal."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> Any:
        import h5py

        try:
            self.file = h5py.File(self.path, "r", locking=False)
        except (OSError, ValueError, RuntimeError) as error:
            raise _damaged(error) from None
        return self.file

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, *_: object) -> None:
        self.file.close()
        foreign = (OSError, RuntimeError, ValueError, KeyError, TypeError, AttributeError, OverflowError,
                   MemoryError)  # fmt: skip
        if isinstance(error, foreign) and not isinstance(error, UnicodeError):
            raise _damaged(error) from None


def _damaged(error: BaseException) -> Exception:
    return refusal(f"it is no whole HDF5 file ({type(error).__name__})", "Copy the file again")


def _datasets(file: Any) -> dict[str, Any]:
    """All datasets by name. Links, soft and to other files, are not followed: a visit never does."""
    import h5py

    found: dict[str, Any] = {}

    def note(name: str, thing: Any) -> bool | None:
        if isinstance(thing, h5py.Dataset) and not _is_foreign(thing):
            found[name] = thing
        return True if len(found) > MAX_DATASETS else None

    try:
        file.visititems(note)
    except UnicodeDecodeError:
        raise refusal("the name of one of its datasets is no text", "Export it again from its source") from None
    return found


def _by_path(file: Any, name: str) -> Any:
    import h5py

    place = file
    for part in name.split("/"):
        if not isinstance(place, h5py.Group) or not isinstance(place.get(part, getlink=True), h5py.HardLink):
            raise refusal("it has no recording of this name", "See isoline import --preview")
        place = place[part]
    if not isinstance(place, h5py.Dataset) or _is_foreign(place):
        raise refusal("its samples do not stand in it", "Copy them into this file")
    return place


def _is_foreign(dataset: Any) -> bool:
    """Whether its samples stand in other files, or nowhere, or come in pieces too large to be unpacked."""
    if dataset.is_virtual or dataset.external or (dataset.chunks and not dataset.id.get_storage_size()):
        return True
    chunk = int(np.prod(dataset.chunks, dtype=np.float64)) * dataset.dtype.itemsize if dataset.chunks else 0
    return chunk > decoded_limit()


def _is_code(datasets: Mapping[str, Any]) -> bool:
    tracings, ids = datasets.get("tracings"), datasets.get("exam_id")
    if tracings is None or ids is None or len(tracings.shape) != 3:
        return False
    return bool(tracings.shape[1:] == (_CODE_SAMPLES, len(CANONICAL)) and ids.shape == tracings.shape[:1])


def _of_exam(source: Source, digest: str, done: tuple[str, ...]) -> About:
    exams = source.path.with_name("exams.csv")
    exam = _exams(*stamp(exams), source.path.name).get(source.member) if exams.is_file() else None
    positive = exam.positive if exam else ()
    return About(
        format=f"{NAME}, {_CODE}",
        reader=own_reader("hdf5"),
        source_name=source.name,
        file_sha256=digest,
        age=exam.age if exam else None,
        sex=exam.sex if exam else "unknown",
        patient=exam.patient if exam else None,
        transformations=done,
        statements=tuple(Statement(code=label, system=_CODE, source="report") for label in positive),
        identifiers=(("patient id", exam.patient),) if exam and exam.patient else (),
    )


@lru_cache(maxsize=2)
def _exams(path: Path, _seen: int, trace_file: str) -> dict[str, _Exam]:
    """Lines of exams.csv that belong to one file, by exam id. Raises WorldError when it cannot be read."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = csv.DictReader(file)
            return {
                line["exam_id"]: _exam(line)
                for line in lines
                if line.get("exam_id") and line.get("trace_file") in (trace_file, None, "")
            }
    except (OSError, UnicodeError, csv.Error) as error:
        raise refusal(f"the exams.csv beside it cannot be read ({type(error).__name__})", "Copy it again") from None


def _exam(line: Mapping[str, str | None]) -> _Exam:
    male = (line.get("is_male") or "").strip().casefold()
    sex: dict[str, Literal["female", "male"]] = {"true": "male", "1": "male", "false": "female", "0": "female"}
    positive = tuple(name for name in _CODE_LABELS if (line.get(name) or "").strip().casefold() in ("true", "1", "1.0"))
    return _Exam(age_in_years(numeric(line.get("age"))), sex.get(male, "unknown"), line.get("patient_id"), positive)

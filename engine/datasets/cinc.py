"""CPSC2018, CPSC-Extra, Georgia and Ningbo, as the PhysioNet/CinC Challenge 2021 publishes them.

WFDB headers with Age, Sex and Dx (SNOMED CT codes) in their comments, in folders `g1`, `g2`, ... or without. Which
corpus a record belongs to shows in its name. CPSC2018 is also read in its first layout, see `cpsc2018`. Patients are
not told: every record counts as one.

The study keeps only records of at least 10 s for CPSC2018, CPSC-Extra and Georgia, and drops diagnoses with fewer
than 10 records (method specification, section 5.1).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from engine.datasets import cpsc2018
from engine.datasets.dataset import Dataset, Entry, Reader
from engine.datasets.snomed import abbreviation
from engine.datasets.tasks import Task
from engine.datasets.wfdb_headers import Header, walk_headers

LAST_CHAPMAN = 10646
"""In the Challenge, JS00001 to JS10646 are Chapman-Shaoxing, the rest is Ningbo."""
LEAST_S = 10.0
_CITATION = (
    "Reyna MA, Sadr N, Perez Alday EA, et al. Will Two Do? Varying Dimensions in Electrocardiography: The "
    "PhysioNet/Computing in Cardiology Challenge 2021. Computing in Cardiology 48 (2021)"
)
_ACCESS = "open: PhysioNet, 'Will Two Do? Varying Dimensions in Electrocardiography', version 1.0.3, folder training"
_LICENCE = "CC BY 4.0"
_PEOPLE = "patients are not told: records of one patient may stand on both sides of a split"


def _reader(scheme: str, belongs: re.Pattern[str], least_s: float, after: int = 0) -> Reader:
    def read(folder: Path) -> Iterator[Entry]:
        """Entries of one corpus among those that may share the folder, by path."""
        for header in walk_headers(folder):
            name = belongs.fullmatch(header.record)
            if name and int(name[1]) > after and (header.seconds is None or header.seconds >= least_s):
                yield entry(header, scheme)

    return read


def _read_cpsc2018(folder: Path) -> Iterator[Entry]:
    """In either of its layouts: MATLAB structs as first given out, or WFDB as in the Challenges of 2020 and 2021."""
    if cpsc2018.is_original(folder):
        return cpsc2018.read(folder, LEAST_S, "cpsc2018")
    return _reader("cpsc2018", re.compile(r"A(\d+)"), LEAST_S)(folder)


def entry(header: Header, scheme: str) -> Entry:
    """One record; without a Dx line its diagnoses are unknown, not absent."""
    stated = header.codes
    return Entry(
        source=header.path,
        record=header.record,
        age=header.age,
        sex=header.sex,
        codes={} if stated is None else {scheme: tuple(abbreviation(code) for code in stated)},
    )


def _task(name: str, title: str, outputs: int) -> Task:
    return Task(
        name=name,
        dataset=name,
        title=title,
        category="adult ECG interpretation",
        kind="multi-label",
        outputs=outputs,
        scheme=name,
        split="10 stratified folds, not by patient",
    )


def _dataset(
    name: str,
    title: str,
    folder: str,
    records: int,
    read: Reader,
    *,
    first: str = "",
    patients: int | None = None,
    caution: str = _PEOPLE,
    marker: tuple[str, ...] = ("*.hea",),
) -> Dataset:
    """A part of the Challenge's training data; `first` is the paper that came before the Challenge's own."""
    return Dataset(
        name=name,
        title=title,
        records=records,
        patients=patients,
        purpose="evaluation",
        licence=_LICENCE,
        citation=f"{first} {_CITATION}".strip(),
        access=f"{_ACCESS}/{folder}",
        marker=marker,
        read=read,
        verified="real data",
        caution=caution,
    )


_CPSC = "Liu F, et al. J Med Imaging Health Inform 8, 1368 (2018)."
_ZHENG = "Zheng J, et al. Optimal multi-stage arrhythmia classification approach. Sci Rep 10, 2898 (2020)."
_GAINS = "; the release of 2020 has wrong gains"

DATASETS = (
    _dataset(
        "cpsc2018",
        "CPSC2018, China Physiological Signal Challenge",
        "cpsc_2018",
        6877,
        _read_cpsc2018,
        first=_CPSC,
        marker=("*.hea", "REFERENCE.csv"),
    ),
    _dataset(
        "cpsc-extra",
        "CPSC-Extra, unused records of CPSC2018",
        "cpsc_2018_extra",
        3453,
        _reader("cpsc-extra", re.compile(r"Q(\d+)"), LEAST_S),
        first=_CPSC,
    ),
    _dataset(
        "georgia",
        "Georgia 12-lead ECG Challenge Database",
        "georgia",
        10344,
        _reader("georgia", re.compile(r"E(\d+)"), LEAST_S),
        caution=_PEOPLE + _GAINS,
    ),
    _dataset(
        "ningbo",
        "Ningbo First Hospital",
        "ningbo",
        34905,
        _reader("ningbo", re.compile(r"JS(\d+)"), 0.0, LAST_CHAPMAN),
        first=_ZHENG,
        patients=34905,
        caution="",
    ),
)

TASKS = (
    _task("cpsc2018", "CPSC2018, 9 diagnoses", 9),
    _task("cpsc-extra", "CPSC-Extra", 33),
    _task("georgia", "Georgia", 50),
    _task("ningbo", "Ningbo", 68),
)

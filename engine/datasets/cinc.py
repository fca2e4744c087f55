"""CPSC2018, CPSC-Extra, Georgia and Ningbo, as the PhysioNet/CinC Challenge 2021 publishes them.

WFDB headers with Age, Sex and Dx (SNOMED CT codes) in their comments, in folders `g1`, `g2`, ... or without. Which
corpus a record belongs to shows in its name. Patients are not told: every record counts as one.

The study keeps only records of at least 10 s for CPSC2018, CPSC-Extra and Georgia, and drops diagnoses with fewer
than 10 records (method specification, section 5.1).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

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
        for header in walk_headers(folder):
            name = belongs.fullmatch(header.record)
            if name and int(name[1]) > after and (header.seconds is None or header.seconds >= least_s):
                yield entry(header, scheme)

    return read


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


DATASETS = (
    Dataset(
        name="cpsc2018",
        title="CPSC2018, China Physiological Signal Challenge",
        records=6877,
        patients=None,
        purpose="evaluation",
        licence=_LICENCE,
        citation="Liu F, et al. J Med Imaging Health Inform 8, 1368 (2018). " + _CITATION,
        access=_ACCESS + "/cpsc_2018",
        marker=("*.hea",),
        read=_reader("cpsc2018", re.compile(r"A(\d+)"), LEAST_S),
        verified="real data",
        caution=_PEOPLE,
    ),
    Dataset(
        name="cpsc-extra",
        title="CPSC-Extra, unused records of CPSC2018",
        records=3453,
        patients=None,
        purpose="evaluation",
        licence=_LICENCE,
        citation="Liu F, et al. J Med Imaging Health Inform 8, 1368 (2018). " + _CITATION,
        access=_ACCESS + "/cpsc_2018_extra",
        marker=("*.hea",),
        read=_reader("cpsc-extra", re.compile(r"Q(\d+)"), LEAST_S),
        verified="real data",
        caution=_PEOPLE,
    ),
    Dataset(
        name="georgia",
        title="Georgia 12-lead ECG Challenge Database",
        records=10344,
        patients=None,
        purpose="evaluation",
        licence=_LICENCE,
        citation=_CITATION,
        access=_ACCESS + "/georgia",
        marker=("*.hea",),
        read=_reader("georgia", re.compile(r"E(\d+)"), LEAST_S),
        verified="real data",
        caution=_PEOPLE + "; the release of 2020 has wrong gains",
    ),
    Dataset(
        name="ningbo",
        title="Ningbo First Hospital",
        records=34905,
        patients=34905,
        purpose="evaluation",
        licence=_LICENCE,
        citation="Zheng J, et al. Optimal multi-stage arrhythmia classification approach. Sci Rep 10, 2898 (2020). "
        + _CITATION,
        access=_ACCESS + "/ningbo",
        marker=("*.hea",),
        read=_reader("ningbo", re.compile(r"JS(\d+)"), 0.0, LAST_CHAPMAN),
        verified="real data",
    ),
)

TASKS = (
    _task("cpsc2018", "CPSC2018, 9 diagnoses", 9),
    _task("cpsc-extra", "CPSC-Extra", 33),
    _task("georgia", "Georgia", 50),
    _task("ningbo", "Ningbo", 68),
)

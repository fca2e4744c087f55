"""CPSC2018 as the China Physiological Signal Challenge gave it out: MATLAB structs and a table of references.

Layout: `A0001.mat`, ... in one or several folders (`TrainingSet1` to `3`), each a struct `ECG` with sex, age and
samples at 500 Hz; `REFERENCE.csv` with Recording and up to three labels from 1 to 9 (Liu et al. 2018, J Med Imaging
Health Inform 8, 1368, table 1). The Challenges of 2020 and 2021 publish the same recordings in WFDB with SNOMED CT
codes; the labels are told here by the codes that stand there, so that both layouts give one and the same task.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from engine.contract.errors import WorldError
from engine.datasets.dataset import Entry
from engine.datasets.snomed import abbreviation
from engine.datasets.tables import read_table, walk
from engine.signal.formats.matlab_file import seconds_of

TABLE = "reference.csv"
LABELS = {
    "1": "426783006",  # normal
    "2": "164889003",  # atrial fibrillation
    "3": "270492004",  # first-degree atrioventricular block
    "4": "164909002",  # left bundle branch block
    "5": "59118001",  # right bundle branch block
    "6": "284470004",  # premature atrial contraction
    "7": "164884008",  # premature ventricular contraction, in the Challenges "ventricular ectopics"
    "8": "429622005",  # ST-segment depression
    "9": "164931005",  # ST-segment elevation
}
"""SNOMED CT code of each label."""
_NEEDED = ("Recording", "First_label", "Second_label", "Third_label")
_NAME = re.compile(r"A\d{4}\.mat")


def is_original(folder: Path) -> bool:
    """Whether the folder holds this layout: a table of references, and no WFDB header."""
    names = [name.lower() for _, files in walk(folder) for name in files]
    return TABLE in names and not any(name.endswith(".hea") for name in names)


def read(folder: Path, least_s: float, scheme: str) -> Iterator[Entry]:
    """Entries by folder and name; a recording that the table does not list has unknown diagnoses.

    Args:
        folder: where it was unpacked to.
        least_s: shorter recordings are left out; those that cannot be read are left for the import to tell of.
        scheme: of the codes.

    Raises:
        WorldError: the table cannot be read, or a label of it is none of the nine.
    """
    labels: dict[str, tuple[str, ...]] = {}
    found: list[Path] = []
    for place, names in walk(folder):
        for name in names:
            if name.lower() == TABLE:
                labels |= {row["Recording"]: _codes(row) for row in read_table(place / name, _NEEDED)}
            elif _NAME.fullmatch(name):
                found.append(place / name)
    for path in found:
        if _lasts(path, least_s):
            stated = labels.get(path.stem)
            codes = {} if stated is None else {scheme: stated}
            yield Entry(source=path.relative_to(folder).as_posix(), record=path.stem, codes=codes)


def _codes(row: dict[str, str]) -> tuple[str, ...]:
    stated = [row[name].removesuffix(".0") for name in _NEEDED[1:] if row[name]]
    if not stated or not set(stated) <= set(LABELS):
        raise WorldError(
            "table REFERENCE.csv", "a label of it is none from 1 to 9", "Use the table as it was published"
        )
    return tuple(dict.fromkeys(abbreviation(LABELS[label]) for label in stated))


def _lasts(path: Path, least_s: float) -> bool:
    try:
        seconds = seconds_of(path)
    except WorldError:
        return True
    return seconds is None or seconds >= least_s

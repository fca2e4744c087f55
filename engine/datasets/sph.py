"""Shandong Provincial Hospital: 25,770 ECGs with AHA/ACC/HRS statements and their modifiers, as HDF5.

Layout: `metadata.csv` (ECG_ID, AHA_Code, Patient_ID, Age, Sex, N, Date) and `records/<ECG_ID>.h5` with `ecg` [12, T] in
millivolts at 500 Hz. AHA codes are separated by ";", a statement's modifiers by "+".
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from engine.contract.mapping import SignalTable
from engine.datasets.dataset import Dataset, Entry
from engine.datasets.tables import find_table, number, read_table
from engine.datasets.tasks import Task
from engine.datasets.wfdb_headers import SEXES
from engine.signal.leads import CANONICAL

_NEEDED = ("ECG_ID", "AHA_Code", "Patient_ID", "Age", "Sex")


def read(folder: Path) -> Iterator[Entry]:
    """Entries in the order of the table."""
    for row in read_table(find_table(folder, "metadata.csv"), _NEEDED):
        stated = [text.strip() for text in row["AHA_Code"].split(";") if text.strip()]
        primary = tuple(dict.fromkeys(text.split("+")[0].strip() for text in stated))
        yield Entry(
            source=f"records/{row['ECG_ID']}.h5",
            record=row["ECG_ID"],
            patient=row["Patient_ID"],
            age=number(row["Age"]),
            sex=SEXES.get(row["Sex"].lower(), "unknown"),
            codes={"sph": primary, "sph-modified": tuple(stated)},
        )


DATASETS = (
    Dataset(
        name="sph",
        title="Shandong Provincial Hospital",
        records=25770,
        patients=24666,
        purpose="evaluation",
        licence="CC BY 4.0",
        citation="Liu H, Chen D, Chen D, et al. A large-scale multi-label 12-lead electrocardiogram database with "
        "standardized diagnostic statements. Scientific Data 9, 272 (2022)",
        access="open: figshare collection 5779802",
        marker=("metadata.csv",),
        read=read,
        mapping=SignalTable(rate_hz=500, unit="mV", dataset="ecg", axes="lead,time", leads=CANONICAL),
    ),
)
TASKS = (
    Task(
        "sph",
        "sph",
        "SPH, primary statements",
        "adult ECG interpretation",
        "multi-label",
        35,
        "10 folds by patient, stratified by statements, sex and age",
        scheme="sph",
    ),
)

"""Chapman-Shaoxing: 10,646 ECGs with one rhythm and further conditions each, as CSV files in microvolts.

Layout: `Diagnostics.xlsx` (FileName, Rhythm, Beat, PatientAge, Gender) and `ECGData/<FileName>.csv` with the leads'
names as header. One recording a patient. The denoised files beside them are not used, as in the study.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from engine.contract.mapping import SignalTable
from engine.datasets.dataset import Dataset, Entry
from engine.datasets.tables import find_table, number, read_sheet, read_table
from engine.datasets.tasks import Task
from engine.datasets.wfdb_headers import SEXES

_NEEDED = ("FileName", "Rhythm", "Beat", "PatientAge", "Gender")


def read(folder: Path) -> Iterator[Entry]:
    """Entries in the order of the table."""
    path = find_table(folder, "Diagnostics.xlsx", "Diagnostics.csv")
    for row in read_sheet(path, _NEEDED) if path.suffix.lower() == ".xlsx" else read_table(path, _NEEDED):
        rhythm = tuple(row["Rhythm"].split())
        conditions = tuple(code for code in row["Beat"].split() if code != "NONE")
        yield Entry(
            source=f"ECGData/{row['FileName']}.csv",
            record=row["FileName"],
            patient=row["FileName"],
            age=number(row["PatientAge"]),
            sex=SEXES.get(row["Gender"].lower(), "unknown"),
            codes={"chapman": conditions + rhythm, "chapman-rhythm": rhythm},
        )


_SPLIT = "10 stratified folds; one recording a patient"
DATASETS = (
    Dataset(
        name="chapman",
        title="Chapman University and Shaoxing People's Hospital",
        records=10646,
        patients=10646,
        purpose="evaluation",
        licence="CC BY 4.0",
        citation="Zheng J, Zhang J, Danioko S, et al. A 12-lead electrocardiogram database for arrhythmia research "
        "covering more than 10,000 patients. Scientific Data 7, 48 (2020)",
        access="open: figshare collection 4560497",
        marker=("Diagnostics.xlsx", "Diagnostics.csv"),
        read=read,
        mapping=SignalTable(rate_hz=500, unit="uV"),
        caution="also part of the PhysioNet/CinC Challenge 2021 (JS00001 to JS10646)",
    ),
)
TASKS = (
    Task(
        "chapman",
        "chapman",
        "Chapman, rhythms and conditions",
        "adult ECG interpretation",
        "multi-label",
        42,
        _SPLIT,
        scheme="chapman",
        note="the study keeps the word NONE as a condition where another condition stands beside it; we never do",
    ),
    Task(
        "chapman-rhythm",
        "chapman",
        "Chapman, rhythms",
        "adult ECG interpretation",
        "multi-label",
        None,
        _SPLIT,
        scheme="chapman-rhythm",
        note="the study does not tell how many rhythms it counts",
    ),
)

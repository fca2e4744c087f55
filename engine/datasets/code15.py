"""CODE-15 %: 345,779 ECGs of the telehealth network of Minas Gerais; a pretraining corpus of the study.

Layout: `exams.csv` and `exams_part<n>.hdf5` with `exam_id` [N] and `tracings` [N, 4096, 12] at 400 Hz in millivolts,
zeros before and after recordings that are shorter. The reader of HDF5 files takes the zeros off.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from engine.contract.errors import WorldError
from engine.contract.mapping import SignalTable
from engine.datasets.dataset import Dataset, Entry, Sex
from engine.datasets.tables import Row, find_table, number, read_table

FINDINGS = ("1dAVb", "RBBB", "LBBB", "SB", "ST", "AF")
_NEEDED = ("exam_id", "patient_id", "age", "is_male", "trace_file", *FINDINGS)
_TRUE = {"true": 1.0, "false": 0.0, "1": 1.0, "0": 0.0}
_SEX: dict[float, Sex] = {1.0: "male", 0.0: "female"}


def read(folder: Path) -> Iterator[Entry]:
    """Entries in the order of the files, and of the exams in each; an exam without a row in the table is left out.

    The corpus comes in eighteen files: those that were not downloaded are left out.

    Raises:
        WorldError: none of the files is there, one cannot be read, or the table names one outside the folder.
    """
    exams = {row["exam_id"]: row for row in read_table(find_table(folder, "exams.csv"), _NEEDED)}
    parts = sorted({row["trace_file"] for row in exams.values() if row["trace_file"]})
    for part in parts:
        if Path(part).name != part:
            raise WorldError("table exams.csv", "a trace file lies outside the folder", "Use the table as published")
    here = [part for part in parts if (folder / part).is_file()]
    if not here:
        reason = "none of its files of tracings (exams_part0.hdf5, ...) is in the folder"
        raise WorldError("corpus CODE-15", reason, "Unpack them beside exams.csv")
    for part in here:
        for exam in _exam_ids(folder / part):
            if exam in exams:
                yield _entry(exams[exam], f"{part}::{exam}")


def _exam_ids(path: Path) -> list[str]:
    import h5py

    try:
        with h5py.File(path, "r") as file:
            return [str(int(exam)) for exam in file["exam_id"][:]]
    except (OSError, KeyError, ValueError, TypeError) as error:
        reason = f"a file of tracings cannot be read ({type(error).__name__})"
        raise WorldError("corpus CODE-15", reason, "Download it again, or take it out of the folder") from None


def _entry(row: Row, source: str) -> Entry:
    flags = {name: _TRUE.get(row[name].lower()) for name in FINDINGS}
    male = _TRUE.get(row["is_male"].lower())
    return Entry(
        source=source,
        record=row["exam_id"],
        patient=row["patient_id"],
        age=number(row["age"]),
        sex="unknown" if male is None else _SEX[male],
        values={name: value for name, value in flags.items() if value is not None},
    )


DATASETS = (
    Dataset(
        name="code15",
        title="CODE-15 %",
        records=345779,
        patients=233770,
        purpose="pretraining",
        licence="CC BY 4.0",
        citation="Ribeiro AH, Paixao GMM, Lima EM, et al. CODE-15%: a large scale annotated dataset of 12-lead ECGs. "
        "Zenodo (2021)",
        access="open: Zenodo record 4916206",
        marker=("exams.csv",),
        read=read,
        mapping=SignalTable(rate_hz=400, unit="mV", dataset="tracings", ids="exam_id", axes="record,time,lead"),
        verified="layout only",
    ),
)

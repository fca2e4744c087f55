"""HEEDB, the Harvard-Emory ECG Database: eleven million ECGs; the pretraining corpus of the study.

Two layouts are known from published code. The older one has `Metadata/demographics_ECG.csv` (FileName, BDSPPatientID,
SexDSC, Age) and `Metadata/duplicated.csv`, with WFDB records below `ECG/WFDB/`. The newer one has a folder
`WFDB/<year>/` for each site; the columns of its tables are not published, so its recordings are read without
patients, ages or statements.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from engine.datasets.dataset import Dataset, Entry
from engine.datasets.tables import find_table, has_table, number, read_table
from engine.datasets.wfdb_headers import SEXES, walk_headers

_NEEDED = ("FileName", "BDSPPatientID", "SexDSC", "Age")


def read(folder: Path) -> Iterator[Entry]:
    """Entries by the table where it is there, else every WFDB record; recordings listed as duplicated are left out."""
    tables = folder / "Metadata"
    if not has_table(tables, "demographics_ECG.csv"):
        yield from read_site(folder)
        return
    doubled = _duplicated(tables)
    for row in read_table(find_table(tables, "demographics_ECG.csv"), _NEEDED):
        record = Path(row["FileName"]).stem
        if record not in doubled:
            yield Entry(
                source="ECG/WFDB/" + row["FileName"].lstrip("/"),
                record=record,
                patient=row["BDSPPatientID"],
                age=number(row["Age"]),
                sex=SEXES.get(row["SexDSC"].lower(), "unknown"),
            )


def read_site(folder: Path) -> Iterator[Entry]:
    """Every WFDB record of a site, without patients."""
    for header in walk_headers(folder / "WFDB" if (folder / "WFDB").is_dir() else folder):
        inside = "WFDB/" if (folder / "WFDB").is_dir() else ""
        yield Entry(source=inside + header.path, record=header.record, age=header.age, sex=header.sex)


def _duplicated(tables: Path) -> set[str]:
    if not has_table(tables, "duplicated.csv"):
        return set()
    rows = read_table(find_table(tables, "duplicated.csv"), ("file_name",))
    return {Path(row["file_name"]).stem for row in rows}


_CITATION = (
    "Koscova Z, Li Q, Robichaux C, et al. The Harvard-Emory ECG Database. medRxiv (2024); Brain Data Science Platform"
)
_ACCESS = "on request: bdsp.io, 'Harvard-Emory ECG Database' (training and data use agreement)"
_LICENCE = "BDSP Credentialed Health Data License"
DATASETS = (
    Dataset(
        name="heedb",
        title="HEEDB, Massachusetts General Hospital",
        records=10608417,
        patients=1818247,
        purpose="pretraining",
        licence=_LICENCE,
        citation=_CITATION,
        access=_ACCESS,
        marker=("Metadata", "WFDB"),
        read=read,
    ),
    Dataset(
        name="heedb-emory",
        title="HEEDB, Emory University Hospital",
        records=1452964,
        patients=552481,
        purpose="pretraining",
        licence=_LICENCE,
        citation=_CITATION,
        access=_ACCESS,
        marker=("WFDB",),
        read=read_site,
        caution="the columns of its tables are not published: patients, ages and statements are not read",
    ),
)

"""HEEDB, the Harvard-Emory ECG Database: eleven million ECGs; the pretraining corpus of the study.

Three layouts are read, each told by its own tables:

- since version 3: a folder for each site (`I0001` Massachusetts General Hospital, `I0006` Emory), with
  `metadata/metadata.csv` (FileName, BDSPPatientID, AgeAtAcquisition in days, SexDSC or Sex) and records below `WFDB/`;
- before: `Metadata/demographics_ECG.csv` (FileName, BDSPPatientID, SexDSC, Age) and `Metadata/duplicated.csv`, with
  records below `ECG/WFDB/`;
- records alone, without patients.

The database is given out on request only; the newer layout is known from public code that reads it
(github.com/drfatihkoksal/ai-ecg-test-retest-reliability, build_manifests.py, for version 5), which tells that file
names of I0001 begin with a stroke below `WFDB` and those of I0006 with `WFDB/`, and that ages are days. Statements of
12SL and ICD codes lie in further tables (`12SL_diagnoses/`, `ICD_codes/`) and are not read: docs/importing.md says how
they are laid out, and why.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from engine.datasets.dataset import Dataset, Entry, Reader
from engine.datasets.tables import Row, find_table, has_table, number, read_table
from engine.datasets.wfdb_headers import SEXES, walk_headers

MGH, EMORY = "I0001", "I0006"
DAYS_A_YEAR = 365.25
_OLD = ("FileName", "BDSPPatientID", "SexDSC", "Age")
_NEW = ("FileName", "BDSPPatientID", "AgeAtAcquisition")


def read(folder: Path, site: str) -> Iterator[Entry]:
    """Entries by the tables where they are there, else every WFDB record.

    Args:
        folder: of the site, or one that holds it (`I0001`, `ECG/I0001`).
        site: which one.

    Raises:
        WorldError: a table lacks a column, or there is no record at all.
    """
    for place in (f"ECG/{site}", site, ""):
        if has_table(folder / place / "metadata", "metadata.csv"):
            return _read_site(folder, place)
    if has_table(folder / "Metadata", "demographics_ECG.csv"):
        return _read_old(folder)
    return _read_records(folder)


def _read_site(folder: Path, place: str) -> Iterator[Entry]:
    """One line a record; those that were not downloaded are left out, a site has ten million."""
    for row in read_table(find_table(folder / place / "metadata", "metadata.csv"), _NEW):
        source = "/".join(part for part in (place, _header_below(row["FileName"])) if part)
        if row["FileName"] and os.path.isfile(f"{folder}{os.sep}{source}"):
            days = number(row["AgeAtAcquisition"])
            yield _entry(source, row, row.get("SexDSC") or row.get("Sex", ""), days and days / DAYS_A_YEAR)


def _header_below(name: str) -> str:
    """Where below a site's folder the header of a record is; names are written with and without WFDB/ and .hea."""
    return f"WFDB/{name.removeprefix('.').lstrip('/').removeprefix('WFDB/').removesuffix('.hea')}.hea"


def _read_old(folder: Path) -> Iterator[Entry]:
    """Recordings listed as duplicated are left out."""
    tables = folder / "Metadata"
    doubled = _duplicated(tables)
    for row in read_table(find_table(tables, "demographics_ECG.csv"), _OLD):
        if Path(row["FileName"]).stem not in doubled:
            yield _entry("ECG/WFDB/" + row["FileName"].lstrip("/"), row, row["SexDSC"], number(row["Age"]))


def _entry(source: str, row: Row, sex: str, age: float | None) -> Entry:
    record, known = Path(source).stem, SEXES.get(sex.lower(), "unknown")
    return Entry(source=source, record=record, patient=row["BDSPPatientID"], age=age, sex=known)


def _read_records(folder: Path) -> Iterator[Entry]:
    inside = "WFDB/" if (folder / "WFDB").is_dir() else ""
    for header in walk_headers(folder / inside):
        yield Entry(source=inside + header.path, record=header.record, age=header.age, sex=header.sex)


def _duplicated(tables: Path) -> set[str]:
    if not has_table(tables, "duplicated.csv"):
        return set()
    rows = read_table(find_table(tables, "duplicated.csv"), ("file_name",))
    return {Path(row["file_name"]).stem for row in rows}


def _dataset(name: str, title: str, records: int, patients: int, read: Reader, marker: tuple[str, ...]) -> Dataset:
    return Dataset(
        name=name,
        title=title,
        records=records,
        patients=patients,
        purpose="pretraining",
        licence="BDSP Credentialed Health Data License",
        citation="Koscova Z, Li Q, Robichaux C, et al. The Harvard-Emory ECG Database. medRxiv 2024.09.27.24314503; "
        "Brain Data Science Platform, doi 10.60508/rv6h-7d10",
        access="on request: bdsp.io, 'Harvard-Emory ECG Database' (training and data use agreement)",
        marker=marker,
        read=read,
        caution="12SL statements and ICD codes are not read; folders without tables give no patients",
    )


DATASETS = (
    _dataset(
        "heedb",
        "HEEDB, Massachusetts General Hospital",
        10608417,
        1818247,
        partial(read, site=MGH),
        ("Metadata", "metadata", MGH, "ECG", "WFDB"),
    ),
    _dataset(
        "heedb-emory",
        "HEEDB, Emory University Hospital",
        1452964,
        552481,
        partial(read, site=EMORY),
        ("metadata", EMORY, "ECG", "WFDB"),
    ),
)

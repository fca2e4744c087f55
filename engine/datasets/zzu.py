"""ZZU pECG: 14,190 ECGs of 11,643 children with AHA and Chinese statements and ICD-10 diagnoses; 12 or 9 leads.

Layout: `AttributesDictionary.csv`, `ECGCode.csv`, `DiseaseCode.csv`, and WFDB records below `Child_ecg/`. Lists of
codes are separated by ";" and quoted; ages are days ("572d"). AHA_code holds a phrase in place of a code where AHA
has none: the study drops such phrases, and so do we. Only recordings with 12 leads and at least 10 s are used.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from engine.datasets.dataset import Dataset, Entry
from engine.datasets.tables import Row, find_table, number, read_table
from engine.datasets.tasks import Task
from engine.datasets.wfdb_headers import SEXES

_NEEDED = ("Filename", "ECG_ID", "Patient_ID", "Age", "Gender", "Sampling_point", "Lead", "AHA_code", "ICD-10 code")
_LEAST_SAMPLES = 5000
_DAYS_A_YEAR = 365.25


def read(folder: Path) -> Iterator[Entry]:
    """Entries with 12 leads and at least 10 s, in the order of the table."""
    known = _descriptions(folder)
    for row in read_table(find_table(folder, "AttributesDictionary.csv"), _NEEDED):
        if number(row["Lead"]) == 12 and (number(row["Sampling_point"]) or 0) >= _LEAST_SAMPLES:
            yield _entry(row, known)


def _entry(row: Row, known: Mapping[str, str]) -> Entry:
    days = number(row["Age"].strip("'").removesuffix("d"))
    stated = tuple(dict.fromkeys(known[code] for code in listed(row["AHA_code"]) if code in known))
    return Entry(
        source=f"Child_ecg/{row['Filename']}.hea",
        record=row["ECG_ID"],
        patient=row["Patient_ID"],
        age=None if days is None else days / _DAYS_A_YEAR,
        sex=SEXES.get(row["Gender"].strip("'").lower(), "unknown"),
        codes={"zzu": stated, "zzu-icd": listed(row["ICD-10 code"])},
    )


def listed(text: str) -> tuple[str, ...]:
    """Codes of a cell: separated by ";", quoted, "Null" for none."""
    codes = (code.strip().strip("'").strip() for code in text.split(";"))
    return tuple(code for code in codes if code and code != "Null")


def _descriptions(folder: Path) -> dict[str, str]:
    """Words for AHA codes."""
    rows = read_table(find_table(folder, "ECGCode.csv"), ("Description", "AHA(Category&Code)"))
    return {
        row["AHA(Category&Code)"].strip("'"): row["Description"] for row in rows if row["AHA(Category&Code)"] != "N/A"
    }


DATASETS = (
    Dataset(
        name="zzu",
        title="ZZU pECG, First Affiliated Hospital of Zhengzhou University, children",
        records=14190,
        patients=11643,
        purpose="evaluation",
        licence="CC BY 4.0",
        citation="Tan B, et al. A pediatric ECG database with disease diagnosis covering 11643 children. Scientific "
        "Data 12 (2025)",
        access="open: figshare, 'ZZU-pECG'",
        marker=("AttributesDictionary.csv",),
        read=read,
    ),
)
TASKS = (
    Task(
        "zzu",
        "zzu",
        "ZZU pECG, AHA statements of recordings with 12 leads",
        "pediatric ECG interpretation",
        "multi-label",
        58,
        "10 folds by patient, stratified by disease category, sex and age",
        scheme="zzu",
    ),
)

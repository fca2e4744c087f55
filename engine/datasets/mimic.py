"""MIMIC-IV-ECG with the eleven tasks of the study, out of up to nine published tables.

Folder: `record_list.csv` and `files/` of MIMIC-IV-ECG; beside them or in folders below, as far as the hospital holds
them:

- `records_w_diag_icd10.csv` (MIMIC-IV-ECG-Ext-ICD): diagnoses, age, sex, folds, where the ECG was taken. Required.
- `machine_measurements.csv` (MIMIC-IV-ECG): ECG features.
- `mds_ed.csv` (multimodal emergency benchmark): deterioration, mortality, ICU.
- `omr.csv` (MIMIC-IV), `vitalsign.csv` (MIMIC-IV-ED), `labevents.csv` with `d_labitems.csv` (MIMIC-IV): biometrics,
  vital signs, laboratory values.

Population (method specification, section 5.1): ECGs taken in the emergency department, with diagnoses; in folds 18
and 19 only the first ECG of a stay. Where a table is missing, its targets are not known.

Differs from the study: it also takes weights, vital signs and five laboratory values from `chartevents` of the
intensive care unit (30 GB); we do not, so fewer of these targets are known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from math import sqrt
from pathlib import Path

from engine.datasets.dataset import Dataset, Entry
from engine.datasets.icd import is_circulatory, parse_list, with_ancestors
from engine.datasets.mimic_tables import (
    BIOMETRICS,
    FAR_S,
    LABORATORY,
    NEAR_S,
    VITALS,
    biometrics,
    laboratory,
    locate,
    vital_signs,
)
from engine.datasets.nearest import Series, nearest, parse_time, series
from engine.datasets.tables import Row, number, read_table
from engine.datasets.tasks import Category, Kind, Task
from engine.datasets.wfdb_headers import SEXES

DETERIORATION = ("severe_hypoxemia", "ecmo", "vasopressors", "inotropes", "mechanical_ventilation", "cardiac_arrest")
MORTALITY = tuple(f"mortality_{span}" for span in ("1d", "7d", "28d", "90d", "180d", "365d", "stay"))
ICU = ("icu_24h", "icu_stay")
FEATURES = ("RR", "QRS", "QT", "QTc", "P axis", "QRS axis", "T axis")
LEAST = 2000
VALIDATION, TEST = 18, 19
_UNDEFINED = -999.0

_DIAGNOSES = (
    "study_id",
    "subject_id",
    "ecg_time",
    "all_diag_all",
    "gender",
    "age",
    "ecg_no_within_stay",
    "ecg_taken_in_ed",
    "strat_fold",
)


def read(folder: Path) -> Iterator[Entry]:
    """Entries of the study's population in the order of the table of diagnoses."""
    paths = {
        row["study_id"]: row["path"] for row in read_table(locate(folder, "record_list.csv"), ("study_id", "path"))
    }
    population = [row for row in read_table(locate(folder, "records_w_diag_icd10.csv"), _DIAGNOSES) if _belongs(row)]
    people = {row["subject_id"] for row in population}
    measured = _Measured(folder, people)
    for row in population:
        if row["study_id"] in paths:
            yield _entry(row, paths[row["study_id"]], measured)


def _belongs(row: Row) -> bool:
    if row["ecg_taken_in_ed"].lower() != "true" or row["all_diag_all"] in ("", "[]"):
        return False
    held_out = number(row["strat_fold"]) in (VALIDATION, TEST)
    return not held_out or number(row["ecg_no_within_stay"]) == 0


class _Measured:
    """Targets of the other tables, as far as they are there."""

    def __init__(self, folder: Path, people: set[str]) -> None:
        self._features = _features(folder)
        self._outcomes = _outcomes(folder)
        self._far: Series = series(biometrics(folder, people))
        self._near: Series = series([*vital_signs(folder, people), *laboratory(folder, people)])

    def of(self, study: str, patient: str, time: datetime | None) -> dict[str, float]:
        values = {**self._features.get(study, {}), **self._outcomes.get(study, {})}
        if time is not None:
            asked = [(self._far, name, FAR_S) for name in BIOMETRICS]
            asked += [(self._near, name, NEAR_S) for name in VITALS + LABORATORY]
            for found, name, within in asked:
                value = nearest(found, patient, name, time, within)
                if value is not None:
                    values[name] = value
        return values


def _entry(row: Row, path: str, measured: _Measured) -> Entry:
    codes = with_ancestors(parse_list(row["all_diag_all"]))
    sex = SEXES.get(row["gender"].lower(), "unknown")
    values = measured.of(row["study_id"], row["subject_id"], parse_time(row["ecg_time"]))
    age, fold = number(row["age"]), number(row["strat_fold"])
    if age is not None:
        values["age"] = age
    if sex != "unknown":
        values["male"] = float(sex == "male")
    return Entry(
        source=path + ".hea",
        record=row["study_id"],
        patient=row["subject_id"],
        age=age,
        sex=sex,
        fold=None if fold is None else int(fold),
        codes={
            "mimic-cardiac": tuple(code for code in codes if is_circulatory(code)),
            "mimic-noncardiac": tuple(code for code in codes if not is_circulatory(code)),
        },
        values=values,
    )


def _features(folder: Path) -> dict[str, dict[str, float]]:
    """Intervals (ms) and axes (degrees) of the machine, out of range left out."""
    needed = ("study_id", "rr_interval", "qrs_onset", "qrs_end", "t_end", "p_axis", "qrs_axis", "t_axis")
    path = locate(folder, "machine_measurements.csv", required=False)
    return {row["study_id"]: features(row) for row in read_table(path, needed)} if path else {}


def features(row: Mapping[str, str]) -> dict[str, float]:
    """The seven ECG features of a row of machine measurements. QTc is Bazett's: QT over the root of RR in seconds."""
    ms = {name: _within(row[name], 0, 5000) for name in ("rr_interval", "qrs_onset", "qrs_end", "t_end")}
    rr, onset, end, t_end = ms["rr_interval"], ms["qrs_onset"], ms["qrs_end"], ms["t_end"]
    qt = None if t_end is None or onset is None else t_end - onset
    found = {
        "RR": rr,
        "QRS": None if end is None or onset is None else end - onset,
        "QT": qt,
        "QTc": qt / sqrt(rr / 1000) if qt is not None and rr else None,
        "P axis": _within(row["p_axis"], -360, 360),
        "QRS axis": _within(row["qrs_axis"], -360, 360),
        "T axis": _within(row["t_axis"], -360, 360),
    }
    return {name: value for name, value in found.items() if value is not None}


def _within(text: str, low: float, high: float) -> float | None:
    value = number(text)
    return value if value is not None and low <= value <= high else None


def _outcomes(folder: Path) -> dict[str, dict[str, float]]:
    """Deterioration, mortality and ICU by study; -999 stands for undefined."""
    path = locate(folder, "mds_ed.csv", required=False)
    names = DETERIORATION + MORTALITY + ICU
    if path is None:
        return {}
    outcomes = {}
    for row in read_table(path, ("general_study_id", *[f"deterioration_{name}" for name in names])):
        values = {name: number(row[f"deterioration_{name}"]) for name in names}
        known = {name: value for name, value in values.items() if value is not None and value != _UNDEFINED}
        outcomes[row["general_study_id"].removesuffix(".0")] = known
    return outcomes


def _task(
    name: str, title: str, category: Category, kind: Kind, targets: tuple[str, ...], outputs: int | None = None
) -> Task:
    return Task(
        name=f"mimic-{name}",
        dataset="mimic",
        title=f"MIMIC-IV-ECG, {title}",
        category=category,
        kind=kind,
        outputs=outputs or len(targets) or None,
        split="official folds: 0-17 to train, 18 to validate, 19 to test, there the first ECG of each stay",
        scheme="" if targets else f"mimic-{name}",
        targets=targets,
        least=LEAST,
        standardised=kind == "regression",
        note="" if targets else "the study counts 1,076 codes of both diagnosis tasks together",
    )


DATASETS = (
    Dataset(
        name="mimic",
        title="MIMIC-IV-ECG with linked tables, Beth Israel Deaconess Medical Center",
        records=800035,
        patients=161352,
        purpose="evaluation",
        licence="ODbL 1.0 for the ECGs; PhysioNet Credentialed Health Data License for the linked tables",
        citation="Gow B, Pollard T, Nathanson LA, et al. MIMIC-IV-ECG: Diagnostic Electrocardiogram Matched Subset. "
        "PhysioNet (2023); Strodthoff N, Lopez Alcaraz JM, Haverkamp W. MIMIC-IV-ECG-Ext-ICD. PhysioNet (2024)",
        access="ECGs open, linked tables on request: PhysioNet, 'MIMIC-IV-ECG', 'MIMIC-IV-ECG-Ext-ICD', 'MIMIC-IV', "
        "'MIMIC-IV-ED', 'Multimodal emergency benchmark'",
        marker=("record_list.csv",),
        read=read,
        official={**dict.fromkeys(range(VALIDATION), "train"), VALIDATION: "validation", TEST: "test"},
        caution="without chartevents fewer weights, vital signs and laboratory values are known than in the study",
    ),
)
TASKS = (
    _task("cardiac", "diagnoses of chapter IX", "cardiac outcomes", "multi-label", ()),
    _task("noncardiac", "other diagnoses", "non-cardiac outcomes", "multi-label", ()),
    _task("deterioration", "deterioration", "acute care", "multi-label", DETERIORATION),
    _task("mortality", "mortality", "acute care", "multi-label", MORTALITY),
    _task("icu", "admission to intensive care", "acute care", "multi-label", ICU),
    _task("sex", "sex", "patient characteristics", "binary", ("male",)),
    _task("age", "age", "patient characteristics", "regression", ("age",)),
    _task("biometrics", "height, weight, body mass index", "patient characteristics", "regression", BIOMETRICS),
    _task("features", "ECG features", "patient characteristics", "regression", FEATURES),
    _task("laboratory", "laboratory values", "patient characteristics", "regression", LABORATORY),
    _task("vitals", "vital signs", "patient characteristics", "regression", VITALS),
)

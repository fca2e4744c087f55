"""MIMIC-IV-ECG with the eleven tasks of the study, out of up to ten published tables.

Folder: `record_list.csv` and `files/` of MIMIC-IV-ECG; beside them or in folders below, as far as the hospital holds
them:

- `records_w_diag_icd10.csv` (MIMIC-IV-ECG-Ext-ICD): diagnoses, age, sex, folds, where the ECG was taken. Required.
- `machine_measurements.csv` (MIMIC-IV-ECG): ECG features.
- `mds_ed.csv` (multimodal emergency benchmark): deterioration, mortality, ICU.
- `omr.csv` (MIMIC-IV), `vitalsign.csv` (MIMIC-IV-ED), `chartevents.csv`, `labevents.csv` with `d_labitems.csv`
  (MIMIC-IV): biometrics, vital signs, laboratory values.

Population (method specification, section 5.1): ECGs taken in the emergency department, with diagnoses; in folds 18
and 19 only the first ECG of a stay. Where a table is missing, its targets are not known. The long tables stream by:
memory goes with the ECGs, not with the four hundred million lines.

Differs from the study: it takes five laboratory values from `chartevents` of the intensive care unit, too; here they
come from `labevents` alone.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping
from math import sqrt
from pathlib import Path
from typing import NamedTuple

from engine.datasets.dataset import Dataset, Entry
from engine.datasets.icd import is_circulatory, parse_list, with_ancestors
from engine.datasets.mimic_tables import (
    BIOMETRICS,
    FAR_S,
    LABORATORY,
    NEAR_S,
    VITALS,
    locate,
    take_biometrics,
    take_charted,
    take_laboratory,
    take_vital_signs,
)
from engine.datasets.nearest import Around, parse_time, seconds
from engine.datasets.tables import number, read_columns
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


class _Ecg(NamedTuple):
    """A row of the table of diagnoses, as far as it is read; the order is that of `_DIAGNOSES`."""

    study: str
    patient: str
    time: str
    codes: str
    gender: str
    age: str
    in_stay: str
    in_ed: str
    fold: str


def read(folder: Path) -> Iterator[Entry]:
    """Entries of the study's population in the order of the table of diagnoses."""
    table = read_columns(locate(folder, "records_w_diag_icd10.csv"), _DIAGNOSES)
    population = {ecg.study: ecg for ecg in map(_Ecg._make, table) if _belongs(ecg)}
    listed = read_columns(locate(folder, "record_list.csv"), ("study_id", "path"))
    paths = {study: path for study, path in listed if study in population}
    measured = _Measured(folder, population)
    for ecg in population.values():
        if ecg.study in paths:
            yield _entry(ecg, paths[ecg.study], measured)


def _belongs(ecg: _Ecg) -> bool:
    if ecg.in_ed.lower() != "true" or ecg.codes in ("", "[]"):
        return False
    held_out = number(ecg.fold) in (VALIDATION, TEST)
    return not held_out or number(ecg.in_stay) == 0


class _Measured:
    """Targets of the other tables, as far as they are there."""

    def __init__(self, folder: Path, population: Mapping[str, _Ecg]) -> None:
        self._features = _features(folder, population)
        self._outcomes = _outcomes(folder, population)
        self._around = Around(_times(population.values()))
        take_biometrics(folder, self._around)
        take_vital_signs(folder, self._around)
        take_charted(folder, self._around)
        laboratory = take_laboratory(folder, self._around)
        asked = [(name, name, FAR_S) for name in BIOMETRICS] + [(name, name, NEAR_S) for name in VITALS]
        self._asked = asked + [(name, laboratory[name], NEAR_S) for name in LABORATORY if name in laboratory]

    def of(self, ecg: _Ecg) -> dict[str, float]:
        """What is known of one ECG, by name."""
        values, time = {**self._features.get(ecg.study, {}), **self._outcomes.get(ecg.study, {})}, parse_time(ecg.time)
        if time is not None:
            for name, series, within_s in self._asked:
                value = self._around.nearest(series, ecg.patient, time, within_s)
                if value is not None:
                    values[name] = value
        return values


def _times(ecgs: Iterable[_Ecg]) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {}
    for ecg in ecgs:
        when = parse_time(ecg.time)
        times.setdefault(ecg.patient, []).extend([] if when is None else [seconds(when)])
    return times


def _entry(ecg: _Ecg, path: str, measured: _Measured) -> Entry:
    codes = with_ancestors(parse_list(ecg.codes))
    sex = SEXES.get(ecg.gender.lower(), "unknown")
    values = measured.of(ecg)
    age, fold = number(ecg.age), number(ecg.fold)
    if age is not None:
        values["age"] = age
    if sex != "unknown":
        values["male"] = float(sex == "male")
    return Entry(
        source=path + ".hea",
        record=ecg.study,
        patient=ecg.patient,
        age=age,
        sex=sex,
        fold=None if fold is None else int(fold),
        codes={
            "mimic-cardiac": tuple(code for code in codes if is_circulatory(code)),
            "mimic-noncardiac": tuple(code for code in codes if not is_circulatory(code)),
        },
        values=values,
    )


def _features(folder: Path, studies: Container[str]) -> dict[str, dict[str, float]]:
    """Intervals (ms) and axes (degrees) of the machine, out of range left out."""
    names = ("rr_interval", "qrs_onset", "qrs_end", "t_end", "p_axis", "qrs_axis", "t_axis")
    path = locate(folder, "machine_measurements.csv", required=False)
    if path is None:
        return {}
    rows = read_columns(path, ("study_id", *names))
    return {study: features(dict(zip(names, texts, strict=True))) for study, *texts in rows if study in studies}


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


def _outcomes(folder: Path, studies: Container[str]) -> dict[str, dict[str, float]]:
    """Deterioration, mortality and ICU by study; -999 stands for undefined."""
    path = locate(folder, "mds_ed.csv", required=False)
    names = DETERIORATION + MORTALITY + ICU
    if path is None:
        return {}
    outcomes = {}
    for study, *texts in read_columns(path, ("general_study_id", *[f"deterioration_{name}" for name in names])):
        study = study.removesuffix(".0")
        if study in studies:
            told = zip(names, map(number, texts), strict=True)
            outcomes[study] = {name: value for name, value in told if value is not None and value != _UNDEFINED}
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
        caution="five laboratory values of intensive care, which the study takes from chartevents, come from labevents",
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

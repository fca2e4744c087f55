"""Measurements of MIMIC-IV's tables around an ECG: weights, vital signs, laboratory values.

Columns and units are those of the published tables (mimic.mit.edu/docs/iv). Items of intensive care are the ones that
the makers' own query for vital signs takes together (MIT-LCP/mimic-code, concepts/measurement/vitalsign.sql), and
weights; values are told in the units of the emergency department's table: degrees Fahrenheit, pounds. Laboratory values
that nurses copied into `chartevents` are left out: where the two tables differ, `labevents` holds the truth.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Literal, overload

from engine.contract.errors import WorldError
from engine.datasets.nearest import Around
from engine.datasets.tables import below, find_table, has_table, number, read_columns

DAY_S, HOUR_S = 86400.0, 3600.0
FAR_S = 31 * DAY_S - 1
"""Biometrics count within 30 whole days."""
NEAR_S = HOUR_S

WEIGHT = "Weight (Lbs)"
BIOMETRICS = ("Height (Inches)", WEIGHT, "BMI (kg/m2)")
VITALS = ("temperature", "heartrate", "resprate", "o2sat", "sbp", "dbp")
LABORATORY = (
    "PT",
    "Albumin",
    "Anion Gap",
    "Bicarbonate",
    "Bilirubin, Total",
    "Calcium, Total",
    "Creatinine",
    "Ferritin",
    "Urea Nitrogen",
    "Hematocrit",
    "Hemoglobin",
    "Lymphocytes",
    "MCHC",
    "RDW",
    "Red Blood Cells",
    "RDW-SD",
    "Creatine Kinase (CK)",
    "NTproBNP",
)
POUNDS_A_KG = 1 / 0.45359237
_FAHRENHEIT = (9 / 5, 32.0)
_AS_IT_IS = (1.0, 0.0)
CHARTED: dict[str, tuple[str, float, float]] = {
    "220045": ("heartrate", *_AS_IT_IS),
    "220210": ("resprate", *_AS_IT_IS),
    "224690": ("resprate", *_AS_IT_IS),  # total, of ventilated patients
    "220277": ("o2sat", *_AS_IT_IS),
    "220179": ("sbp", *_AS_IT_IS),  # cuff
    "220050": ("sbp", *_AS_IT_IS),  # arterial line
    "225309": ("sbp", *_AS_IT_IS),
    "220180": ("dbp", *_AS_IT_IS),
    "220051": ("dbp", *_AS_IT_IS),
    "225310": ("dbp", *_AS_IT_IS),
    "223761": ("temperature", *_AS_IT_IS),
    "223762": ("temperature", *_FAHRENHEIT),
    "226531": (WEIGHT, *_AS_IT_IS),  # at admission, pounds
    "226512": (WEIGHT, POUNDS_A_KG, 0.0),  # at admission, kg
    "224639": (WEIGHT, POUNDS_A_KG, 0.0),  # daily, kg
}
"""Items of `chartevents`: what each measures, and factor and offset to the unit that counts."""
_DEPTH = 3


@overload
def locate(folder: Path, name: str, required: Literal[True] = True) -> Path: ...
@overload
def locate(folder: Path, name: str, required: Literal[False]) -> Path | None: ...
def locate(folder: Path, name: str, required: bool = True) -> Path | None:
    """A table in the folder or up to three folders below it, nearest first.

    Raises:
        WorldError: it is required and not there.
    """
    places = [folder]
    for _ in range(_DEPTH + 1):
        for place in places:
            if has_table(place, name):
                return find_table(place, name)
        places = [inner for place in places for inner in below(place) if _may_hold(inner)]
    if required:
        raise WorldError(f"table {name}", "it is not in the folder", "Put it beside the recordings of MIMIC-IV-ECG")
    return None


def _may_hold(path: Path) -> bool:
    # `files` holds 800,000 recordings in as many folders, and no table.
    return path.is_dir() and path.name != "files"


def take_biometrics(folder: Path, around: Around) -> None:
    """Heights, weights and body mass indices of the outpatient record."""
    path = locate(folder, "omr.csv", required=False)
    if path is not None:
        needed = ("subject_id", "chartdate", "result_name", "result_value")
        for patient, day, name, text in read_columns(path, needed):
            if name in BIOMETRICS and around.knows(patient) and (value := number(text)) is not None:
                around.take(name, patient, day, value, FAR_S)


def take_vital_signs(folder: Path, around: Around) -> None:
    """Vital signs of the emergency department."""
    path = locate(folder, "vitalsign.csv", required=False)
    if path is not None:
        for patient, time, *texts in read_columns(path, ("subject_id", "charttime", *VITALS)):
            if around.knows(patient):
                for name, text in zip(VITALS, texts, strict=True):
                    if (value := number(text)) is not None:
                        around.take(name, patient, time, value, NEAR_S)


def take_charted(folder: Path, around: Around) -> None:
    """Vital signs and weights of intensive care, out of some three hundred million lines."""
    path = locate(folder, "chartevents.csv", required=False)
    if path is not None:
        for patient, time, item, text in read_columns(path, ("subject_id", "charttime", "itemid", "valuenum")):
            if item in CHARTED and around.knows(patient) and (value := number(text)) is not None:
                name, factor, offset = CHARTED[item]
                around.take(name, patient, time, value * factor + offset, FAR_S if name == WEIGHT else NEAR_S)


def take_laboratory(folder: Path, around: Around) -> dict[str, str]:
    """Laboratory values: of each name the most frequent item, of each item the most frequent unit, as in the study.

    Returns:
        Of each name that was found, the series that holds its values.
    """
    events, items = locate(folder, "labevents.csv", required=False), locate(folder, "d_labitems.csv", required=False)
    if events is None or items is None:
        return {}
    names = {item: label for item, label in read_columns(items, ("itemid", "label")) if label in LABORATORY}
    needed = ("subject_id", "itemid", "storetime", "valuenum", "valueuom")
    found: Counter[tuple[str, str]] = Counter()
    for patient, item, time, text, unit in read_columns(events, needed):
        if item in names and text and around.knows(patient):
            found[item, unit] += 1
            if (value := number(text)) is not None:
                around.take(f"{item} {unit}", patient, time, value, NEAR_S)
    return {names[item]: f"{item} {unit}" for item, unit in _usual(found, names).items()}


def _usual(count: Counter[tuple[str, str]], names: dict[str, str]) -> dict[str, str]:
    """The item kept for each name, with its unit."""
    of_item: Counter[str] = Counter()
    for (item, _), times in count.items():
        of_item[item] += times
    item_of: dict[str, str] = {}
    for item, _ in of_item.most_common():
        item_of.setdefault(names[item], item)
    unit_of: dict[str, str] = {}
    for (item, unit), _ in count.most_common():
        unit_of.setdefault(item, unit)
    return {item: unit_of[item] for item in item_of.values()}

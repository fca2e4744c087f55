"""Measurements of MIMIC-IV's tables around an ECG: weights, vital signs, laboratory values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Literal, overload

from engine.contract.errors import WorldError
from engine.datasets.nearest import Measurement, parse_time
from engine.datasets.tables import find_table, has_table, number, read_table

DAY_S, HOUR_S = 86400.0, 3600.0
FAR_S = 31 * DAY_S - 1
"""Biometrics count within 30 whole days."""
NEAR_S = HOUR_S

BIOMETRICS = ("Height (Inches)", "Weight (Lbs)", "BMI (kg/m2)")
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
        places = [below for place in places for below in sorted(place.iterdir()) if _may_hold(below)]
    if required:
        raise WorldError(f"table {name}", "it is not in the folder", "Put it beside the recordings of MIMIC-IV-ECG")
    return None


def _may_hold(path: Path) -> bool:
    # `files` holds 800,000 recordings in as many folders, and no table.
    return path.is_dir() and path.name != "files"


def biometrics(folder: Path, people: Collection[str]) -> Iterator[Measurement]:
    """Heights, weights and body mass indices of the outpatient record."""
    path = locate(folder, "omr.csv", required=False)
    if path is not None:
        for row in read_table(path, ("subject_id", "chartdate", "result_name", "result_value")):
            if row["subject_id"] in people and row["result_name"] in BIOMETRICS:
                yield from _one(row["subject_id"], row["result_name"], row["chartdate"], row["result_value"])


def vital_signs(folder: Path, people: Collection[str]) -> Iterator[Measurement]:
    """Vital signs of the emergency department."""
    path = locate(folder, "vitalsign.csv", required=False)
    if path is not None:
        for row in read_table(path, ("subject_id", "charttime", *VITALS)):
            if row["subject_id"] in people:
                for name in VITALS:
                    yield from _one(row["subject_id"], name, row["charttime"], row[name])


def laboratory(folder: Path, people: Collection[str]) -> Iterator[Measurement]:
    """Laboratory values: of each name the most frequent item, of each item the most frequent unit, as in the study."""
    events, items = locate(folder, "labevents.csv", required=False), locate(folder, "d_labitems.csv", required=False)
    if events is None or items is None:
        return
    names = {
        row["itemid"]: row["label"] for row in read_table(items, ("itemid", "label")) if row["label"] in LABORATORY
    }
    needed = ("subject_id", "itemid", "storetime", "valuenum", "valueuom")
    rows = [
        (row["subject_id"], row["itemid"], row["storetime"], row["valuenum"], row["valueuom"])
        for row in read_table(events, needed)
        if row["itemid"] in names and row["subject_id"] in people and row["valuenum"]
    ]
    usual = _usual(Counter((item, unit) for _, item, _, _, unit in rows), names)
    for patient, item, time, value, unit in rows:
        if usual.get(item) == unit:
            yield from _one(patient, names[item], time, value)


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


def _one(patient: str, name: str, time: str, value: str) -> Iterator[Measurement]:
    when, how_much = parse_time(time), number(value)
    if when is not None and how_much is not None:
        yield Measurement(patient, name, when, how_much)

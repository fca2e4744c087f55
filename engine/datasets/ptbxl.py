"""PTB-XL: 21,799 clinical ECGs with SCP-ECG statements and ten official, patient-wise folds.

Layout: `ptbxl_database.csv`, `scp_statements.csv`, `records500/`. A statement counts as made when it is in `scp_codes`,
whatever its likelihood, as in the study. Superclasses and subclasses are those of the diagnostic statements.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

from engine.contract.errors import WorldError
from engine.datasets.dataset import Dataset, Entry, Sex
from engine.datasets.tables import find_table, number, read_table
from engine.datasets.tasks import Category, Task


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


DIAGNOSTIC = _words(
    "NDT NST_ DIG LNGQT NORM IMI ASMI LVH LAFB ISC_ IRBBB 1AVB IVCD ISCAL CRBBB CLBBB ILMI LAO/LAE AMI ALMI ISCIN "
    "INJAS LMI ISCIL LPFB ISCAS INJAL ISCLA RVH ANEUR RAO/RAE EL WPW ILBBB IPLMI ISCAN IPMI SEHYP INJIN INJLA PMI "
    "3AVB INJIL 2AVB"
)
FORM = _words("NDT NST_ DIG LNGQT ABQRS PVC STD_ VCLVH QWAVE LOWT NT_ PAC LPR INVT LVOLT HVOLT TAB_ STE_ PRC(S)")
RHYTHM = _words("SR AFIB STACH SARRH SBRAD PACE SVARR BIGU AFLT SVTAC PSVT TRIGU")

_NEEDED = ("ecg_id", "patient_id", "age", "sex", "scp_codes", "strat_fold", "filename_hr")
_SEX: dict[float, Sex] = {0.0: "male", 1.0: "female"}
_SPLIT = "official folds: 1-8 to train, 9 to validate, 10 to test"
_CATEGORY: Category = "adult ECG interpretation"


def read(folder: Path) -> Iterator[Entry]:
    """Entries in the order of the table."""
    classes = _classes(folder)
    for row in read_table(find_table(folder, "ptbxl_database.csv"), _NEEDED):
        stated = tuple(_codes(row["scp_codes"]))
        fold = number(row["strat_fold"])
        yield Entry(
            source=row["filename_hr"] + ".hea",
            record=row["ecg_id"],
            patient=row["patient_id"].removesuffix(".0"),
            age=number(row["age"]),
            sex=_sex(row["sex"]),
            fold=None if fold is None else int(fold),
            codes={
                "ptbxl": stated,
                "ptbxl-sub": _mapped(stated, classes, "diagnostic_subclass"),
                "ptbxl-super": _mapped(stated, classes, "diagnostic_class"),
            },
        )


def _sex(text: str) -> Sex:
    """0 is male, 1 female; whatever else a table of somebody's making holds ("nan", "M") is unknown."""
    told = number(text)
    return "unknown" if told is None else _SEX.get(told, "unknown")


def _classes(folder: Path) -> dict[str, dict[str, str]]:
    """Class and subclass of each diagnostic statement."""
    path = find_table(folder, "scp_statements.csv")
    rows = read_table(path, ("diagnostic", "diagnostic_class", "diagnostic_subclass"))
    # The first column holds the statement and has no name.
    return {row[""]: row for row in rows if (number(row["diagnostic"]) or 0) > 0}


def _mapped(stated: tuple[str, ...], classes: Mapping[str, Mapping[str, str]], column: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(classes[code][column] for code in stated if code in classes and classes[code][column]))


def _codes(text: str) -> dict[str, float]:
    try:
        codes = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        codes = None
    if not isinstance(codes, dict):
        raise WorldError("table ptbxl_database.csv", "scp_codes is not a list of statements", "Use it as published")
    return codes


def _task(name: str, title: str, outputs: int, scheme: str, only: tuple[str, ...] = (), note: str = "") -> Task:
    return Task(name, "ptbxl", title, _CATEGORY, "multi-label", outputs, _SPLIT, scheme=scheme, only=only, note=note)


_PART = "a part of the outputs of ptbxl-all, as in the study"
DATASETS = (
    Dataset(
        name="ptbxl",
        title="PTB-XL",
        records=21799,
        patients=18869,
        purpose="evaluation",
        licence="CC BY 4.0",
        citation="Wagner P, Strodthoff N, Bousseljot R-D, et al. PTB-XL, a large publicly available "
        "electrocardiography dataset. Scientific Data 7, 154 (2020)",
        access="open: PhysioNet, 'PTB-XL, a large publicly available electrocardiography dataset', version 1.0.3",
        marker=("ptbxl_database.csv",),
        read=read,
        official={**dict.fromkeys(range(1, 9), "train"), 9: "validation", 10: "test"},
        verified="real data",
        caution="also part of the PhysioNet/CinC Challenges (HR numbers are ecg_id) and of many pretraining corpora",
    ),
)
TASKS = (
    _task("ptbxl-all", "PTB-XL, all statements", 71, "ptbxl"),
    _task("ptbxl-diag", "PTB-XL, diagnostic statements", 44, "ptbxl", DIAGNOSTIC, _PART),
    _task("ptbxl-form", "PTB-XL, form statements", 19, "ptbxl", FORM, _PART),
    _task("ptbxl-rhythm", "PTB-XL, rhythm statements", 12, "ptbxl", RHYTHM, _PART),
    _task("ptbxl-sub", "PTB-XL, diagnostic subclasses", 23, "ptbxl-sub"),
    _task("ptbxl-super", "PTB-XL, diagnostic superclasses", 5, "ptbxl-super"),
)

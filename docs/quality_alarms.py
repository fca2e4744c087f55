"""Who is suspected without cause: by diagnosis, and among the files of carts in other formats."""

from __future__ import annotations

import ast
import csv
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from quality_corpora import Case, folder
from quality_table import Marks, head, row

from engine.contract.errors import WorldError
from engine.signal.quality import Quality, assess
from engine.signal.readers import find_files, read_recording
from engine.signal.recording import Recording

EARLY, EDGE = "cinc-challenge/cinc2020-early-blank-dx", "cinc-challenge/cinc2020-edge-cases"
CARTS = ("dicom", "edf", "ge-cardiologyxml", "ge-muse-xml", "hl7-aecg", "philips-sierra-xml", "scp-ecg")


@dataclass(frozen=True)
class Diagnosis:
    """What a diagnosis is called: SCP-ECG statements of PTB-XL, words of LUDB, SNOMED CT codes of the challenges."""

    name: str
    statements: frozenset[str]
    words: str
    codes: frozenset[str]


def _diagnosis(name: str, statements: str, words: str, codes: str) -> Diagnosis:
    return Diagnosis(name, frozenset(statements.split()), words, frozenset(codes.split()))


DIAGNOSES = (
    _diagnosis(
        "atrial fibrillation or flutter", "AFIB AFLT", "atrial fibrillation|atrial flutter", "164889003 164890007"
    ),
    _diagnosis("paced", "PACE", "pacemaker presence|pacing", "10370003 251266004"),
    _diagnosis("complete left bundle branch block", "CLBBB", "(?<!in)complete left bundle", "164909002 733534002"),
    _diagnosis("complete right bundle branch block", "CRBBB", "(?<!in)complete right bundle", "59118001 713427006"),
    _diagnosis(
        "incomplete block, hemiblock, unspecific delay",
        "IRBBB ILBBB LAFB LPFB IVCD",
        "incomplete (left|right) bundle|hemiblock|non-specific intrav",
        "713426002 445118002 445211001 698252002",
    ),
    _diagnosis("left ventricular hypertrophy", "LVH VCLVH", "left ventricular hypertrophy", "164873001 55827005"),
    _diagnosis("infarction", "IMI ASMI AMI LMI ILMI ALMI IPMI IPLMI PMI", "stemi|scar", "164865005 164867002 54329005"),
    _diagnosis("ectopic beats", "PVC PAC SVPB BIGU TRIGU", "extrasystole", "427172004 284470004 63593006 17338001"),
    _diagnosis("low voltage", "LVOLT", "low voltage", "251146004"),
)


def by_diagnosis(data: Path, own: list[Case], alarmed: Marks, others: dict[str, list[Case]]) -> Iterator[str]:
    """False alarms of each diagnosis: PTB-XL held out, and all others together as shipped.

    Args:
        data: the folder of the corpora.
        own: PTB-XL.
        alarmed: which of its recordings are suspected.
        others: LUDB, and challenge recordings, by name of the corpus.
    """
    with (data / "ptbxl-500/ptbxl_database.csv").open() as file:
        lines = list(csv.DictReader(file))
    if [line["patient_id"] for line in lines] != [case.patient for case in own]:
        raise ValueError("the table of PTB-XL and its files are not in the same order")
    statements = [set(ast.literal_eval(line["scp_codes"])) for line in lines]
    yield head("Diagnosis", "PTB-XL, held out", *others)
    normal = np.array(["NORM" in stated for stated in statements])
    words = {name: [_words(data, case) for case in cases] for name, cases in others.items()}
    alarms = {name: [bool(assess(case.recording).suspicions) for case in cases] for name, cases in others.items()}
    yield row("stated to be normal", count(alarmed[normal]), *("not stated so" for _ in others))
    for one in DIAGNOSES:
        cells = [count(alarmed[[bool(one.statements & stated) for stated in statements]])]
        for name in others:
            cells.append(
                count([alarm for alarm, text in zip(alarms[name], words[name], strict=True) if _has(one, text)])
            )
        yield row(one.name, *cells)
    yield row("**all**", count(alarmed), *(count(marks) for marks in alarms.values()))


def challenges(data: Path) -> list[Case]:
    """Challenge recordings with right gains that are not of PTB-XL, each once."""
    found = folder(data, "cinc-challenge/cinc2021-georgia-ptbxl-ningbo", ("E", "JS"))
    found += folder(data, EARLY, ("A", "Q")) + folder(data, EDGE, ("Q",))
    return list({case.patient: case for case in found}.values())


def count(marks: Marks | list[bool]) -> str:
    """How many of how many; a share of a handful says nothing."""
    return f"{int(np.sum(marks))} of {len(marks)}"


def _has(one: Diagnosis, text: str) -> bool:
    return bool(re.search(one.words, text) or one.codes & set(text.split("|")))


def _words(data: Path, case: Case) -> str:
    """What is stated of a recording of LUDB (in lower case) or of a challenge (codes)."""
    if case.patient.isdigit():
        with (data / "ludb/ludb.csv").open() as file:
            stated = next(line for line in csv.DictReader(file) if line["ID"].strip() == case.patient)
        return " ".join(value for value in stated.values() if value).lower()
    with (data / "cinc-challenge/records.csv").open() as file:
        lines = [line for line in csv.DictReader(file) if line["record"].endswith(f"/{case.patient}")]
    return "|".join(line[column] for line in lines for column in ("dx_in_header_snomed", "dx_scored24_snomed"))


def carts(data: Path) -> Iterator[str]:
    """What is said of real files of carts and archives in other formats than WFDB."""
    yield head("Format", "Recordings", "Suspicions of electrodes or polarity", "Findings")
    for name in CARTS:
        qualities = [quality for path in find_files([data / "format-samples" / name]) if (quality := _judged(path))]
        yield _line(name, qualities)
    for name, tracings, rate_hz in (
        ("HDF5 in the layout of CODE-15", "format-samples/hdf5-code15-layout/exams_part0.hdf5", 400.0),
        ("HDF5, every lead z-scored", "ptbxl-zscored-100hz/tracings.hdf5", 100.0),
    ):
        yield _line(name, [assess(one) for one in _tracings(data / tracings, rate_hz)])
    paths = find_files([data / "ptbxl-500/records100"])
    yield _line("PTB-XL's own 100 Hz files", [assess(read_recording(path, digest=False)) for path in paths])


def _line(name: str, qualities: list[Quality]) -> str:
    suspicions = sum(bool(quality.suspicions) for quality in qualities)
    names = Counter(told for quality in qualities for told in quality.names)
    return row(
        name, len(qualities), suspicions, ", ".join(f"{told} {found}" for told, found in names.items()) or "none"
    )


def _tracings(path: Path, rate_hz: float) -> Iterator[Recording]:
    """Recordings of an HDF5 file that holds [N, T, C], rows of zeros at both ends as they are."""
    with h5py.File(path) as file:
        for tracing_TC in file["tracings"]:
            yield Recording(signal_CT=np.ascontiguousarray(tracing_TC.T, dtype=np.float32), rate_hz=rate_hz)


def _judged(path: Path) -> Quality | None:
    try:
        return assess(read_recording(path, digest=False))
    except WorldError:
        return None

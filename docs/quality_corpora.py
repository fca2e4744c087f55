"""The recordings that the quality checks are fitted to and measured on, and the faults that are planted in them.

Faults of electrodes are planted by what the electrodes measure, not by the sums that the check undoes: a limb lead is
the difference of two electrodes, a chest lead that of an electrode and the mean of the limb electrodes (Wilson's
central terminal). The right leg is taken to lie at the potential of the left one, with a tenth of a tenth between them.

Shapes: C leads (12), T samples.
"""

from __future__ import annotations

import csv
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.signal.quality_limbs import LAWS
from engine.signal.readers import find_files, read_recording
from engine.signal.recording import Recording

Signal = NDArray[np.float32]
USUAL_LIMB_MV, USUAL_CHEST_MV = 1.1, (1.2, 1.9, 2.0, 2.1, 1.9, 1.5)
"""Median spans of PTB-XL's leads over ten seconds."""
LEG = 0.01
"""Potential between the legs, as a share of that between right arm and left leg."""


@dataclass(frozen=True)
class Case:
    """A recording with whom it is of; `accepted` is what people said of its quality, where they did."""

    recording: Recording
    patient: str
    accepted: bool | None = None


def mobile(data: Path) -> list[Case]:
    """CinC Challenge 2011, set A as it is here: integers of 5 microvolts in text files; one case a record.

    The fifth column is aVF and the sixth aVL, whatever is said of them: only so does any recording obey Goldberger.
    """
    folder = data / "cinc2011-mobile-quality"
    with (folder / "quality.csv").open() as file:
        accepted = {row["record"]: row["quality"] == "acceptable" for row in csv.DictReader(file)}
    texts = {path.stem: path.read_bytes() for path in (folder / "set-a").glob("*.txt")}
    with tarfile.open(folder / "set-a-more.tar.xz") as archive:
        for member in archive:
            content = archive.extractfile(member)
            if content is not None:
                texts[Path(member.name).stem] = content.read()
    cases = []
    for name in sorted(accepted):
        numbers_TC = np.loadtxt(BytesIO(texts[name]), delimiter=",", dtype=np.float32)[:, 1:]
        signal_CT = np.ascontiguousarray(numbers_TC.T[[0, 1, 2, 3, 5, 4, *range(6, 12)]]) * np.float32(0.005)
        cases.append(Case(Recording(signal_CT=signal_CT, rate_hz=500.0), name, accepted[name]))
    return cases


def ptbxl(data: Path) -> list[Case]:
    """PTB-XL, 500 Hz, with its patients."""
    with (data / "ptbxl-500/ptbxl_database.csv").open() as file:
        patients = {int(row["ecg_id"]): row["patient_id"] for row in csv.DictReader(file)}
    paths = find_files([data / "ptbxl-500/records500"])
    return [Case(read_recording(path, digest=False), patients[int(path.stem[:5])]) for path in paths]


def ludb(data: Path) -> list[Case]:
    """LUDB, whose files hold every lead scaled to span 1: the scales are restored as far as they can be.

    Those of the limb leads follow from Einthoven and Goldberger up to a common factor; the chest leads get the spans
    that are usual in PTB-XL. What rests on the amplitude of one chest lead against the next is lost.
    """
    cases = []
    for case in folder(data, "ludb/data"):
        signal_CT = case.recording.signal_CT - np.median(case.recording.signal_CT, axis=1, keepdims=True)
        asked = np.array(list(LAWS.values()))
        gram_LL = (signal_CT[:6] @ signal_CT[:6].T).astype(float)
        scales = np.linalg.eigh(np.einsum("el,lm,em->lm", asked, gram_LL, asked))[1][:, 0]
        limbs = np.abs(scales) / np.median(np.abs(scales)) * USUAL_LIMB_MV
        factors = np.concatenate([limbs, USUAL_CHEST_MV]).astype(np.float32)
        signal_CT *= factors[:, None]
        cases.append(Case(Recording(signal_CT=signal_CT, rate_hz=case.recording.rate_hz), case.patient))
    return cases


def folder(data: Path, name: str, starts: tuple[str, ...] = ("",)) -> list[Case]:
    """WFDB recordings of a folder whose names start so; each its own patient."""
    paths = [path for path in find_files([data / name]) if path.stem.startswith(starts)]
    return [Case(read_recording(path, digest=False), path.stem) for path in paths]


def limb_faults() -> Mapping[str, tuple[str, str, str]]:
    """What lies at the places of RA, LA and LL in every fault of limb electrodes."""
    return {
        "RA-LA": ("LA", "RA", "LL"),
        "RA-LL": ("LL", "LA", "RA"),
        "LA-LL": ("RA", "LL", "LA"),
        "RA-LA-LL": ("LA", "LL", "RA"),
        "RA-LL-LA": ("LL", "RA", "LA"),
        "RA-RL": ("RL", "LA", "LL"),
        "LA-RL": ("RA", "RL", "LL"),
        "arms on legs": ("RL", "LL", "LA"),
    }


def exchange_limbs(signal_CT: Signal, places: tuple[str, str, str], seed: int = 0) -> Signal:
    """The twelve leads when the cables of RA, LA and LL lie at `places`."""
    zero = np.zeros_like(signal_CT[0])
    at = {"RA": zero, "LA": signal_CT[0], "LL": signal_CT[1]}
    noise = np.random.default_rng(seed).normal(scale=0.005, size=signal_CT.shape[1]).astype(np.float32)
    at["RL"] = at["LL"] + np.float32(LEG) * signal_CT[1] + noise
    chest = signal_CT[6:] + (at["RA"] + at["LA"] + at["LL"]) / 3
    right, left, leg = (at[place] for place in places)
    mean = (right + left + leg) / 3
    limbs = [left - right, leg - right, leg - left, right - (left + leg) / 2, left - (right + leg) / 2]
    return np.vstack([*limbs, leg - (right + left) / 2, chest - mean]).astype(np.float32)


def exchange_chest(signal_CT: Signal, order: tuple[int, ...]) -> Signal:
    """Chest leads in another order; `order` counts from 1."""
    return np.vstack([signal_CT[:6], signal_CT[5 + np.array(order)]])


def invert(signal_CT: Signal, rows: slice) -> Signal:
    """Some leads upside down."""
    changed = signal_CT.copy()
    changed[rows] *= -1
    return changed


def faults() -> dict[str, dict[str, partial[Signal]]]:
    """Faults to plant, by the finding that should tell them."""
    pairs = ((1, 2), (2, 3), (3, 4), (4, 5), (5, 6), (1, 3), (2, 4), (4, 6))
    orders = {f"V{one}-V{other}": _swapped(one, other) for one, other in pairs} | {"V6-V1": (6, 5, 4, 3, 2, 1)}
    upside = {"all": slice(0, 12)} | {f"V{n}": slice(5 + n, 6 + n) for n in range(1, 7)}
    return {
        "limb_swap": {name: partial(exchange_limbs, places=places) for name, places in limb_faults().items()},
        "precordial_order": {name: partial(exchange_chest, order=order) for name, order in orders.items()},
        "polarity": {name: partial(invert, rows=rows) for name, rows in upside.items()},
    }


def planted(case: Case, change: partial[Signal]) -> Recording:
    """The recording with a fault."""
    source = case.recording
    return Recording(signal_CT=change(source.signal_CT), rate_hz=source.rate_hz, present=source.present)


def record_folds(
    cases: list[Case], folds: int = 5, seed: int = 7
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """(rest, fold) of every fold; no patient is in two, and rejected recordings are spread evenly."""
    rng = np.random.default_rng(seed)
    fold_of: dict[str, int] = {}
    for kind in (True, False, None):
        patients = sorted({case.patient for case in cases if case.accepted is kind})
        for place, index in enumerate(rng.permutation(len(patients))):
            fold_of[patients[index]] = place % folds
    member = np.array([fold_of[case.patient] for case in cases])
    for fold in range(folds):
        yield np.flatnonzero(member != fold), np.flatnonzero(member == fold)


def _swapped(one: int, other: int) -> tuple[int, ...]:
    order = list(range(1, 7))
    order[one - 1], order[other - 1] = other, one
    return tuple(order)

"""Patient-wise splits that are a function of a seed and of nothing else.

A patient is never on two sides. The order in which records arrive does not matter, nor do versions of libraries:
ties and orders come from SHA-256 of seed and patient, not from a random generator.

Shapes: n records, p patients, L labels, k parts.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from engine.contract.errors import WorldError

Labels = NDArray[np.float64]


def patient_folds(
    patients: Sequence[str], labels: Labels | None = None, k: int = 5, seed: int = 0
) -> NDArray[np.int64]:
    """Divide patients into k folds of similar size and similar share of every label.

    Iterative stratification (Sechidis, Tsoumakas and Vlahavas 2011), with patients in place of records.

    Args:
        patients: pseudonym of each record's patient, n.
        labels: [n, L] with 1 positive, 0 negative, NaN unknown; None divides by size alone.
        k: number of folds.
        seed: another seed, another division.

    Returns:
        Fold of each record, n, in 0 ... k-1.

    Raises:
        WorldError: fewer than two folds, or fewer patients than folds.
    """
    if k < 2:
        raise WorldError("split", f"{k} folds leave nothing to test on", "Ask for two folds or more")
    return _divide(patients, labels, np.full(k, 1.0 / k), seed)


def holdout(patients: Sequence[str], fraction: float, seed: int = 0, labels: Labels | None = None) -> NDArray[np.bool_]:
    """Set a share of the patients aside, with a similar share of every label.

    Args:
        patients: pseudonym of each record's patient, n.
        fraction: share of the records that is wished for on the far side, between 0 and 1.
        seed: another seed, another division.
        labels: as for `patient_folds`.

    Returns:
        For each record whether it is held out, n. At least one patient is on either side.

    Raises:
        WorldError: fraction not between 0 and 1, or fewer than two patients.
    """
    if not 0 < fraction < 1:
        raise WorldError("split", f"a held-out share of {fraction:g} leaves one side empty", "Ask for 0.1 to 0.5")
    return _divide(patients, labels, np.array([1 - fraction, fraction]), seed).astype(np.bool_)


def split_digest(record_ids: Sequence[str], parts: Sequence[object]) -> str:
    """SHA-256 (hex) of which record is in which part; the order of the records does not matter."""
    lines = sorted(f"{record}\t{part}\n" for record, part in zip(record_ids, parts, strict=True))
    return hashlib.sha256("".join(lines).encode()).hexdigest()


@dataclass(frozen=True)
class Part:
    """What went into one part of a split.

    Attributes:
        positives: of each label, how many records have it.
        negatives: of each label, how many are known not to have it; the others are unknown.
    """

    name: str
    records: int
    patients: int
    positives: dict[str, int] = field(default_factory=dict)
    negatives: dict[str, int] = field(default_factory=dict)


def refuse_leak(patients: Sequence[str], parts: Sequence[str]) -> None:
    """Make sure that every patient is in one part only; the last test of every split, however it came about.

    Raises:
        WorldError: a patient is in several parts.
    """
    pairs = set(zip(patients, parts, strict=True))
    torn = len(pairs) - len(set(patients))
    if torn:
        raise WorldError(
            "split",
            f"{torn:,} patients are in more than one part of it",
            "Make a new cohort: results on this one would count what the model has seen",
            fault="leak",
        )


def _divide(
    patients: Sequence[str], labels: Labels | None, shares: NDArray[np.float64], seed: int
) -> NDArray[np.int64]:
    names, patient_of_record = np.unique(np.asarray(patients, dtype=np.str_), return_inverse=True)
    if len(names) < len(shares):
        raise WorldError(
            "split",
            f"{len(shares)} parts need as many patients, there are {len(names)}",
            "Add patients or ask for less",
        )
    order = sorted(range(len(names)), key=lambda p: _draw(seed, str(names[p])))
    counts_pM = _count(patient_of_record, len(names), labels)
    part_p = _stratify(counts_pM[order], shares)
    part_of_patient = np.empty(len(names), dtype=np.int64)
    part_of_patient[order] = part_p
    return part_of_patient[patient_of_record]


def _draw(seed: int, patient: str) -> bytes:
    return hashlib.sha256(f"{seed}\t{patient}".encode()).digest()


def _count(patient_of_record: NDArray[np.intp], patients: int, labels: Labels | None) -> NDArray[np.float64]:
    """[p, 2L + 1]: positive and negative records of each label, and all records (last column)."""
    n = len(patient_of_record)
    columns = [np.ones((n, 1))]
    if labels is not None and labels.size:
        columns = [labels == 1, labels == 0, *columns]
    marks_nM = np.hstack(columns).astype(np.float64)
    counts_pM = np.zeros((patients, marks_nM.shape[1]))
    np.add.at(counts_pM, patient_of_record, marks_nM)
    return counts_pM


def _stratify(counts_pM: NDArray[np.float64], shares: NDArray[np.float64]) -> NDArray[np.int64]:
    """Give each patient (row, in the order to serve) to the part that lacks the rarest mark most."""
    part_p = np.full(len(counts_pM), -1, dtype=np.int64)
    wanted_kM = shares[:, None] * counts_pM.sum(axis=0)
    left_M = (counts_pM > 0).sum(axis=0)
    served = np.zeros(counts_pM.shape[1], dtype=bool)
    empty, left = set(range(len(shares))), len(counts_pM)
    while not served.all():
        mark = int(np.argmin(np.where(served, np.iinfo(np.int64).max, left_M)))
        for patient in np.flatnonzero((counts_pM[:, mark] > 0) & (part_p < 0)):
            # No part stays empty when patients run out.
            choice = empty if left <= len(empty) else range(len(shares))
            part = _neediest(wanted_kM[:, mark].tolist(), wanted_kM[:, -1].tolist(), choice)
            part_p[patient] = part
            wanted_kM[part] -= counts_pM[patient]
            left_M -= counts_pM[patient] > 0
            empty.discard(part)
            left -= 1
        served[mark] = True
    return part_p


def _neediest(wanted_k: list[float], room_k: list[float], choice: Iterable[int]) -> int:
    """The part that lacks most of the mark, then most records, then the first one."""
    return max(choice, key=lambda part: (round(wanted_k[part], 9), round(room_k[part], 9), -part))

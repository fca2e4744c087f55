"""Which recordings each run of a study trains on: whole patients, in an order that a seed gives.

Nested: every size is a beginning of the same row of patients, so a smaller set is part of each larger one. Partitions:
as published, where scales were different hospital-years, each size has patients of its own, smallest first; once the
row is used up it begins again, and the runs say so. Held-out recordings are the same for all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from engine.contract.errors import UsageError
from engine.contract.run import ManifestRow
from engine.contract.study import AxisValue

ALL = 0
"""The data size that stands for all training recordings."""


@dataclass(frozen=True)
class Subset:
    """Training recordings of a run, what must be said about them, and why there are not as many as were asked for."""

    rows: tuple[ManifestRow, ...]
    note: str = ""
    refusal: str = ""


class Subsets:
    """The training sets of a study.

    Args:
        manifest: rows "train" and "validation" of the study.
        sizes: data sizes that the study asks for; 0 is all.
        layout: "nested" or "partitions".
        seed: gives the patients' order.
        corpora: collection of each recording, where the study has an axis "corpus".
    """

    def __init__(
        self,
        manifest: Sequence[ManifestRow],
        sizes: Sequence[int],
        layout: str,
        seed: int,
        corpora: Mapping[str, str] | None = None,
    ) -> None:
        self.validation = [row for row in manifest if row.split == "validation"]
        self._train = [row for row in manifest if row.split == "train"]
        self._sizes, self._layout, self._seed, self._corpora = sorted(set(sizes)), layout, seed, corpora or {}
        self._made: dict[str, dict[int, Subset]] = {}

    def of(self, values: Mapping[str, AxisValue]) -> Subset:
        """The training set of a place on the axes: "records" and "corpus" decide."""
        corpus = str(values.get("corpus", ""))
        if corpus not in self._made:
            self._made[corpus] = self._divide(corpus)
        return self._made[corpus][int(values.get("records", ALL))]

    def manifest(self, values: Mapping[str, AxisValue]) -> list[ManifestRow]:
        """The manifest of a run: its training set, then the held-out recordings that all share."""
        return [*self.of(values).rows, *self.validation]

    def _divide(self, corpus: str) -> dict[int, Subset]:
        chosen = [row for row in self._train if not corpus or self._corpora.get(row.record_id) == corpus]
        people = _by_patient(chosen, self._seed)
        made = {ALL: Subset(tuple(chosen))}
        start = 0
        for size in self._sizes:
            if size != ALL:
                first = start if self._layout == "partitions" else 0
                made[size], start = _take(people, first, size, len(chosen))
        return made


def read_sizes(values: Sequence[AxisValue], study: str) -> list[int]:
    """The axis "records" as numbers. Raises UsageError when a value is none."""
    if any(isinstance(v, (str, bool)) or v != int(v) or v < 0 for v in values):
        raise UsageError(f"study {study}", "axes.records holds what is no number of records", "Use whole numbers")
    return [int(v) for v in values]


def _by_patient(rows: Sequence[ManifestRow], seed: int) -> list[list[ManifestRow]]:
    """Recordings by patient; the patients' order is a function of seed and pseudonyms alone."""
    people: dict[str, list[ManifestRow]] = {}
    for row in rows:
        people.setdefault(row.patient, []).append(row)
    order = sorted(people, key=lambda patient: hashlib.sha256(f"subset\t{seed}\t{patient}".encode()).digest())
    return [people[patient] for patient in order]


def _take(people: Sequence[list[ManifestRow]], start: int, size: int, available: int) -> tuple[Subset, int]:
    """Patients from `start` on until the next one would be too many, round the row once at most."""
    taken: list[ManifestRow] = []
    place = start
    while place < start + len(people) and len(taken) + len(people[place % len(people)]) <= size:
        taken += people[place % len(people)]
        place += 1
    note = f"the partition of {size} records shares patients with smaller ones" if place > len(people) else ""
    refusal = f"there are {available} training records, {size} are asked for" if available < size else ""
    return Subset(tuple(taken), note, refusal), place % len(people) if people else 0

"""Which recordings each run of a study trains on: whole patients, in an order that a seed gives.

Nested: every size is a beginning of the same row of patients, so a smaller set is part of each larger one. Partitions:
as published, where scales were different hospital-years, each size has patients of its own, smallest first; once the
row is used up it begins again, and the runs say so. Held-out recordings are the same for all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.contract.errors import UsageError
from engine.contract.run import ManifestRow
from engine.contract.study import AxisValue
from engine.data.manifest import Manifest, Places

ALL = 0
"""The data size that stands for all training recordings."""


@dataclass(frozen=True)
class Subset:
    """Training recordings of a run, what must be said about them, and why there are not as many as were asked for."""

    rows: Manifest
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
        self._manifest = Manifest.of(manifest)
        self._held_out = self._manifest.places("validation")
        self._sizes, self._layout, self._seed, self._corpora = sorted(set(sizes)), layout, seed, corpora or {}
        self._made: dict[str, dict[int, Subset]] = {}

    def of(self, values: Mapping[str, AxisValue]) -> Subset:
        """The training set of a place on the axes: "records" and "corpus" decide."""
        corpus = str(values.get("corpus", ""))
        if corpus not in self._made:
            self._made[corpus] = self._divide(corpus)
        return self._made[corpus][int(values.get("records", ALL))]

    @property
    def validation(self) -> Manifest:
        """The held-out recordings that all share."""
        return self._manifest.at(self._held_out)

    def manifest(self, values: Mapping[str, AxisValue]) -> Manifest:
        """The manifest of a run: its training set, then the held-out recordings."""
        return self.of(values).rows.followed_by(self.validation)

    def _divide(self, corpus: str) -> dict[int, Subset]:
        chosen = self._manifest.places("train")
        if corpus:
            named = [self._corpora.get(row.record_id) == corpus for row in self._manifest.at(chosen)]
            chosen = chosen[np.array(named, dtype=np.bool_)]
        row = _by_patient(self._manifest, chosen, self._seed)
        made = {ALL: Subset(self._manifest.at(chosen))}
        start = 0
        for size in self._sizes:
            if size != ALL:
                first = start if self._layout == "partitions" else 0
                made[size], start = _take(self._manifest, row, first, size)
        return made


def read_sizes(values: Sequence[AxisValue], study: str) -> list[int]:
    """The axis "records" as numbers. Raises UsageError when a value is none."""
    if any(isinstance(v, (str, bool)) or v != int(v) or v < 0 for v in values):
        raise UsageError(f"study {study}", "axes.records holds what is no number of records", "Use whole numbers")
    return [int(v) for v in values]


class _Row(NamedTuple):
    """Recordings in the row of their patients.

    Attributes:
        places_N: in the manifest, patient after patient.
        counts_P: how many each patient has.
    """

    places_N: Places
    counts_P: NDArray[np.int64]


def _by_patient(manifest: Manifest, chosen: Places, seed: int) -> _Row:
    """Recordings by patient; the patients' order is a function of seed and pseudonyms alone."""
    people, whose_N = np.unique(manifest.patients_N[chosen], return_inverse=True)
    keys = [hashlib.sha256(f"subset\t{seed}\t".encode() + one).digest() for one in manifest.people[people].tolist()]
    rank_P = np.empty(len(keys), dtype=np.int64)
    rank_P[sorted(range(len(keys)), key=keys.__getitem__)] = np.arange(len(keys))
    order_N = np.argsort(rank_P[whose_N], kind="stable")
    return _Row(chosen[order_N], np.bincount(rank_P[whose_N], minlength=len(keys)))


def _take(manifest: Manifest, row: _Row, start: int, size: int) -> tuple[Subset, int]:
    """Patients from `start` on until the next one would be too many, round the row once at most."""
    available, people = len(row.places_N), len(row.counts_P)
    taken = int(np.searchsorted(np.cumsum(np.roll(row.counts_P, -start)), size, side="right"))
    ends = np.concatenate([[0], np.cumsum(row.counts_P)])
    first, last = int(ends[start]), int(ends[(start + taken) % people]) if people else 0
    round_the_end = start + taken >= people
    places = np.concatenate([row.places_N[first:], row.places_N[:last]]) if round_the_end else row.places_N[first:last]
    note = f"the partition of {size} records shares patients with smaller ones" if start + taken > people else ""
    refusal = f"there are {available} training records, {size} are asked for" if available < size else ""
    return Subset(manifest.at(places), note, refusal), (start + taken) % people if people else 0

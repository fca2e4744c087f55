"""Recordings on which contract items are broken: of a cohort, or the shipped ECGs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.contract.errors import WorldError
from engine.data.golden import GoldenECG
from engine.data.store import Store
from engine.evaluation.vetting.contract_faults import Usual

Signal = NDArray[np.float32]
Read = tuple[Signal, float, tuple[str, ...]]


@dataclass(frozen=True)
class Recordings:
    """Some recordings, told by their places.

    Attributes:
        patients: pseudonym of each one's patient.
        read: leads [12, T] in millivolts, rate, and leads that were computed from others.
        usual: what they are like.
        where: for people.
    """

    patients: list[str]
    read: Callable[[int], Read]
    usual: Usual
    where: str

    def __len__(self) -> int:
        return len(self.patients)


def of_golden(golden: Sequence[GoldenECG]) -> Recordings:
    """The shipped ECGs, one a patient."""

    def read(place: int) -> Read:
        return golden[place].signal_CT, golden[place].rate_hz, ()

    rates = frozenset(one.rate_hz for one in golden)
    seconds = float(np.median([one.signal_CT.shape[1] / one.rate_hz for one in golden]))
    return Recordings([one.name for one in golden], read, Usual(rates, seconds), "shipped ECGs")


def of_store(store: Store, record_ids: Sequence[str], patients: Sequence[str], cohort: str) -> Recordings:
    """Recordings of a cohort. Raises WorldError when one of them is not in the store."""
    rows = store.find_many(list(record_ids)).tolist()
    if -1 in rows:
        raise WorldError(f"record {record_ids[rows.index(-1)]}", "it is not in the store", "Import it again")
    entries = [store.entry(row) for row in rows]

    def read(place: int) -> Read:
        return store.signal(rows[place]), entries[place].rate_hz, entries[place].derived

    rates = frozenset(entry.rate_hz for entry in entries)
    seconds = float(np.median([entry.length / entry.rate_hz for entry in entries]))
    return Recordings(list(patients), read, Usual(rates, seconds), f"cohort {cohort}")


def spread(places: NDArray[np.intp], most: int) -> NDArray[np.intp]:
    """At most so many of some places, evenly over their order: the same ones every time."""
    if len(places) <= most:
        return places
    return places[np.linspace(0, len(places) - 1, most).round().astype(np.intp)]

"""The measurement nearest in time to an ECG, out of long tables of a hospital (laboratory, vital signs, weights).

Rule of the study (method specification, section 5.1): values outside the 1st to 99th percentile of their name are
dropped, then the value nearest to the ECG counts if it lies within a window.

Shapes: M measurements, Q questions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

TRIM = (0.01, 0.99)


@dataclass(frozen=True)
class Measurement:
    """One value of one patient at one time."""

    patient: str
    name: str
    time: datetime
    value: float


Series = Mapping[tuple[str, str], tuple[NDArray[np.float64], NDArray[np.float64]]]
"""By (patient, name): seconds since 1970 in rising order, and values."""


def series(measurements: Iterable[Measurement], trim: tuple[float, float] = TRIM) -> Series:
    """Group measurements by patient and name, without the extremes of each name."""
    kept = list(measurements)
    bounds = _bounds(kept, trim)
    groups: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for one in kept:
        low, high = bounds[one.name]
        if low <= one.value <= high:
            groups.setdefault((one.patient, one.name), []).append((seconds(one.time), one.value))
    return {key: _columns(sorted(pairs)) for key, pairs in groups.items()}


def nearest(found: Series, patient: str, name: str, time: datetime, within_s: float) -> float | None:
    """The value nearest to a time, None when none lies within so many seconds; of two as near the earlier one."""
    if (patient, name) not in found:
        return None
    times, values = found[patient, name]
    gaps = np.abs(times - seconds(time))
    best = int(np.argmin(gaps))
    return float(values[best]) if gaps[best] <= within_s else None


def parse_time(text: str) -> datetime | None:
    """A date or a date with a time in ISO 8601, without a zone; None where it is none."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def seconds(time: datetime) -> float:
    """Seconds since 1970; times of these tables have no zone and are shifted anyway."""
    return (time - datetime(1970, 1, 1)).total_seconds()


def _bounds(measurements: Sequence[Measurement], trim: tuple[float, float]) -> dict[str, tuple[float, float]]:
    values: dict[str, list[float]] = {}
    for one in measurements:
        values.setdefault(one.name, []).append(one.value)
    cuts = {name: np.quantile(every, trim) for name, every in values.items()}
    return {name: (float(low), float(high)) for name, (low, high) in cuts.items()}


def _columns(pairs: list[tuple[float, float]]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    columns = np.array(pairs, dtype=np.float64)
    return columns[:, 0], columns[:, 1]

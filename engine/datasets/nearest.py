"""The measurement nearest in time to an ECG, out of long tables of a hospital (laboratory, vital signs, weights).

Rule of the study (method specification, section 5.1): values outside the 1st to 99th percentile of their name are
dropped, then the value nearest to the ECG counts if it lies within a window.

The tables have hundreds of millions of rows; they stream by once. Of all values only how often each occurs is kept (for
the percentiles, exactly), and those that lie within the window of an ECG; so memory goes with the ECGs, not the rows.

Legend: M measurements that are kept.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime

import numpy as np

TRIM = (0.01, 0.99)


class Around:
    """Measurements around the ECGs of some patients.

    Args:
        ecgs: when each patient's ECGs were taken, in seconds since 1970.
    """

    def __init__(self, ecgs: Mapping[str, Iterable[float]]) -> None:
        self._ecgs = {patient: sorted(times) for patient, times in ecgs.items()}
        self._number = {patient: number for number, patient in enumerate(self._ecgs)}
        self._series: dict[str, _Series] = {}

    def knows(self, patient: str) -> bool:
        """Whether a patient has an ECG."""
        return patient in self._ecgs

    def take(self, name: str, patient: str, time: str, value: float, within_s: float) -> None:
        """Take in one measurement of a patient who has an ECG; one without a time is left out.

        Args:
            name: of the series.
            patient: whose.
            time: as `parse_time` reads it.
            value: the number.
            within_s: how far an ECG may be for the measurement to be worth keeping.
        """
        when = parse_time(time)
        if when is None:
            return
        moment, ecgs = seconds(when), self._ecgs[patient]
        series = self._series.get(name)
        if series is None:
            series = self._series[name] = _Series()
        series.counts[value] += 1
        place = bisect_left(ecgs, moment)
        before = place and moment - ecgs[place - 1] <= within_s
        if before or (place < len(ecgs) and ecgs[place] - moment <= within_s):
            series.keep(self._number[patient], moment, value)

    def counts(self) -> dict[str, int]:
        """Of each series, how many measurements came by."""
        return {name: series.counts.total() for name, series in self._series.items()}

    def nearest(self, name: str, patient: str, time: datetime, within_s: float) -> float | None:
        """The value nearest to a time, None when none lies within so many seconds; of two as near the earlier one."""
        series = self._series.get(name)
        if series is None or patient not in self._number:
            return None
        return series.nearest(self._number[patient], seconds(time), within_s)


class _Series:
    """Values of one name: how often each occurs, and those near an ECG."""

    def __init__(self) -> None:
        self.counts: Counter[float] = Counter()
        self._patients, self._times, self._values = array("i"), array("d"), array("d")
        self._sorted = 0

    def keep(self, patient: int, moment: float, value: float) -> None:
        """Keep one value."""
        self._patients.append(patient)
        self._times.append(moment)
        self._values.append(value)

    def nearest(self, patient: int, moment: float, within_s: float) -> float | None:
        """As `Around.nearest`."""
        if self._sorted != len(self._times):
            self._settle()
        first, last = np.searchsorted(self._patients_M, [patient, patient + 1])
        if first == last:
            return None
        gaps = np.abs(self._times_M[first:last] - moment)
        best = int(np.argmin(gaps))
        return float(self._values_M[first + best]) if gaps[best] <= within_s else None

    def _settle(self) -> None:
        """Leave the extremes out and put the rest in order."""
        low, high = bounds(self.counts, TRIM)
        columns = [np.array(column) for column in (self._patients, self._times, self._values)]
        good = (columns[2] >= low) & (columns[2] <= high)
        order = np.lexsort((columns[2][good], columns[1][good], columns[0][good]))
        self._patients_M, self._times_M, self._values_M = (column[good][order] for column in columns)
        self._sorted = len(self._times)


def bounds(counts: Mapping[float, int], trim: tuple[float, float]) -> tuple[float, float]:
    """Quantiles of values that occur so many times each, interpolated as `numpy.quantile` does."""
    values = np.array(sorted(counts))
    ends = np.cumsum([counts[value] for value in values.tolist()])
    low, high = (_quantile(values, ends, share) for share in trim)
    return low, high


def _quantile(values: np.ndarray, ends: np.ndarray, share: float) -> float:
    place = share * (int(ends[-1]) - 1)
    below = int(place)
    pair = values[np.searchsorted(ends, [below, min(below + 1, int(ends[-1]) - 1)], side="right")]
    return float(np.quantile(pair, place - below))


def parse_time(text: str) -> datetime | None:
    """A date or a date with a time in ISO 8601, without a zone; None where it is none."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def seconds(time: datetime) -> float:
    """Seconds since 1970; times of these tables have no zone and are shifted anyway."""
    return (time - _EPOCH).total_seconds()


_EPOCH = datetime(1970, 1, 1)

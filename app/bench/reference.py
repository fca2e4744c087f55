"""What the data path is measured against, written plainly: the libraries' own ways, and the published loader.

The published loader is the one of the study's code as `method.md` and its repository describe it: all recordings of a
source one after the other in a float32 file, time by leads, opened anew for every item.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.signal import resample_poly

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import wfdb

from engine.signal.leads import CANONICAL, canonical_name

Signal = NDArray[np.float32]


def by_wfdb(header: Path) -> Signal:
    """A WFDB record by the wfdb package, [12, T] float32 millivolts in canonical order."""
    record = wfdb.rdrecord(str(header.with_suffix("")))
    places = [CANONICAL.index(canonical_name(name) or name) for name in record.sig_name]
    signal_CT = np.empty((len(CANONICAL), record.sig_len), dtype=np.float32)
    signal_CT[places] = record.p_signal.T
    return signal_CT


def by_wfdb_and_scipy(header: Path, up: int, down: int) -> Signal:
    """The same at another rate, by scipy's polyphase filter."""
    return np.asarray(resample_poly(by_wfdb(header), up, down, axis=1, padtype="line"), dtype=np.float32)


@dataclass(frozen=True)
class PublishedLoader:
    """Crops of float32 recordings of equal length that lie one after the other in one file."""

    path: Path
    records: int
    samples: int

    def item(self, row: int, start: int, length: int) -> Signal:
        """One crop [12, length]."""
        shape = (self.records * self.samples, len(CANONICAL))
        data_TC = np.memmap(self.path, dtype=np.float32, mode="r", shape=shape)
        first = row * self.samples + start
        return np.array(data_TC[first : first + length]).T

    def batch(self, rows: NDArray[np.int64], starts: NDArray[np.int64], length: int) -> Signal:
        """Crops [B, 12, length]."""
        items = [self.item(row, start, length) for row, start in zip(rows.tolist(), starts.tolist(), strict=True)]
        return np.stack(items)

"""How well a plain RR interval tells LUDB's rhythms: what the models of docs/evaluation.md had to find for themselves.

    python docs/ludb_rhythm.py [LUDB]

R waves are peaks of the squared lead II between 5 and 20 Hz; bradycardia is told by their median distance, fibrillation
by the spread of the distances. Both are taken twice: from the 10 s, and from the median over four windows of 2.5 s.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from evaluation import ROOT, rhythms
from numpy.typing import NDArray
from pairs import ludb
from scipy.signal import butter, find_peaks, sosfiltfilt

from engine.metrics.discrimination import auroc
from engine.signal.readers import read_recording

WINDOW_S = 2.5
REFRACTORY_S = 0.35
LOUD = 0.3
"""Share of the 97th percentile of the energy that a peak must reach."""


def distances(lead_T: NDArray[np.float32], rate_hz: float) -> NDArray[np.float64]:
    """Seconds between neighbouring R waves."""
    band = butter(2, [5, 20], btype="band", fs=rate_hz, output="sos")
    energy_T = np.convolve(sosfiltfilt(band, lead_T) ** 2, np.ones(int(0.1 * rate_hz)), "same")
    peaks, _ = find_peaks(energy_T, distance=int(REFRACTORY_S * rate_hz), height=LOUD * np.percentile(energy_T, 97))
    return np.diff(peaks) / rate_hz


def main(folder: Path) -> None:
    """Print both AUROCs, from whole recordings and from windows."""
    members = list(ludb(folder))
    y_NL = rhythms(folder, members)
    whole, parts = [], []
    for member in members:
        recording = read_recording(member.path)
        lead_T, rate_hz = recording.signal_CT[1], recording.rate_hz
        rr = distances(lead_T, rate_hz)
        whole.append((np.median(rr) if len(rr) else 2.0, rr.std() / rr.mean() if len(rr) else 0.0))
        cut = int(WINDOW_S * rate_hz)
        known = [distances(lead_T[first : first + cut], rate_hz) for first in range(0, 4 * cut, cut)]
        parts.append(np.median([np.median(one) if len(one) else WINDOW_S for one in known]))
    slow_N, uneven_N = np.array(whole).T
    print(f"bradycardia by the median RR interval of 10 s: AUROC {auroc(y_NL[:, 1], slow_N):.3f}")
    print(f"bradycardia by windows of 2.5 s: AUROC {auroc(y_NL[:, 1], np.array(parts)):.3f}")
    print(f"atrial fibrillation by the spread of RR intervals of 10 s: AUROC {auroc(y_NL[:, 2], uneven_N):.3f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT.parent / "shared" / "data" / "ludb")

"""How fast WFDB records are read, against the wfdb package, after making sure that both give the same numbers.

Run: `python tests/benchmarks/bench_wfdb.py [RECORDS]`. The readers take turns of one pass over the same files, page
cache warm, one thread; the figures are medians a record of the time of the processor, which others' work lengthens
less than the clock's. `isoline bench data` tells a little less of the same readers: there they take turns by sets of
files and the mean counts, so that each finds the cache emptied by the other. Ours checks checksums and lengths, which
wfdb does not; hashing the files (imports need it) is timed apart. Exit code 1 when a value differs by more than half a
unit in the last place of float32.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

from engine.signal.leads import CANONICAL, canonical_name
from engine.signal.readers import find_files, read_recording

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import wfdb

SAMPLES = Path(__file__).resolve().parents[2] / "assets" / "samples" / "ptbxl"
ROUNDS = 3
HALF_ULP = 2.0**-24 * 1.001


def main(records: int) -> int:
    """Print one line a format."""
    paths = find_files([SAMPLES])[:records]
    with tempfile.TemporaryDirectory() as folder:
        return max(measure("format 16", paths), measure("format 212", as_212(paths, Path(folder))))


def as_212(paths: list[Path], folder: Path) -> list[Path]:
    """The same records written in format 212 by the wfdb package, at half the resolution so that 12 bits are enough."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for path in paths:
            record = wfdb.rdrecord(str(path.with_suffix("")), physical=False)
            steps = np.clip(record.d_signal // 2, -2047, 2047)
            wfdb.wrsamp(
                path.stem,
                fs=record.fs,
                units=record.units,
                sig_name=record.sig_name,
                d_signal=steps,
                fmt=["212"] * 12,
                adc_gain=[500.0] * 12,
                baseline=[0] * 12,
                write_dir=str(folder),
            )
    return find_files([folder])


def measure(title: str, paths: list[Path]) -> int:
    """Compare and time; 1 when any value differs."""
    readers: dict[str, Callable[[Path], object]] = {
        "wfdb": lambda path: wfdb.rdrecord(str(path.with_suffix(""))),
        "ours": lambda path: read_recording(path, digest=False),
        "ours with hashes": read_recording,
    }
    wrong = sum(not equal(path) for path in paths)
    times: dict[str, list[float]] = {name: [] for name in readers}
    for name in list(readers) * ROUNDS:
        for path in paths:
            start = time.process_time()
            readers[name](path)
            times[name].append(time.process_time() - start)
    median = {name: 1e3 * statistics.median(values) for name, values in times.items()}
    print(
        f"{title:11} {len(paths)} records, {wrong} differ | wfdb {median['wfdb']:.3f} ms | "
        + " | ".join(
            f"{name} {median[name]:.3f} ms ({median['wfdb'] / median[name]:.1f}x)" for name in list(readers)[1:]
        )
    )
    return int(wrong > 0)


def equal(path: Path) -> bool:
    """Whether every sample is the float32 nearest to what wfdb reads."""
    truth, signal_CT = wfdb.rdrecord(str(path.with_suffix(""))), read_recording(path).signal_CT
    rows = [CANONICAL.index(canonical_name(name) or "") for name in truth.sig_name]
    return bool(np.allclose(signal_CT[rows], truth.p_signal.T, rtol=HALF_ULP, atol=1e-12, equal_nan=True))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 100))

"""`isoline bench data`: reading, resampling and crops, each beside a named alternative, and the store at any size.

CPU time of this process, both sides in turns, medians; what the two sides give is compared before anything is timed.

Shapes: B crops of a batch, C leads, T samples.
"""

from __future__ import annotations

import itertools
import platform
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.assets import asset
from app.bench.reference import PublishedLoader, by_wfdb, by_wfdb_and_scipy
from app.bench.rows import Call, Row, in_turns
from engine.contract.run import write_whole
from engine.data import layout
from engine.data.store import Store
from engine.signal.readers import read_recording
from engine.signal.resampling import resample

MODEL_HZ, CROP, BATCH = 240, 600, 64
FILES, ROUNDS, BATCHES = 40, 7, 20
RECORDS, SAMPLES = 4_000, 2_400
SIZES = (10_000, 100_000, 1_000_000, 10_000_000)
FLAT = 1.25
"""What the largest store may take of the time of the smallest: repeats of one figure differ by a tenth here."""
SPARE_BYTES = 2**30
"""What the disk keeps free beside the simulated index."""

Signal = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class FlooredRow(Row):
    """One figure beside its floor; the error is a share of the largest value.

    Attributes:
        floor: what the floor is; nothing that gives the result can be faster.
        floor_ms: CPU milliseconds of the floor.
    """

    floor: str
    floor_ms: float

    def told(self) -> dict[str, Any]:
        """All of it, for programs."""
        return super().told() | {"share": self.floor_ms / self.ours_ms}


def run(sizes: tuple[int, ...] = SIZES, files: int = FILES, records: int = RECORDS) -> dict[str, Any]:
    """Measure; a dict that is ready for JSON: rows, the store at every size, whether all was equal and met.

    Args:
        sizes: rows of the stores whose crops are timed; those whose index the disk cannot hold are left out.
        files: recordings that are read.
        records: recordings whose samples the stores share.
    """
    with tempfile.TemporaryDirectory(prefix="isoline-bench-", ignore_cleanup_errors=True) as scratch:
        rows = [*_reading(files), _crops(Path(scratch), records)]
        flat = _flat(Path(scratch), sizes, records)
    return {
        "machine": {"processor": platform.processor() or platform.machine(), "numpy": np.__version__},
        "rows": [row.told() for row in rows],
        "flat": flat,
        "equal": all(row.equal for row in rows) and flat["equal"],
        "met": all(row.met for row in rows) and flat["met"],
    }


def _reading(files: int) -> Iterator[Row]:
    headers = sorted(asset("samples", "ptbxl").rglob("*.hea"))[:files]
    rate_hz = read_recording(headers[0]).rate_hz
    ratio = Fraction(MODEL_HZ) / Fraction(rate_hz)

    def ingested(header: Path) -> Signal:
        """[12, t] millivolts at the rate of the models, our way."""
        return resample(read_recording(header, digest=False).signal_CT, rate_hz, MODEL_HZ)

    def plainly(header: Path) -> Signal:
        """The same by the libraries that everybody uses."""
        return by_wfdb_and_scipy(header, ratio.numerator, ratio.denominator)

    def read(header: Path) -> Signal:
        """[12, T] millivolts at the file's own rate."""
        return read_recording(header, digest=False).signal_CT

    def from_file(header: Path) -> object:
        """The floor: the file's bytes, once in memory."""
        return np.fromfile(header.with_suffix(".dat"), dtype="<i2")

    cases = (
        ("read", "WFDB record read", read, "wfdb.rdrecord", by_wfdb, 25.0),
        ("ingest", "WFDB record read and resampled", ingested, "wfdb.rdrecord + resample_poly", plainly, 12.0),
    )
    for name, what, ours, alternative, theirs, goal in cases:
        error = max(_difference(ours(header), theirs(header)) for header in headers)
        ours_ms, theirs_ms, floor_ms = _times([_each(call, headers) for call in (ours, theirs, from_file)])
        count = len(headers)
        times = (ours_ms / count, theirs_ms / count, floor_ms / count)
        floor = "the bytes of the file in memory"
        yield FlooredRow(
            name, what, "record", times[0], alternative, times[1], goal, error, 5e-7, floor=floor, floor_ms=times[2]
        )


def _crops(scratch: Path, records: int) -> Row:
    store = _simulated(scratch / "one", records, records)
    steps_TC = np.memmap(scratch / "one" / "shard-00000.bin", dtype="<i2", mode="r").reshape(-1, layout.LEADS)
    with (scratch / "float32").open("wb") as file:
        for first in range(0, len(steps_TC), SAMPLES):
            (steps_TC[first : first + SAMPLES].astype(np.float32) / np.float32(1000)).tofile(file)
    published = PublishedLoader(scratch / "float32", records, SAMPLES)
    draws = _draws(records)
    room_BTC = np.empty((BATCH, CROP, layout.LEADS), dtype=np.int16)

    def copied() -> None:
        """The floor: the samples of a batch of crops, copied."""
        rows, starts = next(draws)
        for crop_TC, first in zip(room_BTC, (rows * SAMPLES + starts).tolist(), strict=True):
            crop_TC[:] = steps_TC[first : first + CROP]

    rows, starts = next(draws)
    error = _difference(store.crops(rows, starts, CROP)[0], published.batch(rows, starts, CROP))
    ours = _repeated(_random_crops(store))
    theirs = _repeated(lambda: published.batch(*next(draws), CROP))
    ours_ms, theirs_ms, floor_ms = (ms / BATCHES for ms in _times([ours, theirs, _repeated(copied)]))
    (scratch / "float32").unlink()
    what, floor = f"{BATCH} random crops of 2.5 s, 12 leads", "a copy of their samples"
    loader = "published loader"
    return FlooredRow(
        "crops", what, "batch", ours_ms, loader, theirs_ms, 15.0, error, tolerance=0.0, floor=floor, floor_ms=floor_ms
    )


def _flat(scratch: Path, sizes: tuple[int, ...], records: int) -> dict[str, Any]:
    """Crops of stores of all sizes, in turns; their index is real, the samples are shared by many rows."""
    left_out = [
        size for size in sizes if size * layout.ROW.itemsize * 1.2 + SPARE_BYTES > shutil.disk_usage(scratch).free
    ]
    stores = {size: _simulated(scratch / str(size), size, records) for size in sizes if size not in left_out}
    opened = {}
    for size, store in stores.items():
        begun = time.process_time()
        again = Store.open(store.path)
        opened[size] = 1e3 * (time.process_time() - begun)
        again.measures()[0].sum()  # as a run does that looks for recordings shorter than a crop
    equal = all(_shares_samples(store, records) for store in stores.values())
    calls = [_repeated(_random_crops(store)) for store in stores.values()]
    times = dict(zip(stores, (ms / BATCHES for ms in _times(calls)), strict=True))
    ratio = times[max(times)] / times[min(times)] if times else None
    return {
        "what": f"{BATCH} random crops of 2.5 s, by the number of recordings in the store",
        "rows": [{"records": size, "crops_ms": times[size], "open_ms": opened[size]} for size in stores],
        "left_out": left_out,
        "ratio": ratio,
        "goal": FLAT,
        "equal": equal,
        "met": equal and not left_out and ratio is not None and ratio <= FLAT,
    }


def _simulated(path: Path, size: int, records: int) -> Store:
    """A store of `size` rows that share the samples of `records` made-up recordings."""
    path.mkdir(parents=True)
    write_whole(path / "store.json", f'{{"version": {layout.VERSION}}}\n')
    rng = np.random.default_rng(0)
    shard = path.parent / "samples.bin"
    if not shard.exists():
        with shard.open("wb") as file:
            for _ in range(records):
                rng.integers(-3000, 3000, (SAMPLES, layout.LEADS), dtype=np.int16).tofile(file)
    (path / "shard-00000.bin").hardlink_to(shard)
    with (path / "index.bin").open("wb") as index:
        for first in range(0, size, 250_000):
            count = min(250_000, size - first)
            rows = np.zeros(count, dtype=layout.ROW)
            rows["signal_sha256"] = np.frombuffer(rng.bytes(32 * count), dtype="V32")
            rows["rate_hz"], rows["steps_per_mv"], rows["length"] = MODEL_HZ, 1000.0, SAMPLES
            rows["offset"] = np.arange(first, first + count) % records * (SAMPLES * layout.SAMPLE_BYTES)
            rows["exact"] = layout.EXACT_TOLD
            rows[-1]["row_crc"] = layout.row_crc(rows[-1])
            rows.tofile(index)
    return Store.open(path)


def _random_crops(store: Store) -> Call:
    draws = _draws(len(store))
    return lambda: store.crops(*next(draws), CROP)


def _shares_samples(store: Store, records: int) -> bool:
    rows = np.random.default_rng(2).integers(len(store), size=BATCH)
    starts = np.full(BATCH, 77)
    return np.array_equal(store.crops(rows, starts, CROP)[0], store.crops(rows % records, starts, CROP)[0])


def _draws(records: int) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Batches of random rows and starts, drawn ahead so that drawing is not timed."""
    rng = np.random.default_rng(1)
    rows = rng.integers(records, size=(ROUNDS * BATCHES, BATCH))
    starts = rng.integers(SAMPLES - CROP, size=rows.shape)
    return itertools.cycle(zip(rows, starts, strict=True))


def _difference(ours: Signal, theirs: Signal) -> float:
    ours = ours[..., : theirs.shape[-1]]
    return float(np.abs(ours - theirs[..., : ours.shape[-1]]).max() / np.abs(theirs).max())


def _each(call: Callable[[Path], object], headers: list[Path]) -> Call:
    def all_of_them() -> None:
        """Every header once."""
        for header in headers:
            call(header)

    return all_of_them


def _repeated(call: Call) -> Call:
    def many_times() -> None:
        """As many batches as one timing takes."""
        for _ in range(BATCHES):
            call()

    return many_times


def _times(calls: Sequence[Call]) -> list[float]:
    return in_turns(calls, ROUNDS, unheeded=1)

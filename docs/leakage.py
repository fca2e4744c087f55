"""How well copies of recordings are found: the figures of docs/leakage.md, on the development data beside the checkout.

    python docs/leakage.py planted|natural|pairs|speed|privacy|medians [--of CORPUS] [--among N] [--hurried] [--data D]

Thresholds and the medians of the codes were set on every second record of `ptbxl-500` (the 2nd, 4th, ... by ecg_id).
`planted` tests on the others, without patients who have a record among the first; every record of all sets is in the
haystack. `planted --of ludb` and `--of cinc-challenge` test on records of which nothing was looked at before.
Intervals are exact (Clopper and Pearson), 95 %.

Shapes: C leads, T samples.
"""

from __future__ import annotations

import argparse
import csv
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, rfft
from scipy.signal import butter, resample_poly, sosfilt, sosfiltfilt
from scipy.stats import beta

from engine.contract.errors import WorldError
from engine.data import copies as comparing
from engine.data import fingerprint as method
from engine.data import landmarks
from engine.data.copies import Query, find_copies
from engine.data.fingerprint import Fingerprint, fingerprint
from engine.data.landmarks import LandmarkIndex
from engine.data.prints import Prints
from engine.signal.readers import read_recording

ROOT = Path(__file__).resolve().parent.parent
Signal = NDArray[np.float32]
KNOWN_TWINS = {frozenset(pair) for pair in ((137, 138), (145, 463), (456, 457))}
"""Pairs of ecg_ids of PTB-XL that hold the same samples, and a pair of the Georgia set: found here, then compared
sample by sample."""
GEORGIA_TWINS = {"E07509", "E07510"}


@dataclass(frozen=True)
class One:
    """A recording: where it is from, its number there, its ecg_id of PTB-XL if it has one."""

    corpus: str
    name: str
    ecg_id: int | None
    patient: str
    signal_CT: Signal
    rate_hz: float


def corpora(data: Path) -> list[One]:
    """Every recording of the development data that a reader of ours reads, PTB-XL at 500 Hz first."""
    with (data / "ptbxl-500/ptbxl_database.csv").open(encoding="utf-8") as file:
        patients = {int(float(row["ecg_id"])): row["patient_id"] for row in csv.DictReader(file)}
    found = []
    for path in sorted((data / "ptbxl-500/records500").rglob("*.hea")):
        number = int(path.name[:5])
        one = read_recording(path)
        found.append(One("ptbxl-500", path.stem, number, patients[number], one.signal_CT, one.rate_hz))
    for corpus in ("ludb", "cinc-challenge"):
        for path in sorted((data / corpus).rglob("*.hea")):
            number = re.match(r"HR0*(\d+)$", path.stem)
            try:
                one = read_recording(path)
            except WorldError:
                one = raw(path)
            ecg_id = int(number.group(1)) if number else None
            patient = patients.get(ecg_id, "") if ecg_id else ""
            found.append(One(corpus, str(path.relative_to(data)), ecg_id, patient, one.signal_CT, one.rate_hz))
    with h5py.File(data / "ptbxl-zscored-100hz/tracings.hdf5") as file:
        tracings, numbers = file["tracings"][:].astype(np.float32), file["exam_id"][:]
    for tracing, number in zip(tracings, numbers, strict=True):
        found.append(One("ptbxl-zscored-100hz", str(number), int(number), "", np.ascontiguousarray(tracing.T), 100.0))
    return found


@dataclass(frozen=True)
class raw:
    """A Challenge file whose header wfdb refuses ("E00009.mat" for "E00009"): its integers as they stand."""

    path: Path
    rate_hz: float = 500.0

    @property
    def signal_CT(self) -> Signal:
        """[12, T], in steps: a fingerprint knows no gain."""
        from scipy.io import loadmat

        return loadmat(self.path.with_suffix(".mat"))["val"].astype(np.float32)


# What is done to a copy


def band(x: Signal, rate: float, low: float, high: float, one_way: bool = False) -> Signal:
    """Butterworth, of order 4 there and back or of order 2 one way."""
    sos = butter(2 if one_way else 4, [low, min(high, 0.49 * rate)], "band", fs=rate, output="sos")
    return (sosfilt if one_way else sosfiltfilt)(sos, x, axis=1).astype(np.float32)


def zscored(x: Signal) -> Signal:
    """Each lead to mean 0 and standard deviation 1."""
    return (x - x.mean(1, keepdims=True)) / np.maximum(x.std(1, keepdims=True), 1e-6)


def at(x: Signal, rate: float, wanted: int) -> Signal:
    """At another rate."""
    return resample_poly(x, wanted, int(rate), axis=1, padtype="line").astype(np.float32)


def cut(x: Signal, rate: float, seconds: float, draw: np.random.Generator) -> Signal:
    """So many seconds from somewhere."""
    start = draw.integers(0, x.shape[1] - int(seconds * rate) + 1)
    return x[:, start : start + int(seconds * rate)]


def paper(x: Signal, rate: float, draw: np.random.Generator) -> tuple[Signal, float]:
    """All at once, in the order of a data set's preparation: filter, resample, cut, scale each lead."""
    y = cut(at(band(x, rate, 0.5, 40), rate, 100), 100, draw.uniform(2.5, 5), draw)
    return zscored(y) * draw.uniform(0.2, 5), 100


def swapped(x: Signal) -> Signal:
    """Electrodes of right and left arm swapped."""
    y = x.copy()
    y[0], y[1], y[2] = -x[0], x[2], x[1]
    y[3], y[4] = x[4], x[3]
    return y


Change = Callable[[Signal, float, np.random.Generator], tuple[Signal, float]]
ASKED: dict[str, Change] = {
    "band-pass 0.5-40 Hz, there and back": lambda x, r, g: (band(x, r, 0.5, 40), r),
    "band-pass 0.5-40 Hz, one way": lambda x, r, g: (band(x, r, 0.5, 40, True), r),
    "z-score of each lead": lambda x, r, g: (zscored(x), r),
    "100 Hz": lambda x, r, g: (at(x, r, 100), 100),
    "cut to 5 s": lambda x, r, g: (cut(x, r, 5, g), r),
    "cut to 2.5 s": lambda x, r, g: (cut(x, r, 2.5, g), r),
    "scaled by 0.2 to 5": lambda x, r, g: (x * np.float32(g.uniform(0.2, 5)), r),
    "band-pass, z-score, 100 Hz": lambda x, r, g: (at(zscored(band(x, r, 0.5, 40)), r, 100), 100),
    "band-pass, 100 Hz, cut to 2.5-5 s, z-score, scaled": paper,
    "cut to 2.5 s, then one-way band-pass, 100 Hz, z-score": lambda x, r, g: (
        zscored(at(band(cut(x, r, 2.5, g), r, 0.5, 40, True), r, 100)),
        100,
    ),
}
BEYOND: dict[str, Change] = {
    "band-pass 1-30 Hz, one way": lambda x, r, g: (band(x, r, 1, 30, True), r),
    "cut to 2.5 s, band-pass 1-30 Hz, one way": lambda x, r, g: (cut(band(x, r, 1, 30, True), r, 2.5, g), r),
    "noise of 20 uV, 240 Hz, cut to 3 s": lambda x, r, g: (
        at(cut(x, r, 3, g) + g.normal(0, 0.02, (12, int(3 * r))).astype(np.float32), r, 240),
        240,
    ),
    "noise of 50 uV": lambda x, r, g: (x + g.normal(0, 0.05, x.shape).astype(np.float32), r),
    "arms swapped": lambda x, r, g: (swapped(x), r),
    "V3 missing": lambda x, r, g: (np.where(np.arange(12)[:, None] == 8, np.float32(np.nan), x), r),
    "I and V1 missing": lambda x, r, g: (np.where(np.isin(np.arange(12), [0, 6])[:, None], np.float32(np.nan), x), r),
    "limb leads only": lambda x, r, g: (np.where(np.arange(12)[:, None] > 5, np.float32(np.nan), x), r),
    "cut to 2 s": lambda x, r, g: (cut(x, r, 2, g), r),
    "upside down": lambda x, r, g: (-x, r),
    "played 2 % faster": lambda x, r, g: (x, r * 1.02),
}


def exact(hits: int, trials: int) -> str:
    """A share with its exact interval, in words."""
    low = beta.ppf(0.025, hits, trials - hits + 1) if hits else 0.0
    high = beta.ppf(0.975, hits + 1, trials - hits) if hits < trials else 1.0
    if hits > trials / 2:
        return f"{hits:,}/{trials:,} = {hits / trials:.4f} ({low:.4f} to {high:.4f})"
    return f"{hits:,}/{trials:,} = {hits / trials:.2g} ({low:.2g} to {high:.2g})"


def are_one(a: One, b: One) -> bool:
    """Whether two recordings are known to be the same ECG."""
    if a.ecg_id is None or b.ecg_id is None:
        stems = {Path(a.name).stem, Path(b.name).stem}
        return a is b or (a.corpus == b.corpus and (len(stems) == 1 or stems == GEORGIA_TWINS))
    return a.ecg_id == b.ecg_id or frozenset((a.ecg_id, b.ecg_id)) in KNOWN_TWINS


def haystack(found: list[One]) -> tuple[Prints, LandmarkIndex]:
    """Fingerprints of all, and the index over them."""
    prints = Prints.gather((f"r{n:012x}", fingerprint(one.signal_CT, one.rate_hz)) for n, one in enumerate(found))
    return prints, LandmarkIndex(prints)


def tested(found: list[One], corpus: str) -> list[int]:
    """Rows of PTB-XL that nothing was set on: the 1st, 3rd, ... record, of patients with none among the others.

    Of another corpus all rows of 10 s at least that are not of PTB-XL.
    """
    if corpus:
        long = [n for n, one in enumerate(found) if one.signal_CT.shape[1] >= 10 * one.rate_hz]
        return [n for n in long if found[n].corpus == corpus and found[n].ecg_id is None]
    ptbxl = [n for n, one in enumerate(found) if one.corpus == "ptbxl-500"]
    seen = {found[n].patient for n in ptbxl[1::2]}
    return [n for n in ptbxl[::2] if found[n].patient not in seen]


def planted(found: list[One], corpus: str = "") -> None:
    """Recall of planted copies and false alarms over all pairs that are none, on records that nothing was set on."""
    prints, index = haystack(found)
    rows = tested(found, corpus)
    print(f"{len(rows)} records tested, {len(found)} in the haystack")
    for title, changes in (("asked for", ASKED), ("beyond", BEYOND))[: 1 if corpus else 2]:
        hits = trials = alarms = nonpairs = 0
        for name, change in changes.items():
            own_hits, own_alarms, scores = 0, 0, []
            for row in rows:
                changed_CT, rate = change(found[row].signal_CT, found[row].rate_hz, np.random.default_rng(row))
                copies = find_copies(Query(fingerprint(changed_CT.astype(np.float32), rate)), prints, index)
                own_hits += any(copy.row == row for copy in copies)
                wrong = [copy for copy in copies if not are_one(found[row], found[copy.row])]
                own_alarms += len(wrong)
                scores += [f"{found[row].name}~{found[copy.row].name} {copy.score:.3f}" for copy in wrong]
                nonpairs += sum(not are_one(found[row], other) for other in found)
            hits, trials, alarms = hits + own_hits, trials + len(rows), alarms + own_alarms
            print(f"| {name} | {exact(own_hits, len(rows))} | {own_alarms} | {' '.join(scores[:4])}", flush=True)
        print(f"| all {title} | {exact(hits, trials)} | {exact(alarms, nonpairs)} |", flush=True)


def natural(found: list[One], data: Path) -> None:
    """Recordings that stand in several public sets, as their publishers made them."""
    prints, index = haystack(found)
    ptbxl = {one.ecg_id: n for n, one in enumerate(found) if one.corpus == "ptbxl-500"}
    zscored_rows = {one.ecg_id: n for n, one in enumerate(found) if one.corpus == "ptbxl-zscored-100hz"}
    sets: dict[str, list[tuple[str, int | None, Signal, float]]] = {"records100 in records500": []}
    for path in sorted((data / "ptbxl-500/records100").rglob("*.hea")):
        one = read_recording(path)
        sets["records100 in records500"].append((path.stem, int(path.name[:5]), one.signal_CT, one.rate_hz))
    challenge = [one for one in found if one.corpus == "cinc-challenge" and one.ecg_id in ptbxl]
    sets["HR records of the Challenge in ptbxl-500"] = [(o.name, o.ecg_id, o.signal_CT, o.rate_hz) for o in challenge]
    samples = sorted((data / "format-samples/csv").glob("*.csv"))
    sets["8 CSV samples at 100 Hz"] = [
        (path.stem, int(path.name[:5]), np.loadtxt(path, delimiter=",", dtype=np.float32).T, 100.0) for path in samples
    ]
    with h5py.File(data / "format-samples/hdf5-code15-layout/exams_part0.hdf5") as file:
        numbers, tracings = file["exam_id"][:], file["tracings"][:].astype(np.float32)
    sets["CODE-15 layout, 400 Hz, between zeros"] = [
        (str(n), int(n), np.ascontiguousarray(x.T), 400.0) for n, x in zip(numbers, tracings, strict=True) if n
    ]
    filtered = sorted((data / "ptbxl-zscored-100hz/original-npy").glob("*.npy"))
    sets["originals of the z-scored set, 500 Hz"] = [
        (p.stem, int(re.findall(r"\d+", p.stem)[0]), np.load(p).T.astype(np.float32), 500.0) for p in filtered
    ]
    for name, ones in sets.items():
        hits = wanted = alarms = nonpairs = 0
        for _, ecg_id, signal_CT, rate in ones:
            rows = {row for row in (ptbxl.get(ecg_id), zscored_rows.get(ecg_id)) if row is not None}
            copies = find_copies(Query(fingerprint(signal_CT, rate)), prints, index)
            hits += bool(rows & {copy.row for copy in copies})
            wanted += bool(rows)
            own = One("", "", ecg_id, "", signal_CT, rate)
            alarms += sum(not are_one(own, found[copy.row]) for copy in copies)
            nonpairs += sum(not are_one(own, other) for other in found)
        print(
            f"| {name} | {exact(hits, wanted) if wanted else 'none is there'} | {exact(alarms, nonpairs)} |", flush=True
        )


def pairs(found: list[One]) -> None:
    """Every pair of recordings that the sentinel calls one, over all sets; and pairs of one patient's recordings."""
    prints, index = haystack(found)
    seen: dict[tuple[int, int], float] = {}
    unchecked = 0
    for n, one in enumerate(found):
        taken = fingerprint(one.signal_CT, one.rate_hz)
        unchecked += not taken.can_be_compared
        for copy in find_copies(Query(taken), prints, index):
            if copy.row != n:
                key = (min(n, copy.row), max(n, copy.row))
                seen[key] = max(copy.score, seen.get(key, 0))
    for (a, b), score in sorted(seen.items()):
        one, other = found[a], found[b]
        mark = "known" if are_one(one, other) else "NOT KNOWN"
        told = (
            f"{one.corpus} {one.name} (patient {one.patient}) = {other.corpus} {other.name} (patient {other.patient})"
        )
        print(f"{mark}: {told}, score {score:.3f}")
    wrong = sum(not are_one(found[a], found[b]) for a, b in seen)
    total = len(found) * (len(found) - 1) // 2
    print(
        "pairs that are not known to be one:", exact(wrong, total - sum(are_one(found[a], found[b]) for a, b in seen))
    )
    print("recordings that cannot be compared:", unchecked)
    same = [
        (a, b)
        for a, one in enumerate(found)
        for b in range(a + 1, len(found))
        if one.patient and one.patient == found[b].patient and not are_one(one, found[b])
    ]
    print("other recordings of the same patient called copies:", exact(sum(pair in seen for pair in same), len(same)))


def brute_force(query_KS: NDArray[np.float32], spectra: NDArray[np.complex64], size: int) -> NDArray[np.float32]:
    """What an index saves: normalised cross-correlation of 8 leads at 50 Hz at every shift with every recording."""
    product = spectra * np.conj(rfft(query_KS, size, axis=1))
    return irfft(product, size, axis=2).mean(axis=1).max(axis=1)


def speed(found: list[One]) -> None:
    """Time of a fingerprint, of a search among many, and of the cross-correlation of all pairs in its place."""
    ptbxl = [one for one in found if one.corpus == "ptbxl-500"]
    taken = [fingerprint(one.signal_CT, one.rate_hz) for one in ptbxl]
    own = min(timed(lambda: [fingerprint(one.signal_CT, one.rate_hz) for one in ptbxl[:100]]) for _ in range(5)) / 100
    print(f"fingerprint of 12 leads, 10 s, 500 Hz: {own * 1e3:.2f} ms")
    leads = np.stack([one.band_KT[:, ::4] for one in taken])
    spectra = rfft(leads, 1024, axis=2)
    each = min(timed(lambda: brute_force(leads[0], spectra, 1024)) for _ in range(5)) / len(taken)
    print(f"cross-correlation of one pair at every shift: {each * 1e6:.1f} us")
    for size in (1_000, 10_000, 100_000, 1_000_000):
        prints = many(taken, size)
        started = time.process_time()
        index = LandmarkIndex(prints)
        built = time.process_time() - started
        queries = [Query(one) for one in taken[:40]]
        search = timed(lambda q=queries, p=prints, i=index: [find_copies(one, p, i) for one in q]) / len(queries)
        short = [Query(fingerprint(one.signal_CT[:, 1500:2750], 500)) for one in ptbxl[:40]]
        cut_s = timed(lambda q=short, p=prints, i=index: [find_copies(one, p, i) for one in q]) / len(short)
        bytes_each = sum(getattr(prints, name).nbytes for name in vars(prints)) / size
        ratio = each * size / (own + search)
        print(
            f"| {size:,} | {built:.2f} s | {search * 1e3:.2f} ms | {cut_s * 1e3:.2f} ms | "
            f"{each * size * 1e3:,.0f} ms | {ratio:,.0f} | {bytes_each:.0f} bytes |",
            flush=True,
        )


def timed(act: Callable[[], object]) -> float:
    """Seconds of this process's own time."""
    started = time.process_time()
    act()
    return time.process_time() - started


def many(taken: list[Fingerprint], size: int) -> Prints:
    """A corpus of `size` made from real fingerprints; the first ones stay as they are.

    Four times a random word of each code is replaced by that word of a random real landmark. So every table is as full
    and as uneven as that of a real corpus of this size, and about as many recordings become candidates as in the real
    one (1.4 of 100). The signs are those of another recording.
    """
    draw = np.random.default_rng(0)
    some = [taken[n % len(taken)] for n in range(size)]
    real = np.concatenate([one.codes_A for one in taken])
    codes = np.concatenate([one.codes_A for one in some])
    first, made = len(real), len(codes) - len(real)
    words, real_words = codes[first:].view("<u2").reshape(-1, 4), real.view("<u2").reshape(-1, 4)
    for _ in range(4):
        word = draw.integers(0, 4, made)
        words[np.arange(made), word] = real_words[draw.integers(0, first, made), word]
    signs = [one.signs_S for one in some[: len(taken)]] + [some[-n].signs_S for n in range(len(taken), size)]
    return Prints(
        keys_N=np.arange(size, dtype=np.uint64),
        leads_N=np.array([one.leads for one in some], dtype=np.uint8),
        sign_starts=np.cumsum([0, *(len(one) for one in signs)], dtype=np.uint64),
        mark_starts=np.cumsum([0, *(len(one.ticks_A) for one in some)], dtype=np.uint64),
        signs_S=np.concatenate(signs),
        ticks_A=np.concatenate([one.ticks_A for one in some]),
        codes_A=codes,
    )


def privacy(found: list[One]) -> None:
    """What of an ECG can be had back from its signs: a linear filter, learnt on one half, tried on the other."""
    ptbxl = [one for one in found if one.corpus == "ptbxl-500"]
    reach = 10
    xs, ys, raws = [], [], []
    for one in ptbxl:
        taken = fingerprint(one.signal_CT, one.rate_hz)
        bits = np.unpackbits(taken.signs_S[:, None], axis=1, bitorder="little") * 2.0 - 1
        windows = np.stack([np.roll(bits, k, axis=0) for k in range(-reach, reach + 1)], axis=1).reshape(len(bits), -1)
        xs.append(windows[25:-25:2])
        ys.append(taken.band_KT[:, ::4].T[25:-25:2])
        raws.append(one.signal_CT[[0, 1, 6, 7, 8, 9, 10, 11]][:, ::10].T[25:-25:2])
    half = slice(1, None, 2)
    x, y, whole = (np.concatenate(part[half]) for part in (xs, ys, raws))
    gram = x.T @ x + 10 * np.eye(x.shape[1])
    weights, weights_whole = np.linalg.solve(gram, x.T @ y), np.linalg.solve(gram, x.T @ whole)
    shapes, wholes, sizes, bad = [], [], [], []
    for x_one, y_one, raw_one in list(zip(xs, ys, raws, strict=True))[::2]:
        back, back_whole = x_one @ weights, x_one @ weights_whole
        shapes.append(np.mean([np.corrcoef(back[:, k], y_one[:, k])[0, 1] for k in range(8) if y_one[:, k].std() > 0]))
        wholes.append(
            np.mean([np.corrcoef(back_whole[:, k], raw_one[:, k])[0, 1] for k in range(8) if raw_one[:, k].std() > 0])
        )
        sizes.append(np.log(back.std() / y_one.std()))
        bad.append(1 - ((raw_one - raw_one.mean(0) - back_whole) ** 2).sum() / ((raw_one - raw_one.mean(0)) ** 2).sum())
    print(f"correlation with the filtered leads (3-22 Hz): {spread(shapes)}")
    print(f"correlation with the leads as recorded: {spread(wholes)}")
    print(f"share of the variance in mV^2 that comes back: median {np.median(bad):.2f}")
    print(f"error of the size (factor, 95 % of records within): {np.exp(np.quantile(np.abs(sizes), 0.95)):.2f}")
    beats(ptbxl)


def spread(values: list[float]) -> str:
    """Median and ninetieth centile."""
    return f"median {np.median(values):.2f}, 90 % {np.quantile(values, 0.9):.2f}"


def beats(ptbxl: list[One]) -> None:
    """Heart rate from landmarks alone, held against that from the filtered leads' own periodicity."""
    told, true = [], []
    for one in ptbxl:
        taken = fingerprint(one.signal_CT, one.rate_hz)
        energy = np.square(taken.band_KT).sum(axis=0)
        energy = np.convolve(energy - energy.mean(), np.ones(20), "same")
        ring = irfft(np.abs(rfft(energy, 4096)) ** 2)[60:400]
        true.append(200 * 60 / (60 + int(np.argmax(ring))))
        signs = np.unpackbits(taken.signs_S[:, None], axis=1, bitorder="little") * 2.0 - 1
        same = irfft((np.abs(rfft(signs - signs.mean(0), 1024, axis=0)) ** 2).sum(axis=1))[15:100]
        told.append(50 * 60 / (15 + int(np.argmax(same))))
    close = np.mean(np.abs(np.array(told) / np.array(true) - 1) < 0.05)
    print(f"heart rate from the signs alone within 5 %: {close:.2f} of the records")


def medians(found: list[One]) -> None:
    """The thresholds of the code's bits, from the records that were set on."""
    products: list[NDArray[np.float32]] = []
    directions = method._directions()

    class Spy:
        def __rmatmul__(self, shape_AD: NDArray[np.float32]) -> NDArray[np.float32]:
            products.append(shape_AD @ directions)
            return products[-1]

        __array_ufunc__ = None

    method._directions = lambda: Spy()  # type: ignore[assignment]
    ptbxl = [one for one in found if one.corpus == "ptbxl-500"]
    for one in ptbxl[1::2]:
        fingerprint(one.signal_CT, one.rate_hz)
    print(np.rint(np.median(np.concatenate(products), axis=0)).astype(int).tolist())


def main() -> None:
    """Make the figures that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["planted", "natural", "pairs", "speed", "privacy", "medians"])
    parser.add_argument("--of", default="", metavar="CORPUS", help="planted copies of ludb or cinc-challenge instead")
    parser.add_argument("--among", type=int, default=1292, help="ask for scores as among so many recordings")
    parser.add_argument("--hurried", action="store_true", help="search as in an index of more than 330,000 recordings")
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared/data")
    arguments = parser.parse_args()
    comparing.LARGE = int(comparing.LARGE * 1292 / arguments.among)
    if arguments.hurried:
        landmarks.THOROUGH = 0
    found = corpora(arguments.data)
    if arguments.what == "natural":
        natural(found, arguments.data)
    elif arguments.what == "planted":
        planted(found, arguments.of)
    else:
        {"pairs": pairs, "speed": speed, "privacy": privacy, "medians": medians}[arguments.what](found)


if __name__ == "__main__":
    main()

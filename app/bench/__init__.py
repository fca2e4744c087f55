"""`isoline bench`: how fast this machine does what all else waits for, each thing beside an alternative.

Both sides of a pair run in the same call on the same data, and their results are held against each other first: a fast
wrong answer is no benchmark. What needs torch is measured by the engine, in its own process.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import rankdata

from app.core.engine_command import engine_command
from app.printing import paragraph, table
from engine.contract.errors import UsageError, WorldError
from engine.metrics.discrimination import Ranked
from engine.metrics.uncertainty import draw_multiplicities

SECONDS = 2.0
"""How long each side of a pair is measured."""


@dataclass(frozen=True)
class Pair:
    """Our way and an alternative, in units a second, measured one after the other."""

    what: str
    unit: str
    ours: str
    ours_rate: float
    alternative: str
    alternative_rate: float

    @property
    def ratio(self) -> float:
        """How many times faster ours is."""
        return self.ours_rate / self.alternative_rate


def resamples(records: int = 22_000, patients: int = 4_400) -> Pair:
    """Patient-clustered resamples of one AUROC: scores sorted once, and ranked anew in every resample."""
    rng = np.random.default_rng(0)
    patient_N = rng.integers(patients, size=records)
    y_N = (rng.random(records) < 0.2).astype(np.float64)
    score_N = np.round(rng.normal(size=records) + y_N, 2)
    weight_PB = draw_multiplicities(patients, 2000, seed=0)

    def ranked_anew(column: int) -> float:
        """The AUROC of one resample, as its definition says: recordings repeated, then ranked."""
        rows = np.repeat(np.arange(records), weight_PB[patient_N, column])
        positive = y_N[rows] > 0.5
        m, n = int(positive.sum()), int((~positive).sum())
        return float((rankdata(score_N[rows])[positive].sum() - m * (m + 1) / 2) / (m * n))

    began = time.perf_counter()
    sorted_once = Ranked.of(y_N, score_N, patient_N).resampled(weight_PB)
    ours = 2000 / (time.perf_counter() - began)
    np.testing.assert_allclose(sorted_once[:3], [ranked_anew(column) for column in range(3)], rtol=1e-12)
    column = iter(range(2000))
    alternative = _rate(lambda: ranked_anew(next(column) % 2000))
    what = f"clustered resamples of {records:,} recordings"
    return Pair(what, "resamples/s", "sorted once", ours, "ranked in every resample (scipy)", alternative)


DATA, EVALUATION, ENGINE = "data", "evaluation", "engine"
"""Names of the benchmarks; the engine runs its own."""


def check_name(which: str | None) -> None:
    """Make sure that there is a benchmark of this name. Raises UsageError otherwise."""
    known = (DATA, EVALUATION, ENGINE)
    if which not in (None, *known):
        raise UsageError(f"benchmark {which}", "there is none of this name", f"Choose from: {', '.join(known)}")


def engine_benchmark(*options: str) -> dict[str, Any]:
    """What `isoline-engine bench engine --json` tells: machine, rows, whether all results were equal.

    Raises:
        WorldError: the engine could not be started, or did not answer.
    """
    command = [*engine_command(), "bench", ENGINE, "--json", *options]
    try:
        said = subprocess.run(command, stdout=subprocess.PIPE, check=False, encoding="utf-8")
        report: dict[str, Any] = json.loads(said.stdout)
    except (OSError, ValueError):
        raise WorldError("engine", "its benchmark did not answer", "Try: isoline selftest") from None
    return report


def engine_in_words(report: dict[str, Any]) -> str:
    """The engine's rows as a table for people, and how to read it."""
    machine = report["machine"]
    heads = (
        "Milliseconds a crop, one thread",
        "Ours",
        "Plain",
        "Ratio",
        "Goal",
        "Of the floor",
        "Goal ",
        "Published",
        "MB",
        "",
    )
    rows = [
        (
            row["what"],
            f"{row['ours_ms']:.1f}",
            f"{row['reference_ms']:.1f}",
            f"{row['ratio']:.1f}",
            f"{row['goal_ratio']:.1f}",
            _percent(row["share"]),
            _percent(row["goal_share"]),
            f"{row['published_here_ms']:.1f}" if row["published_here_ms"] else "",
            _megabytes(row),
            _verdict(row),
        )
        for row in report["rows"]
    ]
    rates = [row["gemm"] for row in report["rows"]] or [machine["gemm"]]
    peak, there = (f"{rate:.0f} GFLOP/s" for rate in (machine["peak"], report["published"]["gemm"]))
    here = f"{min(rates):.0f} to {max(rates):.0f}"
    notes = (
        "Plain: the published algorithm, written plainly, on the same weights in the same run.",
        f"Floor: its products at {peak}, the most that one thread does here ({machine['peak_is']}).",
        f"Published: what it took elsewhere, scaled by a product there ({there}) and here beside each row ({here}).",
        "MB: what a call of the whole batch takes at most beyond what the process held, ours and plain, where known.",
        f"Compiled loops are {machine['kernels']}: {machine['kernels_reason']}.",
    )
    return "\n".join([table(heads, rows, right=heads[1:-1]), "", *map(paragraph, notes)])


def data_in_words(report: dict[str, Any]) -> str:
    """The rows of the data path as tables for people, and how to read them."""
    heads = ("Milliseconds of one core", "Ours", "Alternative", "", "Ratio", "Goal", "Of the floor", " ")
    rows = [
        (
            f"{row['what']} (a {row['unit']})",
            f"{row['ours_ms']:.3f}",
            f"{row['alternative_ms']:.3f}",
            row["alternative"],
            f"{row['ratio']:.1f}",
            f"{row['goal_ratio']:.0f}",
            _percent(row["share"]),
            _verdict(row | {"valid": True}),
        )
        for row in report["rows"]
    ]
    flat = report["flat"]
    sizes = [(f"{row['records']:,}", f"{row['crops_ms']:.3f}", f"{row['open_ms']:.1f}") for row in flat["rows"]]
    notes = [f"Floor of '{row['what']}': {row['floor']}, {row['floor_ms']:.3f} ms." for row in report["rows"]]
    if flat["left_out"]:
        notes.append(
            f"Left out, the disk has no room for their index: {', '.join(f'{n:,}' for n in flat['left_out'])}."
        )
    last = f"Largest over smallest: {flat['ratio']:.2f} (goal: at most {flat['goal']:g})." if flat["ratio"] else ""
    return "\n".join(
        [
            table(heads, rows, right=(*heads[1:3], *heads[4:7])),
            "",
            table(
                ("Recordings in the store", "Batch of crops", "To open it"),
                sizes,
                right=("Batch of crops", "To open it"),
            ),
            "",
            *map(paragraph, [*notes, last]),
        ]
    )


def pair_in_words(pair: Pair) -> str:
    """A pair as a table for people."""
    rows = [
        ("  " + pair.ours, f"{pair.ours_rate:,.0f}", pair.unit),
        ("  " + pair.alternative, f"{pair.alternative_rate:,.0f}", pair.unit),
    ]
    head = f"{pair.what}: {pair.ratio:,.1f} times as fast as the alternative"
    return head + "\n" + table(("  Way", "Rate", ""), rows, right=("Rate",)) + "\n"


def _megabytes(row: dict[str, Any]) -> str:
    known = row["ours_mb"] is not None and row["reference_mb"] is not None
    return f"{row['ours_mb']:,.0f} / {row['reference_mb']:,.0f}" if known else ""


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.0%}"


def _verdict(row: dict[str, Any]) -> str:
    if not row["equal"]:
        return "NOT EQUAL"
    if not row["valid"]:
        return "invalid: the plain one is slower than published"
    return "reached" if row["met"] else "not reached"


def _rate(call: Callable[[], object]) -> float:
    """Calls a second, over about two seconds."""
    call()
    began, done = time.perf_counter(), 0
    while time.perf_counter() - began < SECONDS:
        call()
        done += 1
    return done / (time.perf_counter() - began)

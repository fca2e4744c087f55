"""How often nominal 95 % intervals hold the truth: the simulations behind docs/coverage.md.

Every statistic is told by the product's own functions on made test sets whose truth is that of a population of 200,000
patients. Results stand in docs/coverage.csv, one line for each statistic, kind of test set and interval; a case that
stands there is not run again.

Run from the repository's root: python docs/coverage.py [--only WORD] [--simulations 2000] [--csv FILE]
"""

from __future__ import annotations

import argparse
import csv
import re
import sys
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from engine.contract.estimate import Estimate, Interval

CSV = Path(__file__).with_name("coverage.csv")
COLUMNS = (
    "study",
    "design",
    "patients",
    "events",
    "statistic",
    "interval",
    "simulations",
    "without",
    "held",
    "truth_below",
    "truth_above",
    "truth",
    "median_width",
    "method",
)
Told = Mapping[str, Estimate]


@dataclass(frozen=True)
class Case:
    """One kind of test set.

    Attributes:
        study: which statistics are told of it.
        design: how recordings belong to patients, and what else is special.
        patients: of one test.
        events: positive patients that are expected; 0 where there are no classes.
        truth: of every statistic; NaN where it has none.
        tell: one simulated test.
    """

    study: str
    design: str
    patients: int
    events: int
    truth: Callable[[], Mapping[str, float]]
    tell: Callable[[np.random.Generator], Told]

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What tells it from the others."""
        return self.study, self.design, str(self.patients), str(self.events)


@dataclass
class Tally:
    """How one interval did."""

    told: int = 0
    without: int = 0
    held: int = 0
    truth_below: int = 0
    truth_above: int = 0
    widths: list[float] = field(default_factory=list)
    methods: Counter[str] = field(default_factory=Counter)

    def add(self, interval: Interval | None, truth: float) -> None:
        """One simulated test."""
        self.told += 1
        if interval is None:
            self.without += 1
            return
        self.held += interval.low <= truth <= interval.high
        self.truth_below += truth < interval.low
        self.truth_above += truth > interval.high
        self.widths.append(interval.high - interval.low)
        self.methods[re.sub(r"\d[\d,.]*", "#", interval.method)] += 1


def run(case: Case, simulations: int) -> list[dict[str, object]]:
    """All lines of a case."""
    truth = case.truth()
    tallies: dict[tuple[str, str], Tally] = {}
    start = zlib.crc32(" ".join(case.key).encode())
    for seed in range(simulations):
        for name, estimate in case.tell(np.random.default_rng([start, seed])).items():
            tallies.setdefault((name, "reported"), Tally()).add(estimate.interval, truth[name])
            tallies.setdefault((name, "beside"), Tally()).add(estimate.beside, truth[name])
    lines = []
    for (name, kind), tally in tallies.items():
        if tally.widths:
            lines.append(_line(case, name, kind, tally, truth[name]))
    return lines


def _line(case: Case, name: str, kind: str, tally: Tally, truth: float) -> dict[str, object]:
    given = tally.told - tally.without
    numbers = (tally.told, tally.without, f"{tally.held / given:.4f}")
    sides = (f"{side / given:.4f}" for side in (tally.truth_below, tally.truth_above))
    method = tally.methods.most_common(1)[0][0]
    values = (*case.key, name, kind, *numbers, *sides, f"{truth:.6g}", f"{np.median(tally.widths):.4g}", method)
    return dict(zip(COLUMNS, values, strict=True))


def stands(path: Path) -> set[tuple[str, ...]]:
    """Cases that a file has."""
    if not path.exists():
        return set()
    with path.open(encoding="utf-8", newline="") as file:
        return {tuple(line[name] for name in COLUMNS[:4]) for line in csv.DictReader(file)}


def append(path: Path, lines: Iterable[dict[str, object]]) -> None:
    """Add a case's lines, in one go."""
    new = not path.exists()
    with path.open("a", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerows(lines)


def main() -> None:
    """Run what is not there yet."""
    from coverage_cases import all_cases

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="cases whose study and design hold this word")
    parser.add_argument("--simulations", type=int, default=2000)
    parser.add_argument("--csv", type=Path, default=CSV)
    asked = parser.parse_args()
    for case in all_cases():
        if asked.only not in " ".join(case.key) or case.key in stands(asked.csv):
            continue
        began = time.process_time()
        append(asked.csv, run(case, asked.simulations))
        print(*case.key, f"{time.process_time() - began:.0f} s", sep=", ", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
